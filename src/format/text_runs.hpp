// TextRuns: the text of a field as a sequence of runs, decoded on the fly, so that a field of any size is written
// without a copy of it.
//
// Most runs are slices of the field itself. What has to be made (escape sequences, base64, JSON without blanks) comes
// in small runs that are valid until the next call. Decoding agrees with decode_csv and decode_json_string of
// record/field.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "format/json_minify.hpp"

namespace weir {

class TextRuns {
 public:
  enum class Kind : uint8_t {
    kPlain,  ///< the bytes as they are
    kCsv,  ///< begins with the quote
    kJsonString,  ///< with its quotes
    kMinify,  ///< JSON, blanks between tokens dropped
    kBase64,  ///< bytes, as base64 (RFC 4648 section 4, padded)
  };

  TextRuns() = default;
  /// A copy goes on from the same place; the last made run is not copied.
  TextRuns(const TextRuns& other) { *this = other; }
  TextRuns& operator=(const TextRuns& other) {  // NOLINT(bugprone-unhandled-self-assignment): nothing is released
    at_ = other.at_;
    end_ = other.end_;
    kind_ = other.kind_;
    quote_ = other.quote_;
    escape_ = other.escape_;
    minify_ = other.minify_;
    return *this;
  }
  explicit TextRuns(std::string_view plain) : TextRuns(Kind::kPlain, plain) {}
  TextRuns(Kind kind, std::string_view raw, char quote = 0, char escape = 0);

  /// The next run: at most `size_max` bytes of the field (at least 1 of the result, which may be a little more when it
  /// was made). Empty at the end.
  std::string_view next(size_t size_max);
  /// Writes about `size_max` bytes of the field at `out` as they are, JSON without a detour; at most that many (64
  /// where they are made), and up to kWideSlack behind them. Maybe nothing before ended().
  char* copy(char* out, size_t size_max);
  [[nodiscard]] bool ended() const { return at_ == end_; }

 private:
  std::string_view plain(size_t size_max);
  std::string_view csv(size_t size_max);
  std::string_view json_string(size_t size_max);
  std::string_view minified();
  std::string_view base64();

  static constexpr size_t kMadeMax = 64;  ///< bytes of one made run

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  Kind kind_ = Kind::kPlain;
  char quote_ = 0;
  char escape_ = 0;
  MinifyState minify_;
  char made_[kMadeMax + kWideSlack];
};

}  // namespace weir
