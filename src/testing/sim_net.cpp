#include "testing/sim_net.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace weir::testing {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

bool SimNet::strikes(uint32_t one_in, const char* name) {
  if (one_in == 0 || rng_.below(one_in) != 0) return false;
  ++struck[name];
  return true;
}

Result<size_t> SimNet::resolve(std::string_view host, uint16_t port, std::span<Address> room, Deadline) {
  if (const auto known = hosts.find(host); known != hosts.end()) {
    room[0] = known->second;
    room[0].port = port;
    return 1;
  }
  room[0] = {};
  room[0].bytes[0] = 127;
  room[0].bytes[3] = 1;
  room[0].port = port;
  return 1;
}

Result<int> SimNet::connect(const Address&, SocketUse) {
  ++connections;
  if (strikes(faults.refuse, "refuse")) return fail(Error(Code::kNoConnection, "refused").with_errno(ECONNREFUSED));
  Socket socket;
  socket.unanswered = strikes(faults.no_answer, "no_answer");
  sockets_[next_] = socket;
  return next_++;
}

Result<bool> SimNet::connected(int socket) { return !sockets_.at(socket).unanswered; }

NetResult SimNet::receive(int number, std::span<char> room) {
  Socket& socket = sockets_.at(number);
  if (socket.out.empty() && !socket.dead && !socket.closing && !socket.silent) serve(socket);
  if (!socket.out.empty() && clock_.monotonic_ns() < socket.ready_ns) return {NetStep::kBlocked, 0, 0};
  if (!socket.out.empty()) {
    const size_t left = socket.out.size() - socket.out_at;
    size_t take = std::min(room.size(), left);
    if (small_pieces)
      take = 1;
    else if (rng_.below(4) == 0)
      take = 1 + rng_.below(take);
    socket.out.copy(room.data(), take, socket.out_at);
    received_bytes += take;
    socket.out_at = take == left ? 0 : socket.out_at + take;
    if (take == left) socket.out.clear();
    return {NetStep::kDone, take, 0};
  }
  if (socket.dead) return {NetStep::kFailed, 0, ECONNRESET};
  if (socket.closing) return {NetStep::kClosed, 0, 0};
  return {NetStep::kBlocked, 0, 0};
}

NetResult SimNet::send(int number, std::string_view bytes) {
  Socket& socket = sockets_.at(number);
  if (socket.dead || socket.closing) return {NetStep::kFailed, 0, EPIPE};
  if (socket.silent) return {NetStep::kBlocked, 0, 0};
  size_t take = bytes.size();
  if (small_pieces)
    take = 1;
  else if (rng_.below(4) == 0)
    take = 1 + rng_.below(take);
  socket.in.append(bytes.substr(0, take));
  return {NetStep::kDone, take, 0};
}

void SimNet::close(int socket) noexcept { sockets_.erase(socket); }

void SimNet::wait(std::span<const Interest> interests, uint64_t until_ns) {
  for (const Interest& interest : interests) {
    auto found = sockets_.find(interest.socket);
    if (found == sockets_.end()) continue;
    Socket& socket = found->second;
    if (socket.silent && interest.read && !socket.out.empty()) {
      if (clock_.monotonic_ns() >= socket.ready_ns) return;
      until_ns = std::min(until_ns, socket.ready_ns);
    }
    if (socket.silent || socket.unanswered) continue;
    if (interest.write) return;
    if (interest.read && socket.out.empty() && !socket.dead && !socket.closing) serve(socket);
    if (interest.read && !socket.out.empty() && clock_.monotonic_ns() < socket.ready_ns) {
      until_ns = std::min(until_ns, socket.ready_ns);
      continue;
    }
    if (interest.read && (!socket.out.empty() || socket.dead || socket.closing)) return;
  }
  // Nothing will come: time passes.
  const uint64_t now = clock_.monotonic_ns();
  if (now < signal_at_ns) until_ns = std::min(until_ns, signal_at_ns);
  if (until_ns != kNever && until_ns > now) clock_.advance(until_ns - now);
}

// Takes one request off what came, if it is whole.
bool SimNet::take_request(std::string& in, SimRequest& request, bool& wants_continue) {
  const size_t end = in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const size_t first = in.find("\r\n");
  const std::string line = in.substr(0, first);
  const size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  request.fields.clear();
  for (size_t at = first + 2; at < end + 2;) {
    const size_t stop = in.find("\r\n", at);
    const std::string field = in.substr(at, stop - at);
    const size_t colon = field.find(':');
    request.fields.emplace_back(lower(field.substr(0, colon)), field.substr(colon + 2));
    at = stop + 2;
  }
  const size_t length = std::strtoull(request.field("content-length").c_str(), nullptr, 10);
  wants_continue = request.field("expect") == "100-continue" && in.size() == end + 4 && length != 0;
  if (in.size() < end + 4 + length) return false;
  request.body = in.substr(end + 4, length);
  in.erase(0, end + 4 + length);
  return true;
}

std::string SimNet::text_of(const SimReply& reply, const std::string& method) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " Whatever\r\n";
  for (const auto& [name, value] : reply.fields) text += name + ": " + value + "\r\n";
  const bool has_length = std::any_of(reply.fields.begin(), reply.fields.end(),
                                      [](const auto& field) { return lower(field.first) == "content-length"; });
  if (reply.chunked) {
    text += "Transfer-Encoding: chunked\r\n\r\n";
    for (size_t at = 0; at < reply.body.size(); at += 1000) {
      const std::string piece = reply.body.substr(at, 1000);
      char size[16];
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      text += size + piece + "\r\n";
    }
    return text + "0\r\n\r\n";
  }
  if (!has_length && !reply.until_close && reply.status != 204)
    text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  text += "\r\n";
  return method == "HEAD" ? text : text + reply.body;
}

void SimNet::serve(Socket& socket) {
  if (socket.in.empty()) {
    if (socket.served != 0 && strikes(faults.close_idle, "close_idle")) socket.closing = true;
    return;
  }
  SimRequest request;
  bool wants_continue = false;
  if (!take_request(socket.in, request, wants_continue)) {
    if (wants_continue) {
      // Asked once; the rest of the head's life it is as if it had not been.
      socket.in.replace(socket.in.find("100-continue"), 12, "done-already");
      socket.out += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    return;
  }
  ++requests;
  if ((on_request && on_request(request)) || strikes(faults.cut_request, "cut_request")) {
    socket.dead = true;
    return;
  }
  SimReply reply;
  if (strikes(faults.unavailable, "unavailable")) {
    reply = {503, {}, "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"};
  } else if (strikes(faults.retry_after, "retry_after")) {
    reply = {503, {{"Retry-After", "2"}}, "<Error><Code>ServiceUnavailable</Code></Error>"};
  } else {
    const bool error = strikes(faults.server_error, "server_error");
    const bool done = !error || rng_.below(2) == 0;
    if (done) reply = server_.answer(request);
    if (error) reply = {500, {}, "<Error><Code>InternalError</Code></Error>"};
  }
  ++socket.served;
  socket.closing = socket.closing || reply.until_close;
  log.push_back(request.method + " " + request.target + " " + std::to_string(reply.status));
  if (strikes(faults.lose_reply, "lose_reply")) {
    socket.dead = true;
    return;
  }
  std::string text = text_of(reply, request.method);
  if (cut_next_reply < text.size()) {
    text.resize(cut_next_reply);
    cut_next_reply = ~uint64_t{0};
    socket.dead = true;
  } else if (strikes(faults.cut_reply, "cut_reply")) {
    text.resize(rng_.below(text.size()));
    (rng_.below(2) == 0 ? socket.dead : socket.closing) = true;
  } else if (strikes(faults.stall, "stall")) {
    text.resize(rng_.below(text.size()));
    socket.silent = true;
  }
  socket.out += text;
  if (latency) {
    const uint64_t takes_ns = latency(request);
    socket.ready_ns = takes_ns == kNever ? kNever : clock_.monotonic_ns() + takes_ns;
  }
}

size_t SimNet::unanswered() const {
  const uint64_t now = clock_.monotonic_ns();
  return static_cast<size_t>(std::count_if(sockets_.begin(), sockets_.end(), [&](const auto& socket) {
    return !socket.second.out.empty() && now < socket.second.ready_ns;
  }));
}

}  // namespace weir::testing
