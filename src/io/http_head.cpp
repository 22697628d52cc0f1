#include "io/http_head.hpp"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_token_char(char c) {
  const char small = lower(c);
  return (small >= 'a' && small <= 'z') || is_digit(c) ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::unexpected<Error> bad(std::string_view reason) { return fail(Code::kBadReply, reason); }

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

std::optional<uint64_t> parse_length(std::string_view digits) {
  if (digits.empty() || digits.size() > 19) return std::nullopt;
  uint64_t number = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');  // 19 digits fit 64 bits
  }
  if (number > uint64_t{INT64_MAX}) return std::nullopt;
  return number;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  constexpr std::string_view kUnit = "bytes ";
  if (value.size() < kUnit.size() || !same_word(value.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  value.remove_prefix(kUnit.size());
  const size_t dash = value.find('-');
  const size_t slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return std::nullopt;
  const auto first = parse_length(value.substr(0, dash));
  const auto last = parse_length(value.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{*first, *last, std::nullopt};
  const std::string_view total = value.substr(slash + 1);
  if (total != "*") {
    range.total = parse_length(total);
    if (!range.total || *range.total <= *last) return std::nullopt;
  }
  return range;
}

// ---- head --------------------------------------------------------------------------------------------------------------

void HttpHead::reset() {
  size_ = line_begin_ = 0;
  old_ = chunked_ = false;
  status_ = count_ = 0;
  length_.reset();
}

Transfer HttpHead::parse(std::string_view input, Error& error) {
  constexpr std::string_view kBegin = "HTTP/1.";
  Transfer transfer;
  const auto failed = [&](const Error& reason) {
    error = reason;
    transfer.step = Step::kFailed;
    return transfer;
  };
  while (transfer.consumed < input.size()) {
    // Whole lines are looked at when the head is complete; here only its end is found, so that cuts make no difference.
    if (size_ == room_.size()) return failed(Error(Code::kBadReply, "the head is larger than there is room for"));
    const char c = input[transfer.consumed++];
    room_[size_++] = c;
    if (size_ <= kBegin.size() && c != kBegin[size_ - 1]) return failed(Error(Code::kBadReply, "it is no HTTP/1.1"));
    if (c != '\n') continue;
    const size_t line = size_ - 1 - line_begin_;
    if (line == 0 || (line == 1 && room_[line_begin_] == '\r')) {
      if (const Status status = finish(); !status) return failed(status.error());
      transfer.step = Step::kFinished;
      return transfer;
    }
    line_begin_ = size_;
  }
  transfer.step = Step::kNeedInput;
  return transfer;
}

Status HttpHead::finish() {
  std::string_view left(room_.data(), size_);
  bool first = true;
  while (true) {
    std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(line.size() + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (!is_field_value(line)) return bad("a control character in the head");
    WEIR_TRY(first ? take_status_line(line) : take_field(line));
    first = false;
  }
  return take_meaning();
}

Status HttpHead::take_status_line(std::string_view line) {
  if (line.size() < 12 || (line[7] != '0' && line[7] != '1') || line[8] != ' ') return bad("it is no HTTP/1.1");
  old_ = line[7] == '0';
  for (const char c : line.substr(9, 3)) {
    if (!is_digit(c)) return bad("bad status line");
    status_ = static_cast<uint16_t>(status_ * 10 + (c - '0'));
  }
  if (status_ < 100 || status_ > 599 || (line.size() > 12 && line[12] != ' ')) return bad("bad status line");
  return {};
}

Status HttpHead::take_field(std::string_view line) {
  if (is_blank(line.front())) return bad("a folded line in the head");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bad("a line without a colon in the head");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return bad("a bad field name in the head");
  if (count_ == fields_.size()) return bad("more than 100 fields in the head");
  const std::string_view value = trimmed(line.substr(colon + 1));
  const auto place = [&](std::string_view text) { return static_cast<uint16_t>(text.data() - room_.data()); };
  fields_[count_++] = {place(name), static_cast<uint16_t>(name.size()), place(value),
                       static_cast<uint16_t>(value.size())};
  return {};
}

Status HttpHead::take_meaning() {
  const size_t length = find("content-length", 0);
  const size_t coding = find("transfer-encoding", 0);
  if (length < count_) {
    if (find("content-length", length + 1) < count_) return bad("more than one Content-Length");
    length_ = parse_length(field(length).value);
    if (!length_) return bad("bad Content-Length");
  }
  if (coding < count_) {
    if (find("transfer-encoding", coding + 1) < count_ || !same_word(field(coding).value, "chunked")) {
      return bad("a Transfer-Encoding other than chunked");
    }
    if (length < count_) return bad("both Content-Length and Transfer-Encoding");
    if (old_) return bad("a Transfer-Encoding in HTTP/1.0");
    chunked_ = true;
  }
  return {};
}

HttpField HttpHead::field(size_t index) const {
  const Place& place = fields_[index];
  return {{room_.data() + place.name, place.name_bytes}, {room_.data() + place.value, place.value_bytes}};
}

size_t HttpHead::find(std::string_view name, size_t from) const {
  while (from < count_ && !same_word(field(from).name, name)) ++from;
  return from;
}

std::string_view HttpHead::value(std::string_view name) const {
  const size_t index = find(name, 0);
  return index < count_ ? field(index).value : std::string_view{};
}

bool HttpHead::connection_says(std::string_view word) const {
  for (size_t at = find("connection", 0); at < count_; at = find("connection", at + 1)) {
    std::string_view list = field(at).value;
    while (!list.empty()) {
      const std::string_view item = list.substr(0, list.find(','));
      list.remove_prefix(std::min(item.size() + 1, list.size()));
      if (same_word(trimmed(item), word)) return true;
    }
  }
  return false;
}

// RFC 9112, 6.3.
BodyFraming HttpHead::framing(std::string_view request_method) const {
  if (request_method == "HEAD" || status_ < 200 || status_ == 204 || status_ == 304) return BodyFraming::kNone;
  if (request_method == "CONNECT" && status_ < 300) return BodyFraming::kNone;
  if (chunked_) return BodyFraming::kChunked;
  return length_ ? BodyFraming::kLength : BodyFraming::kUntilClose;
}

bool HttpHead::keeps_alive(std::string_view request_method) const {
  if (framing(request_method) == BodyFraming::kUntilClose || connection_says("close")) return false;
  return !old_ || connection_says("keep-alive");
}

// ---- chunks ------------------------------------------------------------------------------------------------------------

/// One byte of framing; what is wrong with it, or null.
const char* ChunkedDecoder::take(char c) {
  const auto ends_line = [&] { return c == '\r' || c == '\n'; };
  switch (state_) {
    case State::kSizeFirst:
    case State::kSize: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        if (left_ >> 59 != 0) return "a chunk's size is too large";
        left_ = left_ * 16 + static_cast<uint64_t>(digit);
        if (++line_bytes_ > kLineBytesMax) return "a chunk's size line is too long";
        state_ = State::kSize;
        return nullptr;
      }
      if (state_ == State::kSizeFirst) return "a chunk has no size";
      if (c == '\r') {
        state_ = State::kSizeLf;
        return nullptr;
      }
      if (c != ';' && !is_blank(c)) return "bad size of a chunk";
      state_ = State::kExtension;
      return nullptr;
    }
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
        return nullptr;
      }
      if (!is_field_value({&c, 1})) return "bad extension of a chunk";
      return ++line_bytes_ > kLineBytesMax ? "a chunk's size line is too long" : nullptr;
    case State::kSizeLf:
      if (c != '\n') return "a chunk's size line does not end";
      line_bytes_ = 0;
      state_ = left_ == 0 ? State::kTrailerStart : State::kData;
      return nullptr;
    case State::kDataCr:
      if (c != '\r') return "a chunk is longer than its size";
      state_ = State::kDataLf;
      return nullptr;
    case State::kDataLf:
      if (c != '\n') return "a chunk is longer than its size";
      state_ = State::kSizeFirst;
      return nullptr;
    case State::kTrailerStart:
      if (c == '\r') {
        state_ = State::kLastLf;
        return nullptr;
      }
      if (is_blank(c)) return "a folded line in the trailers";
      [[fallthrough]];
    case State::kTrailer:
      if (c == '\r') {
        state_ = State::kTrailerLf;
        return nullptr;
      }
      state_ = State::kTrailer;
      if (ends_line() || !is_field_value({&c, 1})) return "a control character in the trailers";
      return ++line_bytes_ > kTrailerBytesMax ? "the trailers are too long" : nullptr;
    case State::kTrailerLf:
      if (c != '\n') return "a control character in the trailers";
      state_ = State::kTrailerStart;
      return nullptr;
    case State::kLastLf:
      if (c != '\n') return "the last chunk does not end";
      state_ = State::kDone;
      return nullptr;
    case State::kData:
    case State::kDone:
    case State::kFailed:
      break;
  }
  return "bad chunk";
}

Transfer ChunkedDecoder::decode(std::string_view input, std::span<char> out, Error& error) {
  Transfer transfer;
  while (state_ != State::kDone) {
    if (state_ == State::kFailed || transfer.consumed == input.size()) break;
    if (state_ == State::kData) {
      const size_t room = out.size() - transfer.produced;
      const uint64_t take = std::min({left_, uint64_t{input.size() - transfer.consumed}, uint64_t{room}});
      if (take == 0) {
        transfer.step = Step::kHaveOutput;
        return transfer;
      }
      std::memmove(out.data() + transfer.produced, input.data() + transfer.consumed, take);
      transfer.produced += take;
      transfer.consumed += take;
      left_ -= take;
      if (left_ == 0) state_ = State::kDataCr;
      continue;
    }
    if (const char* reason = take(input[transfer.consumed++])) {
      error = Error(Code::kBadReply, reason);
      state_ = State::kFailed;
    }
  }
  transfer.step = state_ == State::kDone     ? Step::kFinished
                  : state_ == State::kFailed ? Step::kFailed
                                             : Step::kNeedInput;
  return transfer;
}

}  // namespace weir
