#include "io/url.hpp"

namespace weir {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_unreserved(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == '~'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool takes_scheme(std::string_view& text, std::string_view scheme) {
  if (text.size() < scheme.size()) return false;
  for (size_t i = 0; i < scheme.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != scheme[i]) return false;
  }
  text.remove_prefix(scheme.size());
  return true;
}

/// Eight groups of up to four digits, one "::" for some of them, perhaps an IPv4 literal as the last two (RFC 4291, 2.2).
bool is_v6(std::string_view host) {
  int groups = 0;
  bool shortened = false;
  size_t at = 0;
  if (host.starts_with("::")) {
    shortened = true;
    at = 2;
  }
  while (at < host.size()) {
    const size_t end = host.find(':', at) == std::string_view::npos ? host.size() : host.find(':', at);
    const std::string_view group = host.substr(at, end - at);
    if (group.find('.') != std::string_view::npos) {
      int parts = 0;
      size_t from = 0;
      while (from <= group.size()) {
        const size_t dot = group.find('.', from) == std::string_view::npos ? group.size() : group.find('.', from);
        unsigned number = 0;
        if (dot == from || dot - from > 3) return false;
        for (size_t i = from; i < dot; ++i) {
          if (!is_digit(group[i])) return false;
          number = number * 10 + static_cast<unsigned>(group[i] - '0');
        }
        if (number > 255) return false;
        ++parts;
        from = dot + 1;
      }
      if (parts != 4 || end != host.size()) return false;
      groups += 2;
      break;
    }
    if (group.empty() || group.size() > 4) return false;
    for (const char c : group) {
      if (hex_digit(c) < 0) return false;
    }
    ++groups;
    if (end == host.size()) break;
    at = end + 1;
    if (at == host.size()) return false;  // a single colon at the end
    if (host[at] == ':') {
      if (shortened) return false;
      shortened = true;
      ++at;
    }
  }
  return shortened ? groups < 8 : groups == 8;
}

bool is_name(std::string_view host) {
  if (host.empty() || host.size() > kHostBytesMax || host.front() == '.' || host.front() == '-') return false;
  char before = 0;
  for (const char c : host) {
    if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_') return false;
    if (c == '.' && before == '.') return false;
    before = c;
  }
  return true;
}

std::optional<size_t> encode(std::string_view text, bool keep_slash, std::span<char> room) {
  constexpr char kHex[] = "0123456789ABCDEF";
  size_t size = 0;
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      if (size == room.size()) return std::nullopt;
      room[size++] = c;
      continue;
    }
    if (room.size() - size < 3) return std::nullopt;
    const auto byte = static_cast<unsigned char>(c);
    room[size++] = '%';
    room[size++] = kHex[byte >> 4];
    room[size++] = kHex[byte & 15];
  }
  return size;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kUrlBytesMax) return fail(Code::kBadUrl, "longer than 8 KiB");
  Url url;
  if (takes_scheme(text, "https://")) {
    url.tls = true;
  } else if (!takes_scheme(text, "http://")) {
    return fail(Code::kBadUrl, "it does not begin with http:// or https://");
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F) return fail(Code::kBadUrl, "a byte in it must be percent-encoded");
    if (c == '#') return fail(Code::kBadUrl, "it has a fragment; write %23 for a # of the path");
    if (c == '\\') return fail(Code::kBadUrl, "it has a backslash");
  }
  const size_t authority_end = text.find_first_of("/?");
  std::string_view authority = text.substr(0, authority_end);
  if (authority.find('@') != std::string_view::npos) {
    return fail(Code::kBadUrl, "it has a name or password before the host");
  }
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return fail(Code::kBadUrl, "its [ is never closed");
    url.host = authority.substr(1, close - 1);
    url.v6 = true;
    const std::string_view behind = authority.substr(close + 1);
    if (!behind.empty() && behind.front() != ':') return fail(Code::kBadUrl, "bad port");
    has_port = !behind.empty();
    if (has_port) port = behind.substr(1);
    if (!is_v6(url.host)) return fail(Code::kBadUrl, "bad IPv6 address");
  } else {
    const size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
    if (!is_name(url.host)) return fail(Code::kBadUrl, "bad host");
  }
  url.port = url.tls ? 443 : 80;
  if (has_port) {
    uint32_t number = 0;
    if (port.empty() || port.size() > 5) return fail(Code::kBadUrl, "bad port");
    for (const char c : port) {
      if (!is_digit(c)) return fail(Code::kBadUrl, "bad port");
      number = number * 10 + static_cast<uint32_t>(c - '0');
    }
    if (number == 0 || number > 65535) return fail(Code::kBadUrl, "bad port");
    url.port = static_cast<uint16_t>(number);
  }
  if (authority_end == std::string_view::npos) {
    url.path_and_query = "/";
  } else if (text[authority_end] == '?') {
    return fail(Code::kBadUrl, "a / is missing before the ?");
  } else {
    url.path_and_query = text.substr(authority_end);
  }
  return url;
}

FixedText<kHostBytesMax + 9> host_field(const Url& url) {
  FixedText<kHostBytesMax + 9> field;
  if (url.v6) field.append('[');
  field.append(url.host);
  if (url.v6) field.append(']');
  if (!url.default_port()) field.append(':').append_number(url.port);
  return field;
}

std::optional<size_t> encode_path(std::string_view text, std::span<char> room) { return encode(text, true, room); }
std::optional<size_t> encode_query(std::string_view text, std::span<char> room) { return encode(text, false, room); }

std::optional<size_t> percent_decode(std::string_view text, std::span<char> room, Plus plus) {
  size_t size = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      if (text.size() - at < 3) return std::nullopt;
      const int high = hex_digit(text[at + 1]);
      const int low = hex_digit(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (c == '+' && plus == Plus::kIsSpace) {
      c = ' ';
    }
    if (size == room.size()) return std::nullopt;
    room[size++] = c;
  }
  return size;
}

}  // namespace weir
