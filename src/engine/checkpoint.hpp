// Checkpoint: the bytes from which a run goes on; docs/checkpoint_format.md describes them.
//
// A checkpoint is a head, sections in a fixed order, an HMAC (zeros without a key) and a CRC-32C over everything before it. Each section is
// one component's state: what writes it and what reads it stand beside each other, and a section that is not read to its last byte is refused.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "base/state.hpp"
#include "hash/sha256.hpp"

namespace weir {

inline constexpr size_t kCheckpointBytesMax = 128u << 10;
inline constexpr uint32_t kCheckpointVersion = 1;

enum class CheckpointKind : uint8_t {
  kRunning = 1,  ///< at the end of a commit unit
  kFinishing = 2,  ///< all output is durable, perhaps not yet shown
  kDone = 3,  ///< the tombstone
  kAnew =
      4,  ///< the job is begun anew, and nothing can be gone on with: what it showed before is still there, and may be replaced
};

enum class CheckpointSection : uint16_t {
  kSource = 1,
  kDriver = 2,
  kCounters = 3,
  kIntake = 4,
  kReader = 5,
  kProgram = 6,
  kOutput = 7,
  kSink = 8,
  kRejects = 9,
  kRejectsSink = 10,
  kFlushTimes = 11,
};
inline constexpr size_t kCheckpointSections = 11;

/// Fixed size and place, so that a run can claim a checkpoint without reading the rest.
struct CheckpointHead {
  CheckpointKind kind = CheckpointKind::kRunning;
  uint64_t epoch = 0;  ///< grows by one with each run of the job
  uint64_t sequence = 0;  ///< grows by one with each save
  uint32_t runs = 0;  ///< that have worked on the job so far
  uint32_t idle_runs = 0;  ///< of these, the last ones in a row that did not get further
  uint64_t saved_wall_ns = 0;  ///< since 1970
  uint64_t progress = 0;  ///< decoded bytes, over all inputs, behind which a resumed run goes on
  uint16_t verdict = 0;  ///< number of the code with which the last run stopped; 0: none
  uint32_t verdict_source = ~uint32_t{0};
  uint64_t verdict_byte = kNoOffset;
  uint64_t verdict_record = kNoOffset;
  Sha256::Digest job_id{};
  FixedText<24> version;  ///< of the program that wrote it

  static constexpr size_t kBytes = 1 + 8 + 8 + 4 + 4 + 8 + 8 + 2 + 4 + 8 + 8 + 32 + 24;
};

/// Writes a checkpoint into a room: sections in their order, then seal().
class CheckpointWriter {
 public:
  explicit CheckpointWriter(std::span<char> room) : room_(room) { begin(); }

  void begin();
  template <typename Fill>
  void section(CheckpointSection id, Fill fill) {
    constexpr size_t kFrame = kSectionFrame;
    if (!ok_ || room_.size() - used_ < kFrame) {
      ok_ = false;
      return;
    }
    StateWriter body(room_.subspan(used_ + kFrame));
    fill(body);
    StateWriter frame(room_.subspan(used_, kFrame));
    frame.put(static_cast<uint16_t>(id));
    frame.put(static_cast<uint32_t>(body.size()));
    ok_ = body.ok();
    used_ += kFrame + body.size();
  }
  /// Bytes so far: where the next section's body will begin, less the frame.
  [[nodiscard]] size_t used() const { return used_; }
  static constexpr size_t kSectionFrame = 2 + 4;
  /// Writes a body of fixed size anew that began at `body_at`.
  template <typename Fill>
  void rewrite(size_t body_at, size_t bytes, Fill fill) {
    StateWriter body(room_.subspan(body_at, bytes));
    fill(body);
    ok_ = ok_ && body.ok() && body.size() == bytes;
  }
  /// Room enough so far.
  [[nodiscard]] bool ok() const { return ok_; }
  /// Puts the head, HMAC and checksum on; may be called again with another head. Gives the checkpoint's bytes.
  std::string_view seal(const CheckpointHead& head, std::string_view key);

  /// Bytes of a checkpoint besides its sections' bodies.
  static size_t overhead_bytes();

 private:
  std::span<char> room_;
  size_t used_ = 0;
  bool ok_ = true;
};

/// A checkpoint that was read and found whole.
class CheckpointReader {
 public:
  /// Views into `bytes`. W5001 (damaged, or signed with another key), W5004 (newer).
  Status parse(std::string_view bytes, std::string_view key);
  /// The head alone, of a checkpoint of which only the first bytes are there: whose it is, nothing that one could go on with.
  Status peek(std::string_view bytes);
  [[nodiscard]] const CheckpointHead& head() const { return head_; }
  [[nodiscard]] StateReader section(CheckpointSection id) const {
    return StateReader(sections_[static_cast<size_t>(id) - 1]);
  }
  /// The HMAC could not be checked, because no key was given (`weir status`).
  [[nodiscard]] bool is_signed() const { return signed_; }

 private:
  CheckpointHead head_;
  std::string_view sections_[kCheckpointSections];
  bool signed_ = false;
};

/// Puts a new head on a checkpoint's bytes in place.
std::string_view reseal_checkpoint(std::span<char> bytes, const CheckpointHead& head, std::string_view key);

/// What the sections kSource and kCounters say, for people.
struct CheckpointSource {
  uint32_t inputs = 0;
  uint32_t input = 0;  ///< the current one
  std::string_view name;
  std::string_view identity;  ///< SourceIdentity of the current one; empty before it was opened
  Sha256::Digest finished{};  ///< chain over the inputs before it
  uint64_t stored_byte = 0;  ///< read of the current one
  uint64_t stored_size = kNoOffset;

  void save(StateWriter& out) const;
  /// Something may follow.
  bool load_front(StateReader& in);
  static constexpr size_t kNameMax = 4096;
  static constexpr size_t kBytesMax = 4 + 4 + 4 + kNameMax + 4 + 200 + 32 + 8 + 8;
};

}  // namespace weir
