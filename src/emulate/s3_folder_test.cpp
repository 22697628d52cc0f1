#include "emulate/s3_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/base64.hpp"
#include "emulate/events.hpp"
#include "emulate/json_text.hpp"
#include "hash/crc64nvme.hpp"

namespace weir::emulate {
namespace {

namespace fs = std::filesystem;

std::string value(const Reply& reply, std::string_view name) {
  for (const auto& [field, text] : reply.fields) {
    if (field == name) return text;
  }
  return {};
}

std::string body_of(const Reply& reply) {
  if (reply.file < 0) return reply.body;
  std::string text(reply.file_bytes, '\0');
  EXPECT_EQ(pread(reply.file, text.data(), text.size(), static_cast<off_t>(reply.file_at)),
            static_cast<ssize_t>(text.size()));
  close(reply.file);
  return text;
}

std::string sum_of(std::string_view bytes) { return std::string(base64_of(crc64nvme(0, bytes)).view()); }

struct S3FolderTest : testing::Test {
  std::string dir;
  std::unique_ptr<S3Folder> folders = std::make_unique<S3Folder>();

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weir-s3-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir = name;
    fs::create_directory(dir + "/b");
    ASSERT_TRUE(folders->add("s3://b=" + dir + "/b"));
  }
  void TearDown() override { fs::remove_all(dir); }

  /// As the server does it, the body in two pieces.
  Reply call(std::string method, std::string target, std::string body = {}, Fields fields = {}) {
    Request request;
    request.method = std::move(method);
    request.path = target.substr(0, target.find('?'));
    if (const size_t mark = target.find('?'); mark != std::string::npos) request.query = target.substr(mark + 1);
    request.fields = std::move(fields);
    folders->begin(7, request);
    for (const std::string& piece : {body.substr(0, body.size() / 2), body.substr(body.size() / 2)}) {
      if (request.sink)
        EXPECT_TRUE(request.sink(piece));
      else
        request.body += piece;
    }
    Reply reply = folders->answer(7, request);
    while (reply.work) {
      auto work = std::move(reply.work);
      if (!work(reply)) reply.work = std::move(work);
    }
    return reply;
  }
  std::string file(const std::string& key) {
    std::ifstream in(dir + "/b/" + key, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(S3FolderTest, what_was_put_is_a_file_and_is_got_again) {
  const Reply put =
      call("PUT", "/b/x/y%20z.txt", "hello", {{"x-amz-meta-a", "1"}, {"x-amz-checksum-crc64nvme", sum_of("hello")}});
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(file("x/y z.txt"), "hello");
  Reply got = call("GET", "/b/x/y%20z.txt", "", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(body_of(got), "hello");
  EXPECT_EQ(value(got, "ETag"), value(put, "ETag"));
  EXPECT_EQ(value(got, "x-amz-meta-a"), "1");
  EXPECT_EQ(value(got, "x-amz-checksum-crc64nvme"), sum_of("hello"));
  EXPECT_EQ(call("DELETE", "/b/x/y%20z.txt").status, 204);
  EXPECT_FALSE(fs::exists(dir + "/b/x"));
  EXPECT_EQ(call("GET", "/b/x/y%20z.txt").status, 404);
}

TEST_F(S3FolderTest, a_wrong_checksum_leaves_nothing) {
  const Reply put = call("PUT", "/b/x", "hello", {{"x-amz-checksum-crc64nvme", sum_of("other")}});
  EXPECT_EQ(put.status, 400);
  EXPECT_NE(put.body.find("BadDigest"), std::string::npos);
  EXPECT_FALSE(fs::exists(dir + "/b/x"));
  EXPECT_TRUE(fs::is_empty(dir + "/b/.weir-uploads"));
}

TEST_F(S3FolderTest, no_key_leads_out_of_the_folder) {
  std::ofstream(dir + "/secret") << "secret";
  fs::create_symlink(dir + "/secret", dir + "/b/link");
  fs::create_directory_symlink(dir, dir + "/b/up");
  for (const char* key : {"..%2Fsecret", "../secret", "a/../../secret", "./x", "a//x", "/x", "x/", "%2e%2e/secret",
                          "link", "up/secret", ".weir-uploads/x", "a%00b"}) {
    EXPECT_GE(call("GET", std::string("/b/") + key).status, 403) << key;
    if (std::string_view(key) == "link") continue;
    EXPECT_GE(call("PUT", std::string("/b/") + key, "evil").status, 400) << key;
  }
  EXPECT_EQ(call("PUT", "/b/link", "mine").status, 200);  // takes the link's place
  std::ifstream in(dir + "/secret");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "secret");
  EXPECT_EQ(call("GET", "/other/x").status, 404);
}

TEST_F(S3FolderTest, ranges) {
  call("PUT", "/b/x", "0123456789");
  const auto range = [&](const char* text) { return call("GET", "/b/x", "", {{"Range", text}}); };
  Reply part = range("bytes=2-4");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(value(part, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(body_of(part), "234");
  EXPECT_EQ(body_of(range("bytes=7-")), "789");
  EXPECT_EQ(body_of(range("bytes=-2")), "89");
  EXPECT_EQ(body_of(range("bytes=8-100")), "89");
  EXPECT_EQ(body_of(range("odd")), "0123456789");
  EXPECT_EQ(range("bytes=10-").status, 416);
}

TEST_F(S3FolderTest, conditions_of_reads_and_writes) {
  const std::string etag = value(call("PUT", "/b/x", "one"), "ETag");
  EXPECT_EQ(call("PUT", "/b/x", "two", {{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(call("PUT", "/b/x", "two", {{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(call("PUT", "/b/none", "two", {{"If-Match", etag}}).status, 404);
  EXPECT_EQ(file("x"), "one");
  const Reply replaced = call("PUT", "/b/x", "two", {{"If-Match", etag.substr(1, etag.size() - 2)}});
  EXPECT_EQ(replaced.status, 200);
  EXPECT_NE(value(replaced, "ETag"), etag);
  EXPECT_EQ(call("GET", "/b/x", "", {{"If-Match", etag}}).status, 412);
  EXPECT_EQ(call("GET", "/b/x", "", {{"If-None-Match", value(replaced, "ETag")}}).status, 304);
}

TEST_F(S3FolderTest, an_etag_stays_over_a_restart) {
  const std::string etag = value(call("PUT", "/b/x", "one"), "ETag");
  folders = std::make_unique<S3Folder>();
  ASSERT_TRUE(folders->add("s3://b=" + dir + "/b"));
  EXPECT_EQ(value(call("HEAD", "/b/x"), "ETag"), etag);
}

TEST_F(S3FolderTest, a_chunked_body_is_unpacked_and_its_trailer_counts) {
  const auto put = [&](const std::string& sum) {
    return call("PUT", "/b/x", "5;chunk-signature=0\r\nhello\r\n0\r\nx-amz-checksum-crc64nvme:" + sum + "\r\n\r\n",
                {{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}});
  };
  EXPECT_EQ(put(sum_of("other")).status, 400);
  EXPECT_EQ(put(sum_of("hello")).status, 200);
  EXPECT_EQ(file("x"), "hello");
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

TEST_F(S3FolderTest, an_upload_in_parts_is_the_object_when_it_is_completed) {
  const std::string large(5u << 20, 'a');
  const std::string id =
      between(call("POST", "/b/x/y?uploads=", "", {{"x-amz-meta-m", "1"}}).body, "<UploadId>", "</UploadId>");
  const auto part = [&](int number, const std::string& bytes) {
    return value(call("PUT", "/b/x/y?partNumber=" + std::to_string(number) + "&uploadId=" + id, bytes), "ETag");
  };
  const auto list = [](std::initializer_list<std::pair<int, std::string>> parts) {
    std::string xml = "<CompleteMultipartUpload>";
    for (const auto& [number, etag] : parts)
      xml += "<Part><ETag>&quot;" + etag.substr(1, etag.size() - 2) + "&quot;</ETag><PartNumber>" +
             std::to_string(number) + "</PartNumber></Part>";
    return xml + "</CompleteMultipartUpload>";
  };
  const std::string target = "/b/x/y?uploadId=" + id;
  const std::string old = part(2, "old");
  const std::string first = part(2, large);
  const std::string second = part(5, "tail");
  EXPECT_FALSE(fs::exists(dir + "/b/x"));
  const std::string listed = call("GET", target).body;
  EXPECT_NE(listed.find("<PartNumber>5</PartNumber>"), std::string::npos);
  EXPECT_NE(listed.find("<ChecksumCRC64NVME>" + sum_of("tail")), std::string::npos);
  EXPECT_NE(call("GET", "/b?uploads=&prefix=x").body.find(id), std::string::npos);
  EXPECT_EQ(call("GET", "/b?uploads=&prefix=z").body.find(id), std::string::npos);

  EXPECT_NE(call("POST", target, list({{2, old}})).body.find("InvalidPart"), std::string::npos);
  EXPECT_NE(call("POST", target, list({{5, second}, {2, first}})).body.find("InvalidPartOrder"), std::string::npos);
  EXPECT_NE(call("POST", target, list({{2, first}, {5, second}}), {{"x-amz-checksum-crc64nvme", sum_of("x")}})
                .body.find("BadDigest"),
            std::string::npos);
  EXPECT_EQ(call("POST", target, list({{2, first}, {5, second}}), {{"x-amz-mp-object-size", "1"}}).status, 400);
  EXPECT_EQ(call("POST", "/b/other?uploadId=" + id, list({{2, first}})).status, 404);
  const Reply done = call("POST", target, list({{2, first}, {5, second}}),
                          {{"x-amz-checksum-crc64nvme", sum_of(large + "tail")}, {"If-None-Match", "*"}});
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(file("x/y"), large + "tail");
  Reply head = call("HEAD", "/b/x/y", "", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(value(head, "x-amz-meta-m"), "1");
  EXPECT_EQ(value(head, "x-amz-checksum-crc64nvme"), sum_of(large + "tail"));
  (void)body_of(head);
  EXPECT_EQ(call("POST", target, list({{2, first}})).status, 404);
  EXPECT_TRUE(fs::is_empty(dir + "/b/.weir-uploads"));
}

TEST_F(S3FolderTest, small_parts_and_aborted_uploads) {
  const std::string id = between(call("POST", "/b/x?uploads").body, "<UploadId>", "</UploadId>");
  const std::string one = value(call("PUT", "/b/x?partNumber=1&uploadId=" + id, "1"), "ETag");
  const std::string two = value(call("PUT", "/b/x?partNumber=2&uploadId=" + id, "2"), "ETag");
  EXPECT_NE(call("POST", "/b/x?uploadId=" + id,
                 "<Part><PartNumber>1</PartNumber><ETag>" + one +
                     "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>" + two + "</ETag></Part>")
                .body.find("EntityTooSmall"),
            std::string::npos);
  EXPECT_EQ(call("PUT", "/b/x?partNumber=0&uploadId=" + id, "1").status, 400);
  EXPECT_EQ(call("DELETE", "/b/x?uploadId=" + id).status, 204);
  EXPECT_EQ(call("DELETE", "/b/x?uploadId=" + id).status, 404);
  EXPECT_EQ(call("PUT", "/b/x?partNumber=1&uploadId=" + id, "1").status, 404);
  EXPECT_EQ(call("PUT", "/b/x?partNumber=1&uploadId=..%2F..%2Fx", "1").status, 404);
  EXPECT_TRUE(fs::is_empty(dir + "/b/.weir-uploads"));
}

TEST_F(S3FolderTest, listings_are_in_the_order_of_keys_in_pages) {
  for (const char* key : {"a", "a.b", "c/d", "c/e", "c-d", "%C3%A9%20%2B"}) call("PUT", std::string("/b/") + key, "1");
  const auto keys = [&](const std::string& query) {
    const std::string body = call("GET", "/b?list-type=2&" + query).body;
    std::string found;
    for (size_t at = 0; (at = body.find("<Key>", at)) != std::string::npos;) {
      at += 5;
      found += body.substr(at, body.find('<', at) - at) + " ";
    }
    return found;
  };
  EXPECT_EQ(keys("encoding-type=url"), "a a.b c-d c/d c/e %C3%A9%20%2B ");
  EXPECT_EQ(keys("prefix=c%2F"), "c/d c/e ");
  EXPECT_EQ(keys("max-keys=2"), "a a.b ");
  EXPECT_EQ(keys("max-keys=2&continuation-token=a.b"), "c-d c/d ");
  EXPECT_EQ(keys("start-after=c"), "c-d c/d c/e é + ");
  EXPECT_EQ(keys("delimiter=%2F&prefix=c"), "c-d ");
  EXPECT_NE(
      call("GET", "/b?list-type=2&delimiter=%2F").body.find("<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"),
      std::string::npos);
}

TEST_F(S3FolderTest, what_it_does_not_know_is_refused) {
  call("PUT", "/b/x", "1");
  EXPECT_EQ(call("PUT", "/b/y", "", {{"x-amz-copy-source", "/b/x"}}).status, 501);
  EXPECT_EQ(call("GET", "/b/x?tagging").status, 501);
  EXPECT_EQ(call("POST", "/b?delete", "<Delete/>").status, 501);
  EXPECT_FALSE(fs::exists(dir + "/b/y"));
}

TEST_F(S3FolderTest, changes_can_be_taken_back) {
  call("PUT", "/b/old", "old");
  call("PUT", "/b/gone", "gone");
  folders->remember_changes();
  call("PUT", "/b/old", "new");
  call("PUT", "/b/old", "newer");
  call("PUT", "/b/d/made", "made");
  call("DELETE", "/b/gone");
  call("POST", "/b/parts?uploads");
  folders->undo();
  EXPECT_EQ(file("old"), "old");
  EXPECT_EQ(file("gone"), "gone");
  EXPECT_FALSE(fs::exists(dir + "/b/d"));
  EXPECT_TRUE(fs::is_empty(dir + "/b/.weir-uploads"));
}

TEST_F(S3FolderTest, mappings_that_are_none_are_refused) {
  for (const char* text : {"b=.", "s3://b", "s3://=x", "s3://a/b=.", "s3://n=/nowhere/at/all"})
    EXPECT_FALSE(folders->add(text)) << text;
  EXPECT_FALSE(folders->add("s3://b=" + dir));  // twice
}

TEST_F(S3FolderTest, a_notification_speaks_of_what_is_there) {
  call("PUT", "/b/x%20y", "12345");
  const auto event = make_event("s3:b/x y", {"eu-west-1", 1'700'000'000'000'000'000, folders.get()});
  ASSERT_TRUE(event);
  EXPECT_TRUE(is_json(*event));
  EXPECT_NE(event->find("\"key\":\"x+y\",\"size\":5,\"eTag\":\"" + folders->find("b", "x y")->etag), std::string::npos);
  EXPECT_NE(event->find("\"eventTime\":\"2023-11-14T22:13:20.000Z\""), std::string::npos);
}

TEST(Events, are_made_of_words) {
  EXPECT_EQ(form_encoded("a b/c+d=é"), "a+b/c%2Bd%3D%C3%A9");
  EXPECT_EQ(*make_event("{\"a\":1}", {}), "{\"a\":1}");
  EXPECT_FALSE(make_event("{\"a\":1", {}));
  EXPECT_FALSE(make_event("/nowhere/at/all", {}));
  EXPECT_FALSE(make_event("s3:bucket", {}));
  const auto gone = make_event("s3:b/k", {});
  EXPECT_EQ(gone->find("\"size\""), std::string::npos);
  const auto wrapped = make_event("sqs:{\"a\":1}", {});
  ASSERT_TRUE(wrapped && is_json(*wrapped));
  EXPECT_NE(wrapped->find("\"body\":\"{\\\"a\\\":1}\""), std::string::npos);
}

}  // namespace
}  // namespace weir::emulate
