#include "io/http_connection.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace weir {
namespace {

constexpr uint64_t kResolveNs = 5'000'000'000;

/// Text appended to a fixed room; what does not fit is remembered, not written.
class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> room) : room_(room) {}
  HeadWriter& put(std::string_view text) {
    if (text.size() > room_.size() - used_) {
      full_ = true;
      return *this;
    }
    std::memcpy(room_.data() + used_, text.data(), text.size());
    used_ += text.size();
    return *this;
  }
  HeadWriter& put_number(uint64_t number) {
    FixedText<24> text;
    text.append_number(number);
    return put(text.view());
  }
  HeadWriter& field(std::string_view name, std::string_view value) {
    return put(name).put(": ").put(value).put("\r\n");
  }
  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] size_t used() const { return used_; }

 private:
  std::span<char> room_;
  size_t used_ = 0;
  bool full_ = false;
};

Error out_of_reach(std::string_view host) {
  Error error(Code::kMisled);
  error.detail.append(host).append(" is a link-local, metadata or private address");
  return error;
}

}  // namespace

HttpConnection::HttpConnection(const HttpContext& context, std::span<char> room, SocketUse use)
    : context_(context),
      use_(use),
      request_room_(room.first(kRequestBytesMax)),
      received_(room.subspan(kRequestBytesMax + kHeadBytesMax, kReceiveBytes)),
      head_(room.subspan(kRequestBytesMax, kHeadBytesMax)) {
  WEIR_ASSERT(room.size() >= memory_max());
}

void HttpConnection::close() noexcept {
  if (socket_ >= 0) {
    if (tls_on_) tls_.close();
    context_.net->close(socket_);
  }
  socket_ = -1;
  state_ = State::kIdle;
  reply_begin_ = reply_end_ = 0;
  kept_ = false;
}

Error HttpConnection::stalled(std::string_view what) const {
  Error error(Code::kNetStalled);
  error.detail.append(what).append(" (").append(host_.view()).append(")");
  return error;
}

// --- the request -----------------------------------------------------------------------------------------------------

Status HttpConnection::begin(const HttpRequest& request) {
  const std::optional<Url> proxy = context_.proxy == nullptr ? std::nullopt : context_.proxy->proxy_for(request.url);
  const Url& to = proxy ? *proxy : request.url;
  // Behind a proxy the proxy looks the name up; all that can be held against the bound is what the name says itself.
  if (proxy) {
    reached_ = host_kind(request.url.host);
    if (reached_ > request.reach) return fail(out_of_reach(request.url.host));
  }
  // A plain proxy takes requests for any host; a tunnel is to one host.
  const bool direct_host = request.url.tls || !proxy;
  const std::string_view host = direct_host ? request.url.host : to.host;
  const uint16_t port = direct_host ? request.url.port : to.port;
  const bool reusable = socket_ >= 0 && state_ == State::kDone && reply_begin_ == reply_end_ && host_.view() == host &&
                        port_ == port && tls_on_ == request.url.tls && through_proxy_ == proxy.has_value() &&
                        reached_ <= request.reach;
  if (!reusable) close();
  WEIR_TRY(form(request, proxy.has_value() && !request.url.tls));
  host_ = FixedText<kHostBytesMax>(host);
  if (host_.truncated()) return fail(Code::kBadUrl, "the host's name is too long");
  port_ = port;
  through_proxy_ = proxy.has_value();
  body_ = request.body;
  expect_ = request.expect_continue && body_ != nullptr && body_->size() != 0;
  method_ = FixedText<16>(request.method);
  sent_ = 0;
  body_sent_ = 0;
  sent_twice_ = unsent_ = replied_ = false;
  reply_begin_ = reply_end_ = 0;
  head_.reset();
  interim_heads_ = 0;
  kept_ = reusable;
  moved();
  tls_on_ = request.url.tls;
  if (reusable) {
    state_ = State::kHead;
    return {};
  }
  if (tls_on_ && context_.tls == nullptr) return fail(Code::kInternal, "TLS was not planned");
  auto found = context_.net->resolve(to.host, to.port, addresses_, {std::min(now() + kResolveNs, context_.end_ns())});
  if (!found) return fail(found.error());
  address_count_ = *found;
  if (!proxy) {
    // What is looked at here is what is connected to: a name can't lead elsewhere in between.
    size_t kept = 0;
    for (size_t i = 0; i < address_count_; ++i) {
      if (address_kind(addresses_[i]) <= request.reach) addresses_[kept++] = addresses_[i];
    }
    address_count_ = kept;
    if (kept == 0) return fail(out_of_reach(request.url.host));
  }
  address_ = 0;
  opened_ns_ = now();
  tunnel_asked_ = false;
  return open();
}

Status HttpConnection::form(const HttpRequest& request, bool absolute) {
  HeadWriter out(request_room_);
  out.put(request.method).put(" ");
  if (absolute) {
    out.put("http://").put(host_field(request.url).view());
  }
  out.put(request.url.path_and_query).put(" HTTP/1.1\r\n").field("Host", host_field(request.url).view());
  for (const HttpField& field : request.fields) {
    if (!is_token(field.name) || !is_field_value(field.value))
      return fail(Code::kBadUrl, "a field of a request holds what no field may");
    out.field(field.name, field.value);
  }
  if (absolute && !context_.proxy->authorization(false).empty())
    out.field("Proxy-Authorization", context_.proxy->authorization(false));
  if (request.body != nullptr) out.put("Content-Length: ").put_number(request.body->size()).put("\r\n");
  if (request.expect_continue && request.body != nullptr && request.body->size() != 0)
    out.field("Expect", "100-continue");
  out.put("\r\n");
  if (out.full()) return fail(Code::kBadUrl, "the request's head is larger than 16 KiB");
  request_bytes_ = out.used();
  return {};
}

// --- connecting --------------------------------------------------------------------------------------------------------

Status HttpConnection::open() {
  for (;;) {
    auto socket = context_.net->connect(addresses_[address_], use_);
    if (socket) {
      socket_ = *socket;
      if (!through_proxy_) reached_ = address_kind(addresses_[address_]);
      state_ = State::kConnecting;
      moved();
      return {};
    }
    if (++address_ == address_count_) return fail(socket.error());
  }
}

bool HttpConnection::next_address(Error& error) {
  context_.net->close(socket_);
  socket_ = -1;
  if (++address_ >= address_count_ || now() - opened_ns_ >= context_.times.connect_ns) return false;
  if (const Status opened = open(); !opened) {
    error = opened.error();
    return false;
  }
  return true;
}

Step HttpConnection::blocked(bool read, bool write, uint64_t limit_ns) {
  wait_ = {{socket_, read, write}, moved_ns_ + limit_ns};
  return Step::kBlocked;
}

// What TLS waits for was noted when it said so.
Step HttpConnection::blocked_tls(uint64_t limit_ns) {
  wait_.until_ns = moved_ns_ + limit_ns;
  return Step::kBlocked;
}

Step HttpConnection::connecting(Error& error) {
  // With several addresses each gets its share of the time.
  const uint64_t share = context_.times.connect_ns / std::max<size_t>(1, address_count_);
  auto connected = context_.net->connected(socket_);
  if (connected && !*connected) {
    if (!late(share)) return blocked(false, true, share);
    Error silent(Code::kNoConnection);
    silent.detail.append("no answer from ").append(host_.view()).append(" for ");
    silent.detail.append_number(context_.times.connect_ns / 1'000'000'000).append(" s");
    connected = fail(silent);
  }
  if (!connected) {
    Error why = connected.error();
    if (why.detail.empty()) why.detail.append(host_.view());
    return next_address(why) ? Step::kNeedInput : broke(error, why);
  }
  moved();
  // The tunnel's head is formed where the reply will stand: the request waits in its own room.
  state_ = through_proxy_ && tls_on_ ? State::kProxyHead : tls_on_ ? State::kHandshake : State::kHead;
  if (state_ != State::kHandshake) return Step::kNeedInput;
  return begin_tls(error);
}

Step HttpConnection::begin_tls(Error& error) {
  if (const Status opened = tls_.open(*context_.tls, *context_.net, socket_, host_.view()); !opened)
    return broke(error, opened.error());
  state_ = State::kHandshake;
  return Step::kNeedInput;
}

// CONNECT host:port, and the proxy's answer.
Step HttpConnection::proxy_head(Error& error) {
  const auto wait = [&](bool read) {
    return late(context_.times.connect_ns) ? broke(error, stalled("the proxy does not answer"))
                                           : blocked(read, !read, context_.times.connect_ns);
  };
  if (!tunnel_asked_) {
    FixedText<1024> ask("CONNECT ");
    Url target;
    target.tls = true;
    target.v6 = host_.view().find(':') != std::string_view::npos;
    target.host = host_.view();
    FixedText<kHostBytesMax + 9> place;
    if (target.v6) place.append("[");
    place.append(host_.view());
    if (target.v6) place.append("]");
    place.append(":").append_number(port_);
    ask.append(place.view()).append(" HTTP/1.1\r\nHost: ").append(place.view()).append("\r\n");
    if (const std::string_view secret = context_.proxy->authorization(true); !secret.empty())
      ask.append("Proxy-Authorization: ").append(secret).append("\r\n");
    ask.append("\r\n");
    const std::string_view left = ask.view().substr(sent_);
    const NetResult sent = context_.net->send(socket_, left);
    if (sent.step == NetStep::kBlocked) return wait(false);
    if (sent.step != NetStep::kDone) return broke(error, Error(Code::kConnectionLost, "by the proxy"));
    sent_ += sent.bytes;
    if (sent.bytes < left.size()) return Step::kNeedInput;
    sent_ = 0;
    tunnel_asked_ = true;
  }
  // Byte by byte would be safe from taking what follows; a proxy says nothing more until it is spoken to.
  const NetResult got = context_.net->receive(socket_, received_);
  if (got.step == NetStep::kBlocked) return wait(true);
  if (got.step != NetStep::kDone) return broke(error, Error(Code::kConnectionLost, "by the proxy"));
  Error bad;
  const Transfer parsed = head_.parse({received_.data(), got.bytes}, bad);
  if (parsed.step == Step::kFailed) return broke(error, bad);
  if (parsed.step == Step::kNeedInput) return Step::kNeedInput;
  if (head_.status() / 100 != 2 || parsed.consumed != got.bytes) {
    Error refused(Code::kNoConnection, "the proxy refuses: status ");
    refused.detail.append_number(head_.status());
    return broke(error, refused);
  }
  head_.reset();
  return begin_tls(error);
}

Step HttpConnection::handshake(Error& error) {
  Error why;
  const NetResult result = tls_.handshake(wait_.interest, why);
  switch (result.step) {
    case NetStep::kDone:
      moved();
      state_ = State::kHead;
      return Step::kNeedInput;
    case NetStep::kBlocked:
      return late(context_.times.connect_ns) ? broke(error, stalled("the TLS handshake does not come to an end"))
                                             : blocked_tls(context_.times.connect_ns);
    case NetStep::kClosed:
    case NetStep::kFailed:
      break;
  }
  return broke(error, why.ok() ? Error(Code::kConnectionLost, "in the TLS handshake") : why);
}

// --- bytes ---------------------------------------------------------------------------------------------------------------

NetResult HttpConnection::receive(std::span<char> room, Error& error) {
  NetResult result;
  if (tls_on_) {
    result = tls_.receive(room, wait_.interest, error);
  } else {
    result = context_.net->receive(socket_, room);
    if (result.step == NetStep::kBlocked) wait_.interest = {socket_, true, false};
  }
  if (result.step == NetStep::kDone) moved();
  if (result.step == NetStep::kFailed && error.ok()) {
    error = Error(Code::kConnectionLost);
    error.detail.append(host_.view());
    error.system_error = result.system_error;
  }
  return result;
}

NetResult HttpConnection::send(std::string_view bytes, Error& error) {
  NetResult result;
  if (tls_on_) {
    result = tls_.send(bytes, wait_.interest, error);
  } else {
    result = context_.net->send(socket_, bytes);
    if (result.step == NetStep::kBlocked) wait_.interest = {socket_, false, true};
  }
  if (result.step == NetStep::kDone) moved();
  if (result.step == NetStep::kFailed && error.ok()) {
    error = Error(Code::kConnectionLost);
    error.detail.append(host_.view());
    error.system_error = result.system_error;
  }
  return result;
}

// A kept connection may have been closed by the server while nobody looked: once more, on a new one, if not a byte of a reply came.
Step HttpConnection::broke(Error& error, const Error& why) {
  const bool again = kept_ && !replied_;
  const Error reason = why;
  close();
  if (!again) {
    error = reason;
    return Step::kFailed;
  }
  sent_ = 0;
  body_sent_ = 0;
  sent_twice_ = true;
  opened_ns_ = now();
  address_ = 0;
  tunnel_asked_ = false;
  if (const Status opened = open(); !opened) {
    error = opened.error();
    return Step::kFailed;
  }
  return Step::kNeedInput;
}

Step HttpConnection::step(Error& error) {
  for (;;) {
    Step next = Step::kFailed;
    switch (state_) {
      case State::kConnecting:
        next = connecting(error);
        break;
      case State::kProxyHead:
        next = proxy_head(error);
        break;
      case State::kHandshake:
        next = handshake(error);
        break;
      case State::kHead:
        next = send_head(error);
        break;
      case State::kContinue:
        next = await_continue(error);
        break;
      case State::kBody:
        next = send_body(error);
        break;
      case State::kReply:
        next = receive_head(error);
        break;
      case State::kReading:
      case State::kDone:
        return Step::kHaveOutput;
      case State::kIdle:
        error = Error(Code::kInternal, "no exchange was begun");
        return Step::kFailed;
    }
    if (next != Step::kNeedInput) return next;
  }
}

Step HttpConnection::send_head(Error& error) {
  Error why;
  const std::string_view left(request_room_.data() + sent_, request_bytes_ - sent_);
  const NetResult result = send(left, why);
  if (result.step == NetStep::kBlocked)
    return late(context_.times.stall_ns) ? broke(error, stalled("the request can't be sent"))
                                         : blocked_tls(context_.times.stall_ns);
  if (result.step != NetStep::kDone) return broke(error, why.ok() ? Error(Code::kConnectionLost, host_.view()) : why);
  sent_ += result.bytes;
  if (sent_ < request_bytes_) return Step::kNeedInput;
  const bool empty = body_ == nullptr || body_->size() == 0;
  state_ = empty ? State::kReply : expect_ ? State::kContinue : State::kBody;
  return Step::kNeedInput;
}

// Until the server says "go on", or refuses, or says nothing for a while.
Step HttpConnection::await_continue(Error& error) {
  Error why;
  const NetResult result = receive(received_, why);
  if (result.step == NetStep::kBlocked) {
    if (late(context_.times.continue_ns)) {
      state_ = State::kBody;
      moved();
      return Step::kNeedInput;
    }
    return blocked_tls(context_.times.continue_ns);
  }
  if (result.step != NetStep::kDone) return broke(error, why.ok() ? Error(Code::kConnectionLost, host_.view()) : why);
  reply_begin_ = 0;
  reply_end_ = result.bytes;
  replied_ = true;
  Error bad;
  const bool final = take_reply(bad);
  if (!bad.ok()) return broke(error, bad);
  // An interim reply that came whole: go on. Else more of it is to come.
  if (final)
    unsent_ = true;
  else if (!head_.begun())
    state_ = State::kBody;
  return Step::kNeedInput;
}

Step HttpConnection::send_body(Error& error) {
  auto bytes = body_->from(body_sent_);
  if (!bytes) {
    kept_ = false;
    return broke(error, bytes.error());
  }
  Error why;
  const NetResult result = send(*bytes, why);
  if (result.step == NetStep::kDone) {
    body_sent_ += result.bytes;
    if (body_sent_ == body_->size()) state_ = State::kReply;
    return Step::kNeedInput;
  }
  // A server that does not want the rest says so before it stops listening.
  Error none;
  const Interest to_send = wait_.interest;
  const NetResult early = receive(received_, none);
  if (early.step == NetStep::kDone) {
    reply_begin_ = 0;
    reply_end_ = early.bytes;
    replied_ = true;
    Error bad;
    // An interim reply changes nothing: some servers say "go on" twice.
    unsent_ = take_reply(bad);
    return bad.ok() ? Step::kNeedInput : broke(error, bad);
  }
  if (result.step == NetStep::kBlocked && early.step == NetStep::kBlocked) {
    if (late(context_.times.stall_ns)) return broke(error, stalled("the body can't be sent"));
    wait_.interest = {socket_, true, to_send.write || !tls_on_};
    return blocked_tls(context_.times.stall_ns);
  }
  return broke(error, why.ok() ? Error(Code::kConnectionLost, host_.view()) : why);
}

Step HttpConnection::receive_head(Error& error) {
  Error bad;
  if (reply_begin_ != reply_end_) {
    const bool final = take_reply(bad);
    if (!bad.ok()) return broke(error, bad);
    if (final) return Step::kNeedInput;
  }
  Error why;
  const NetResult result = receive(received_, why);
  switch (result.step) {
    case NetStep::kDone:
      reply_begin_ = 0;
      reply_end_ = result.bytes;
      replied_ = true;
      return Step::kNeedInput;
    case NetStep::kBlocked:
      return late(context_.times.reply_ns) ? broke(error, stalled("no reply")) : blocked_tls(context_.times.reply_ns);
    case NetStep::kClosed: {
      Error closed(Code::kConnectionLost, host_.view());
      closed.detail.append(" closed it before the reply was there");
      return broke(error, closed);
    }
    case NetStep::kFailed:
      break;
  }
  return broke(error, why);
}

// Looks at what was received. True: the final head is there. False: more is to come; interim replies were taken off.
bool HttpConnection::take_reply(Error& error) {
  while (reply_begin_ != reply_end_) {
    const Transfer parsed = head_.parse({received_.data() + reply_begin_, reply_end_ - reply_begin_}, error);
    reply_begin_ += parsed.consumed;
    if (parsed.step != Step::kFinished) return false;
    if (head_.interim()) {
      // Who says "go on" for ever would keep us here past every deadline.
      if (++interim_heads_ > kInterimHeadsMax) {
        error = Error(Code::kBadReply, "more interim replies than any server needs");
        return false;
      }
      head_.reset();
      continue;
    }
    framing_ = head_.framing(method_.view());
    left_ = framing_ == BodyFraming::kLength ? head_.content_length().value_or(0) : 0;
    if (framing_ == BodyFraming::kLength && left_ == 0) framing_ = BodyFraming::kNone;
    chunks_ = ChunkedDecoder{};
    state_ = State::kReading;
    if (framing_ == BodyFraming::kNone) finish_reading();
    return true;
  }
  return false;
}

// --- the reply's body ----------------------------------------------------------------------------------------------------

void HttpConnection::finish_reading() {
  const bool keep = head_.keeps_alive(method_.view()) && !unsent_ && framing_ != BodyFraming::kUntilClose &&
                    reply_begin_ == reply_end_;
  if (!keep) close();
  state_ = State::kDone;
}

ReadResult HttpConnection::read(std::span<char> room, Error& error) {
  for (;;) {
    if (state_ == State::kDone) return {Step::kFinished, 0};
    if (state_ != State::kReading) {
      error = Error(Code::kInternal, "no reply is being read");
      return {Step::kFailed, 0};
    }
    const std::string_view have(received_.data() + reply_begin_, reply_end_ - reply_begin_);
    if (framing_ == BodyFraming::kChunked) {
      if (!have.empty()) {
        const Transfer got = chunks_.decode(have, room, error);
        reply_begin_ += got.consumed;
        if (got.step == Step::kFailed) {
          close();
          return {Step::kFailed, 0};
        }
        if (got.step == Step::kFinished) finish_reading();
        if (got.produced != 0) return {Step::kHaveOutput, got.produced};
        continue;
      }
    } else if (!have.empty()) {
      size_t take = std::min(have.size(), room.size());
      if (framing_ == BodyFraming::kLength) take = static_cast<size_t>(std::min<uint64_t>(take, left_));
      std::memcpy(room.data(), have.data(), take);
      reply_begin_ += take;
      if (framing_ == BodyFraming::kLength && (left_ -= take) == 0) finish_reading();
      return {Step::kHaveOutput, take};
    }
    Error why;
    NetResult got;
    if (framing_ == BodyFraming::kChunked) {
      got = receive(received_, why);
      if (got.step == NetStep::kDone) {
        reply_begin_ = 0;
        reply_end_ = got.bytes;
        continue;
      }
    } else {
      std::span<char> into = room;
      if (framing_ == BodyFraming::kLength && into.size() > left_) into = into.first(static_cast<size_t>(left_));
      got = receive(into, why);
      if (got.step == NetStep::kDone) {
        if (framing_ == BodyFraming::kLength && (left_ -= got.bytes) == 0) finish_reading();
        return {Step::kHaveOutput, got.bytes};
      }
    }
    if (got.step == NetStep::kBlocked) {
      if (late(context_.times.stall_ns)) {
        error = stalled("the reply does not go on");
        close();
        return {Step::kFailed, 0};
      }
      blocked_tls(context_.times.stall_ns);
      return {Step::kBlocked, 0};
    }
    if (got.step == NetStep::kClosed && framing_ == BodyFraming::kUntilClose) {
      finish_reading();
      return {Step::kFinished, 0};
    }
    error = why.ok() ? Error(Code::kConnectionLost) : why;
    if (why.ok()) error.detail.append(host_.view()).append(" closed it before the reply's end");
    close();
    return {Step::kFailed, 0};
  }
}

}  // namespace weir
