// S3Sink: one object, invisible until it is complete, made by a multipart upload of constant parts; a small one by a single PUT.
//
// Bytes are gathered in one PartRoom. Part n holds the bytes [n * part_bytes, (n + 1) * part_bytes) of the object, whatever the commit units are, so that
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
// State: whether the object at the key may be replaced, the upload's id (a random one of ours, and the service's), parts, tail and sums.
//
// An output of many objects (S3ObjectsSink) puts them one after the other through one S3Sink.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "aws/s3_client.hpp"
#include "connector/part_room.hpp"
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

/// What goes to S3, one object or many.
class S3Output : public BatchSink {
 public:
  /// Uploads that the state does not name are a dead run's of this job: they are aborted at the start.
  virtual void drop_orphans() = 0;
};

class S3Sink final : public S3Output {
 public:
  static constexpr uint32_t kPartsMax = 10'000;
  static constexpr int kOrphanListsMax = 16;  ///< listings while dead runs' uploads are aborted
  using ObjectId = FixedText<40>;  ///< x-amz-meta-weir-id
  static constexpr size_t kStateBytesMax = 8 + 8 + 8 + 8 + 4 + 1 + 2 + 40 + 2 + 512;
  static constexpr uint64_t kPartBytesMin = 5u << 20;
  /// Capacity of its PartRoom: a part, and what may stand behind it before the edge that ends it. `unit_bytes`: of a commit unit as it arrives here, as
  /// a rule: one that is larger costs a tail object more.
  static constexpr size_t room_bytes(uint64_t part_bytes, uint64_t unit_bytes) {
    return static_cast<size_t>(part_bytes + unit_bytes);
  }
  /// The table of the parts' ETags.
  static constexpr size_t table_bytes() { return kPartsMax * sizeof(PartTag); }

  /// All outlive it. `room`: of room_bytes(), or more; `table`: table_bytes().
  S3Sink(S3SinkOptions options, S3Client& client, PartRoom& room, std::span<char> table);

  static constexpr std::string_view kTail = ".tail-";  ///< behind the checkpoint's key, before the tail's number

  /// What save() put.
  struct Saved {
    uint64_t bytes = 0;
    uint64_t part_bytes = 0;
    uint64_t crc64nvme = 0;
    uint64_t tail = 0;  ///< its number
    uint32_t tail_crc = 0;
    bool replaces = false;  ///< what stood at the key when the run began may go
    ObjectId id;
    S3Client::UploadId upload;  ///< empty: none was begun
  };
  static bool saved(StateReader& in, Saved& saved);

  void drop_orphans() override { drop_orphans_ = true; }

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
  void uncommit() noexcept override { upload_committed_ = false; }
  Status resume(bool finishing) override;

  // --- one of many objects (S3ObjectsSink)

  Status open_room() { return room_.open(); }
  /// Puts the next object, in place of open_object(). `key` of at most S3Name's capacity; what was said of the one before is forgotten, but for its
  /// tails, which a checkpoint may name still.
  Status next_object(std::string_view key, std::string_view id, bool replace);
  /// Whatever stands at the key goes.
  void set_replace(bool replace) { options_.replace = replace; }
  /// The object is there already, whole, as a life of this run before made it: what comes is compared with it and not sent.
  void compare();
  /// The key of the object that was loaded.
  void set_key(std::string_view key);
  [[nodiscard]] const std::string& bucket() const { return options_.name.bucket; }
  /// Empty: none was begun.
  [[nodiscard]] std::string_view upload_id() const { return upload_.view(); }
  /// Goes on with the loaded object, be it an upload still or there already.
  Status resume_object();
  /// Makes the object visible.
  Status publish();
  /// All tails that are there, also those that a killed run left (`another_life`: there may be some though this run put none). They are not needed any
  /// more: a failure does no harm.
  void drop_tails(bool another_life = false) noexcept;

 private:
  struct PartTag {
    std::array<char, 16> bytes;  ///< of the ETag's 32 hexadecimal digits
  };
  class PartsBody;  // the XML that Complete sends

  [[nodiscard]] uint64_t in_parts() const { return parts_ * options_.part_bytes; }
  [[nodiscard]] uint64_t written() const { return comparing_ ? compared_ : in_parts() + room_.used(); }
  Status abort_orphans();
  [[nodiscard]] Status upload_gone() const;
  Status begin_upload();
  Status send_part(size_t bytes);
  Status append(std::string_view bytes);
  Status make_room();
  Status put_tail();
  void name_tail(uint64_t number);
  Status put_whole();
  Status complete();
  enum class AtKey : uint8_t { kNothing, kOurs, kTheirs };
  Result<AtKey> at_key();
  Status note_tag(uint32_t number, std::string_view etag);
  Status list_tags();
  Status end_comparison();
  Status fetch_tail();
  /// What a request says of its body.
  Result<S3Sums> sums_of(HttpBody& body);
  void go_on();

  S3SinkOptions options_;
  S3Client& client_;
  PartRoom& room_;
  std::span<PartTag> tags_;
  uint32_t since_part_ = 0;  ///< CRC-32C of what was written behind the last multiple of a part
  ObjectId id_;  ///< of this object, by us: random
  S3Client::UploadId upload_;  ///< empty: none was begun
  uint32_t parts_ = 0;
  Crc64Nvme crc_;  ///< of all bytes written
  bool published_ = false;
  bool closing_ =
      false;  ///< publish() was begun and has not succeeded: of the edge before it nothing can be put any more
  bool comparing_ = false;  ///< see compare()
  uint64_t compared_ = 0;  ///< bytes so far
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
  FixedText<64> hash_;  ///< of the body that is sent
  FixedText<400> leftover_;

  // What was loaded; at the end, what is to be there.
  Saved loaded_;
};

}  // namespace weir
