// S3ObjectsSink: an object for each batch, named by the batch's number. Each appears when it is complete; the same run writes the same objects.
//
// Objects carry an id of the job, how often it was begun anew, and their number. A run that goes on where another stopped knows by it those that came after the
// checkpoint: they are compared with what it would write there, and stay. An object that is somebody else's is never written over, unless
// `replace`; one that this job made before it was begun anew (--restart) is. Uploads that a killed run left are found by the objects' names and aborted.
//
// State: is an object open, how many were opened, the job's id, how often it was begun anew, S3Sink's state of the open one.
#pragma once

#include <optional>
#include <string>

#include "connector/s3_sink.hpp"

namespace weir {

class S3ObjectsSink final : public S3Output {
 public:
  static constexpr size_t kNumberDigits = 6;  ///< at least; more when there are more batches
  static constexpr size_t kStateBytesMax = 1 + 8 + 12 + 2 + S3Sink::kStateBytesMax;
  static constexpr size_t kKeyBytesMax = 1024;

  /// Keys are prefix + number + suffix; together at most kKeyBytesMax - 20 bytes. `options.name.key` is not used. `room`, `table`: as for S3Sink.
  S3ObjectsSink(S3SinkOptions options, std::string prefix, std::string suffix, S3Client& client, PartRoom& room,
                std::span<char> table);

  /// The number in a key of such an output, its digits; empty: the key is not one of them.
  static std::string_view number_of(std::string_view key, std::string_view prefix, std::string_view suffix);

  void drop_orphans() override { drop_orphans_ = true; }
  SinkTraits traits() const override { return {.object_per_batch = true}; }
  Status start() override;
  Accepted open_object(const ObjectInfo& info, Error& error) override;
  Accepted write(std::string_view bytes, Error& error) override { return object_.write(bytes, error); }
  Accepted close_object(Error& error) override;
  Status commit() override { return open_ ? object_.commit() : Status(); }
  void uncommit() noexcept override { object_.uncommit(); }
  Status finish() override;
  void cancel() noexcept override;
  std::string_view leftover() const override { return object_.leftover(); }
  bool resumable() const override { return true; }
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;
  /// How many objects were opened, by what save() gave; none where the state is not whole.
  static std::optional<uint64_t> opened(StateReader& in);
  /// Of the open object; unchanged where none is open. False: not whole.
  static bool saved(StateReader& in, S3Sink::Saved& saved);
  Status replace_shown(StateReader& in, bool shown) override;
  Status resume(bool finishing) override;

 private:
  enum class Whose : uint8_t { kNobodys, kOurs, kOursBefore, kAnothers };
  void name_object(uint64_t batch);
  [[nodiscard]] S3Sink::ObjectId id_of(uint64_t batch) const;
  Status abort_orphans();
  /// The object at the key as it is named now.
  Result<Whose> at_key(uint64_t batch);
  /// The state's part that is about all objects. False: not whole.
  bool load_head(StateReader& in);

  std::string prefix_;
  std::string suffix_;
  S3Name name_;  ///< of the open object; reserved, so that naming takes no memory
  bool replace_;
  S3Client& client_;
  S3Sink object_;
  FixedText<12> job_id_;  ///< random, of the job's first run
  uint16_t begun_anew_ = 0;
  bool drop_orphans_ = false;
  bool resumed_ = false;
  bool open_ = false;
  uint64_t opened_ = 0;  ///< objects so far, with the open one
};

}  // namespace weir
