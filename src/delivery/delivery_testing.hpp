// For tests of destinations: what a reply says, recorded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/destination.hpp"

namespace weir::testing {

struct RecordingFates final : Fates {
  enum class By : uint8_t { kPlace, kIndex, kKey };
  struct Failed {
    By by = By::kPlace;
    uint64_t which = 0;
    MessageFailure failure = MessageFailure::kFatal;
    std::string code;
    std::string text;
    bool operator==(const Failed&) const = default;
  };

  explicit RecordingFates(size_t of = 10) : messages(of) {}
  [[nodiscard]] size_t count() const override { return messages; }
  void failed(size_t place, MessageFailure failure, std::string_view code, std::string_view text) override {
    all.push_back({By::kPlace, place, failure, std::string(code), std::string(text)});
  }
  void failed_index(uint64_t index, MessageFailure failure, std::string_view code, std::string_view text) override {
    all.push_back({By::kIndex, index, failure, std::string(code), std::string(text)});
  }
  void failed_key(uint64_t key, MessageFailure failure, std::string_view code, std::string_view text) override {
    all.push_back({By::kKey, key, failure, std::string(code), std::string(text)});
  }

  size_t messages;
  std::vector<Failed> all;
};

/// The reply, `step` bytes at a time where it is read in pieces. False: it can't be understood.
inline bool feed(const Destination& destination, std::string_view reply, Fates& fates, size_t step = 1) {
  if (destination.reply_form() == ReplyForm::kText) {
    std::vector<char> room(1024);
    HttpHead head(room);
    Error error;
    return head.parse("HTTP/1.1 200 OK\r\n\r\n", error).step == Step::kFinished &&
           destination.on_text(head, reply, fates);
  }
  JsonWalk walk;
  const auto on_value = [&] { destination.on_value(walk, fates); };
  for (size_t at = 0; at < reply.size(); at += step) {
    if (!walk.feed(reply.substr(at, step), on_value)) return false;
  }
  return walk.finish(on_value);
}

}  // namespace weir::testing
