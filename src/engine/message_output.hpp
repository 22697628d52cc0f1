// MessageOutput: rows -> writer -> one text a record -> a MessageSink, which has batches of them on their way.
//
// Every message has an id that is the same in every run: 16 hex digits of a hash over the input's name, what tells its content from another (size and ETag, size
// and time) and the query, and the record's byte offset in the decoded input. Of an input whose content can't be told from another the hash has a number of
// this run in it: its records can't be known again, and must not be taken for others'.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/counters.hpp"
#include "engine/record_output.hpp"

namespace weir {

struct MessageOptions {
  std::string_view query;
  uint64_t run = 0;  ///< another one in every run
  uint64_t age_ns = 0;  ///< 0: batches are not cut by age
};

class MessageOutput final : public RecordOutput {
 public:
  /// `room`: of one record as it is written, which `writer` writes whole or not at all (WriterOptions::whole_records).
  MessageOutput(RecordWriter& writer, MessageSink& sink, std::span<char> room, const MessageOptions& options,
                Clock& clock, Counters& counters)
      : writer_(writer), sink_(sink), room_(room), options_(options), clock_(clock), counters_(counters) {}

  Status begin(const Schema& schema, std::span<const WriteColumn> columns) override;
  [[nodiscard]] bool begun() const override { return begun_; }
  void begin_input(std::string_view name, std::string_view identity) override;
  [[nodiscard]] bool sends_messages() const override { return true; }
  Result<Written> write(const WriteRows& rows, uint32_t from, const Position& first) override;
  Status end_unit() override;
  Status end_batch() override;
  Status push() override { return step(); }
  Status finish() override;
  [[nodiscard]] bool shows_batches() const override { return false; }
  [[nodiscard]] bool can_show_part() const override { return false; }
  [[nodiscard]] bool keeps_batches() const override { return true; }

  [[nodiscard]] bool settled() const override { return sink_.open_messages() == 0; }
  size_t state_bytes_max() const override { return writer_.state_bytes_max(); }
  void save(StateWriter& out) const override { writer_.save(out); }
  bool load(StateReader& in) override { return writer_.load(in); }
  Status begin_again(const Schema& schema, std::span<const WriteColumn> columns) override {
    return begin(schema, columns);
  }
  [[nodiscard]] uint64_t batch_due_ns() const override;

  void set_observer(DeliveryObserver& observer) override { observer_ = &observer; }
  [[nodiscard]] size_t in_flight() const override { return sink_.in_flight(); }
  Status step() override;
  Status drain(bool observed) override;
  void watch(Wakeup& wakeup) override;

 private:
  Status wait(bool observed);
  std::string_view id_of(const Position& place, bool of_record);

  RecordWriter& writer_;
  MessageSink& sink_;
  std::span<char> room_;
  MessageOptions options_;
  Clock& clock_;
  Counters& counters_;
  DeliveryObserver* observer_ = nullptr;
  std::string_view source_;
  FixedText<16> prefix_;
  FixedText<kMessageIdBytesMax> id_;
  uint64_t batch_opened_ns_ = kNever;
  SendFigures seen_;
  Interest interests_[MessageSink::kInFlightMax];
  bool begun_ = false;
};

}  // namespace weir
