// What the tests of all destinations need: Fates that remember, a reply handed over in pieces.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/destinations.hpp"

namespace weir::testing {

struct RecordingFates final : Fates {
  enum class By : uint8_t { kPlace, kIndex, kKey };
  struct Fate {
    By by;
    uint64_t number;
    MessageFailure failure;
    std::string code;
    std::string text;
    bool operator==(const Fate&) const = default;
  };
  explicit RecordingFates(size_t count_in = 10) : count_(count_in) {}
  [[nodiscard]] size_t count() const override { return count_; }
  void failed(size_t place, MessageFailure failure, std::string_view code, std::string_view text) override {
    all.push_back({By::kPlace, place, failure, std::string(code), std::string(text)});
  }
  void failed_index(uint64_t index, MessageFailure failure, std::string_view code, std::string_view text) override {
    all.push_back({By::kIndex, index, failure, std::string(code), std::string(text)});
  }
  void failed_key(uint64_t key, MessageFailure failure, std::string_view code, std::string_view text) override {
    all.push_back({By::kKey, key, failure, std::string(code), std::string(text)});
  }
  std::vector<Fate> all;

 private:
  size_t count_;
};

/// The body of a 200 to `fates`, as the outbox does it; pieces of `step` bytes. False: it can't be understood.
inline bool feed(const Destination& destination, std::string_view reply, Fates& fates, size_t step = ~size_t{0}) {
  if (destination.reply_form() == ReplyForm::kNone) return true;
  if (destination.reply_form() == ReplyForm::kText) {
    std::vector<char> room(1024);
    HttpHead head(room);
    Error error;
    return head.parse("HTTP/1.1 200 OK\r\n\r\n", error).step == Step::kFinished &&
           destination.on_text(head, reply, fates);
  }
  JsonWalk walk;
  const auto on_value = [&] { destination.on_value(walk, fates); };
  for (; !reply.empty(); reply.remove_prefix(std::min(step, reply.size()))) {
    if (!walk.feed(reply.substr(0, step), on_value)) return false;
  }
  return walk.finish(on_value);
}

}  // namespace weir::testing
