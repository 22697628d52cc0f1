// S3Sink: one object, invisible until it is complete, made by a multipart upload of constant parts; a small one by a single PUT.
//
// Bytes are gathered in one buffer. Part n holds the bytes [n * part_bytes, (n + 1) * part_bytes) of the object, whatever the commit units are, so that
// a part that is sent again is the same part. What lies behind the last whole part when a checkpoint is saved is put into a tail object beside the
// checkpoint, and read back by the run that goes on.
//
//   start   no object may stand at the key (unless it is to be replaced)
//   write   a part is sent once it is whole and the newest edge lies behind it; the buffer holds what an edge can be behind
//   commit  the newest edge's tail is put; everything before it is in parts
//   finish  one PUT, or the last part and Complete; both on condition that nobody else made the object
//
// An answer that got lost is looked up: an object that carries this upload's id and has its size is ours. The table of the parts is
// not in the state: it is asked for again (ListParts).
//
// State: the upload's id (a random one of ours, and the service's), parts, tail and sums.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "aws/s3_client.hpp"
#include "hash/crc64nvme.hpp"
#include "hash/sha256.hpp"
#include "port/ports.hpp"

namespace weir {

struct S3SinkOptions {
  std::string url;  ///< for messages
  S3Name name;
  S3Name tail;  ///< beside the checkpoint; a key's beginning. Bucket empty: the job keeps no checkpoint
  uint64_t part_bytes = 8u << 20;
  bool replace = false;
  bool signed_payload = false;  ///< over plain http: the body's hash is part of the signature
};

class S3Sink final : public BatchSink {
 public:
  static constexpr uint32_t kPartsMax = 10'000;
  static constexpr size_t kStateBytesMax = 8 + 8 + 8 + 8 + 4 + 2 + 16 + 2 + 512;
  static constexpr uint64_t kPartBytesMin = 5u << 20;
  /// Buffer: a part, and what may stand behind it before the edge that ends it. `unit_bytes`: of a commit unit as it arrives here, as a rule: one that is
  /// larger costs a tail object more.
  static constexpr size_t memory_max(uint64_t part_bytes, uint64_t unit_bytes) {
    return static_cast<size_t>(part_bytes + unit_bytes) + kPartsMax * sizeof(PartTag);
  }

  /// All outlive it. `room`: memory_max().
  S3Sink(S3SinkOptions options, S3Client& client, std::span<char> room);

  /// Uploads to this key that the state does not name are a dead run's of this job: they are aborted at the start.
  void drop_orphans() { drop_orphans_ = true; }

  SinkTraits traits() const override { return {}; }
  Status start() override;
  Accepted open_object(const ObjectInfo& info, Error& error) override;
  Accepted write(std::string_view bytes, Error& error) override;
  Accepted close_object(Error& error) override;
  Status commit() override;
  Status finish() override;
  void cancel() noexcept override;
  std::string_view leftover() const override { return leftover_.view(); }
  bool resumable() const override { return true; }
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;
  Status replace_shown(StateReader& in, bool shown) override;
  Status resume(bool finishing) override;

 private:
  struct PartTag {
    std::array<char, 16> bytes;  ///< of the ETag's 32 hexadecimal digits
  };
  class PartsBody;  // the XML that Complete sends

  [[nodiscard]] uint64_t in_parts() const { return parts_ * options_.part_bytes; }
  [[nodiscard]] uint64_t written() const { return in_parts() + used_; }
  Status abort_orphans();
  [[nodiscard]] Status upload_gone() const;
  Status begin_upload();
  Status send_part(size_t bytes);
  Status make_room();
  Status put_tail();
  void drop_tails() noexcept;
  void name_tail(uint64_t number);
  Status put_whole();
  Status complete();
  enum class AtKey : uint8_t { kNothing, kOurs, kTheirs };
  Result<AtKey> at_key();
  Status note_tag(uint32_t number, std::string_view etag);
  Status list_tags();

  S3SinkOptions options_;
  S3Client& client_;
  std::span<char> buffer_;
  std::span<PartTag> tags_;
  size_t used_ = 0;
  FixedText<16> id_;  ///< of this object, by us: random
  S3Client::UploadId upload_;  ///< empty: none was begun
  uint32_t parts_ = 0;
  Crc64Nvme crc_;  ///< of all bytes written
  bool published_ = false;
  bool drop_orphans_ = false;
  bool unanswered_upload_ = false;  ///< one was asked for, and may stand there

  // The newest place that a checkpoint may speak of: taken by save(), which is const as far as the output is concerned.
  mutable uint64_t edge_ = 0;
  mutable uint64_t tail_wanted_ = 0;  ///< number of the tail that the newest state names
  mutable uint32_t tail_crc_ = 0;
  mutable bool edge_open_ = false;  ///< the tail of that state is not put yet
  uint64_t tail_put_ = 0;  ///< number of the last one that was put
  uint64_t committed_ = 0;  ///< of the last commit: the checkpoint names it once it is saved
  mutable bool upload_saved_ = false;  ///< the newest state names the upload
  bool upload_committed_ = false;  ///< that of the last commit does
  uint64_t before_ = 0;  ///< of the commit before
  S3Name tail_name_;
  FixedText<400> leftover_;

  // What was loaded.
  uint64_t loaded_bytes_ = 0;
  uint64_t loaded_crc_ = 0;
  uint32_t loaded_tail_crc_ = 0;
  uint64_t loaded_tail_ = 0;
};

}  // namespace weir
