#include "emulate/http_server.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/file.hpp"
#include "io/http_head.hpp"
#include "io/url.hpp"

namespace weir::emulate {
namespace {

constexpr size_t kHeadMax = 60 * 1024;
constexpr size_t kTailBytes = 4096;
constexpr std::string_view kAsResponse = "HTTP/1.1 200 OK\r\n";  // what stands for the request line before HttpHead

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Request Entity Too Large";
    case 416:
      return "Range Not Satisfiable";
    default:
      return status < 400 ? "OK" : status < 500 ? "Bad Request" : "Server Error";
  }
}

std::string_view value_of(const Fields& fields, std::string_view name) {
  for (const auto& [field, value] : fields) {
    if (same_word(field, name)) return value;
  }
  return {};
}

}  // namespace

std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string out(text.size(), '\0');
  const auto size = percent_decode(text, out, plus_is_space ? Plus::kIsSpace : Plus::kIsPlus);
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

std::string_view Request::field(std::string_view name) const { return value_of(fields, name); }

bool Request::has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& field) { return same_word(field.first, name); });
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (std::string_view left = query; !left.empty();) {
    const std::string_view item = left.substr(0, left.find('&'));
    left.remove_prefix(std::min(item.size() + 1, left.size()));
    const size_t equals = item.find('=');
    if (decoded(item.substr(0, equals), true) != name) continue;
    return equals == std::string_view::npos ? std::string() : decoded(item.substr(equals + 1), true);
  }
  return std::nullopt;
}

std::optional<std::string> Request::decoded_path() const { return decoded(path, false); }

struct HttpServer::Connection {
  enum class State : uint8_t { kHead, kBody, kWaiting, kWorking, kSending };

  ConnectionId id = 0;
  int socket = -1;
  HttpHandler* handler = nullptr;
  State state = State::kHead;
  bool closed = false;
  bool keep = true;
  bool chunked = false;
  uint64_t left = 0;  ///< of a body with a length
  ChunkedDecoder chunks;
  std::string tail;  ///< the last bytes of a chunked body as they came: its trailers
  std::string in;
  std::string out;
  size_t sent = 0;
  Request request;
  Reply reply;
};

HttpServer::HttpServer() = default;

HttpServer::~HttpServer() {
  for (const Listener& listener : listeners_) ::close(listener.socket);
  for (auto& [id, connection] : connections_) {
    if (connection->reply.file >= 0) ::close(connection->reply.file);
    ::close(connection->socket);
  }
}

Result<uint16_t> HttpServer::listen(const std::string& address, uint16_t port, HttpHandler& handler) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  const std::string shown = address + ":" + std::to_string(port);
  if (inet_pton(AF_INET, address == "localhost" ? "127.0.0.1" : address.c_str(), &place.sin_addr) != 1)
    return fail(Code::kBadArgument, "can't listen on " + shown + ": expected an IPv4 address such as 127.0.0.1");
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return fail(system_error(Code::kNoConnection, errno, shown));
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  socklen_t size = sizeof place;
  if (bind(socket, reinterpret_cast<sockaddr*>(&place), size) != 0 || ::listen(socket, 64) != 0 ||
      getsockname(socket, reinterpret_cast<sockaddr*>(&place), &size) != 0) {
    const Error error = system_error(Code::kNoConnection, errno, "listening on " + shown);
    ::close(socket);
    return fail(error);
  }
  listeners_.push_back({socket, &handler});
  return ntohs(place.sin_port);
}

bool HttpServer::busy() const {
  return std::any_of(connections_.begin(), connections_.end(), [](const auto& entry) {
    return entry.second->state == Connection::State::kSending || entry.second->state == Connection::State::kWorking;
  });
}

bool HttpServer::has_work() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& entry) { return entry.second->state == Connection::State::kWorking; });
}

void HttpServer::append_polls(std::vector<pollfd>& polls) const {
  for (const Listener& listener : listeners_) polls.push_back({listener.socket, POLLIN, 0});
  for (const auto& [id, connection] : connections_) {
    short events = POLLRDHUP;
    if (connection->state == Connection::State::kHead || connection->state == Connection::State::kBody)
      events = POLLIN;
    else if (connection->state == Connection::State::kSending)
      events = POLLOUT;
    polls.push_back({connection->socket, events, 0});
  }
}

void HttpServer::serve(const std::vector<pollfd>& polls, size_t first) {
  // Replies to other connections may be begun meanwhile, and connections accepted: both are seen at the next wait.
  std::vector<std::pair<ConnectionId, short>> ready;
  size_t at = first + listeners_.size();
  for (const auto& [id, connection] : connections_) ready.emplace_back(id, polls[at++].revents);
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (polls[first + i].revents != 0) accept_from(listeners_[i]);
  }
  for (const auto& [id, events] : ready) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    Connection& connection = *found->second;
    switch (connection.state) {
      case Connection::State::kHead:
      case Connection::State::kBody:
        if (events != 0) receive(connection);
        break;
      case Connection::State::kWaiting:
        if (events != 0) {
          connection.handler->gone(id, connection.request);
          connection.closed = true;
        }
        break;
      case Connection::State::kWorking:
        if (auto work = std::move(connection.reply.work); !work(connection.reply)) {
          connection.reply.work = std::move(work);
        } else {
          begin_reply(connection, std::move(connection.reply));
        }
        break;
      case Connection::State::kSending:
        if (events != 0) send(connection);
        break;
    }
  }
  std::erase_if(connections_, [this](const auto& entry) {
    if (entry.second->closed) close(*entry.second);
    return entry.second->closed;
  });
}

void HttpServer::accept_from(const Listener& listener) {
  for (;;) {
    const int socket = accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) return;
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    auto connection = std::make_unique<Connection>();
    connection->id = next_id_++;
    connection->socket = socket;
    connection->handler = listener.handler;
    connections_.emplace(connection->id, std::move(connection));
  }
}

void HttpServer::receive(Connection& connection) {
  char bytes[64 * 1024];
  const ssize_t got = recv(connection.socket, bytes, sizeof bytes, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    if (connection.state == Connection::State::kBody) connection.handler->gone(connection.id, connection.request);
    connection.closed = true;
    return;
  }
  connection.in.append(bytes, static_cast<size_t>(got));
  advance(connection);
}

void HttpServer::advance(Connection& connection) {
  if (connection.closed) return;
  if (connection.state == Connection::State::kHead && !take_head(connection)) return;
  if (connection.state != Connection::State::kBody || !take_body(connection)) return;
  connection.state = Connection::State::kWaiting;
  if (auto reply = connection.handler->answer(connection.id, connection.request); reply)
    begin_reply(connection, std::move(*reply));
}

bool HttpServer::take_head(Connection& connection) {
  // Blank lines before a request are passed over (RFC 9112, 2.2).
  while (connection.in.starts_with("\r\n")) connection.in.erase(0, 2);
  const size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (connection.in.size() > kHeadMax) refuse(connection, 431, "the head is too large");
    return false;
  }
  const std::string head = connection.in.substr(0, end + 4);
  connection.in.erase(0, end + 4);
  const std::string_view line = std::string_view(head).substr(0, head.find("\r\n"));
  const size_t target = line.find(' ');
  const size_t version = line.rfind(' ');
  if (target == std::string_view::npos || version <= target + 1 || !line.substr(version + 1).starts_with("HTTP/1.") ||
      !is_token(line.substr(0, target)) || line[target + 1] != '/') {
    refuse(connection, 400, "it is no HTTP/1.1 request");
    return false;
  }
  Request& request = connection.request;
  request = Request{};
  request.method = line.substr(0, target);
  const std::string_view whole = line.substr(target + 1, version - target - 1);
  request.path = whole.substr(0, whole.find('?'));
  if (const size_t mark = whole.find('?'); mark != std::string_view::npos) request.query = whole.substr(mark + 1);

  std::string room(kHeadMax + kAsResponse.size(), '\0');
  HttpHead fields(room);
  Error error;
  const std::string as_response = std::string(kAsResponse) + head.substr(line.size() + 2);
  if (fields.parse(as_response, error).step != Step::kFinished) {
    refuse(connection, 400, error.detail.view());
    return false;
  }
  for (size_t i = 0; i < fields.field_count(); ++i) {
    const HttpField field = fields.field(i);
    request.fields.emplace_back(field.name, field.value);
  }
  connection.keep = line.ends_with("1.1") && !same_word(request.field("Connection"), "close");
  connection.chunked = fields.has("Transfer-Encoding");
  connection.left = fields.content_length().value_or(0);
  connection.chunks = ChunkedDecoder();
  connection.tail.clear();
  connection.state = Connection::State::kBody;
  connection.handler->begin(connection.id, request);
  if (same_word(request.field("Expect"), "100-continue")) {
    constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    // The socket's buffer is empty: it is taken whole.
    if (::send(connection.socket, kGoOn.data(), kGoOn.size(), MSG_NOSIGNAL) < 0) connection.closed = true;
  }
  return true;
}

// True when the body is whole.
bool HttpServer::take_body(Connection& connection) {
  Request& request = connection.request;
  const auto take = [&](std::string_view piece) {
    request.body_bytes += piece.size();
    if (request.sink) return request.sink(piece);
    request.too_large = request.too_large || request.body.size() + piece.size() > request.body_bytes_max;
    if (request.too_large)
      request.body = std::string();
    else
      request.body.append(piece);
    return true;
  };
  bool whole = false;
  if (!connection.chunked) {
    const size_t size = static_cast<size_t>(std::min<uint64_t>(connection.left, connection.in.size()));
    if (size != 0 && !take(std::string_view(connection.in).substr(0, size))) connection.closed = true;
    connection.in.erase(0, size);
    connection.left -= size;
    whole = connection.left == 0;
  } else {
    std::string room(connection.in.size() + 1, '\0');
    Error error;
    std::string_view left = connection.in;
    for (;;) {
      const Transfer transfer = connection.chunks.decode(left, room, error);
      if (transfer.step == Step::kFailed) {
        refuse(connection, 400, error.detail.view());
        return false;
      }
      if (transfer.produced != 0 && !take(std::string_view(room).substr(0, transfer.produced)))
        connection.closed = true;
      connection.tail.append(left.substr(0, transfer.consumed));
      if (connection.tail.size() > 2 * kTailBytes) connection.tail.erase(0, connection.tail.size() - kTailBytes);
      left.remove_prefix(transfer.consumed);
      whole = transfer.step == Step::kFinished;
      if (transfer.step != Step::kHaveOutput) break;
    }
    connection.in.erase(0, connection.in.size() - left.size());
    if (whole) {
      // A trailer has a colon, so the last line that is just "0" is that of the last chunk.
      const size_t last = connection.tail.rfind("\r\n0\r\n");
      if (last != std::string::npos) request.trailers = connection.tail.substr(last + 5);
    }
  }
  return whole && !connection.closed;
}

void HttpServer::reply(ConnectionId id, Reply reply) {
  const auto found = connections_.find(id);
  if (found != connections_.end() && found->second->state == Connection::State::kWaiting && !found->second->closed) {
    begin_reply(*found->second, std::move(reply));
  } else if (reply.file >= 0) {
    ::close(reply.file);
  }
}

void HttpServer::drop(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  close(*found->second);
  connections_.erase(found);
}

void HttpServer::refuse(Connection& connection, int status, std::string_view reason) {
  connection.keep = false;
  connection.in.clear();
  connection.request = Request{};
  Reply reply;
  reply.status = status;
  reply.body = reason;
  begin_reply(connection, std::move(reply));
}

void HttpServer::begin_reply(Connection& connection, Reply reply) {
  connection.reply = std::move(reply);
  if (connection.reply.work) {
    connection.state = Connection::State::kWorking;
    return;
  }
  Reply& r = connection.reply;
  const bool head_only = connection.request.method == "HEAD";
  const uint64_t length = r.length.value_or(r.file >= 0 ? r.file_bytes : r.body.size());
  std::string& out = connection.out;
  out = "HTTP/1.1 " + std::to_string(r.status) + ' ' + reason_of(r.status) + "\r\n";
  for (const auto& [name, value] : r.fields) out += name + ": " + value + "\r\n";
  if (r.status != 204 && r.status != 304) out += "Content-Length: " + std::to_string(length) + "\r\n";
  if (!connection.keep) out += "Connection: close\r\n";
  out += "\r\n";
  if (head_only) {
    if (r.file >= 0) ::close(r.file);
    r.file = -1;
    r.body.clear();
  }
  out += r.body;
  r.body = std::string();
  connection.sent = 0;
  connection.state = Connection::State::kSending;
  send(connection);
}

void HttpServer::send(Connection& connection) {
  const auto failed = [&] {
    if (errno == EAGAIN || errno == EINTR) return;
    connection.handler->gone(connection.id, connection.request);
    connection.closed = true;
  };
  while (connection.sent < connection.out.size()) {
    const ssize_t put = ::send(connection.socket, connection.out.data() + connection.sent,
                               connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (put < 0) return failed();
    connection.sent += static_cast<size_t>(put);
  }
  Reply& reply = connection.reply;
  // One piece at a time: others are served in between.
  if (reply.file >= 0 && reply.file_bytes != 0) {
    auto at = static_cast<off_t>(reply.file_at);
    const ssize_t put = sendfile(connection.socket, reply.file, &at, std::min<uint64_t>(reply.file_bytes, 1u << 20));
    if (put < 0) return failed();
    if (put == 0) {  // the file became shorter: what was promised can't be given
      connection.closed = true;
      return;
    }
    reply.file_at += static_cast<uint64_t>(put);
    reply.file_bytes -= static_cast<uint64_t>(put);
    if (reply.file_bytes != 0) return;
  }
  if (reply.file >= 0) ::close(reply.file);
  connection.reply = Reply{};
  connection.out = std::string();
  connection.request = Request{};
  if (!connection.keep) {
    connection.closed = true;
    return;
  }
  connection.state = Connection::State::kHead;
  if (!connection.in.empty()) advance(connection);
}

void HttpServer::close(Connection& connection) {
  if (connection.reply.file >= 0) ::close(connection.reply.file);
  connection.reply.file = -1;
  if (connection.socket >= 0) ::close(connection.socket);
  connection.socket = -1;
}

}  // namespace weir::emulate
