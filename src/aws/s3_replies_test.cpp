#include "aws/s3_replies.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

/// A whole body through a reader; `item` is called at each entry. What it ended with: "finished", "more" or the reason of the failure.
template <typename Reader, typename Item>
std::string read_in(Reader& reader, std::string_view body, size_t piece, Item&& item) {
  Error error;
  size_t at = 0;
  while (true) {
    const std::string part(body.substr(at, piece));
    const bool closed = at + part.size() == body.size();
    const Transfer transfer = reader.read(part, closed, error);
    at += transfer.consumed;
    if (transfer.step == Step::kHaveOutput) {
      item();
    } else if (transfer.step == Step::kFailed) {
      EXPECT_EQ(error.code, Code::kBadReply);
      return std::string(error.detail.view());
    } else if (transfer.step == Step::kFinished) {
      return "finished";
    } else if (closed) {
      return "more";
    }
  }
}
template <typename Reader>
std::string read_in(Reader& reader, std::string_view body, size_t piece = SIZE_MAX) {
  return read_in(reader, body, piece, [] { ADD_FAILURE() << "an entry"; });
}

constexpr std::string_view kXml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
constexpr std::string_view kNamespace = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

TEST(ErrorReply, of_s3_is_read) {
  const std::string body = std::string(kXml) +
                           "<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must "
                           "be addressed using the specified endpoint."
                           "</Message><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>b</"
                           "Bucket><Region>eu-west-1</Region><RequestId>R1</RequestId><HostId>H</HostId></Error>";
  for (const size_t piece : {size_t{1}, size_t{13}, SIZE_MAX}) {
    ErrorReplyReader reader;
    EXPECT_FALSE(reader.failure().present());
    EXPECT_EQ(read_in(reader, body, piece), "finished");
    EXPECT_EQ(reader.failure().code.view(), "PermanentRedirect");
    EXPECT_EQ(reader.failure().message.view(),
              "The bucket you are attempting to access must be addressed using the specified endpoint.");
    EXPECT_EQ(reader.failure().region.view(), "eu-west-1");
    EXPECT_EQ(reader.failure().endpoint.view(), "b.s3.eu-west-1.amazonaws.com");
    EXPECT_EQ(reader.failure().request_id.view(), "R1");
  }
}

TEST(ErrorReply, of_sts_is_read) {
  ErrorReplyReader reader;
  EXPECT_EQ(
      read_in(reader,
              "<ErrorResponse "
              "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>ExpiredToken</Code>"
              "<Message>The security token included in the request is "
              "expired</Message></Error><RequestId>R2</RequestId></ErrorResponse>"),
      "finished");
  EXPECT_EQ(reader.failure().code.view(), "ExpiredToken");
  EXPECT_EQ(reader.failure().request_id.view(), "R2");
}

TEST(ErrorReply, is_told_from_texts_that_are_too_long_or_hostile) {
  ErrorReplyReader reader;
  EXPECT_EQ(read_in(reader, "<Error><CanonicalRequest>" + std::string(10'000, 'x') +
                                "</CanonicalRequest><Code>Signature\n\x1b[31m&#27;&#10;</Code><Message>" +
                                std::string(5'000, 'm') + "</Message></Error>"),
            "finished");
  EXPECT_EQ(reader.failure().code.view(), "Signature??[31m??");
  EXPECT_EQ(reader.failure().message.view(), std::string(200, 'm'));
  ErrorReplyReader huge;
  EXPECT_EQ(read_in(huge, "<Error><Code>" + std::string(70'000, 'x') + "</Code></Error>"),
            "more XML than a reply may have");
  ErrorReplyReader html;
  EXPECT_EQ(read_in(html, "<html><body><h1>503</h1></body></html>"), "finished");
  EXPECT_FALSE(html.failure().present());
}

TEST(ListObjects, gives_each_entry_however_the_reply_is_cut) {
  const std::string body = std::string(kXml) + "<ListBucketResult" + std::string(kNamespace) +
                           "><Name>b</Name><Prefix>p%2F</Prefix><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/"
                           "wm36Hy4vbOwM=</NextContinuationToken><KeyCount>3</KeyCount>"
                           "<MaxKeys>3</MaxKeys><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
                           "<Contents><Key>p/a+b%2Bc%0A%C3%A4.csv.gz</Key><LastModified>2012-04-27T16:02:25.000Z</"
                           "LastModified><ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag>"
                           "<Size>434234000000</Size><Owner><ID>x</ID><DisplayName>Size</DisplayName></"
                           "Owner><StorageClass>GLACIER</StorageClass></Contents>"
                           "<Contents><Key>p/empty</Key><Size>0</Size></Contents>"
                           "<CommonPrefixes><Prefix>p/photos/</Prefix></CommonPrefixes></ListBucketResult>";
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{31}, SIZE_MAX}) {
    ListObjectsReader reader(true);
    int count = 0;
    EXPECT_EQ(read_in(reader, body, piece,
                      [&] {
                        const ListedObject& item = reader.item();
                        if (count == 0) {
                          EXPECT_EQ(item.key.view(), "p/a b+c\n\xc3\xa4.csv.gz");
                          EXPECT_EQ(item.size, 434'234'000'000u);
                          EXPECT_EQ(item.etag.view(), "\"fba9dede5f27731c9771645a39863328\"");
                          EXPECT_EQ(item.storage_class.view(), "GLACIER");
                          EXPECT_EQ(item.modified_wall_ns, 1'335'542'545 * kSecondNs);
                          EXPECT_FALSE(item.prefix);
                        } else if (count == 1) {
                          EXPECT_EQ(item.key.view(), "p/empty");
                          EXPECT_EQ(item.size, 0u);
                          EXPECT_TRUE(item.etag.empty());
                        } else {
                          EXPECT_EQ(item.key.view(), "p/photos/");
                          EXPECT_TRUE(item.prefix);
                        }
                        ++count;
                      }),
              "finished");
    EXPECT_EQ(count, 3);
    EXPECT_TRUE(reader.truncated());
    EXPECT_EQ(reader.next_token(), "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
    EXPECT_FALSE(reader.failure().present());
  }
}

std::string listed(bool encoded, std::string_view inside) {
  ListObjectsReader reader(encoded);
  std::string keys;
  const std::string said = read_in(reader, "<ListBucketResult>" + std::string(inside) + "</ListBucketResult>", SIZE_MAX,
                                   [&] { keys += std::string(reader.item().key.view()) + ";"; });
  return keys + said;
}

TEST(ListObjects, holds_the_server_to_what_it_was_asked_for) {
  const std::string said = "<EncodingType>url</EncodingType>";
  EXPECT_EQ(listed(true, "<Contents><Key>a%20b</Key></Contents>" + said), "a b;finished");
  EXPECT_EQ(listed(true, "<Contents><Key>a</Key></Contents>"), "a;finished");
  EXPECT_EQ(listed(true, "<Contents><Key>a%20b</Key></Contents>"),
            "a b;the server does not say whether keys are percent-encoded");
  EXPECT_EQ(listed(false, "<Contents><Key>a%20b</Key></Contents>"), "a%20b;finished");
  EXPECT_EQ(listed(true, "<Contents><Key>a%2</Key></Contents>"), "a value in the reply can't be understood: <Key>");
  EXPECT_EQ(listed(true, "<Contents><Size>1</Size></Contents>"),
            "a value in the reply can't be understood: <Contents>");
  EXPECT_EQ(listed(true, "<Contents><Key>a</Key></Contents><Contents><Size>1</Size></Contents>"),
            "a;a value in the reply can't be understood: <Contents>");
  EXPECT_EQ(listed(true, "<Contents><Key>a</Key><Size>-1</Size></Contents>"),
            "a value in the reply can't be understood: <Size>");
  EXPECT_EQ(listed(true, "<Contents><Key>a</Key><LastModified>today</LastModified></Contents>"),
            "a value in the reply can't be understood: <LastModified>");
  EXPECT_EQ(listed(true, ""), "finished");
  std::string escaped;
  for (size_t i = 0; i < kKeyBytesMax; ++i) escaped += "%0A";
  EXPECT_EQ(listed(true, said + "<Contents><Key>" + escaped + "</Key></Contents>"),
            std::string(kKeyBytesMax, '\n') + ";finished");
  EXPECT_EQ(listed(true, said + "<Contents><Key>" + escaped + "a</Key></Contents>"),
            "a value in the reply is too long: <Key>");
  EXPECT_EQ(listed(false, "<Contents><Key>" + std::string(kKeyBytesMax + 1, 'k') + "</Key></Contents>"),
            "a value in the reply is too long: <Key>");
  EXPECT_EQ(listed(true, said + "<Contents><Key>" + std::string(kKeyBytesMax + 2, 'k') + "</Key></Contents>"),
            "a value in the reply is too long: <Key>");
}

TEST(ListObjects, may_be_an_error_and_a_cut_one_is_not_finished) {
  ListObjectsReader reader(true);
  EXPECT_EQ(read_in(reader, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"), "finished");
  EXPECT_EQ(reader.failure().code.view(), "AccessDenied");
  EXPECT_EQ(listed(true, "<Contents><Key>a</Key></Contents><Cont"), "a;a bad tag in the XML");
  ListObjectsReader cut(true);
  EXPECT_EQ(read_in(cut, "<ListBucketResult><IsTruncated>false</IsTruncated>"), "the XML ends early");
}

TEST(ListParts, gives_each_part) {
  const std::string body =
      "<ListPartsResult" + std::string(kNamespace) +
      "><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId><PartNumberMarker>1</"
      "PartNumberMarker><NextPartNumberMarker>3</NextPartNumberMarker><MaxParts>2</MaxParts>"
      "<IsTruncated>true</IsTruncated><Part><PartNumber>2</PartNumber><LastModified>2010-11-10T20:48:34.000Z</"
      "LastModified><ETag>\"7778aef83f66abc1fa1e8477f296d394\"</ETag>"
      "<Size>10485760</Size><ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part><Part><PartNumber>3</"
      "PartNumber><ETag>\"a\"</ETag><Size>1</Size></Part></ListPartsResult>";
  for (const size_t piece : {size_t{1}, SIZE_MAX}) {
    ListPartsReader reader;
    std::string parts;
    EXPECT_EQ(read_in(reader, body, piece,
                      [&] {
                        const ListedPart& part = reader.item();
                        parts += std::to_string(part.number) + " " + std::to_string(part.size) + " " +
                                 std::string(part.etag.view()) + " " + std::string(part.crc64nvme.view()) + ";";
                      }),
              "finished");
    EXPECT_EQ(parts, "2 10485760 \"7778aef83f66abc1fa1e8477f296d394\" rosUhgp5mIg=;3 1 \"a\" ;");
    EXPECT_TRUE(reader.truncated());
    EXPECT_EQ(reader.next_marker(), 3u);
  }
  for (const char* number : {"0", "10001", "x", "", "-1"}) {
    ListPartsReader reader;
    EXPECT_EQ(read_in(reader, "<ListPartsResult><Part><PartNumber>" + std::string(number) +
                                  "</PartNumber></Part></ListPartsResult>"),
              "a value in the reply can't be understood: <PartNumber>");
  }
  ListPartsReader without;
  EXPECT_EQ(read_in(without, "<ListPartsResult><Part><Size>1</Size></Part></ListPartsResult>"),
            "a value in the reply can't be understood: <Part>");
}

TEST(ListUploads, gives_each_upload) {
  ListUploadsReader reader;
  std::string uploads;
  EXPECT_EQ(read_in(reader,
                    "<ListMultipartUploadsResult><NextKeyMarker>k2</NextKeyMarker><NextUploadIdMarker>u2</"
                    "NextUploadIdMarker><IsTruncated>true</IsTruncated>"
                    "<Upload><Key>k1</Key><UploadId>u1</UploadId><Initiator><ID>i</ID></"
                    "Initiator><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>"
                    "<Upload><UploadId>u2</UploadId><Key>k2</Key></Upload></ListMultipartUploadsResult>",
                    SIZE_MAX,
                    [&] {
                      uploads += std::string(reader.item().key.view()) + " " +
                                 std::string(reader.item().upload_id.view()) + " " +
                                 std::to_string(reader.item().initiated_wall_ns / kSecondNs) + ";";
                    }),
            "finished");
  EXPECT_EQ(uploads, "k1 u1 1289422113;k2 u2 0;");
  EXPECT_TRUE(reader.truncated());
  EXPECT_EQ(reader.next_key_marker(), "k2");
  EXPECT_EQ(reader.next_upload_marker(), "u2");
  ListUploadsReader bad;
  EXPECT_EQ(read_in(bad,
                    "<ListMultipartUploadsResult><Upload><Key>k1</Key><UploadId>u1</UploadId></Upload><Upload><Key>k2</"
                    "Key></Upload></ListMultipartUploadsResult>",
                    SIZE_MAX, [] {}),
            "a value in the reply can't be understood: <Upload>");
}

TEST(WriteReply, of_each_kind_is_read) {
  WriteReplyReader create;
  EXPECT_EQ(read_in(create,
                    "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>VXBsb2FkIElE</UploadId></"
                    "InitiateMultipartUploadResult>"),
            "finished");
  EXPECT_EQ(create.upload_id(), "VXBsb2FkIElE");
  const std::string done =
      "\n \n \n<CompleteMultipartUploadResult><Location>l</Location><ETag>\"3858f62230ac3c915f300c664312c11f-9\"</ETag>"
      "<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></CompleteMultipartUploadResult>";
  WriteReplyReader complete;
  EXPECT_EQ(read_in(complete, std::string(kXml) + done, 1), "finished");
  EXPECT_EQ(complete.etag(), "\"3858f62230ac3c915f300c664312c11f-9\"");
  EXPECT_EQ(complete.crc64nvme(), "rosUhgp5mIg=");
  WriteReplyReader copy;
  EXPECT_EQ(
      read_in(copy,
              "<CopyPartResult><LastModified>2009-10-28T22:32:00</LastModified><ETag>\"9b2c\"</ETag></CopyPartResult>"),
      "finished");
  EXPECT_EQ(copy.etag(), "\"9b2c\"");
}

TEST(WriteReply, with_status_200_may_be_an_error_or_cut) {
  const std::string blanks = std::string(kXml) + std::string(500, ' ');
  WriteReplyReader failed;
  EXPECT_EQ(read_in(failed,
                    blanks + "<Error><Code>InternalError</Code><Message>We encountered an internal error. Please try "
                             "again.</Message></Error>",
                    7),
            "finished");
  EXPECT_EQ(failed.failure().code.view(), "InternalError");
  EXPECT_EQ(failed.etag(), "");
  WriteReplyReader cut;
  EXPECT_EQ(read_in(cut, blanks), "XML without an element");
  WriteReplyReader empty;
  EXPECT_EQ(read_in(empty, ""), "XML without an element");
  WriteReplyReader other;
  EXPECT_EQ(read_in(other, "<ListPartsResult/>"), "a reply of another kind than was asked for");
}

std::string sts(std::string_view root, std::string_view credentials) {
  return "<" + std::string(root) + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" +
         std::string(root) + "Result><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials>" +
         std::string(credentials) + "</Credentials></" + std::string(root) + "Result></" + std::string(root) +
         "Response>";
}

TEST(StsReply, has_credentials) {
  const std::string whole =
      "<AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>wJalr/XUtn+</"
      "SecretAccessKey><SessionToken>AQoDYXdzEPT//=</SessionToken><Expiration>2012-04-27T16:02:25Z</Expiration>";
  for (const char* root : {"AssumeRole", "AssumeRoleWithWebIdentity"}) {
    StsReader reader;
    EXPECT_EQ(read_in(reader, sts(root, whole), 3), "finished");
    EXPECT_EQ(reader.credentials().access_key.view(), "ASIAIOSFODNN7EXAMPLE");
    EXPECT_EQ(reader.credentials().secret_key.view(), "wJalr/XUtn+");
    EXPECT_EQ(reader.credentials().session_token.view(), "AQoDYXdzEPT//=");
    EXPECT_EQ(reader.credentials().expires_wall_ns, 1'335'542'545 * kSecondNs);
  }
  // Each of the four must be there.
  for (const char* name : {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}) {
    std::string less = whole;
    const size_t from = less.find("<" + std::string(name) + ">");
    const size_t end = less.find("</" + std::string(name) + ">") + std::string(name).size() + 3;
    less.erase(from, end - from);
    StsReader reader;
    EXPECT_EQ(read_in(reader, sts("AssumeRole", less)), "the reply has no credentials") << name;
  }
  StsReader long_token;
  const std::string said =
      read_in(long_token, sts("AssumeRole", "<SessionToken>" + std::string(5000, 't') + "</SessionToken>"));
  EXPECT_EQ(said, "a value in the reply is too long: <SessionToken>");
  StsReader denied;
  EXPECT_EQ(
      read_in(denied, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>m</Message></Error></ErrorResponse>"),
      "finished");
  EXPECT_EQ(denied.failure().code.view(), "AccessDenied");
}

}  // namespace
}  // namespace weir
