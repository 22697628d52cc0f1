#include "emulate/s3_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/base64.hpp"
#include "base/utc_time.hpp"
#include "emulate/function.hpp"
#include "hash/crc32.hpp"
#include "hash/crc32c.hpp"
#include "hash/crc64nvme.hpp"
#include "hash/hex.hpp"
#include "io/file.hpp"
#include "io/http_head.hpp"
#include "io/url.hpp"

namespace weir::emulate {
namespace {

constexpr const char* kUploads = ".weir-uploads";
constexpr const char* kAttribute = "user.weir_s3";
constexpr uint64_t kPartBytesMin = 5u << 20;
constexpr size_t kXmlBytesMax = 8u << 20;
constexpr size_t kCopyBytes = 16u << 20;  ///< between two looks at the network
constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kPageMax = 1000;
constexpr std::string_view kChecksum = "x-amz-checksum-crc64nvme";

class OpenFile {
 public:
  explicit OpenFile(int file = -1) : file_(file) {}
  OpenFile(OpenFile&& from) noexcept : file_(std::exchange(from.file_, -1)) {}
  OpenFile& operator=(OpenFile&& from) noexcept {
    std::swap(file_, from.file_);
    return *this;
  }
  ~OpenFile() {
    if (file_ >= 0) close(file_);
  }
  [[nodiscard]] int get() const { return file_; }
  [[nodiscard]] bool open() const { return file_ >= 0; }
  int release() { return std::exchange(file_, -1); }

 private:
  int file_;
};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += "&#" + std::to_string(static_cast<unsigned char>(c)) + ";";
    else
      out += c;
  }
  return out;
}

std::string url_encoded(std::string_view text) {
  std::string out(3 * text.size(), '\0');
  out.resize(encode_path(text, out).value_or(0));
  return out;
}

Reply xml_reply(std::string body) {
  Reply reply;
  reply.fields.emplace_back("Content-Type", "application/xml");
  reply.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + std::move(body);
  return reply;
}

Reply error_reply(int status, std::string_view code, const std::string& message) {
  Reply reply =
      xml_reply("<Error><Code>" + std::string(code) + "</Code><Message>" + escaped(message) + "</Message></Error>");
  reply.status = status;
  return reply;
}

Reply failed_call(const char* what) {
  const int number = errno;
  const std::string message = std::string(what) + ": " + strerror(number);
  if (number == ENOENT) return error_reply(404, "NoSuchKey", "The specified key does not exist.");
  if (number == ENOTDIR || number == EISDIR || number == EEXIST || number == ENOTEMPTY)
    return error_reply(409, "InvalidObjectState",
                       message + " (of two keys of which one is a folder of the other, a folder holds only one)");
  if (number == ELOOP) return error_reply(403, "AccessDenied", message + " (links are not followed)");
  return error_reply(number == EACCES ? 403 : 500, number == EACCES ? "AccessDenied" : "InternalError", message);
}

uint64_t time_ns(const struct stat& info) {
  return static_cast<uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(info.st_mtim.tv_nsec);
}

/// Without quotes.
std::string etag_of(const struct stat& info) {
  char text[96];
  const int size =
      std::snprintf(text, sizeof text, "%llu %llu %llu", static_cast<unsigned long long>(info.st_size),
                    static_cast<unsigned long long>(info.st_ino), static_cast<unsigned long long>(time_ns(info)));
  return std::string(sha256_hex({text, static_cast<size_t>(size)}).view().substr(0, 32));
}

std::string quoted_etag(const struct stat& info) { return '"' + etag_of(info) + '"'; }

std::string time_text(const struct stat& info, const char* format) {
  tm parts{};
  gmtime_r(&info.st_mtim.tv_sec, &parts);
  char text[40];
  return std::string(text, strftime(text, sizeof text, format, &parts));
}
std::string iso_time(const struct stat& info) { return time_text(info, "%Y-%m-%dT%H:%M:%S.000Z"); }

/// Whether one of the tags of If-Match or If-None-Match is it.
bool names_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    std::string_view tag = list.substr(0, list.find(','));
    list.remove_prefix(std::min(tag.size() + 1, list.size()));
    while (!tag.empty() && (tag.front() == ' ' || tag.front() == '"')) tag.remove_prefix(1);
    while (!tag.empty() && (tag.back() == ' ' || tag.back() == '"')) tag.remove_suffix(1);
    if (tag == "*" || tag == etag) return true;
  }
  return false;
}

/// The folder that `key` is in and its last name. Fails with errno set.
OpenFile folder_of(int root, std::string_view key, bool make, std::string& name) {
  OpenFile folder(dup(root));
  for (;;) {
    const std::string_view part = key.substr(0, key.find('/'));
    if (part.size() == key.size()) break;
    key.remove_prefix(part.size() + 1);
    const std::string text(part);
    if (make) (void)mkdirat(folder.get(), text.c_str(), 0777);
    folder = OpenFile(openat(folder.get(), text.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.open()) return folder;
  }
  name = key;
  return folder;
}

/// What may be the path of a file: nothing that leads elsewhere.
bool is_plain_key(std::string_view key) {
  if (key.empty() || key.size() > kKeyBytesMax || key.find('\0') != std::string_view::npos) return false;
  if (key.substr(0, key.find('/')) == kUploads) return false;
  for (std::string_view left = key;;) {
    const std::string_view part = left.substr(0, left.find('/'));
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    if (part.size() == left.size()) return true;
    left.remove_prefix(part.size() + 1);
  }
}

bool is_upload_id(std::string_view id) {
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A new time for each file: two that come one behind the other, of one size, get different ETags.
void stamp(int file) {
  timespec times[2] = {{0, UTIME_OMIT}, {}};
  clock_gettime(CLOCK_REALTIME, &times[1]);
  static timespec last{};
  if (times[1].tv_sec == last.tv_sec && times[1].tv_nsec <= last.tv_nsec)
    times[1].tv_nsec = std::min(last.tv_nsec + 1, 999'999'999l);
  last = times[1];
  (void)futimens(file, times);
}

/// The text of the first element of this name behind `at`, which moves behind it.
std::optional<std::string> element(std::string_view xml, std::string_view name, size_t& at) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  const size_t begin = xml.find(open, at);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  at = end + close.size();
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

struct Part {
  uint32_t number = 0;
  std::string file;
  uint64_t crc64nvme = 0;
  struct stat info{};
};

/// "00012.0123456789abcdef" in the upload's folder.
std::string part_file(uint32_t number, uint64_t crc64nvme) {
  char name[40];
  std::snprintf(name, sizeof name, "%05u.%016llx", number, static_cast<unsigned long long>(crc64nvme));
  return name;
}

std::map<uint32_t, Part> parts_of(int folder) {
  std::map<uint32_t, Part> parts;
  DIR* entries = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (entries == nullptr) return parts;
  while (const dirent* entry = readdir(entries)) {
    Part part;
    unsigned long long crc = 0;
    if (std::sscanf(entry->d_name, "%5u.%16llx", &part.number, &crc) != 2) continue;
    part.file = entry->d_name;
    part.crc64nvme = crc;
    if (fstatat(folder, entry->d_name, &part.info, AT_SYMLINK_NOFOLLOW) == 0) parts[part.number] = part;
  }
  closedir(entries);
  return parts;
}

void remove_upload(int uploads, const std::string& id) {
  OpenFile folder(openat(uploads, id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.open()) return;
  for (const auto& [number, part] : parts_of(folder.get())) unlinkat(folder.get(), part.file.c_str(), 0);
  unlinkat(folder.get(), "key", 0);
  unlinkat(uploads, id.c_str(), AT_REMOVEDIR);
}

/// A folder that holds no object is no key.
void remove_empty_folders(int root, std::string key) {
  while (key.find('/') != std::string::npos) {
    key.resize(key.rfind('/'));
    if (unlinkat(root, key.c_str(), AT_REMOVEDIR) != 0) break;
  }
}

std::string read_file_at(int folder, const char* name) {
  OpenFile file(openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::string text(64 * 1024, '\0');
  const ssize_t got = file.open() ? read(file.get(), text.data(), text.size()) : -1;
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

/// What is kept of an upload or an object: "name: value" lines.
std::string kept_fields(const Request& request) {
  std::string kept;
  for (const auto& [name, value] : request.fields) {
    std::string small = name;
    std::transform(small.begin(), small.end(), small.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (small == "content-encoding" && value.starts_with("aws-chunked")) continue;
    if (small.starts_with("x-amz-meta-") || small == "content-type" || small == "content-encoding" ||
        small == "cache-control")
      kept += small + ": " + value + "\n";
  }
  return kept;
}

std::string checksum_line(uint64_t crc64nvme) {
  return std::string(kChecksum) + ": " + std::string(base64_of(crc64nvme).view()) + "\n";
}

}  // namespace

struct S3Folder::Bucket {
  std::string name;
  std::string path;
  OpenFile root;

  /// The folder of uploads and of what is not yet whole.
  OpenFile uploads() const {
    (void)mkdirat(root.get(), kUploads, 0777);
    return OpenFile(openat(root.get(), kUploads, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
};

struct S3Folder::Target {
  Bucket* bucket = nullptr;
  std::string bucket_name;
  std::string key;
  std::optional<Reply> wrong;  ///< it can't be an object
};

/// A body on its way into a file.
struct S3Folder::Incoming {
  OpenFile uploads;
  OpenFile file;
  std::string temporary;  ///< its name in `uploads`
  bool chunked = false;  ///< aws-chunked
  bool failed = false;
  ChunkedDecoder chunks;
  std::string tail;
  uint64_t bytes = 0;
  uint64_t crc64 = 0;
  uint32_t crc32 = 0;
  uint32_t crc32c = 0;

  bool write(std::string_view piece) {
    if (failed) return true;
    bytes += piece.size();
    crc64 = crc64nvme(crc64, piece);
    crc32 = weir::crc32(crc32, piece);
    crc32c = weir::crc32c(crc32c, piece);
    failed = !write_all(file.get(), piece);
    return true;
  }
  bool take(std::string_view piece) {
    if (!chunked) return write(piece);
    tail.append(piece);
    if (tail.size() > 8192) tail.erase(0, tail.size() - 4096);
    std::string room(piece.size() + 1, '\0');
    Error error;
    while (!piece.empty() && !chunks.finished()) {
      const Transfer transfer = chunks.decode(piece, room, error);
      if (transfer.step == Step::kFailed) return false;
      write(std::string_view(room).substr(0, transfer.produced));
      piece.remove_prefix(transfer.consumed);
      if (transfer.step == Step::kNeedInput) break;
    }
    return true;
  }
  /// A checksum that was sent, in a field or behind the body.
  [[nodiscard]] std::string sent(const Request& request, std::string_view name) const {
    if (const std::string_view value = request.field(name); !value.empty()) return std::string(value);
    const size_t at = tail.rfind(std::string(name) + ":");
    if (at == std::string::npos) return {};
    return tail.substr(at + name.size() + 1, tail.find_first_of("\r\n", at) - at - name.size() - 1);
  }
  [[nodiscard]] bool sums_hold(const Request& request) const {
    const std::string c64 = sent(request, kChecksum);
    const std::string c32 = sent(request, "x-amz-checksum-crc32");
    const std::string c32c = sent(request, "x-amz-checksum-crc32c");
    return (c64.empty() || c64 == base64_of(crc64).view()) && (c32.empty() || c32 == base64_of(crc32).view()) &&
           (c32c.empty() || c32c == base64_of(crc32c).view());
  }
  void discard() {
    if (!temporary.empty()) unlinkat(uploads.get(), temporary.c_str(), 0);
    temporary.clear();
  }
};

struct S3Folder::Change {
  Bucket* bucket;
  std::string key;  ///< empty: an upload was begun
  std::string saved;  ///< what was there before, in the folder of uploads; empty: nothing. Or the upload
};

S3Folder::S3Folder() = default;
S3Folder::~S3Folder() {
  for (auto& [connection, incoming] : incoming_) incoming.discard();
  for (const auto& [name, bucket] : buckets_) unlinkat(bucket->root.get(), kUploads, AT_REMOVEDIR);  // if it is empty
}

Status S3Folder::add(std::string_view mapping) {
  const size_t equals = mapping.find('=');
  std::string_view name = mapping.substr(0, equals);
  if (equals == std::string_view::npos || !name.starts_with("s3://"))
    return fail(Code::kBadArgument, "--map: expected s3://BUCKET=FOLDER, found '" + std::string(mapping) + "'");
  name.remove_prefix(5);
  while (name.ends_with('/')) name.remove_suffix(1);
  if (name.empty() || name.find('/') != std::string_view::npos)
    return fail(Code::kBadArgument, "--map: a folder stands for a whole bucket: s3://BUCKET=FOLDER");
  auto bucket = std::make_unique<Bucket>();
  bucket->name = name;
  bucket->path = mapping.substr(equals + 1);
  bucket->root = OpenFile(open(bucket->path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!bucket->root.open()) return fail(system_error(Code::kNoInput, errno, "--map: the folder " + bucket->path));
  if (!buckets_.emplace(bucket->name, std::move(bucket)).second)
    return fail(Code::kBadArgument, "--map: the bucket " + std::string(name) + " stands there twice");
  return {};
}

S3Folder::Target S3Folder::target_of(const Request& request) {
  Target target;
  const auto path = request.decoded_path();
  if (!path) {
    target.wrong = error_reply(400, "InvalidURI", "Couldn't parse the specified URI.");
    return target;
  }
  const size_t slash = path->find('/', 1);
  target.bucket_name = path->substr(1, slash == std::string::npos ? slash : slash - 1);
  if (slash != std::string::npos) target.key = path->substr(slash + 1);
  const auto found = buckets_.find(target.bucket_name);
  if (found != buckets_.end()) target.bucket = found->second.get();
  if (target.bucket_name.empty()) return target;
  if (target.bucket == nullptr) {
    target.wrong =
        error_reply(404, "NoSuchBucket", "No folder stands for it: --map s3://" + target.bucket_name + "=FOLDER");
  } else if (!target.key.empty() && !is_plain_key(target.key)) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    target.wrong =
        reads ? error_reply(404, "NoSuchKey", "The specified key does not exist.")
              : error_reply(400, "InvalidArgument", "A key with empty names, '.' or '..' can't be kept in a folder.");
  }
  return target;
}

// ---- requests -----------------------------------------------------------------------------------------------------------

void S3Folder::begin(ConnectionId connection, Request& request) {
  request.body_bytes_max = kXmlBytesMax;
  if (request.method != "PUT" || request.has("x-amz-copy-source")) return;
  request.sink = [](std::string_view) { return true; };
  const Target target = target_of(request);
  if (target.wrong || target.bucket == nullptr || target.key.empty()) return;
  Incoming incoming;
  incoming.uploads = target.bucket->uploads();
  incoming.temporary = "new-" + random_hex(16);
  incoming.file = OpenFile(openat(incoming.uploads.get(), incoming.temporary.c_str(),
                                  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  incoming.failed = !incoming.file.open();
  incoming.chunked = request.field("x-amz-content-sha256").starts_with("STREAMING-") ||
                     request.field("Content-Encoding").starts_with("aws-chunked");
  incoming_[connection] = std::move(incoming);
  request.sink = [this, connection](std::string_view piece) { return incoming_[connection].take(piece); };
}

void S3Folder::gone(ConnectionId connection) {
  const auto found = incoming_.find(connection);
  if (found == incoming_.end()) return;
  found->second.discard();
  incoming_.erase(found);
}

Reply S3Folder::answer(ConnectionId connection, Request& request) {
  const auto whole = [&]() -> Reply {
    Target target = target_of(request);
    if (target.wrong) return std::move(*target.wrong);
    const std::string& method = request.method;
    if (target.bucket == nullptr) {
      if (method != "GET") return error_reply(405, "MethodNotAllowed", "The specified method is not allowed.");
      std::string body = "<ListAllMyBucketsResult><Buckets>";
      for (const auto& [name, bucket] : buckets_)
        body +=
            "<Bucket><Name>" + escaped(name) + "</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>";
      return xml_reply(body + "</Buckets></ListAllMyBucketsResult>");
    }
    for (const char* unknown :
         {"acl", "tagging", "policy", "versions", "delete", "restore", "select", "cors", "lifecycle", "torrent",
          "attributes", "retention", "legal-hold", "website", "logging", "notification", "encryption"}) {
      if (request.parameter(unknown))
        return error_reply(501, "NotImplemented", "The emulator has no ?" + std::string(unknown));
    }
    if (request.has("x-amz-copy-source")) return error_reply(501, "NotImplemented", "The emulator copies no objects");
    if (target.key.empty()) {
      if (method == "HEAD") return Reply{};
      if (method == "PUT") return error_reply(409, "BucketAlreadyOwnedByYou", "Buckets are named by --map");
      if (method != "GET") return error_reply(405, "MethodNotAllowed", "The specified method is not allowed.");
      if (request.parameter("location")) return xml_reply("<LocationConstraint/>");
      if (request.parameter("versioning")) return xml_reply("<VersioningConfiguration/>");
      return request.parameter("uploads") ? list_uploads(request, *target.bucket) : list(request, *target.bucket);
    }
    const auto id = request.parameter("uploadId");
    if (id && !is_upload_id(*id)) return error_reply(404, "NoSuchUpload", "The specified upload does not exist.");
    if (method == "PUT") return put(incoming_[connection], request, target);
    if (method == "GET" && id) return list_parts(request, target, *id);
    if (method == "GET" || method == "HEAD") return get(request, target);
    if (method == "POST" && request.parameter("uploads")) return create_upload(request, target);
    if (method == "POST" && id) return complete(request, target, *id);
    if (method == "DELETE") return id ? abort(target, *id) : remove(target);
    return error_reply(405, "MethodNotAllowed", "The specified method is not allowed.");
  };
  Reply reply = whole();
  gone(connection);
  const time_t now = time(nullptr);
  struct stat at{};
  at.st_mtim.tv_sec = now;
  reply.fields.emplace_back("Date", time_text(at, "%a, %d %b %Y %H:%M:%S GMT"));
  reply.fields.emplace_back("x-amz-request-id", random_hex(16));
  reply.fields.emplace_back("Server", "weir-emulate");
  return reply;
}

std::optional<S3Folder::Found> S3Folder::find(const std::string& bucket, const std::string& key) {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end() || !is_plain_key(key)) return std::nullopt;
  std::string name;
  const OpenFile folder = folder_of(found->second->root.get(), key, false, name);
  struct stat info{};
  if (!folder.open() || fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
    return std::nullopt;
  return Found{static_cast<uint64_t>(info.st_size), etag_of(info)};
}

// The conditions of a write.
std::optional<Reply> S3Folder::refused(const Request& request, const Target& target) {
  const auto there = find(target.bucket_name, target.key);
  const std::string_view none = request.field("If-None-Match");
  const std::string_view match = request.field("If-Match");
  if (!none.empty() && none != "*") return error_reply(501, "NotImplemented", "If-None-Match of a write takes *");
  if (!match.empty() && !there) return error_reply(404, "NoSuchKey", "The specified key does not exist.");
  if ((!none.empty() && there) || (!match.empty() && !names_etag(match, there->etag)))
    return error_reply(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
  return std::nullopt;
}

Reply S3Folder::publish(const Request& request, const Target& target, const std::string& temporary, struct stat& info) {
  if (auto reply = refused(request, target); reply) return std::move(*reply);
  std::string name;
  const OpenFile uploads = target.bucket->uploads();
  const OpenFile folder = folder_of(target.bucket->root.get(), target.key, true, name);
  if (!folder.open()) return failed_call("making the folder of the key");
  if (remembers_) {
    Change change{target.bucket, target.key, "saved-" + random_hex(16)};
    if (renameat(folder.get(), name.c_str(), uploads.get(), change.saved.c_str()) != 0) change.saved.clear();
    changes_.push_back(change);
  }
  if (renameat(uploads.get(), temporary.c_str(), folder.get(), name.c_str()) != 0)
    return failed_call("publishing the object");
  if (fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return failed_call("looking at the object");
  Reply done;
  done.status = 0;
  return done;
}

void S3Folder::undo() {
  for (; !changes_.empty(); changes_.pop_back()) {
    const Change& change = changes_.back();
    std::string name;
    const OpenFile uploads = change.bucket->uploads();
    if (change.key.empty()) {
      remove_upload(uploads.get(), change.saved);
      continue;
    }
    const OpenFile folder = folder_of(change.bucket->root.get(), change.key, true, name);
    if (change.saved.empty()) {
      unlinkat(folder.get(), name.c_str(), 0);
      remove_empty_folders(change.bucket->root.get(), change.key);
    } else {
      (void)!renameat(uploads.get(), change.saved.c_str(), folder.get(), name.c_str());
    }
  }
}

// Fields of objects that came through here: with the file, or in memory beside its ETag.
void S3Folder::keep_fields(const Target& target, int file, const std::string& fields) {
  if (fsetxattr(file, kAttribute, fields.data(), fields.size(), 0) == 0) return;
  struct stat info{};
  if (fstat(file, &info) == 0) fields_[target.bucket_name + "/" + target.key + " " + etag_of(info)] = fields;
}

std::string S3Folder::fields_of(const Target& target, int file, const struct stat& info) {
  std::string text(16 * 1024, '\0');
  const ssize_t got = fgetxattr(file, kAttribute, text.data(), text.size());
  if (got > 0) {
    text.resize(static_cast<size_t>(got));
    // Changed since by somebody else: what was kept is of another object, and so is its checksum.
    const std::string mark = "etag: " + etag_of(info) + "\n";
    return text.starts_with(mark) ? text.substr(mark.size()) : std::string();
  }
  const auto found = fields_.find(target.bucket_name + "/" + target.key + " " + etag_of(info));
  return found == fields_.end() ? std::string() : found->second;
}

Reply S3Folder::put(Incoming& incoming, const Request& request, const Target& target) {
  if (incoming.failed || !incoming.file.open()) return error_reply(500, "InternalError", "The object can't be written");
  if (incoming.chunked && !incoming.chunks.finished())
    return error_reply(400, "IncompleteBody", "The chunked body ends early");
  if (!incoming.sums_hold(request))
    return error_reply(400, "BadDigest", "The checksum did not match the calculated checksum");
  stamp(incoming.file.get());
  struct stat info{};
  if (fstat(incoming.file.get(), &info) != 0) return failed_call("looking at the object");
  Reply reply;
  const auto number = request.parameter("partNumber");
  const auto id = request.parameter("uploadId");
  if (number || id) {
    const auto n = parse_length(number.value_or(""));
    OpenFile folder(id ? openat(incoming.uploads.get(), id->c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                       : -1);
    if (!folder.open()) return error_reply(404, "NoSuchUpload", "The specified upload does not exist.");
    if (!n || *n < 1 || *n > 10'000)
      return error_reply(400, "InvalidArgument", "Part number must be an integer between 1 and 10000");
    const auto before = parts_of(folder.get());
    const std::string name = part_file(static_cast<uint32_t>(*n), incoming.crc64);
    if (renameat(incoming.uploads.get(), incoming.temporary.c_str(), folder.get(), name.c_str()) != 0)
      return failed_call("keeping the part");
    incoming.temporary.clear();
    if (const auto old = before.find(static_cast<uint32_t>(*n)); old != before.end() && old->second.file != name)
      unlinkat(folder.get(), old->second.file.c_str(), 0);
  } else {
    keep_fields(target, incoming.file.get(),
                "etag: " + etag_of(info) + "\n" + kept_fields(request) + checksum_line(incoming.crc64));
    if (Reply refusal = publish(request, target, incoming.temporary, info); refusal.status != 0) return refusal;
    incoming.temporary.clear();
  }
  reply.fields.emplace_back("ETag", quoted_etag(info));
  reply.fields.emplace_back(kChecksum, base64_of(incoming.crc64).view());
  return reply;
}

Reply S3Folder::get(const Request& request, const Target& target) {
  std::string name;
  const OpenFile folder = folder_of(target.bucket->root.get(), target.key, false, name);
  if (!folder.open()) return failed_call("opening");
  OpenFile file(openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.open()) return failed_call("opening");
  struct stat info{};
  if (fstat(file.get(), &info) != 0) return failed_call("looking at the object");
  if (!S_ISREG(info.st_mode)) return error_reply(404, "NoSuchKey", "The specified key does not exist.");
  const std::string etag = etag_of(info);
  if (const std::string_view match = request.field("If-Match"); !match.empty() && !names_etag(match, etag))
    return error_reply(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
  Reply reply;
  reply.fields = {{"ETag", '"' + etag + '"'},
                  {"Last-Modified", time_text(info, "%a, %d %b %Y %H:%M:%S GMT")},
                  {"Accept-Ranges", "bytes"}};
  if (const std::string_view none = request.field("If-None-Match"); !none.empty() && names_etag(none, etag)) {
    reply.status = 304;
    return reply;
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  reply.file_bytes = size;
  std::string_view range = request.field("Range");
  if (range.starts_with("bytes=") && range.find(',') == std::string_view::npos &&
      range.find('-') != std::string_view::npos) {
    range.remove_prefix(6);
    const auto first = parse_length(range.substr(0, range.find('-')));
    const auto last = parse_length(range.substr(range.find('-') + 1));
    if (first || last) {
      const uint64_t from = first ? *first : size - std::min(*last, size);
      const uint64_t end = first && last ? std::min(size, *last + 1) : size;
      if (from >= size || end <= from) {
        Reply wrong = error_reply(416, "InvalidRange", "The requested range is not satisfiable");
        wrong.fields.emplace_back("Content-Range", "bytes */" + std::to_string(size));
        return wrong;
      }
      reply.status = 206;
      reply.file_at = from;
      reply.file_bytes = end - from;
      reply.fields.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" + std::to_string(end - 1) + "/" +
                                                     std::to_string(size));
    }
  }
  bool typed = false;
  const std::string kept = fields_of(target, file.get(), info);
  for (std::string_view left = kept; !left.empty();) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    const std::string_view field = line.substr(0, colon);
    typed = typed || field == "content-type";
    if (field == kChecksum) {
      if (request.field("x-amz-checksum-mode") != "ENABLED" || reply.status == 206) continue;
      reply.fields.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
    }
    reply.fields.emplace_back(field, line.substr(colon + 2));
  }
  if (!typed) reply.fields.emplace_back("Content-Type", "binary/octet-stream");
  reply.file = file.release();
  return reply;
}

Reply S3Folder::remove(const Target& target) {
  Reply reply;
  reply.status = 204;
  std::string name;
  const OpenFile folder = folder_of(target.bucket->root.get(), target.key, false, name);
  if (!folder.open()) return errno == ENOENT || errno == ENOTDIR ? reply : failed_call("deleting");
  if (remembers_) {
    Change change{target.bucket, target.key, "saved-" + random_hex(16)};
    const OpenFile uploads = target.bucket->uploads();
    if (renameat(folder.get(), name.c_str(), uploads.get(), change.saved.c_str()) == 0) changes_.push_back(change);
  } else if (unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR) {
    return failed_call("deleting");
  }
  remove_empty_folders(target.bucket->root.get(), target.key);
  return reply;
}

// ---- listings -----------------------------------------------------------------------------------------------------------

namespace {

struct Listed {
  std::string key;
  struct stat info;
};

void collect(int folder, const std::string& path, std::string_view prefix, std::vector<Listed>& found) {
  DIR* entries = fdopendir(dup(folder));
  if (entries == nullptr) return;
  rewinddir(entries);
  while (const dirent* entry = readdir(entries)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || (path.empty() && name == kUploads)) continue;
    const std::string key = path + std::string(name);
    struct stat info{};
    if (fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(info.st_mode)) {
      if (key.starts_with(prefix)) found.push_back({key, info});
    } else if (S_ISDIR(info.st_mode)) {
      const std::string below = key + '/';
      const size_t common = std::min(below.size(), prefix.size());
      if (below.substr(0, common) != prefix.substr(0, common)) continue;
      const OpenFile inner(openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (inner.open()) collect(inner.get(), below, prefix, found);
    }
  }
  closedir(entries);
}

}  // namespace

Reply S3Folder::list(const Request& request, Bucket& bucket) {
  const bool second = request.parameter("list-type") == "2";
  const bool url = request.parameter("encoding-type") == "url";
  const std::string prefix = request.parameter("prefix").value_or("");
  const std::string delimiter = request.parameter("delimiter").value_or("");
  std::string after = request.parameter(second ? "start-after" : "marker").value_or("");
  if (const auto token = request.parameter("continuation-token"); second && token)
    after = decoded(*token, false).value_or("");
  const size_t page =
      std::min<uint64_t>(kPageMax, parse_length(request.parameter("max-keys").value_or("1000")).value_or(kPageMax));
  const auto shown = [&](std::string_view text) { return url ? url_encoded(text) : escaped(text); };

  std::vector<Listed> found;
  collect(bucket.root.get(), "", prefix, found);
  std::sort(found.begin(), found.end(), [](const Listed& a, const Listed& b) { return a.key < b.key; });
  std::string entries;
  std::string last;
  size_t count = 0;
  bool more = false;
  for (const Listed& object : found) {
    std::string name = object.key;
    bool is_prefix = false;
    if (!delimiter.empty()) {
      if (const size_t at = name.find(delimiter, prefix.size()); at != std::string::npos) {
        name.resize(at + delimiter.size());
        is_prefix = true;
      }
    }
    if ((!after.empty() && name <= after) || (is_prefix && name == last)) continue;
    if (count == page) {
      more = true;
      break;
    }
    ++count;
    last = name;
    entries += is_prefix ? "<CommonPrefixes><Prefix>" + shown(name) + "</Prefix></CommonPrefixes>"
                         : "<Contents><Key>" + shown(name) + "</Key><LastModified>" + iso_time(object.info) +
                               "</LastModified><ETag>&quot;" + etag_of(object.info) + "&quot;</ETag><Size>" +
                               std::to_string(object.info.st_size) +
                               "</Size><StorageClass>STANDARD</StorageClass></Contents>";
  }
  std::string body = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>" +
                     escaped(bucket.name) + "</Name><Prefix>" + shown(prefix) + "</Prefix><MaxKeys>" +
                     std::to_string(page) + "</MaxKeys>";
  if (!delimiter.empty()) body += "<Delimiter>" + shown(delimiter) + "</Delimiter>";
  if (url) body += "<EncodingType>url</EncodingType>";
  if (second) body += "<KeyCount>" + std::to_string(count) + "</KeyCount>";
  body += std::string("<IsTruncated>") + (more ? "true" : "false") + "</IsTruncated>";
  if (more && second) body += "<NextContinuationToken>" + url_encoded(last) + "</NextContinuationToken>";
  if (more && !second) body += "<NextMarker>" + shown(last) + "</NextMarker>";
  return xml_reply(body + entries + "</ListBucketResult>");
}

Reply S3Folder::list_uploads(const Request& request, Bucket& bucket) {
  const std::string prefix = request.parameter("prefix").value_or("");
  const bool url = request.parameter("encoding-type") == "url";
  const OpenFile uploads = bucket.uploads();
  std::map<std::pair<std::string, std::string>, struct stat> found;
  if (DIR* entries = fdopendir(dup(uploads.get())); entries != nullptr) {
    rewinddir(entries);
    while (const dirent* entry = readdir(entries)) {
      if (!is_upload_id(entry->d_name)) continue;
      const OpenFile folder(openat(uploads.get(), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      const std::string kept = read_file_at(folder.get(), "key");
      const std::string key = decoded(kept.substr(0, kept.find('\n')), false).value_or("");
      struct stat info{};
      if (fstatat(folder.get(), "key", &info, 0) == 0 && key.starts_with(prefix)) found[{key, entry->d_name}] = info;
    }
    closedir(entries);
  }
  std::string body = "<ListMultipartUploadsResult><Bucket>" + escaped(bucket.name) + "</Bucket>";
  for (const auto& [place, info] : found)
    body += "<Upload><Key>" + (url ? url_encoded(place.first) : escaped(place.first)) + "</Key><UploadId>" +
            place.second + "</UploadId><Initiated>" + iso_time(info) + "</Initiated></Upload>";
  return xml_reply(body + "<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
}

Reply S3Folder::list_parts(const Request& request, const Target& target, const std::string& id) {
  const OpenFile uploads = target.bucket->uploads();
  const OpenFile folder(openat(uploads.get(), id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.open()) return error_reply(404, "NoSuchUpload", "The specified upload does not exist.");
  const uint64_t after = parse_length(request.parameter("part-number-marker").value_or("0")).value_or(0);
  std::string body = "<ListPartsResult><Bucket>" + escaped(target.bucket_name) + "</Bucket><Key>" +
                     escaped(target.key) + "</Key><UploadId>" + id + "</UploadId>";
  size_t count = 0;
  uint32_t last = 0;
  bool more = false;
  for (const auto& [number, part] : parts_of(folder.get())) {
    if (number <= after) continue;
    if (count++ == kPageMax) {
      more = true;
      break;
    }
    last = number;
    body += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><LastModified>" + iso_time(part.info) +
            "</LastModified><ETag>&quot;" + etag_of(part.info) + "&quot;</ETag><Size>" +
            std::to_string(part.info.st_size) + "</Size><ChecksumCRC64NVME>" +
            std::string(base64_of(part.crc64nvme).view()) + "</ChecksumCRC64NVME></Part>";
  }
  body += std::string("<IsTruncated>") + (more ? "true" : "false") + "</IsTruncated>";
  if (more) body += "<NextPartNumberMarker>" + std::to_string(last) + "</NextPartNumberMarker>";
  return xml_reply(body + "</ListPartsResult>");
}

// ---- uploads in parts ---------------------------------------------------------------------------------------------------

Reply S3Folder::create_upload(const Request& request, const Target& target) {
  const OpenFile uploads = target.bucket->uploads();
  const std::string id = random_hex(32);
  if (mkdirat(uploads.get(), id.c_str(), 0777) != 0) return failed_call("making the upload");
  const OpenFile folder(openat(uploads.get(), id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const OpenFile file(openat(folder.get(), "key", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.open() || !write_all(file.get(), url_encoded(target.key) + "\n" + kept_fields(request)))
    return failed_call("making the upload");
  if (remembers_) changes_.push_back({target.bucket, "", id});
  return xml_reply("<InitiateMultipartUploadResult><Bucket>" + escaped(target.bucket_name) + "</Bucket><Key>" +
                   escaped(target.key) + "</Key><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
}

Reply S3Folder::abort(const Target& target, const std::string& id) {
  const OpenFile uploads = target.bucket->uploads();
  if (faccessat(uploads.get(), id.c_str(), F_OK, 0) != 0)
    return error_reply(404, "NoSuchUpload", "The specified upload does not exist.");
  remove_upload(uploads.get(), id);
  Reply reply;
  reply.status = 204;
  return reply;
}

Reply S3Folder::complete(const Request& request, const Target& target, const std::string& id) {
  struct Copy {
    OpenFile uploads;
    OpenFile folder;
    OpenFile out;
    std::string temporary;
    std::vector<Part> parts;
    size_t part = 0;
    off_t at = 0;
    uint64_t size = 0;
    uint64_t crc64 = 0;
    std::string fields;
    Copy() = default;
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    ~Copy() {
      if (!temporary.empty()) unlinkat(uploads.get(), temporary.c_str(), 0);
    }
  };
  auto copy = std::make_shared<Copy>();
  copy->uploads = target.bucket->uploads();
  copy->folder = OpenFile(openat(copy->uploads.get(), id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const std::string kept = read_file_at(copy->folder.get(), "key");
  if (!copy->folder.open() || decoded(kept.substr(0, kept.find('\n')), false) != target.key)
    return error_reply(404, "NoSuchUpload", "The specified upload does not exist.");
  copy->fields = kept.substr(std::min(kept.find('\n') + 1, kept.size()));
  const auto have = parts_of(copy->folder.get());
  uint32_t before = 0;
  size_t at = 0;
  while (const auto named = element(request.body, "Part", at)) {
    size_t in_number = 0;
    size_t in_tag = 0;
    const auto number = parse_length(element(*named, "PartNumber", in_number).value_or(""));
    std::string tag = element(*named, "ETag", in_tag).value_or("");
    for (const std::string_view quote : {"&quot;", "&#34;", "\""}) {
      for (size_t q = tag.find(quote); q != std::string::npos; q = tag.find(quote)) tag.erase(q, quote.size());
    }
    if (!number) return error_reply(400, "MalformedXML", "The list of parts can't be understood");
    if (*number <= before) return error_reply(400, "InvalidPartOrder", "The list of parts was not in ascending order");
    const auto part = have.find(static_cast<uint32_t>(*number));
    if (part == have.end() || etag_of(part->second.info) != tag)
      return error_reply(400, "InvalidPart",
                         "Part " + std::to_string(*number) + " was not found, or its entity tag is another");
    if (!copy->parts.empty() && copy->parts.back().info.st_size < static_cast<off_t>(kPartBytesMin))
      return error_reply(400, "EntityTooSmall", "A part but the last is smaller than 5 MiB");
    before = part->first;
    const auto bytes = static_cast<uint64_t>(part->second.info.st_size);
    copy->crc64 = crc64nvme_combine(copy->crc64, part->second.crc64nvme, bytes);
    copy->size += bytes;
    copy->parts.push_back(part->second);
  }
  if (copy->parts.empty()) return error_reply(400, "MalformedXML", "There is no part in the list");
  if (const std::string_view sum = request.field(kChecksum); !sum.empty() && sum != base64_of(copy->crc64).view())
    return error_reply(400, "BadDigest", "The checksum did not match the calculated checksum");
  if (const std::string_view size = request.field("x-amz-mp-object-size");
      !size.empty() && parse_length(size) != copy->size)
    return error_reply(400, "InvalidRequest", "The object has another size than x-amz-mp-object-size says");
  if (auto reply = refused(request, target); reply) return std::move(*reply);
  copy->temporary = "new-" + random_hex(16);
  copy->out =
      OpenFile(openat(copy->uploads.get(), copy->temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!copy->out.open()) return failed_call("making the object");

  Reply reply;
  Request conditions;
  conditions.fields = request.fields;
  reply.work = [this, copy, target_bucket = target.bucket, bucket = target.bucket_name, key = target.key, id,
                conditions](Reply& answer) {
    const Fields common = std::exchange(answer.fields, {});
    const auto give = [&](Reply made) {
      answer = std::move(made);
      answer.fields.insert(answer.fields.end(), common.begin(), common.end());
      return true;
    };
    if (copy->part < copy->parts.size()) {
      const Part& part = copy->parts[copy->part];
      const OpenFile in(openat(copy->folder.get(), part.file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      const auto left = static_cast<size_t>(part.info.st_size - copy->at);
      const ssize_t got =
          left == 0   ? 0
          : in.open() ? copy_file_range(in.get(), &copy->at, copy->out.get(), nullptr, std::min(left, kCopyBytes), 0)
                      : -1;
      if (got < 0 || (got == 0 && left != 0)) return give(failed_call("putting the parts together"));
      if (static_cast<size_t>(got) == left) {
        ++copy->part;
        copy->at = 0;
      }
      answer.fields = common;
      return false;
    }
    Target to;
    to.bucket = target_bucket;
    to.bucket_name = bucket;
    to.key = key;
    stamp(copy->out.get());
    struct stat info{};
    if (fstat(copy->out.get(), &info) != 0) return give(failed_call("looking at the object"));
    keep_fields(to, copy->out.get(), "etag: " + etag_of(info) + "\n" + copy->fields + checksum_line(copy->crc64));
    if (Reply refusal = publish(conditions, to, copy->temporary, info); refusal.status != 0)
      return give(std::move(refusal));
    copy->temporary.clear();
    remove_upload(copy->uploads.get(), id);
    return give(xml_reply("<CompleteMultipartUploadResult><Bucket>" + escaped(bucket) + "</Bucket><Key>" +
                          escaped(key) + "</Key><ETag>&quot;" + etag_of(info) + "&quot;</ETag><ChecksumCRC64NVME>" +
                          std::string(base64_of(copy->crc64).view()) +
                          "</ChecksumCRC64NVME></CompleteMultipartUploadResult>"));
  };
  return reply;
}

}  // namespace weir::emulate
