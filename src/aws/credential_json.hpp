// Credentials as JSON: what the container endpoint, the instance's metadata service and a credential_process answer (botocore, utils.py and
// credentials.py). Strict JSON of bounded size and depth; members that are not known are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aws/credentials.hpp"
#include "base/error.hpp"

namespace weir {

inline constexpr size_t kCredentialJsonBytesMax = 64 * 1024;
inline constexpr size_t kCredentialJsonDepthMax = 8;

enum class CredentialJson : uint8_t {
  kEndpoint,  ///< container or metadata service: {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}, with "Code" perhaps
  kProcess,  ///< {"Version": 1, "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}, the last two perhaps
};

/// W6002 with the reason and no text of the reply, but for the Code and Message of a {"Code":"Failed"}: not JSON, no keys, another Version,
/// a time that can't be read. Without Expiration they never expire.
Result<Credentials> parse_credential_json(std::string_view text, CredentialJson kind);

/// One level of a JSON object, member by member; objects and arrays inside are held to the grammar and skipped. Not for text of more than
/// kCredentialJsonBytesMax bytes.
class JsonMembers {
 public:
  enum class Kind : uint8_t { kString, kNumber, kBool, kNull, kNested };
  explicit JsonMembers(std::string_view text);

  /// Goes on to the next member; false behind the last one and where the text is no object: `whole` tells which.
  bool next();
  [[nodiscard]] bool whole() const { return state_ == State::kDone; }

  // Of the member; valid until the next call.
  [[nodiscard]] std::string_view name() const { return name_.view(); }  ///< cut at 64 bytes, which no known name has
  [[nodiscard]] Kind kind() const { return kind_; }
  /// A string's text, decoded; a number's spelling. `text_cut` when it is longer than kSessionTokenBytesMax bytes.
  [[nodiscard]] std::string_view text() const { return text_.view(); }
  [[nodiscard]] bool text_cut() const { return text_.truncated(); }

 private:
  enum class State : uint8_t { kBegin, kInside, kDone, kBad };
  bool fail_here();
  void skip_blanks();
  bool takes(char c);
  bool take_value(size_t depth, bool keep);
  bool take_nested(char close, size_t depth);
  bool take_number(bool keep);
  template <size_t kBytesMax>
  bool take_string(FixedText<kBytesMax>* out);
  bool take_unicode(uint32_t& point);
  bool take_hex4(uint32_t& unit);

  std::string_view left_;
  State state_ = State::kBegin;
  Kind kind_ = Kind::kNull;
  FixedText<64> name_;
  FixedText<kSessionTokenBytesMax> text_;
};

}  // namespace weir
