// Signature Version 4, "AWS4-HMAC-SHA256" by header fields (docs.aws.amazon.com, "Signature Version 4 signing process"; where that is silent, what
// botocore's auth.py does). The canonical request is hashed as it is formed; nothing of it is held.
//
// A signed request carries, beside the fields that were given: x-amz-date, Authorization, x-amz-security-token where the credentials have a
// token, and for S3 x-amz-content-sha256. Signature::fields lists them; the caller must not give them itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "aws/credentials.hpp"
#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "hash/sha256.hpp"
#include "io/http_head.hpp"

namespace weir {

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";  ///< the body is not covered; over TLS only
inline constexpr std::string_view kEmptyPayloadHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

inline constexpr size_t kSignedFieldsMax = 48;  ///< fields of one request
inline constexpr size_t kSignedQueryMax = 32;  ///< parts of its query
inline constexpr size_t kSignedSegmentsMax = 64;  ///< segments of a path that is normalized (not S3's)

struct SigningScope {
  std::string_view region;  ///< at most 64 bytes
  std::string_view service;  ///< the signing name: "s3", "sts", "sqs"; at most 64 bytes
  uint64_t wall_ns = 0;  ///< the server's time as well as it is known
  bool s3_path = false;  ///< S3's rules: the path as it is sent, and x-amz-content-sha256
};

struct Signature {
  FixedText<16> amz_date;
  FixedText<1536> authorization;

  /// The fields to send beside the caller's own, in `room`; their number. Views into this and the arguments.
  size_t fields(const Credentials& credentials, const SigningScope& scope, std::string_view payload_hash,
                std::span<HttpField, 4> room) const;
};

/// Signs requests and remembers the key that was derived last: it changes with day, region, service and secret only.
class Signer {
 public:
  /// `path` and `query` as the request line has them, percent-encoded (encode_path, encode_query), the query without '?' and in any
  /// order. `fields` must have Host; hop-by-hop fields, User-Agent and X-Amzn-Trace-Id are left out of the signature. `payload_hash`: 64
  /// hexadecimal digits or one of the words that stand for them. W7001 beyond the bounds above.
  Result<Signature> sign(const Credentials& credentials, const SigningScope& scope, std::string_view method,
                         std::string_view path, std::string_view query, std::span<const HttpField> fields,
                         std::string_view payload_hash);

 private:
  const Sha256::Digest& key_for(const Credentials& credentials, const SigningScope& scope, std::string_view date);

  FixedText<144> key_scope_;  ///< date/region/service of `key_`
  FixedText<kSecretKeyBytesMax> key_secret_;
  Sha256::Digest key_{};
};

/// One request by a Signer of its own.
Result<Signature> sign(const Credentials& credentials, const SigningScope& scope, std::string_view method,
                       std::string_view path, std::string_view query, std::span<const HttpField> fields,
                       std::string_view payload_hash);

}  // namespace weir
