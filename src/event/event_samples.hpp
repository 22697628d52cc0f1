// Events as the services send them, for tests: made from the shapes of their guides, with names of nobody.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::testing {

inline constexpr std::string_view kS3TestEvent =
    R"({"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"b","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"})";

/// `text` as a JSON string, quotes and all.
inline std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += "0123456789abcdef"[c >> 4];
      out += "0123456789abcdef"[c & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

inline std::string joined(const std::vector<std::string>& records) {
  std::string out = "{\"Records\":[";
  for (size_t i = 0; i < records.size(); ++i) out += (i == 0 ? "" : ",") + records[i];
  return out + "]}";
}

inline std::string s3_record(const std::string& bucket, const std::string& key,
                             const std::string& name = "ObjectCreated:Put", const std::string& size = "1024") {
  return R"({"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2023-11-14T22:13:20.123Z","eventName":")" +
         name +
         R"(","userIdentity":{"principalId":"A3NL1KOZZKExample"},"requestParameters":{"sourceIPAddress":"192.0.2.1"},"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810","x-amz-id-2":"FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"},"s3":{"s3SchemaVersion":"1.0","configurationId":"in","bucket":{"name":")" +
         bucket + R"(","ownerIdentity":{"principalId":"A3NL1KOZZKExample"},"arn":"arn:aws:s3:::b"},"object":{"key":")" +
         key + R"(","size":)" + size +
         R"(,"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"v1","sequencer":"0055AED6DCD90281E5"}}})";
}
inline std::string s3_event(const std::string& records) { return "{\"Records\":[" + records + "]}"; }

/// `attributes` begins with a comma when there is any.
inline std::string sqs_record(const std::string& id, std::string_view body, const std::string& attributes = {},
                              const std::string& queue = "jobs") {
  return R"({"messageId":")" + id + R"(","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a","body":)" +
         json_quoted(body) +
         R"(,"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545082649185")" +
         attributes +
         R"(},"messageAttributes":{},"md5OfBody":"098f6bcd4621d373cade4e832627b4f6","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:)" +
         queue + R"(","awsRegion":"eu-west-1"})";
}
inline std::string sqs_event(const std::vector<std::string>& records) { return joined(records); }

inline std::string sns_envelope(std::string_view message) {
  return R"({
  "Type" : "Notification",
  "MessageId" : "63a3f6b6-d533-4a47-aef9-fcf5cf758c76",
  "TopicArn" : "arn:aws:sns:eu-west-1:123456789012:MyTopic",
  "Subject" : "Amazon S3 Notification",
  "Message" : )" +
         json_quoted(message) + R"(,
  "Timestamp" : "2012-03-29T05:12:16.901Z",
  "SignatureVersion" : "1"
})";
}
inline std::string sns_event(std::string_view message) {
  return R"({"Records":[{"EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:eu-west-1:123456789012:t:21be56ed","EventSource":"aws:sns","Sns":{"Type":"Notification","MessageId":"95df01b4-ee98-5cb9-9903-4c221d41eb5e","TopicArn":"arn:aws:sns:eu-west-1:123456789012:t","Subject":null,"Message":)" +
         json_quoted(message) +
         R"(,"Timestamp":"2019-01-02T12:45:07.000Z","SignatureVersion":"1","MessageAttributes":{"Test":{"Type":"String","Value":"TestString"}}}}]})";
}

inline std::string bridge_event(const std::string& bucket, const std::string& key,
                                const std::string& type = "Object Created") {
  return R"({"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":")" + type +
         R"(","source":"aws.s3","account":"111122223333","time":"2021-11-12T19:18:23Z","region":"ca-central-1","resources":["arn:aws:s3:::b"],"detail":{"version":"0","bucket":{"name":")" +
         bucket + R"("},"object":{"key":")" + key +
         R"(","size":5,"etag":"b1946ac92492d2347c6235b4d2611184","version-id":"v2","sequencer":"617f08299329d189"},"request-id":"N4N7GDK58NMKJ12R","requester":"123456789012","source-ip-address":"192.0.2.1","reason":"PutObject"}})";
}

inline std::string kinesis_record(const std::string& sequence, const std::string& data) {
  return R"({"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"p-1","sequenceNumber":")" + sequence +
         R"(","data":")" + data +
         R"(","approximateArrivalTimestamp":1545084650.987},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000006:)" +
         sequence +
         R"(","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/r","awsRegion":"eu-west-1","eventSourceARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s"})";
}
inline std::string kinesis_event(const std::vector<std::string>& records) { return joined(records); }

/// `images`: members of the change, as "NewImage":{..}.
inline std::string dynamo_record(const std::string& sequence, const std::string& images) {
  return R"({"eventID":"c4ca4238a0b923820dcc509a6f75849b","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","dynamodb":{"ApproximateCreationDateTime":1.4285376E9,)" +
         images + R"(,"SequenceNumber":")" + sequence +
         R"(","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2015-06-27T00:48:05.899"})";
}
inline std::string dynamo_event(const std::vector<std::string>& records) { return joined(records); }

}  // namespace weir::testing
