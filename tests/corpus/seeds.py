#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: tests/corpus/<target>/<name>. They are kept in the repository; run this again when a target
reads its input in another way. What a fuzz run finds is put beside them by hand, under the name of what it was.
"""
import base64
import gzip
import json
import os
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))


def put(target, name, data):
    folder = os.path.join(HERE, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def raw_deflate(text, level=6, strategy=zlib.Z_DEFAULT_STRATEGY):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return packer.compress(text) + packer.flush()


def trailer(text):
    return struct.pack("<II", zlib.crc32(text), len(text))


# ---- gzip: four bytes of a seed, one of flags (1: no header is put before, 2: trailing garbage is ignored) ----------------
TEXT = b"id,name,amount\n" + b"".join(b"%d,name %d,%d.50\n" % (i, i % 7, i * 13) for i in range(60))
member = gzip.compress(TEXT, 6, mtime=0)
flags = bytes([0x1F])  # text, header CRC, extra, name, comment
head = b"\x1f\x8b\x08" + flags + b"\0\0\0\0\0\xff" + struct.pack("<H", 4) + b"ab\0\0" + b"name\0" + b"comment\0"
head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
for name, flag, stored in (
    ("dynamic", 0, raw_deflate(TEXT) + trailer(TEXT)),
    ("fixed", 0, raw_deflate(TEXT[:40], 6, zlib.Z_FIXED) + trailer(TEXT[:40])),
    ("stored", 0, raw_deflate(TEXT[:200], 0) + trailer(TEXT[:200])),
    ("empty", 0, raw_deflate(b"") + trailer(b"")),
    ("runs", 0, raw_deflate(b"a" * 70_000) + trailer(b"a" * 70_000)),
    ("two_members_and_padding", 1, member + gzip.compress(b"", mtime=0) + member + b"\0" * 20),
    ("all_header_fields", 1, head + raw_deflate(b"x\n") + trailer(b"x\n")),
    ("garbage_ignored", 3, member + b"garbage"),
    ("garbage", 1, member + b"garbage"),
    ("wrong_crc", 0, raw_deflate(b"x\n") + b"\1\2\3\4" + struct.pack("<I", 2)),
    ("truncated", 1, member[:-5]),
    ("reserved_block", 0, b"\x07\0\0"),
    ("distance_too_far", 0, raw_deflate(b"abcabcabc")[:-1]),
):
    put("weir_codec_gzip_decoder_fuzz", name, b"\x01\x02\x03\x04" + bytes([flag]) + stored)

# ---- csv: flags, record_bytes_max - 16, window - 64, piece ---------------------------------------------------------------
for name, flag, text in (
    ("plain", 0, b"a,b,c\n1,2,3\n4,5,6\n"),
    ("quotes", 0, b'a,b\n"1,2","x ""y"" z"\r\n"line\nfeed",\n'),
    ("semicolons_crlf", 1, b"a;b\r\n1;2\r\n\r\n3;4"),
    ("no_quotes", 2, b'a,b\n",""\n'),
    ("escapes", 4, b'a,b\n"x\\"y","\\\\"\n'),
    ("comments", 8, b"#! first\na,b\n#! and\n1,2\n# not\n"),
    ("no_header", 16, b"1,2\n3,4\n"),
    ("padded", 32, b"a,b,c\n1\n1,2\n1,2,3,4\n"),
    ("resynced", 64, b'a,b\n1,"open\n2,x\n3,y\n' + b"z" * 300 + b"\n4,w\n"),
    ("unclosed", 0, b'a,b\n1,"open\n2,x\n'),
    ("utf8", 128, b"\xef\xbb\xbfa,b\n\xc3\xa4,\xff\n\xf0\x9f\x98\x80,\xed\xa0\x80\n"),
    ("ragged", 0, b"a,b\n1\n1,2,3\n1,2\n"),
    ("too_large", 0, b"a,b\n" + b"x" * 400 + b",1\n1,2\n"),
    ("too_many_columns", 0, b"a,b\n" + b"," * 40 + b"\n1,2\n"),
    ("blank_lines_and_nuls", 0, b"\n\na,b\n\n\0,\0\0\n\n"),
):
    for cut, window in ((0, 0), (6, 200)):
        put("weir_format_csv_reader_fuzz", f"{name}_{cut}", bytes([flag, 40, window, cut]) + text)

# ---- json readers: the first byte chooses reader (its last three bits), path and checks ----------------------------------
DOCUMENTS = {
    "records": b'{"a":1,"b":["x","y"]}',
    "long": b'{"a":"' + b"x" * 40 + b'"}',
    "nested": b'{"a":[{},{"b":[{"a":1},{"a":[2]},3]}]}',
    "array": b' [ {"a":1} , {"b":[null]} , 5 , "t" ] ',
    "lines": b'{"a":1}\n\n{"b":[2]}\r\n{"A":3}\n{"a":}\n[1]\nx',
    "deep": b"[[[[[[[[1]]]]]]]]",
    "strings": b'["\\u00e4\\ud83d\\ude00","\\"\\\\","\xc3\xa4","\xff",""]',
    "numbers": b"[0,-1,1.5,1e9,-0.0E-7,01,1.,-]",
    "truncated": b'{"a":[1,{"b":"x',
    "behind": b'{"a":[1]} {"a":[2]}',
    "blanks": b" \t\r\n\xef\xbb\xbf",
}
for name, text in DOCUMENTS.items():
    for choice in (0, 1, 2, 3 + 128, 4, 5 + 64, 6, 7):
        if choice in (5 + 64, 6, 7) and name not in ("lines", "strings"):
            continue
        if choice in (0, 3 + 128) and name in ("lines", "blanks"):
            continue
        put("weir_format_json_reader_fuzz", f"{name}_{choice}", bytes([choice]) + text)

# ---- json scanner, escape: the text itself -------------------------------------------------------------------------------
for name, text in DOCUMENTS.items():
    put("weir_format_json_scanner_fuzz", name, text)
put("weir_format_json_scanner_fuzz", "paths", b'{"a":{"a":1,"b":{"a":2}},"b":[[3],{"a":4}],"A":5,"name":"n","a":{"0":6}}')
put("weir_format_json_scanner_fuzz", "blocks_of_64", b'{"' + b"k" * 59 + b'":"' + b"\\" * 62 + b'","a":1}')
put("weir_format_json_scanner_fuzz", "backslashes", b'{"a":"' + b'\\"' * 40 + b'","b":"\\\\"}')

# ---- layouts: the line that is learned, the line that is matched ---------------------------------------------------------
KIND = '{"a":%s, "b" : %s,"A":1,"list":[%s,true],"o":{"name":"x","none":null,"a name of more than thirty-two bytes":0}}'
for name, first, second in (
    ("same", ("1", '"x"', "2"), ("1", '"x"', "2")),
    ("numbers", ("1", "2", "3"), ("-0.50", "12345678901234567890.5", "1e-5")),
    ("strings", ('"a"', '""', '"text"'), ('"\\"\\u00e9"', '"Zo\u00eb"', '"longer than one step of thirty-two bytes"')),
    ("bad_numbers", ("1", "2", "3"), ("01", "1.", "1e5e5")),
    ("bad_strings", ('"a"', '"b"', '"c"'), ('"\\x"', '"\x01"', '"open')),
    ("other_kinds", ("1", "true", "null"), ('"x"', "{}", "[1]")),
):
    put("weir_format_json_layout_fuzz", name, (KIND % first + "\n" + KIND % second + "\r\n").encode())
put("weir_format_json_layout_fuzz", "no_end", (KIND % ("1", "2", "3") + "\n" + KIND % ("1", "2", "3")).encode())
for name, text in (
    ("plain", b"the quick brown fox jumps over the lazy dog, twice as long as a vector"),
    ("controls", bytes(range(0x30))),
    ("high", bytes(range(0x70, 0x100))),
    ("quotes", b'"\\"/\b\f\n\r\t' * 5),
    ("at_the_edges", b"x" * 15 + b'"' + b"y" * 31 + b"\\" + b"z" * 31 + b"\n"),
    ("json", b'{ "a" : [ 1 , "b c" , { } ] , "\\" " : null }'),
    ("utf8", "äöü€😀".encode() * 4),
):
    put("weir_format_json_escape_fuzz", name, text)

# ---- writer: eight bytes of options, then fields, cut at 0xfe; 0xfd alone is a missing one --------------------------------
ROWS = b"\xfe".join((b"1", b"plain", b"x", b'"quo""ted"', b"a,b", b"text \xff", b"\xfd", b"", b"\xfd", b"line\nfeed", b'say "x"', b"\t;", b"'", b"\xc3\xa4", b"\\"))
for form in range(3):
    for name, rest in (("whole", b"\x40\0\x01\xff\x01\x00"), ("batches", b"\x02\x10\x04\x09\x01\x01"), ("small", b"\x01\x08\x08\x00\x02\x03")):
        put("weir_format_writer_fuzz", f"{name}_{form}", bytes([form | (64 if name == "whole" else 0)]) + (rest + b"\0\0")[:7] + ROWS)

# ---- pipeline file -------------------------------------------------------------------------------------------------------
for name, text in (
    ("small", b"input: {from: a.csv}\n"),
    ("whole", b"name: n\nmemory: 8MiB\ninput:\n  from: [a.csv, 'b*.csv']\n  format: csv\n  delimiter: \";\"\n  types: {a: int, b: decimal}\nquery: |\n  SELECT a FROM input\n"
     b"batch: {records: 500, bytes: 1MiB}\noutput:\n  to: out/{input.stem}-{batch}.ndjson.gz\nrejects: {to: bad, max: 1%}\ndeadline: 1h30m\n"),
    ("mistakes", b"inptu:\n  from: x\nmemory: many\nbatch:\n  records: -1\noutput: [1, 2]\n"),
    ("variables", b"input: {from: \"${A}${B:-x}$$\"}\nname: ${NONE}\n"),
    ("twice", b"input: {from: a}\ninput: {from: b}\n"),
    ("yaml", b"a: &x 1\nb: *x\n--- \n!!t {? [k] : v}\n"),
    ("broken", b"input: {from: [a\n\tb: \"\\x0"),
    ("contradictions", b"input: {from: a.ndjson, format: ndjson, quote: none}\nexec: {command: [cat]}\nrejects: {max: 3}\n"),
    ("setting", b"batch.records=2\ninput: {from: a}\n"),
    ("template", b"{input.dir}/{{x}}/{input.stem}{batch}\ninput: {from: ../a}\n"),
    ("blocks", b"input: {from: a.bin, format: blocks, block: 64KiB}\noutput: {to: exec}\nexec: {command: 'sort | head', timeout: 5s}\n"),
):
    put("weir_plan_pipeline_file_fuzz", name, text)

# ---- sql: a byte of options (16: JSON records), then the query -----------------------------------------------------------
for number, query in enumerate((
    "SELECT * FROM input",
    "SELECT a, b AS \"x y\", _1 FROM input WHERE n > 1 AND NOT (m <= 2.5 OR t LIKE 'a\\_%' ESCAPE '\\') LIMIT 7",
    "SELECT n + 1, n - m * 2, n / 3, n % 4, -n, t || 'x' FROM input WHERE n BETWEEN 1 AND 5 OR t IN ('a', 'b', NULL)",
    "SELECT CASE WHEN n IS NULL THEN 'none' WHEN n = 1 THEN 'one' ELSE t END, CASE n WHEN 1 THEN 2 END FROM input",
    "SELECT CAST(t AS INT), CAST(n AS DECIMAL), CAST(m AS DOUBLE), CAST(x AS BOOL), CAST(n AS TEXT) FROM input",
    "SELECT COALESCE(t, n, 'z'), NULLIF(n, 1), UPPER(t), LOWER(t), TRIM(BOTH 'x' FROM t), SUBSTRING(t FROM 2 FOR 3), CHAR_LENGTH(t) FROM input",
    "SELECT COUNT(*), COUNT(n), SUM(CAST(n AS DECIMAL)), AVG(CAST(n AS DOUBLE)), MIN(t), MAX(t) FROM input WHERE t IS NOT NULL",
    "SELECT 1 / CAST(2000000 AS DECIMAL), 99999999999999999999999999999999999999 + 1, 9223372036854775807 + 1, 1e308 * 10 FROM input",
    "SELECT s.user.id, s.tags[0], s.\"A\" FROM S3Object s WHERE s.a.b = TRUE",
    "SELECT FROM WHERE",
    "SELECT ((((((((((n))))))))))) FROM input",
    "SELECT 'open FROM input",
    "SELECT n FROM input WHERE t LIKE '%%' AND t LIKE '' AND n <> n -- said\n",
)):
    for option in (0, 8, 16 + 3):
        put("weir_sql_sql_fuzz", f"{number:02d}_{option}", bytes([option]) + query.encode())

# ---- every kernel at every level: eight bytes that seed the cuts, the dialect and the rooms, then the text --------------
KERNEL_TEXTS = {
    "csv": b'id,name,amount\n' + b'1,"a, ""b""\r\nc",10.50\n2,plain,007\r\n3,mid"quote,-1.5\n' * 12 + b'4,"open,\n',
    "csv_dense": b"," * 90 + b"\n" * 90 + b'""' * 70 + b";" * 40 + b"'a;b'\n" * 9,
    "ndjson": b"".join((KIND % (i, '"x%d"' % 7**i, "-1.25e3")).encode() + b"\n" for i in range(12)),
    "json_strings": b'{ "a" : "' + b'\\"\\\\\\u00e9' * 20 + "Zo\u00eb \u20ac \U0001f600".encode() * 6 + b'" ,\t"b":[ 1, 2 ]}\r\n',
    "all_bytes": bytes(range(256)) * 2,
    "numbers": b"0 1 12 1.5 .5 5. 12345678 1234.567 123456789012345678 1234567890123456789 -0 -1.25 1e3 +7 1.2.3 0x1 12:4 /9\n" * 3,
    "utf8": ("x" * 31 + "\u00e4\u20ac\U0001f600").encode() * 5 + b"\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80\xe2\x82",
    "blanks_and_escapes": (b' \t{"a" :  [ ] }\r\n' * 9) + b'"' + b"\\" * 127 + b'" : x',
    "empty": b"",
}
for name, text in KERNEL_TEXTS.items():
    for seed in (0, 0x0123456789ABCDEF, 0xFEDCBA9876543211):
        put("weir_format_simd_fuzz", f"{name}_{seed % 16}", struct.pack("<Q", seed) + text)

# ---- addresses -----------------------------------------------------------------------------------------------------------
for name, text in (
    ("plain", b"http://host/path"),
    ("port_and_query", b"https://h.example.com:8443/a//../b%20c?x=1&y=%2F"),
    ("v6", b"http://[fd00:ec2::23]:80/v1"),
    ("v6_v4", b"http://[::ffff:10.0.0.1]/"),
    ("no_path", b"https://h"),
    ("user", b"https://a:b@h/"),
    ("escapes", b"%41%zz%+%c3%a4%"),
):
    put("weir_io_url_fuzz", name, text)

# ---- HTTP: a byte for piece and kind (even: a head, odd: a chunked body) --------------------------------------------------
for name, kind, text in (
    ("get", 8, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"x\"\r\nConnection: close\r\n\r\nbody"),
    ("range", 8, b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/100\r\nContent-Length: 5\r\n\r\n"),
    ("chunked", 12, b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"),
    ("interim", 0, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
    ("old", 0, b"HTTP/1.0 404\r\nConnection: keep-alive, x\r\n\r\n"),
    ("folded", 4, b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"),
    ("two_lengths", 4, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    ("chunks", 9, b"4\r\nWiki\r\n6;a=b\r\npedia \r\n0\r\nT: x\r\n\r\nz"),
    ("chunk_too_long", 1, b"1\r\nabc\r\n"),
    ("chunk_huge", 5, b"ffffffffffffffff\r\nx"),
):
    put("weir_io_http_head_fuzz", name, bytes([kind]) + text)

# ---- XML of replies: a byte for the piece ---------------------------------------------------------------------------------
for name, text in (
    ("error", b"<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message>a &lt;b&gt; &#x41;</Message><RequestId>r</RequestId></Error>"),
    ("list", b"<ListBucketResult xmlns='x'><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><NextContinuationToken>t</NextContinuationToken>"
     b"<Contents><Key>a%20b+c</Key><LastModified>2012-04-27T16:02:25.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>"
     b"<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>"),
    ("parts", b"<ListPartsResult><IsTruncated>false</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker><Part><PartNumber>1</PartNumber><ETag>\"e\"</ETag><Size>8</Size>"
     b"<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part></ListPartsResult>"),
    ("uploads", b"<ListMultipartUploadsResult><NextKeyMarker>k</NextKeyMarker><Upload><Key>k</Key><UploadId>u</UploadId><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload></ListMultipartUploadsResult>"),
    ("complete", b"<?xml?>\n   \n<CompleteMultipartUploadResult><ETag>e</ETag><ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></CompleteMultipartUploadResult>"),
    ("sts", b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>"
     b"<Expiration>2012-04-27T16:02:25Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"),
    ("doctype", b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"),
    ("around", b"\xef\xbb\xbf<!-- a --><?p?><a:r b='>' c=\"'\"><d/><!-- - --></a:r> "),
    ("deep", b"<a>" * 17),
):
    put("weir_aws_xml_fuzz", name, b"\x06" + text)

# ---- credentials: JSON, the shared files (%% between the two), s3:// addresses ---------------------------------------------
for name, text in (
    ("container", b'{"AccessKeyId":"A","SecretAccessKey":"S\\/","Token":"T","Expiration":"2012-04-27T16:02:25Z"}'),
    ("process", b'{"Version":1,"AccessKeyId":"\\u0041\\ud83d\\ude00","SecretAccessKey":"S","x":[{"y":-1.5e3},null,true]}'),
    ("failed", b'{"Code":"Failed","Message":"m"}'),
    ("files", b"[default]\naws_access_key_id = A\naws_secret_access_key = S\n%%[default]\ns3 =\n  addressing_style = path\n[profile a]\nrole_arn = r\nsource_profile = default\n"
     b"[profile \"b\"]\ncredential_process = p\nservices = x\n[services x]\ns3 =\n  endpoint_url = http://h\n"),
    ("loop", b"%%[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n"),
    ("web", b"%%[profile a]\nrole_arn = r\nweb_identity_token_file = f\n[profile b]\nrole_arn = r\ncredential_source = Environment\n"),
    ("address", b"s3://my.bucket/a//../b c?d#%\xff"),
    ("url", b"http://[::1]:9000/base/"),
    ("iso_time", b"2012-04-27T18:02:25.5+02:00"),
    ("http_date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
):
    put("weir_aws_credential_fuzz", name, text)

# ---- events of Lambda, behind a byte that chooses rooms and failures ---------------------------------------------------------
S3 = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2023-11-14T22:13:20.123Z",
      "responseElements": {"x-amz-request-id": "R"},
      "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b%2Bc%C3%A9", "size": 3, "eTag": "e", "versionId": "v", "sequencer": "0A"}}}
BRIDGE = {"id": "i", "detail-type": "Object Created", "source": "aws.s3", "time": "2021-11-12T19:18:23Z",
          "detail": {"bucket": {"name": "b"}, "object": {"key": "k", "size": 5, "etag": "e", "version-id": "v"}, "reason": "PutObject"}}
TEST = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2014-10-13T15:57:02.089Z", "Bucket": "b"}


def sqs(*bodies, queue="q"):
    return {"Records": [{"messageId": "m%d" % i, "body": body, "attributes": {"SentTimestamp": "1545082649183", "MessageGroupId": "g%d" % (i % 2)},
                         "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:r:1:" + queue} for i, body in enumerate(bodies)]}


def envelope(message):
    return json.dumps({"Type": "Notification", "MessageId": "m", "Message": message})


def stream(source, name, *changes):
    return {"Records": [{"eventSource": source, "eventID": "s:%d" % i, "eventName": "INSERT", name: change} for i, change in enumerate(changes)]}


def kinesis(data):
    return {"partitionKey": "p", "sequenceNumber": "1", "data": base64.b64encode(data).decode(), "approximateArrivalTimestamp": 1545084650.987}


LOGS = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s",
        "logEvents": [{"id": "1", "timestamp": 1, "message": "a\n"}, {"message": "{\"a\": 1}", "id": "2", "extractedFields": {"x": "y"}}]}


def logs(inner, **changed):
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(inner | changed).encode(), mtime=0)).decode()}}


for name, found in (
    ("s3", {"Records": [S3]}),
    ("s3_removed", {"Records": [S3 | {"eventName": "ObjectRemoved:Delete"}, S3]}),
    ("s3_test", TEST),
    ("sqs", sqs("text", '{"a": [1,\n2]}', "\u2028\U0001f600\0")),
    ("sqs_s3", sqs(json.dumps({"Records": [S3, S3]}), envelope(json.dumps({"Records": [S3]})), json.dumps(BRIDGE), json.dumps(TEST), "no")),
    ("sqs_envelopes", sqs(envelope(envelope(envelope(json.dumps({"Records": [S3]})))))),
    ("sqs_fifo", sqs("1", "2", "3", "4", queue="q.fifo")),
    ("sns", {"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m", "TopicArn": "t", "Subject": None, "Timestamp": "2019-01-02T12:45:07.000Z",
                                                            "Message": json.dumps({"Records": [S3]}), "MessageAttributes": {}}}]}),
    ("bridge", BRIDGE),
    ("kinesis", stream("aws:kinesis", "kinesis", kinesis(b"a\n"), kinesis(b'{"a": 1}'), kinesis(b"\xff"))),
    ("dynamodb", stream("aws:dynamodb", "dynamodb", {"SequenceNumber": "1", "ApproximateCreationDateTime": 1.4285376E9, "Keys": {"id": {"N": "1"}}, "NewImage": {
        "m": {"M": {"l": {"L": [{"S": "x"}, {"BOOL": True}, {"NULL": True}, {"B": "YQ=="}]}}}, "n": {"NS": ["1", "x"]}, "s": {"SS": ["a"]}, "o": {"S": "a", "N": "1"}}})),
    ("logs", logs(LOGS)),
    ("logs_control", logs(LOGS, messageType="CONTROL_MESSAGE")),
    ("logs_bad", logs(LOGS, logEvents=[3])),
    ("direct", {"bucket": "b", "key": "k", "version": "v"}),
    ("url", {"url": "s3://b/k"}),
    ("map", {"Items": [{"Key": "k", "Size": 1, "Etag": "\"e\""}, {"Key": "f/", "Size": 0}, 3], "BatchInput": {"bucket": "b"}}),
    ("array", [1, "a", {"b": [None]}, []]),
    ("kafka", {"eventSource": "aws:kafka", "records": {}}),
):
    put("weir_event_event_fuzz", name, b"\x05" + json.dumps(found, indent=1 if name in ("sqs", "dynamodb") else None).encode())
for name, text in (
    ("twice", b'{"Records":[],"\\u0052ecords":[{"eventSource":"aws:sqs","messageId":"m","body":"\\ud800\\u007b}"}]}'),
    ("deep", b"[" * 64 + b"]" * 64),
    ("too_deep", b"[" * 65 + b"]" * 65),
):
    put("weir_event_event_fuzz", name, b"\x01" + text)

# ---- messages to services and their replies, behind two bytes for the room and one for the key ------------------------------------
ITEM = {"id": "a\u00e9\"", "at": -1.5e3, "m": {"x": [1, None, {"y": True}], "z": {}}, "l": [[], ["\U0001f600\n"]], "e": ""}
for name, data in (
    ("record", b"\xff\x0f\x00" + json.dumps(ITEM).encode()),
    ("record_keyed", b"\xff\x0f\x01" + json.dumps(ITEM, ensure_ascii=False).encode()),
    ("record_small_room", b"\x80\x00\x01" + json.dumps(ITEM).encode()),
    ("text", b"\x00\x02\x00text\xff\xef\xbf\xbe\x00"),
    ("repeats", b"\x00\x08\x00" + b'{"id":1,"\\u0069d":2,"a":{"b":1,"b":2},"a":{"id":3}}'),
    ("numbers", b"\x00\x08\x00" + b'{"id":1e125,"a":[0.000e-5,1e-130,99999999999999999999999999999999999999,-0.1E+3]}'),
    ("number_too_long", b"\x00\x08\x00" + b'{"id":123456789012345678901234567890123456789}'),
    ("surrogate", b"\x00\x08\x00" + b'{"id":"\\ud83d\\ude00\\ud800"}'),
    ("deepest", b"\x00\x10\x00" + b'{"id":1,"d":' + b"[" * 31 + b"1" + b"]" * 31 + b"}"),
    ("too_deep", b"\x00\x10\x00" + b'{"id":1,"d":' + b"[" * 32 + b"1" + b"]" * 32 + b"}"),
    ("reply_sqs", b"\x00\x01\x00" + json.dumps({"Failed": [{"Id": "0", "SenderFault": True, "Code": "x", "Message": "m"}], "Successful": [{"Id": "1"}]}).encode()),
    ("reply_kinesis", b"\x00\x01\x00" + json.dumps({"FailedRecordCount": 1, "Records": [{"SequenceNumber": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "m"}]}).encode()),
    ("reply_firehose", b"\x00\x01\x00" + json.dumps({"FailedPutCount": 1, "RequestResponses": [{"ErrorCode": "ServiceUnavailableException"}, {"RecordId": "r"}]}).encode()),
    ("reply_dynamodb", b"\x00\x01\x01" + json.dumps({"UnprocessedItems": {"table": [{"PutRequest": {"Item": {"id": {"S": "a"}, "at": {"N": "1.0"}, "m": {"M": {}}}}}]}}).encode()),
):
    put("weir_delivery_delivery_fuzz", name, data)
