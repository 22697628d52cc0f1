// HTTP/1.1 responses, sans-I/O: the head (status line and fields), how its body is framed, and the chunked body's decoder. RFC 9110 and 9112; where
// those leave a choice, what could be read in two ways is refused (W4025), since two readers who differ are how responses are smuggled:
// line folding, blanks before a colon, a length twice or beside Transfer-Encoding, any coding but "chunked", control characters.
// A line of the head may end in LF alone (RFC 9112, 2.2); framing of chunks is strict.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/step.hpp"

namespace weir {

/// One field of a request or response: name and value without the blanks around it.
struct HttpField {
  std::string_view name;
  std::string_view value;
};

inline constexpr size_t kHeadBytesMax = 16 * 1024;
inline constexpr size_t kHeadFieldsMax = 100;

/// ASCII letters of either case are the same.
bool same_word(std::string_view a, std::string_view b);
/// A token of RFC 9110: what a field's name or a method may be.
bool is_token(std::string_view text);
/// What may stand in a field's value: no control characters but tab. Hold it against every value that is not ours before it is sent.
bool is_field_value(std::string_view text);

/// How the end of a body is known.
enum class BodyFraming : uint8_t {
  kNone,  ///< there is no body, whatever the fields say
  kLength,  ///< `content_length` bytes
  kChunked,  ///< ChunkedDecoder says
  kUntilClose,  ///< by the connection's end: a cut can't be told from the end
};

/// "Content-Range: bytes 0-9/100".
struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;  ///< inclusive, >= first
  std::optional<uint64_t> total;  ///< nothing where the server wrote '*'
};
std::optional<ContentRange> parse_content_range(std::string_view value);

/// Digits alone, up to 2^63 - 1.
std::optional<uint64_t> parse_length(std::string_view digits);

/// The head of one response. Answers do not depend on how its bytes were cut.
class HttpHead {
 public:
  /// `room` holds the head and outlives this; its size is the bound (kHeadBytesMax is what a client gives). At most 64 KiB - 1.
  explicit HttpHead(std::span<char> room) : room_(room.first(room.size() < 65535 ? room.size() : 65535)) {}

  /// Forgets the head: for the one after a 1xx, or the next on the connection.
  void reset();

  /// Takes bytes up to the end of the head. kNeedInput: all were taken, and it goes on; kFinished: `consumed` of them belong to the head, what follows is
  /// body; kFailed: W4025 with the reason. After kFinished and kFailed only reset may follow.
  Transfer parse(std::string_view input, Error& error);

  /// Whether any byte came: a connection that was closed before is no damaged response.
  [[nodiscard]] bool begun() const { return size_ != 0; }

  // Of a finished head. Views are valid until reset, and while the room is.
  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] bool interim() const { return status_ < 200 && status_ != 101; }  ///< another head follows
  [[nodiscard]] size_t field_count() const { return count_; }
  [[nodiscard]] HttpField field(size_t index) const;
  /// The first field of this name; empty where there is none.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name, 0) < count_; }
  /// Of Content-Length.
  [[nodiscard]] std::optional<uint64_t> content_length() const { return length_; }
  [[nodiscard]] BodyFraming framing(std::string_view request_method) const;
  /// Whether the connection may serve another request when this response's body has been read to its end.
  [[nodiscard]] bool keeps_alive(std::string_view request_method) const;

 private:
  struct Place {
    uint16_t name = 0;
    uint16_t name_bytes = 0;
    uint16_t value = 0;
    uint16_t value_bytes = 0;
  };
  Status finish();
  Status take_status_line(std::string_view line);
  Status take_field(std::string_view line);
  Status take_meaning();
  [[nodiscard]] size_t find(std::string_view name, size_t from) const;
  [[nodiscard]] bool connection_says(std::string_view word) const;

  std::span<char> room_;
  size_t size_ = 0;
  size_t line_begin_ = 0;
  bool old_ = false;  ///< HTTP/1.0
  bool chunked_ = false;
  uint16_t status_ = 0;
  uint16_t count_ = 0;
  std::optional<uint64_t> length_;
  std::array<Place, kHeadFieldsMax> fields_;
};

/// Takes the framing off a chunked body. Extensions and trailers are skipped, within bounds.
class ChunkedDecoder {
 public:
  static constexpr size_t kLineBytesMax = 256;  ///< a chunk's size with its extensions
  static constexpr size_t kTrailerBytesMax = 4096;  ///< all trailers together

  /// kNeedInput: all of the input was used; kHaveOutput: `out` is full; kFinished: the body ended, and `consumed` bytes belong to it;
  /// kFailed: W4025. `out` may begin where `input` does: never more is produced than was consumed.
  Transfer decode(std::string_view input, std::span<char> out, Error& error);

  [[nodiscard]] bool finished() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t {
    kSizeFirst,
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailer,
    kTrailerLf,
    kLastLf,
    kDone,
    kFailed,
  };
  const char* take(char c);

  State state_ = State::kSizeFirst;
  uint32_t line_bytes_ = 0;
  uint64_t left_ = 0;  ///< bytes of the chunk, while its size is read and then while its data is
};

}  // namespace weir
