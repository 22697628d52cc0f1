// LogRecords: the log events of a CloudWatch Logs subscription, awslogs.data = base64(gzip(JSON)), as NDJSON.
//
// The unpacked text has no bound, so it is never held: a first pass over all of it validates it and takes the names of group and stream, then
// two readers walk it in step, of which the one ahead tells whether a message is JSON before the other writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "codec/codec.hpp"
#include "event/base64_bytes.hpp"
#include "event/json_pull.hpp"
#include "format/json_automaton.hpp"
#include "format/json_minify.hpp"
#include "memory/arena.hpp"

namespace weir {

/// The unpacked bytes, one at a time.
class LogBytes {
 public:
  /// `decoder` is a gzip decoder that nobody else uses.
  void begin(std::string_view data, Decoder* decoder, JsonAutomaton* check = nullptr);
  int next();  ///< -1 at the end, and from a fault on
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  bool refill();

  Base64Bytes packed_;
  Decoder* decoder_ = nullptr;
  JsonAutomaton* check_ = nullptr;
  Error error_;
  bool packed_ended_ = false;
  bool ended_ = false;
  uint32_t in_begin_ = 0;
  uint32_t in_end_ = 0;
  uint32_t out_at_ = 0;
  uint32_t out_end_ = 0;
  char in_[1024];
  char out_[4096];
};

class LogRecords {
 public:
  static size_t memory_max();

  /// `data` is the string with its quotes. Takes memory_max() from the arena.
  LogRecords(std::string_view data, Arena& arena);

  /// The next bytes, in `stage` of kStageBytes + kWideSlack; empty at the end, or with `error` set when the data is damaged, which is
  /// told before the first record.
  std::string_view next(char* stage, Error& error);
  /// Behind the first call: a message of the service itself, without records.
  [[nodiscard]] bool is_control() const { return control_; }
  [[nodiscard]] uint64_t records() const { return records_; }

  static constexpr size_t kStageBytes = 1024;

 private:
  struct Source {
    LogBytes* bytes = nullptr;
    int next() { return bytes->next(); }
  };
  using Pull = JsonPull<Source>;
  enum class Phase : uint8_t { kCheck, kElement, kEnvelope, kMember, kText, kJson, kRaw, kEnd };

  void check(Error& error);
  bool go_to_events(Pull& at, LogBytes& bytes, Decoder* decoder);
  void open_element();
  void open_member();

  std::string_view data_;
  Decoder* decoders_[2];
  LogBytes* bytes_[2];
  Phase phase_ = Phase::kCheck;
  bool control_ = false;
  uint8_t envelope_ = 0;  ///< names of the envelope written, of this record
  uint64_t events_members_ = 0;  ///< members named logEvents: the last one counts
  uint64_t records_ = 0;
  Pull ahead_;
  Pull at_;
  MinifyState minify_;
  std::string_view literal_;  ///< to be given before anything else
  FixedText<512> group_;
  FixedText<512> stream_;
  FixedText<512> owner_;
  FixedText<64> type_;
};

}  // namespace weir
