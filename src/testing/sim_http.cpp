#include "testing/sim_http.hpp"

#include <algorithm>
#include <cstdlib>

namespace weir::testing {

SimReply SimHttp::answer(const SimRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (const auto known = wanted.find(path); known != wanted.end() && request.field("authorization") != known->second)
    return {401, {{"WWW-Authenticate", "Basic realm=\"here\""}}, "who are you?"};
  if (const auto known = redirects.find(path); known != redirects.end())
    return {known->second.status, {{"Location", known->second.location}}, "elsewhere"};
  const auto found = files.find(path);
  if (found == files.end()) return {404, {}, "<html>no such page</html>"};
  const File& file = found->second;
  SimReply reply;
  reply.fields = {{"Date", date}};
  if (!file.etag.empty()) reply.fields.emplace_back("ETag", file.etag);
  if (!file.modified.empty()) reply.fields.emplace_back("Last-Modified", file.modified);
  if (!file.encoding.empty()) reply.fields.emplace_back("Content-Encoding", file.encoding);
  if (ranges) reply.fields.emplace_back("Accept-Ranges", "bytes");
  const std::string match = request.field("if-match");
  const std::string since = request.field("if-unmodified-since");
  if (conditions && ((!match.empty() && match != file.etag) || (!since.empty() && since != file.modified)))
    return {412, {}, {}};
  const std::string only = request.field("if-range");
  const bool in_part = only.empty() || only == file.etag || only == file.modified;
  const std::string range = request.field("range");
  if (ranges && in_part && range.starts_with("bytes=")) {
    const uint64_t first = std::strtoull(range.c_str() + 6, nullptr, 10);
    if (first >= file.body.size()) {
      reply.status = 416;
      reply.fields.emplace_back("Content-Range", "bytes */" + std::to_string(file.body.size()));
      return reply;
    }
    reply.status = 206;
    reply.body = file.body.substr(first, std::min<uint64_t>(range_max, file.body.size()));
    reply.fields.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                   std::to_string(first + reply.body.size() - 1) + "/" +
                                                   (file.chunked ? "*" : std::to_string(file.body.size())));
    return reply;
  }
  reply.body = file.body;
  reply.chunked = file.chunked;
  return reply;
}

}  // namespace weir::testing
