// JsonLayout: reads the NDJSON records that are built like one that JsonScanner has read, several times as fast.
//
// Records of one file mostly have the same members in the same order: they differ in their strings, numbers and
// literals (the slots), and what stands between these - brackets, names, colons, commas, white space - is the same
// bytes again (the fixed text). A record whose fixed text is equal byte for byte, and whose slots hold valid values,
// has the same structure, so it is valid, and what the projection's paths find stands in the same slots. Anything
// else is no match, never a verdict: JsonScanner reads that record. So what comes out is the scanner's in any case;
// json_layout_test.cpp holds the two against each other.
//
// The kernels (scalar, SSE2, AVX2, NEON) give the same results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "format/simd_level.hpp"
#include "record/batch.hpp"

namespace weir {

class JsonLayout {
 public:
  static constexpr uint32_t kSlotsMax = 96;
  static constexpr uint32_t kPathsMax = 96;

  JsonLayout();
  /// For tests, before learn(). False where there is no kernel of that level, or this processor has it not.
  bool use(SimdLevel level);

  [[nodiscard]] bool ready() const { return pieces_used_ != 0; }
  void forget() { pieces_used_ = 0; }

  /// Takes over how `record` is built: an object that scan() took, having looked at its first `looked_at` bytes, and
  /// whose values it put at values[p * stride], their offsets counted from `base` at its first byte. Where that is less
  /// than all, match() looks no farther either, but for the line feed. False, and nothing is known, when it has too many
  /// slots, too much text around them, or no slot.
  bool learn(std::string_view record, size_t looked_at, uint32_t base, const Slice* values, size_t stride,
             uint32_t paths);

  /// The record that begins at `text` and ends before `limit` with a line feed, built as the learned one was: its
  /// size without the terminator (\n or \r\n), and out[p * stride] is filled. Else 0. 64 bytes behind `limit` may be
  /// read.
  size_t match(const char* text, const char* limit, uint32_t base, Slice* out, size_t stride) {
    return match_(*this, text, limit, base, out, stride);
  }

  /// A place in a record: so many bytes behind the beginning of a piece.
  struct Place {
    uint32_t piece = 0;
    uint32_t offset = 0;
  };
  struct Value {
    Place begin, end;
    bool missing = false;
  };
  /// Fixed text, of which a long one is cut into several.
  struct Piece {
    char text[32] = {};
    uint32_t size = 0;
    uint32_t mask = 0;  ///< of the bytes of `text`
    uint32_t length = 0;  ///< of the slot, while it was the same in all records; 0: it was not
    bool has_slot = false;  ///< a value follows, else fixed text or the end
  };
  static constexpr uint32_t kPiecesMax = kSlotsMax + 32;

 private:
  friend struct JsonLayoutKernels;
  using Match = size_t (*)(JsonLayout& layout, const char* text, const char* limit, uint32_t base, Slice* out,
                           size_t stride);
  bool add_text(std::string_view record, size_t begin, size_t end);
  Place place(size_t offset, bool is_end) const;

  Match match_;
  uint32_t pieces_used_ = 0;
  uint32_t paths_ = 0;
  bool open_end_ = false;  ///< the last piece is not the record's last
  uint32_t begins_[kPiecesMax];  ///< of the pieces, in the record that is being learned
  Piece pieces_[kPiecesMax];
  Value values_[kPathsMax];
};

}  // namespace weir
