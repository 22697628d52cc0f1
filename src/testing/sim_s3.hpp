// SimS3: an object store that answers S3's requests, as far as Weir makes them, by the wire's own rules: conditions, ranges, multipart uploads, listings,
// errors as XML. Buckets exist once they are named. Held against real servers by replaying the same requests (tests/s3).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "testing/sim_net.hpp"

namespace weir::testing {

class SimS3 final : public SimServer {
 public:
  struct Object {
    std::string body;
    std::string etag;  ///< with its quotes
    std::map<std::string, std::string> meta;  ///< x-amz-meta-*
    std::string checksum;  ///< said in the place of the right one; empty: the right one
  };
  struct Part {
    std::string body;
    std::string etag;
  };
  struct Upload {
    std::string name;  ///< bucket/key
    std::map<int, Part> parts;
    std::map<std::string, std::string> meta;
  };

  std::map<std::string, Object> objects;  ///< by "bucket/key"
  std::map<std::string, Upload> uploads;  ///< by upload id
  uint64_t part_min = 5u << 20;
  size_t page = 1000;  ///< entries of a listing's page
  /// Requests carry a signature of this key; empty: not looked at.
  bool conflict_once = false;  ///< the next Complete with a condition is a 409
  std::string initiated = "2026-11-27T00:00:00.000Z";  ///< when uploads were begun, as a listing tells it
  uint64_t completes = 0;

  void put(const std::string& name, const std::string& body) { store(name, body, {}); }
  SimReply answer(const SimRequest& request) override;

 private:
  Object& store(const std::string& name, const std::string& body, std::map<std::string, std::string> meta);
  SimReply get(const SimRequest& request, const std::string& name, bool head);
  SimReply list(const std::string& bucket, std::map<std::string, std::string>& query);
  SimReply list_parts(const std::string& id, std::map<std::string, std::string>& query);
  SimReply list_uploads(const std::string& bucket);
  SimReply complete(const SimRequest& request, const std::string& id);
  /// An error where the request's condition does not hold; status 0: it does.
  SimReply condition(const SimRequest& request, const std::string& name);

  uint64_t next_ = 1;
};

}  // namespace weir::testing
