#include "io/http_get.hpp"

#include <algorithm>

#include "base/utc_time.hpp"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

/// The size that a 416 gives: "bytes */8123".
std::optional<uint64_t> unsatisfied_size(std::string_view value) {
  constexpr std::string_view kStart = "bytes */";
  return value.starts_with(kStart) ? parse_length(value.substr(kStart.size())) : std::nullopt;
}

bool has_scheme(std::string_view reference) {
  const size_t end = reference.find_first_of(":/?");
  return end != std::string_view::npos && end != 0 && reference[end] == ':';
}

/// What servers write without escapes gets them.
void append_escaped(FixedText<kUrlBytesMax>& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F)
      append_encoded(out, {&c, 1}, true);
    else
      out.append(c);
  }
}

/// The address that a Location means, seen from `base` (RFC 3986, 5.2; dots stay).
void resolve(const Url& base, std::string_view location, FixedText<kUrlBytesMax>& out) {
  location = location.substr(0, location.find('#'));
  out.clear();
  if (has_scheme(location)) return append_escaped(out, location);
  out.append(base.tls ? "https:" : "http:");
  if (location.starts_with("//")) return append_escaped(out, location);
  out.append("//").append(host_field(base).view());
  const std::string_view path = base.path();
  if (location.starts_with('?'))
    out.append(path);
  else if (!location.starts_with('/'))
    out.append(path.substr(0, path.rfind('/') + 1));
  append_escaped(out, location);
}

}  // namespace

bool HttpObjectInfo::same(const HttpObjectInfo& other, bool& sure) const {
  sure = false;
  if (size != kNoOffset && other.size != kNoOffset && size != other.size) return false;
  if (!etag.empty() && !other.etag.empty()) {
    if (etag.view() != other.etag.view()) return false;
    sure = etag_strong();
    if (sure) return true;  // machines of one service may differ in their dates
  }
  if (!modified.empty() && !other.modified.empty()) {
    if (modified.view() != other.modified.view()) return false;
    sure = modified_strong && !etag_strong();
  }
  return true;
}

HttpGet::HttpGet(HttpSession& session, std::span<char> room)
    : session_(session), call_(session, room, SocketUse::kReads) {}

void HttpGet::to_origin() {
  url_ = origin_;
  // Who writes an address means it; a name that leads to the metadata service was written by somebody else.
  reach_ = is_address(url_.host) ? AddressKind::kLinkLocal : AddressKind::kLoopback;
}

bool HttpGet::at_origin() const {
  return url_.tls == origin_.tls && url_.port == origin_.port && same_word(url_.host, origin_.host);
}

void HttpGet::begin(const HttpAddress& address, const HttpObjectInfo& pinned, uint64_t from) {
  address_ = &address;
  origin_ = parse_url(address.url).value_or(Url{});
  to_origin();
  pinned_ = pinned;
  info_ = HttpObjectInfo{};
  from_ = from;
  bad_replies_ = 0;
  whole_only_ = ended_ = got_ = false;
  call_.begin(*this, false);
}

bool HttpGet::again(uint64_t from, bool progressed, Error& error) {
  from_ = from;
  ended_ = got_ = false;
  if (progressed) {
    to_origin();
    bad_replies_ = 0;
  }
  return call_.again(FailureClass::kTransient, progressed, error);
}

Status HttpGet::make(HttpRequest& request, uint32_t /*attempt*/) {
  request.method = "GET";
  request.url = url_;
  request.reach = reach_;
  size_t count = 0;
  const auto add = [&](std::string_view name, std::string_view value) { fields_[count++] = {name, value}; };
  add("Accept", "*/*");
  add("Accept-Encoding", "identity");
  add("User-Agent", "weir/" WEIR_VERSION);
  if (!address_->authorization.empty() && at_origin()) add("Authorization", address_->authorization);
  if (!whole_only_) {
    range_.clear();
    range_.append("bytes=").append_number(from_).append("-");
    add("Range", range_.view());
  }
  // Both: some servers know the one, some the other. A date stands in If-Range only where there is no ETag at all (RFC 9110, 13.1.5).
  if (pinned_.etag_strong()) {
    add("If-Match", pinned_.etag.view());
    if (!whole_only_) add("If-Range", pinned_.etag.view());
  } else if (pinned_.modified_strong) {
    add("If-Unmodified-Since", pinned_.modified.view());
    if (!whole_only_ && pinned_.etag.empty()) add("If-Range", pinned_.modified.view());
  }
  request.fields = {fields_.data(), count};
  return {};
}

FailureClass HttpGet::redirect(const HttpHead& head, Error& error) {
  const std::string_view location = head.value("Location");
  FixedText<kUrlBytesMax> next;
  resolve(url_, location, next);
  const auto refuse = [&](Code code, std::string_view why) {
    error = Error(code, why);
    return FailureClass::kFatal;
  };
  if (location.empty()) return refuse(Code::kBadReply, "a redirect that names no place");
  if (next.truncated()) return refuse(Code::kMisled, "it redirects to an address of more than 8 KiB");
  const auto there = parse_url(next.view());
  if (!there) {
    refuse(Code::kMisled, "it redirects to an address that can't be used: ");
    error.detail.append(there.error().detail.view());
    return FailureClass::kFatal;
  }
  error = Error(Code::kMisled);
  if (url_.tls && !there->tls) {
    error.detail.append("a redirect from https to ");
    append_shown(error.detail, *there);
    return FailureClass::kFatal;
  }
  if (there->tls && session_.http.tls == nullptr) {
    error = Error(Code::kBadCertificate, "a redirect to https, and the roots to trust could not be read: ");
    append_shown(error.detail, *there);
    return FailureClass::kFatal;
  }
  reach_ = std::min({reach_, call_.reached(), AddressKind::kLoopback});
  target_ = next;
  url_ = *parse_url(target_.view());
  error.detail.append("more than ").append_number(kRedirectsMax).append(" redirects, the last to ");
  append_shown(error.detail, url_);
  return FailureClass::kRedirect;
}

FailureClass HttpGet::refused(unsigned status, Error& error) const {
  const auto say = [&](Code code, std::string_view what, FailureClass failure = FailureClass::kFatal) {
    error = Error(code, "status ");
    error.detail.append_number(status).append(what.empty() ? "" : ", ").append(what);
    if (!at_origin()) {
      error.detail.append(", of ");
      append_shown(error.detail, url_);
    }
    return failure;
  };
  const bool secret = !address_->authorization.empty();
  const bool query = !origin_.query().empty();
  switch (status) {
    case 401:
      return say(Code::kAccessDenied, secret && at_origin() ? "name or password are refused"
                                      : secret ? "name and password are given only to the host that they stand before"
                                               : "a name and password are asked for: https://name:password@host/path");
    case 403:
      return say(Code::kAccessDenied,
                 query ? "if the address is signed, it may have expired: the run goes on with a fresh one" : "");
    case 404:
    case 410:
      if (pinned_.strong()) return say(Code::kSourceChanged, "it was deleted");
      return say(Code::kNoInput, status == 410 ? "gone for good" : "");
    case 407:
      return say(Code::kAccessDenied,
                 "the proxy asks for a name and password: HTTPS_PROXY=http://name:password@host:port");
    case 412:
      return say(pinned_.strong() ? Code::kSourceChanged : Code::kRequestRefused,
                 pinned_.strong() ? "it was replaced" : "");
    case 429:
      return say(Code::kThrottled, "", FailureClass::kThrottling);
    case 408:
    case 421:
    case 425:
      return say(Code::kServerError, "", FailureClass::kTransient);
    case 501:
    case 505:
      return say(Code::kRequestRefused, "");
    default:
      return status >= 500 && status < 600 ? say(Code::kServerError, "", FailureClass::kTransient)
                                           : say(Code::kRequestRefused, "");
  }
}

FailureClass HttpGet::judge(const HttpHead& head, std::string_view /*text*/, Error& error) {
  const unsigned status = head.status();
  switch (status) {
    case 200:
    case 203:
    case 206:
      return FailureClass::kNone;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return redirect(head, error);
    case 416:
      // Of an empty body there is no range; some servers say so even of all of it.
      if (from_ == 0 && !whole_only_) {
        whole_only_ = true;
        error = Error(Code::kBadReply, "status 416");
        return FailureClass::kRedirect;
      }
      if (from_ != 0) {
        ended_ = unsatisfied_size(head.value("Content-Range")) == from_;
        if (ended_) return FailureClass::kNone;
        error = Error(Code::kSourceChanged, "it is shorter than it was");
        return FailureClass::kFatal;
      }
      [[fallthrough]];
    default:
      return refused(status, error);
  }
}

std::string_view HttpGet::take_reply(Error& error) {
  const HttpHead& head = call_.head();
  info_ = HttpObjectInfo{};
  info_.etag = decltype(info_.etag)(head.value("ETag"));
  if (info_.etag.truncated()) info_.etag.clear();
  info_.modified = decltype(info_.modified)(head.value("Last-Modified"));
  if (info_.modified.truncated()) info_.modified.clear();
  const auto date = parse_http_date(head.value("Date"));
  const auto modified = parse_http_date(info_.modified.view());
  info_.modified_strong = date && modified && *date >= *modified + kSecondNs;
  partial_ = head.status() == 206;
  info_.ranges = partial_ || same_word(head.value("Accept-Ranges"), "bytes");
  first_byte_ = from_;
  if (ended_) {
    info_.size = from_;
    return {};
  }
  const auto length = head.content_length();
  if (partial_) {
    const auto range = parse_content_range(head.value("Content-Range"));
    if (!range) return "a part that does not say which";
    if (range->first != from_) return "not the range that was asked for";
    if (range->total && range->last >= *range->total) return "a range behind the end";
    if (length && *length != range->last - range->first + 1) return "a range of another length";
    if (range->total) info_.size = *range->total;
  } else {
    first_byte_ = 0;
    if (length) info_.size = *length;
    if (head.framing("GET") == BodyFraming::kUntilClose && !url_.tls) {
      error = Error(Code::kRequestRefused,
                    "the server gives no length, and without TLS a body that was cut looks like a whole one; save it "
                    "as a file first");
      return {};
    }
  }
  bool sure = false;
  if (!pinned_.same(info_, sure)) {
    error = Error(Code::kSourceChanged, "it was ");
    const bool etags = !pinned_.etag.empty() && pinned_.etag.view() != info_.etag.view();
    error.detail.append(etags ? pinned_.etag.view() : pinned_.modified.view()).append(", it is ");
    error.detail.append(etags ? info_.etag.view() : info_.modified.view());
    if (info_.size != pinned_.size) error.detail.append("; its size is another");
    return {};
  }
  return pinned_.strong() && !sure ? "a body without the ETag or Last-Modified that it had" : std::string_view{};
}

Step HttpGet::step(Error& error) {
  for (;;) {
    const Step step = call_.step(error);
    if (step != Step::kHaveOutput || got_) return step;
    Error final;
    const std::string_view wrong = take_reply(final);
    if (!final.ok()) {
      error = final;
      call_.close();
      return Step::kFailed;
    }
    if (wrong.empty()) {
      got_ = true;
      // What was begun unpinned goes on with the body that was found.
      if (!pinned_.strong()) pinned_ = info_;
      return step;
    }
    // A server, or what stands before it, that answers something else may do better the next time.
    error = Error(Code::kBadReply, wrong);
    if (++bad_replies_ > kBadRepliesMax) {
      call_.close();
      return Step::kFailed;
    }
    if (!call_.again(FailureClass::kTransient, false, error)) return Step::kFailed;
  }
}

Status HttpGet::run() {
  for (;;) {
    Error error;
    const Step step = this->step(error);
    if (step == Step::kHaveOutput) return {};
    if (step == Step::kFailed) return fail(error);
    if (const Status waited = call_.wait(call_.waits()); !waited) {
      call_.close();
      return waited;
    }
  }
}

}  // namespace weir
