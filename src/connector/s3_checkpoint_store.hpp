// S3CheckpointStore: a checkpoint in an object, replaced by conditional PUTs only, so that of two runs one is fenced.
//
// acquire() takes a lease: a small object beside it that says whose the job is and until when (the run's end and 10 s more). A lease that stands
// keeps others away (W5101) until its time is up; one whose owner was killed is taken over then. It is short, and renewed by keep(), also where
// checkpoints are far apart: a run that comes after a kill should not wait for hours. The lease is a courtesy - it saves the
// work of a run that would lose; what decides is the checkpoint's ETag.
#pragma once

#include <string>

#include "aws/s3_client.hpp"
#include "port/ports.hpp"

namespace weir {

class S3CheckpointStore final : public CheckpointStore {
 public:
  /// How long a lease stands past the end that is known for the run; of a run without a deadline it is renewed when half of it is left.
  static constexpr uint64_t kLeaseSlackNs = 10'000'000'000;
  static constexpr uint64_t kLeaseNs = 60'000'000'000;
  /// Of a run whose end is known, at most: one that is killed early is not waited for until then.
  static constexpr uint64_t kLeaseNsMax = 120'000'000'000;

  struct Options {
    std::string url;
    S3Name name;
    bool signed_payload = false;
  };
  S3CheckpointStore(Options options, S3Client& client, Clock& clock);
  ~S3CheckpointStore() override { release(); }

  std::string_view name() const override { return options_.url; }
  /// When this run ends for certain, as wall time; 0: not known.
  void set_end_wall_ns(uint64_t wall_ns) { end_wall_ns_ = wall_ns; }
  Status acquire() override;
  /// A run before this one did not come to its end: what it began and no checkpoint names is nobody's.
  [[nodiscard]] bool took_over() const { return took_over_; }
  /// When acquire() was refused: how long the other's lease stands as yet, as wall time; 0: not known.
  [[nodiscard]] uint64_t other_until_wall_ns() const { return other_until_ns_; }
  Result<size_t> load(std::span<char> room) override;
  Status save(std::string_view bytes) override;
  Result<uint64_t> keep() override;
  Status clear() override;
  void release() noexcept override;

 private:
  Status take_lease();
  /// An object that this run replaces.
  struct Kept {
    FixedText<80> etag;  ///< of what this run read or wrote there last; empty: nothing is there
    bool unknown = false;  ///< a write ended without an answer: what is there may be this run's own
  };
  Status put(const S3Name& name, std::string_view bytes, Kept& kept);

  Options options_;
  S3Name lease_name_;
  S3Client& client_;
  Clock& clock_;
  uint64_t end_wall_ns_ = 0;
  Kept state_;
  Kept lease_;
  uint64_t lease_until_ns_ = 0;
  uint64_t other_until_ns_ = 0;
  bool held_ = false;
  bool took_over_ = false;
  FixedText<16> owner_;
};

}  // namespace weir
