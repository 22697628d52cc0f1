// S3 out of folders: bucket "raw" is a folder, a key a path below it. As much of the REST API, path style, as programs that read, write and list
// objects call; signatures are not looked at. What it does not know is refused with 501, never half done.
//
// - An object appears when it is whole, in one step. ETags are made of size, inode and time of the file, so they stay when this is started again
// - Links are not followed and "..", "." and empty names in keys are refused: nothing outside of the folder is read or written
// - Uploads wait in `.weir-uploads` in the folder, which is no key. They stay over a restart, too
// - User metadata and checksums are kept as an extended attribute where the file system has them, else only as long as this lives
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/error.hpp"
#include "emulate/http_server.hpp"

namespace weir::emulate {

class S3Folder {
 public:
  S3Folder();
  ~S3Folder();
  S3Folder(const S3Folder&) = delete;
  S3Folder& operator=(const S3Folder&) = delete;

  /// "s3://raw=./data/raw": W2009 when it isn't one, W2014 when there is no such folder.
  Status add(std::string_view mapping);
  [[nodiscard]] bool empty() const { return buckets_.empty(); }

  /// As HttpHandler has them.
  void begin(ConnectionId connection, Request& request);
  Reply answer(ConnectionId connection, Request& request);
  void gone(ConnectionId connection);

  struct Found {
    uint64_t size = 0;
    std::string etag;  ///< without quotes
  };
  /// Of an object, for events that speak of it.
  std::optional<Found> find(const std::string& bucket, const std::string& key);

  /// From here on changes of objects are remembered; undo() takes them back.
  void remember_changes() { remembers_ = true; }
  void undo();

 private:
  struct Bucket;
  struct Incoming;
  struct Target;
  struct Change;

  Target target_of(const Request& request);
  Reply put(Incoming& incoming, const Request& request, const Target& target);
  Reply get(const Request& request, const Target& target);
  Reply remove(const Target& target);
  Reply list(const Request& request, Bucket& bucket);
  Reply list_uploads(const Request& request, Bucket& bucket);
  Reply list_parts(const Request& request, const Target& target, const std::string& id);
  Reply create_upload(const Request& request, const Target& target);
  Reply complete(const Request& request, const Target& target, const std::string& id);
  Reply abort(const Target& target, const std::string& id);
  /// Makes the temporary file the object, if the request's conditions hold. Status 0: done.
  Reply publish(const Request& request, const Target& target, const std::string& temporary, struct stat& info);
  std::optional<Reply> refused(const Request& request, const Target& target);
  std::string fields_of(const Target& target, int file, const struct stat& info);
  void keep_fields(const Target& target, int file, const std::string& fields);

  std::map<std::string, std::unique_ptr<Bucket>> buckets_;
  std::map<ConnectionId, Incoming> incoming_;
  std::map<std::string, std::string> fields_;  ///< "bucket/key" + ETag: where the file system keeps no attributes
  std::vector<Change> changes_;
  bool remembers_ = false;
};

}  // namespace weir::emulate
