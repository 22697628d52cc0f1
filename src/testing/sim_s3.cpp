#include "testing/sim_s3.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/base64.hpp"
#include "hash/crc64nvme.hpp"

namespace weir::testing {
namespace {

SimReply error_of(int status, const std::string& code) {
  return {status,
          {{"Content-Type", "application/xml"}},
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
              "</Code><Message>as simulated</Message></Error>"};
}

std::string decoded(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string url_encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned char>(c));
      out += escape;
    }
  }
  return out;
}

std::string hex32(uint64_t number) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(number * 0x9e3779b97f4a7c15ull),
                static_cast<unsigned long long>(number));
  return text;
}

std::string checksum_of(const std::string& body) { return std::string(base64_of(crc64nvme(0, body)).view()); }

std::map<std::string, std::string> meta_of(const SimRequest& request) {
  std::map<std::string, std::string> meta;
  for (const auto& [name, value] : request.fields) {
    if (name.starts_with("x-amz-meta-")) meta[name] = value;
  }
  return meta;
}

}  // namespace

SimS3::Object& SimS3::store(const std::string& name, const std::string& body, std::map<std::string, std::string> meta) {
  Object& object = objects[name];
  object = {body, "\"" + hex32(next_++) + "\"", std::move(meta)};
  return object;
}

SimReply SimS3::condition(const SimRequest& request, const std::string& name) {
  const auto found = objects.find(name);
  if (request.field("if-none-match") == "*" && found != objects.end()) return error_of(412, "PreconditionFailed");
  if (const std::string match = request.field("if-match"); !match.empty()) {
    if (found == objects.end()) return error_of(404, "NoSuchKey");
    if (found->second.etag != match && found->second.etag != "\"" + match + "\"")
      return error_of(412, "PreconditionFailed");
  }
  return {0, {}, {}};
}

SimReply SimS3::answer(const SimRequest& request) {
  const size_t mark = request.target.find('?');
  const std::string name = decoded(request.target.substr(1, mark == std::string::npos ? mark : mark - 1));
  std::map<std::string, std::string> query;
  if (mark != std::string::npos) {
    std::string rest = request.target.substr(mark + 1);
    while (!rest.empty()) {
      const size_t stop = rest.find('&');
      const std::string item = rest.substr(0, stop);
      const size_t equals = item.find('=');
      query[decoded(item.substr(0, equals))] = equals == std::string::npos ? "" : decoded(item.substr(equals + 1));
      rest = stop == std::string::npos ? "" : rest.substr(stop + 1);
    }
  }
  const bool bucket_only = name.find('/') == std::string::npos || name.find('/') + 1 == name.size();
  const std::string bucket = name.substr(0, name.find('/'));
  if (const std::string sum = request.field("x-amz-checksum-crc64nvme");
      request.method == "PUT" && !sum.empty() && sum != checksum_of(request.body))
    return error_of(400, "BadDigest");
  if (request.method == "GET" && bucket_only)
    return query.contains("uploads") ? list_uploads(bucket) : list(bucket, query);
  const std::string id = query.contains("uploadId") ? query["uploadId"] : "";
  if (!id.empty() && !uploads.contains(id)) return error_of(404, "NoSuchUpload");
  if (request.method == "GET" && !id.empty()) return list_parts(id, query);
  if (request.method == "GET" || request.method == "HEAD") return get(request, name, request.method == "HEAD");
  if (request.method == "PUT" && !id.empty()) {
    Part& part = uploads[id].parts[std::atoi(query["partNumber"].c_str())];
    part = {request.body, "\"" + hex32(next_++) + "\""};
    return {200, {{"ETag", part.etag}}, {}};
  }
  if (request.method == "PUT") {
    if (SimReply refused = condition(request, name); refused.status != 0) return refused;
    return {200, {{"ETag", store(name, request.body, meta_of(request)).etag}}, {}};
  }
  if (request.method == "POST" && query.contains("uploads")) {
    const std::string made = "upload-" + hex32(next_++);
    uploads[made] = {name, {}, meta_of(request)};
    return {200,
            {},
            "<InitiateMultipartUploadResult><Bucket>" + bucket + "</Bucket><UploadId>" + made +
                "</UploadId></InitiateMultipartUploadResult>"};
  }
  if (request.method == "POST" && !id.empty()) return complete(request, id);
  if (request.method == "DELETE" && !id.empty()) {
    uploads.erase(id);
    return {204, {}, {}};
  }
  if (request.method == "DELETE") {
    objects.erase(name);
    return {204, {}, {}};
  }
  return error_of(405, "MethodNotAllowed");
}

SimReply SimS3::get(const SimRequest& request, const std::string& name, bool head) {
  const auto found = objects.find(name);
  if (found == objects.end()) return head ? SimReply{404, {}, {}} : error_of(404, "NoSuchKey");
  if (SimReply refused = condition(request, name); refused.status != 0) return refused;
  const Object& object = found->second;
  SimReply reply{200, {{"ETag", object.etag}}, object.body};
  if (request.field("x-amz-checksum-mode") == "ENABLED")
    reply.fields.emplace_back("x-amz-checksum-crc64nvme",
                              object.checksum.empty() ? checksum_of(object.body) : object.checksum);
  for (const auto& [key, value] : object.meta) reply.fields.emplace_back(key, value);
  if (const std::string range = request.field("range"); !range.empty()) {
    const uint64_t from = std::strtoull(range.c_str() + 6, nullptr, 10);
    if (from >= object.body.size()) return error_of(416, "InvalidRange");
    reply.status = 206;
    reply.body = object.body.substr(from);
    reply.fields.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" +
                                                   std::to_string(object.body.size() - 1) + "/" +
                                                   std::to_string(object.body.size()));
  }
  return reply;
}

SimReply SimS3::list(const std::string& bucket, std::map<std::string, std::string>& query) {
  const std::string prefix = query["prefix"];
  const std::string after = query.contains("continuation-token") ? query["continuation-token"] : query["start-after"];
  std::string body = "<?xml version=\"1.0\"?><ListBucketResult>";
  size_t count = 0;
  std::string last;
  bool more = false;
  for (const auto& [name, object] : objects) {
    if (!name.starts_with(bucket + "/")) continue;
    const std::string key = name.substr(bucket.size() + 1);
    if (!key.starts_with(prefix) || (!after.empty() && key <= after)) continue;
    if (count == page) {
      more = true;
      break;
    }
    ++count;
    last = key;
    body += "<Contents><Key>" + url_encoded(key) + "</Key><Size>" + std::to_string(object.body.size()) +
            "</Size><ETag>&quot;" + object.etag.substr(1, object.etag.size() - 2) +
            "&quot;</ETag><StorageClass>STANDARD</StorageClass></Contents>";
  }
  body +=
      "<KeyCount>" + std::to_string(count) + "</KeyCount><IsTruncated>" + (more ? "true" : "false") + "</IsTruncated>";
  if (more) body += "<NextContinuationToken>" + url_encoded(last) + "</NextContinuationToken>";
  return {200, {}, body + "</ListBucketResult>", true};
}

SimReply SimS3::list_parts(const std::string& id, std::map<std::string, std::string>& query) {
  const int after = std::atoi(query["part-number-marker"].c_str());
  std::string body = "<ListPartsResult><UploadId>" + id + "</UploadId>";
  size_t count = 0;
  int last = 0;
  bool more = false;
  for (const auto& [number, part] : uploads[id].parts) {
    if (number <= after) continue;
    if (count == page) {
      more = true;
      break;
    }
    ++count;
    last = number;
    body += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>&quot;" +
            part.etag.substr(1, part.etag.size() - 2) + "&quot;</ETag><Size>" + std::to_string(part.body.size()) +
            "</Size></Part>";
  }
  body += std::string("<IsTruncated>") + (more ? "true" : "false") + "</IsTruncated>";
  if (more) body += "<NextPartNumberMarker>" + std::to_string(last) + "</NextPartNumberMarker>";
  return {200, {}, body + "</ListPartsResult>"};
}

SimReply SimS3::list_uploads(const std::string& bucket) {
  std::string body = "<ListMultipartUploadsResult>";
  for (const auto& [id, upload] : uploads) {
    if (!upload.name.starts_with(bucket + "/")) continue;
    body += "<Upload><Key>" + url_encoded(upload.name.substr(bucket.size() + 1)) + "</Key><UploadId>" + id +
            "</UploadId><Initiated>" + initiated + "</Initiated></Upload>";
  }
  return {200, {}, body + "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"};
}

SimReply SimS3::complete(const SimRequest& request, const std::string& id) {
  Upload& upload = uploads[id];
  if (conflict_once && (!request.field("if-none-match").empty() || !request.field("if-match").empty())) {
    conflict_once = false;
    return error_of(409, "ConditionalRequestConflict");
  }
  if (SimReply refused = condition(request, upload.name); refused.status != 0) return refused;
  std::string body;
  size_t at = 0;
  int before = 0;
  int last_number = upload.parts.empty() ? 0 : upload.parts.rbegin()->first;
  while ((at = request.body.find("<PartNumber>", at)) != std::string::npos) {
    const int number = std::atoi(request.body.c_str() + at + 12);
    const size_t tag = request.body.find("<ETag>", at) + 6;
    const std::string etag = request.body.substr(tag, request.body.find("</ETag>", tag) - tag);
    if (number <= before) return error_of(400, "InvalidPartOrder");
    if (!upload.parts.contains(number) || upload.parts[number].etag != etag) return error_of(400, "InvalidPart");
    if (number != last_number && upload.parts[number].body.size() < part_min) return error_of(400, "EntityTooSmall");
    body += upload.parts[number].body;
    before = number;
    at = tag;
  }
  if (before == 0) return error_of(400, "MalformedXML");
  if (const std::string sum = request.field("x-amz-checksum-crc64nvme"); !sum.empty() && sum != checksum_of(body))
    return error_of(400, "BadDigest");
  ++completes;
  const std::string name = upload.name;
  const Object& object = store(name, body, upload.meta);
  uploads.erase(id);
  // White space first: the reply keeps the connection alive while the work goes on.
  return {200,
          {},
          "\n\n<CompleteMultipartUploadResult><ETag>" + object.etag + "</ETag></CompleteMultipartUploadResult>",
          true};
}

}  // namespace weir::testing
