// A small HTTP/1.1 server for loopback: one thread, poll, any number of connections. Requests are read whole (or their bodies handed on in pieces),
// answered now or later, and connections kept alive.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>

#include "base/error.hpp"

namespace weir::emulate {

using Fields = std::vector<std::pair<std::string, std::string>>;
using ConnectionId = uint64_t;

/// One request. Names of fields are as they came; field() compares them without regard to case.
struct Request {
  std::string method;
  std::string path;  ///< as on the wire, percent-encoded, without the query
  std::string query;  ///< as on the wire, without '?'
  Fields fields;
  std::string body;
  uint64_t body_bytes = 0;  ///< that came, with chunks' framing taken off
  bool too_large = false;  ///< there were more than body_bytes_max: `body` is empty
  std::string trailers;  ///< lines behind the last chunk, at most 4 KiB of them

  // Set by HttpHandler::begin.
  size_t body_bytes_max = 0;  ///< what `body` may hold
  std::function<bool(std::string_view)> sink;  ///< takes the body instead of `body`; false ends the connection

  [[nodiscard]] std::string_view field(std::string_view name) const;  ///< empty where there is none
  [[nodiscard]] bool has(std::string_view name) const;
  /// A value of the query, decoded; nothing where the name is not in it.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
  /// The path, decoded; nothing when an escape is broken.
  [[nodiscard]] std::optional<std::string> decoded_path() const;
};

struct Reply {
  int status = 200;
  Fields fields;
  std::string body;
  int file = -1;  ///< the body is file_bytes of it from file_at on; closed when sent
  uint64_t file_at = 0;
  uint64_t file_bytes = 0;
  std::optional<uint64_t> length;  ///< Content-Length of a reply to HEAD, where there is no body to tell
  /// Long work before the reply can be sent, in pieces: called again and again until it answers true, when the reply is what it made of it.
  std::function<bool(Reply&)> work;
};

/// "raw%2Fx" as text; nothing when an escape is broken. In queries '+' is a space.
std::optional<std::string> decoded(std::string_view text, bool plus_is_space);

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// The head has come: says where the body goes.
  virtual void begin(ConnectionId connection, Request& request) = 0;
  /// The request is whole. Nothing: HttpServer::reply will be called for this connection.
  virtual std::optional<Reply> answer(ConnectionId connection, Request& request) = 0;
  /// The client went away in the middle of the request or before it had the reply.
  virtual void gone(ConnectionId connection, const Request& request) = 0;
};

class HttpServer {
 public:
  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Listens on an IPv4 address; port 0 takes a free one. The port, or W4022 with the reason. `handler` outlives this.
  Result<uint16_t> listen(const std::string& address, uint16_t port, HttpHandler& handler);
  /// Of a request that answer() left open. Nothing happens when the client is gone.
  void reply(ConnectionId connection, Reply reply);
  /// Ends a connection without a reply.
  void drop(ConnectionId connection);
  /// Whether replies are still to be written or work is to be done.
  [[nodiscard]] bool busy() const;
  [[nodiscard]] bool has_work() const;

  /// What to wait for; serve() is given these entries back, with nothing in between.
  void append_polls(std::vector<pollfd>& polls) const;
  void serve(const std::vector<pollfd>& polls, size_t first);

 private:
  struct Connection;
  struct Listener {
    int socket;
    HttpHandler* handler;
  };
  void accept_from(const Listener& listener);
  void receive(Connection& connection);
  void advance(Connection& connection);
  bool take_head(Connection& connection);
  bool take_body(Connection& connection);
  void begin_reply(Connection& connection, Reply reply);
  void send(Connection& connection);
  void close(Connection& connection);
  void refuse(Connection& connection, int status, std::string_view reason);

  std::vector<Listener> listeners_;
  std::map<ConnectionId, std::unique_ptr<Connection>> connections_;
  ConnectionId next_id_ = 1;
};

}  // namespace weir::emulate
