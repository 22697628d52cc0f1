// SimHttp: a web server that answers GETs of files as RFC 9110 has it, or less well: without ranges, without validators, without lengths.
#pragma once

#include <map>
#include <string>

#include "testing/sim_net.hpp"

namespace weir::testing {

class SimHttp final : public SimServer {
 public:
  struct File {
    std::string body;
    std::string etag;  ///< with its quotes, W/ of a weak one; empty: none is sent
    std::string modified;  ///< empty: not sent
    std::string encoding;  ///< Content-Encoding
    bool chunked = false;  ///< no length is sent
  };
  struct Redirect {
    int status = 302;
    std::string location;
  };

  std::map<std::string, File> files;  ///< by path
  std::map<std::string, Redirect> redirects;  ///< by path
  std::string date = "Fri, 27 Nov 2026 12:00:00 GMT";
  bool ranges = true;
  bool conditions = true;  ///< If-Match and If-Unmodified-Since are looked at
  uint64_t range_max = ~uint64_t{0};  ///< of the bytes that a range gives at once
  std::map<std::string, std::string> wanted;  ///< Authorization by path; else 401

  void put(const std::string& path, const std::string& body) {
    files[path] = {body, "\"v" + std::to_string(++versions_) + "\"", "Thu, 26 Nov 2026 08:00:00 GMT", {}, false};
  }
  SimReply answer(const SimRequest& request) override;

 private:
  uint64_t versions_ = 0;
};

}  // namespace weir::testing
