// JsonScanner: validates one contiguous JSON record whole (RFC 8259, UTF-8) and at the same pass finds the values of a
// projection's paths. No heap, no recursion; time linear in the record.
//
// A value is a slice of the record's raw bytes. Of duplicate members the last one counts. A name given without quotes
// matches regardless of ASCII case, an exact match preferred; both rules hold at each step of a path. A path that
// leads through anything but a container of the right kind finds nothing (kMissing).
//
// The fast path works on the token masks of json_kernel.hpp and knows only good and bad; a bad record is read again
// by JsonAutomaton, which says where and why. Up to 64 bytes past the text are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "format/json_automaton.hpp"
#include "format/json_kernel.hpp"
#include "memory/arena.hpp"
#include "record/batch.hpp"
#include "record/projection.hpp"

namespace weir {

class JsonScanner {
 public:
  /// Nodes are one a step of a path and the root, at worst: sizeof(Node) + 13 bytes each; 4 a path, sizeof(Level) a
  /// level; rounded up.
  static size_t memory_max(const Projection& projection);

  /// Compiles the paths. `projection` must outlive the scanner. depth_max is 1..kJsonDepthLimit.
  ///
  /// `touched`: a record that is an object is looked at up to the end of the value with which every path has been found
  /// by its exact name, and one byte more, which must be one that may follow it; what is behind may be anything, and a
  /// later member of the same name is not seen. Up to there, and wherever a path is not found so, nothing differs; nor
  /// does anything with Projection.all.
  void attach(const Projection& projection, uint32_t depth_max, Arena& arena, bool touched = false);
  /// For tests: the kernel to use.
  void use(JsonIndexer indexer) { indexer_ = indexer; }

  /// A whole record. Good: out[p * stride] becomes the value of path p, its offset counted from `text` plus `base`.
  /// A record that is valid but no object is kNotAnObject at its first byte, whatever is asked of it.
  JsonFault scan(std::string_view text, uint32_t base, Slice* out, size_t stride);
  /// Bytes of the record that the last good scan() looked at: all, or with `touched` up to the value's end behind which it stopped.
  [[nodiscard]] size_t looked_at() const { return looked_at_; }

  /// `text` begins with { or [ and may go on past the value that begins there. Returns the size of this value when it
  /// is a record that scan() takes, and fills `out` as scan() does; else 0: it is bad, or ends past `text`.
  ///
  /// Consecutive calls go on with what was indexed for the one before when `text` has the same end and nothing in it
  /// changed; restart() says that something may have.
  size_t scan_prefix(std::string_view text, uint32_t base, Slice* out, size_t stride);
  void restart() { index_.text = {}; }

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr size_t kChunk = 1024;  ///< text indexed at a time

  struct Node {
    std::string_view name;
    uint64_t head = 0;  ///< the first eight bytes of the name
    uint64_t folded = 0;  ///< the same, or'ed with 0x20 each
    uint64_t names = 0;  ///< name_bit of each child by name
    int32_t index = -1;
    uint32_t parent = kNone;
    uint32_t first_child = kNone;
    uint32_t next_sibling = kNone;
    bool case_sensitive = false;
    bool has_indexes = false;  ///< children by index
  };
  /// An open container that paths lead through.
  struct Level {
    uint32_t active_begin = 0;  ///< its nodes, in active_
    uint32_t active_end = 0;
    uint32_t start = 0;  ///< offset of its bracket
    uint32_t element = 0;
    uint64_t names = 0;  ///< of its nodes, together: most members are none of them
  };
  /// Where the tokens of a text stand, a chunk at a time.
  struct Index {
    std::string_view text;
    size_t indexed = 0;  ///< bytes of the text
    size_t next = 0;  ///< of `positions`
    size_t count = 0;
    JsonCarry carry;
    uint32_t positions[kChunk + kJsonIndexSlack];
  };

  uint32_t child(uint32_t parent, const PathStep& step, bool case_sensitive);
  bool refill();
  /// Walks index_.text from its next token on. Behind the value, or 0 when it is bad or the text ends too early.
  size_t walk(uint32_t base, bool prefix, char& first);
  uint32_t match_member(const Level& level, const char* name, uint32_t size, bool escaped, uint32_t top);
  uint32_t match_element(const Level& level, uint32_t top);
  bool take(uint32_t node, uint8_t rank, uint32_t top);
  [[nodiscard]] bool all_found() const;
  void clear_below(uint32_t node);
  void emit(Slice* out, size_t stride) const;

  Index index_;
  JsonIndexer indexer_ = nullptr;
  uint32_t depth_max_ = 0;
  bool touched_ = false;
  size_t looked_at_ = 0;
  uint32_t nodes_used_ = 0;
  std::span<Node> nodes_;
  std::span<Slice> values_;
  std::span<uint8_t> ranks_;  ///< of the match taken in the container that is open: 0 none, 1 folded, 2 exact
  std::span<uint32_t> active_;
  std::span<uint32_t> path_nodes_;
  std::span<Level> levels_;  ///< of depth d at d; 1..steps of the longest path
};

}  // namespace weir
