#include "aws/sigv4.hpp"

#include <algorithm>
#include <compare>

#include "base/utc_time.hpp"
#include "hash/hmac.hpp"
#include "io/url.hpp"

namespace weir {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::strong_ordering compare_names(std::string_view a, std::string_view b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return static_cast<unsigned char>(lower(x)) <=> static_cast<unsigned char>(lower(y));
  });
}

bool is_signed(std::string_view name) {
  constexpr std::string_view kNever[] = {"authorization", "connection", "expect",         "keep-alive",
                                         "proxy-",        "te",         "trailer",        "transfer-encoding",
                                         "upgrade",       "user-agent", "x-amzn-trace-id"};
  for (const std::string_view word : kNever) {
    const std::string_view same = word.ends_with('-') ? name.substr(0, word.size()) : name;
    if (compare_names(same, word) == 0) return false;
  }
  return true;
}

/// A path as other services than S3 take it: without dot segments and empty ones, encoded once more.
Status hash_normalized(Sha256& hash, std::string_view path) {
  std::array<std::string_view, kSignedSegmentsMax> segments;
  size_t count = 0;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    at = end + 1;
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      if (count != 0) --count;
      continue;
    }
    if (count == segments.size()) return fail(Code::kInternal, "a path with too many segments to be signed");
    segments[count++] = segment;
  }
  hash.update("/");
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) hash.update("/");
    for (const char c : segments[i]) {
      char escape[3];
      hash.update({escape, *encode_query({&c, 1}, escape)});
    }
  }
  if (count != 0 && path.ends_with('/')) hash.update("/");
  return {};
}

/// Parts by name, then by value; a part without a '=' has the empty value.
Status hash_query(Sha256& hash, std::string_view query) {
  struct Part {
    std::string_view name;
    std::string_view value;
    auto operator<=>(const Part&) const = default;
  };
  std::array<Part, kSignedQueryMax> parts;
  size_t count = 0;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    if (count == parts.size()) return fail(Code::kInternal, "a query with too many parts to be signed");
    const size_t equals = part.find('=');
    parts[count].name = part.substr(0, equals);
    parts[count].value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    ++count;
  }
  std::sort(parts.begin(), parts.begin() + count);
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) hash.update("&");
    hash.update(parts[i].name);
    hash.update("=");
    hash.update(parts[i].value);
  }
  return {};
}

void hash_lower(Sha256& hash, std::string_view name) {
  for (const char c : name) {
    const char small = lower(c);
    hash.update({&small, 1});
  }
}

/// Without blanks around it, and a run of blanks inside as one.
void hash_value(Sha256& hash, std::string_view value) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  bool first = true;
  while (true) {
    const size_t from = value.find_first_not_of(kBlanks);
    if (from == std::string_view::npos) return;
    value.remove_prefix(from);
    const std::string_view word = value.substr(0, value.find_first_of(kBlanks));
    value.remove_prefix(word.size());
    if (!first) hash.update(" ");
    hash.update(word);
    first = false;
  }
}

Sha256::Digest hmac(std::string_view key, std::string_view text) {
  HmacSha256 mac(key);
  mac.update(text);
  return mac.digest();
}

std::string_view bytes_of(const Sha256::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

size_t Signature::fields(const Credentials& credentials, const SigningScope& scope, std::string_view payload_hash,
                         std::span<HttpField, 4> room) const {
  size_t count = 0;
  room[count++] = {"x-amz-date", amz_date.view()};
  if (!credentials.session_token.empty()) room[count++] = {"x-amz-security-token", credentials.session_token.view()};
  if (scope.s3_path) room[count++] = {"x-amz-content-sha256", payload_hash};
  room[count++] = {"Authorization", authorization.view()};
  return count;
}

const Sha256::Digest& Signer::key_for(const Credentials& credentials, const SigningScope& scope,
                                      std::string_view date) {
  FixedText<144> wanted(date);
  wanted.append('/').append(scope.region).append('/').append(scope.service);
  if (wanted.view() == key_scope_.view() && credentials.secret_key.view() == key_secret_.view()) return key_;
  FixedText<kSecretKeyBytesMax + 4> secret("AWS4");
  secret.append(credentials.secret_key.view());
  key_ = hmac(secret.view(), date);
  key_ = hmac(bytes_of(key_), scope.region);
  key_ = hmac(bytes_of(key_), scope.service);
  key_ = hmac(bytes_of(key_), "aws4_request");
  key_scope_ = wanted;
  key_secret_ = credentials.secret_key;
  return key_;
}

Result<Signature> Signer::sign(const Credentials& credentials, const SigningScope& scope, std::string_view method,
                               std::string_view path, std::string_view query, std::span<const HttpField> fields,
                               std::string_view payload_hash) {
  if (scope.region.size() > 64 || scope.service.size() > 64) {
    return fail(Code::kInternal, "a region or service too long to be signed");
  }
  Signature signature;
  signature.amz_date = basic_time(scope.wall_ns);
  const std::string_view date = signature.amz_date.view().substr(0, 8);

  std::array<HttpField, kSignedFieldsMax> sorted;
  size_t count = 0;
  std::array<HttpField, 4> own;
  const size_t own_count = signature.fields(credentials, scope, payload_hash, own);
  for (const std::span<const HttpField> list : {fields, std::span<const HttpField>(own.data(), own_count)}) {
    for (const HttpField& field : list) {
      if (!is_signed(field.name)) continue;
      if (count == sorted.size()) return fail(Code::kInternal, "too many fields to be signed");
      sorted[count++] = field;
    }
  }
  // Stable: values of one name stay in their order.
  for (size_t i = 1; i < count; ++i) {
    for (size_t k = i; k > 0 && compare_names(sorted[k].name, sorted[k - 1].name) < 0; --k) {
      std::swap(sorted[k], sorted[k - 1]);
    }
  }
  const auto repeats = [&](size_t i) { return i != 0 && compare_names(sorted[i].name, sorted[i - 1].name) == 0; };

  Sha256 request;
  request.update(method);
  request.update("\n");
  if (scope.s3_path) {
    request.update(path.empty() ? "/" : path);
  } else {
    WEIR_TRY(hash_normalized(request, path));
  }
  request.update("\n");
  WEIR_TRY(hash_query(request, query));
  for (size_t i = 0; i < count; ++i) {
    if (repeats(i)) {
      request.update(",");
    } else {
      request.update("\n");
      hash_lower(request, sorted[i].name);
      request.update(":");
    }
    hash_value(request, sorted[i].value);
  }
  request.update("\n\n");
  for (size_t i = 0; i < count; ++i) {
    if (repeats(i)) continue;
    if (i != 0) request.update(";");
    hash_lower(request, sorted[i].name);
  }
  request.update("\n");
  request.update(payload_hash);

  FixedText<160> credential_scope(date);
  credential_scope.append('/').append(scope.region).append('/').append(scope.service).append("/aws4_request");
  char hex[64];
  to_hex(request.digest(), hex);
  HmacSha256 mac(bytes_of(key_for(credentials, scope, date)));
  for (const std::string_view line :
       {std::string_view("AWS4-HMAC-SHA256"), signature.amz_date.view(), credential_scope.view()}) {
    mac.update(line);
    mac.update("\n");
  }
  mac.update({hex, sizeof hex});
  to_hex(mac.digest(), hex);

  auto& out = signature.authorization;
  out.append("AWS4-HMAC-SHA256 Credential=").append(credentials.access_key.view()).append('/');
  out.append(credential_scope.view()).append(", SignedHeaders=");
  for (size_t i = 0; i < count; ++i) {
    if (repeats(i)) continue;
    if (i != 0) out.append(';');
    for (const char c : sorted[i].name) out.append(lower(c));
  }
  out.append(", Signature=").append(std::string_view(hex, sizeof hex));
  if (out.truncated()) return fail(Code::kInternal, "too many bytes of field names to be signed");
  return signature;
}

Result<Signature> sign(const Credentials& credentials, const SigningScope& scope, std::string_view method,
                       std::string_view path, std::string_view query, std::span<const HttpField> fields,
                       std::string_view payload_hash) {
  return Signer().sign(credentials, scope, method, path, query, fields, payload_hash);
}

}  // namespace weir
