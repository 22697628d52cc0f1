#include "io/http_head.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

/// A head read from pieces of `piece` bytes, and what was said of it.
struct Read {
  std::string room = std::string(kHeadBytesMax, '\0');
  HttpHead head{room};
  Error error;
  Step step = Step::kNeedInput;
  size_t consumed = 0;

  explicit Read(std::string_view text, size_t piece = SIZE_MAX, size_t room_bytes = kHeadBytesMax)
      : room(room_bytes, '\0'), head(room) {
    while (step == Step::kNeedInput && consumed < text.size()) {
      const Transfer transfer = head.parse(text.substr(consumed, piece), error);
      step = transfer.step;
      consumed += transfer.consumed;
    }
  }
  Read(const Read&) = delete;
};

std::string reason(std::string_view text) {
  std::string whole;
  for (const size_t piece : {SIZE_MAX, size_t{1}, size_t{7}}) {
    const Read read(text, piece);
    std::string said = read.step == Step::kFailed     ? std::string(read.error.detail.view())
                       : read.step == Step::kFinished ? "finished"
                                                      : "more";
    EXPECT_EQ(read.error.code, read.step == Step::kFailed ? Code::kBadReply : Code::kOk);
    if (piece == SIZE_MAX) whole = said;
    EXPECT_EQ(said, whole) << text;
  }
  return whole;
}

std::string with(std::string_view fields) { return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n"; }

TEST(HttpHead, is_read_the_same_however_it_is_cut) {
  const std::string text =
      "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nETag:\"abc\"\r\nx-Amz-Request-Id: \t A B \t "
      "\r\nEmpty:\r\nETAG: second\r\n\r\n";
  for (size_t piece = 1; piece <= text.size() + 4; ++piece) {
    const Read read(text + "BODY", piece);
    ASSERT_EQ(read.step, Step::kFinished);
    EXPECT_EQ(read.consumed, text.size());
    EXPECT_EQ(read.head.status(), 206u);
    ASSERT_EQ(read.head.field_count(), 5u);
    EXPECT_EQ(read.head.content_length(), 10u);
    EXPECT_EQ(read.head.value("etag"), "\"abc\"");
    EXPECT_EQ(read.head.value("X-AMZ-REQUEST-ID"), "A B");
    EXPECT_TRUE(read.head.has("empty"));
    EXPECT_EQ(read.head.value("empty"), "");
    EXPECT_FALSE(read.head.has("etag2"));
    EXPECT_EQ(read.head.field(4).name, "ETAG");
    EXPECT_EQ(read.head.field(4).value, "second");
  }
}

TEST(HttpHead, wants_more_until_the_empty_line) {
  const std::string text = with("A: b\r\n");
  for (size_t size = 0; size < text.size(); ++size) {
    const Read read(std::string_view(text).substr(0, size));
    EXPECT_EQ(read.step, Step::kNeedInput) << size;
    EXPECT_EQ(read.head.begun(), size != 0);
  }
}

TEST(HttpHead, takes_lines_that_end_in_lf_and_heads_without_fields_or_reason) {
  const Read bare("HTTP/1.1 200 OK\nA: b\nContent-Length: 3\n\nabc");
  ASSERT_EQ(bare.step, Step::kFinished);
  EXPECT_EQ(bare.head.value("a"), "b");
  EXPECT_EQ(bare.head.content_length(), 3u);
  EXPECT_EQ(bare.consumed, 40u);
  EXPECT_EQ(reason("HTTP/1.1 200\r\n\r\n"), "finished");
  EXPECT_EQ(reason("HTTP/1.0 404 \r\n\r\n"), "finished");
  EXPECT_EQ(reason("HTTP/1.1 200 \xc3\xa4\t!\r\n\r\n"), "finished");
}

TEST(HttpHead, refuses_what_could_be_read_in_two_ways) {
  EXPECT_EQ(reason("\r\nHTTP/1.1 200 OK\r\n\r\n"), "it is no HTTP/1.1");
  EXPECT_EQ(reason("<html>"), "it is no HTTP/1.1");
  EXPECT_EQ(reason("HTTP/2 200 OK\r\n\r\n"), "it is no HTTP/1.1");
  EXPECT_EQ(reason("HTTP/1.2 200 OK\r\n\r\n"), "it is no HTTP/1.1");
  EXPECT_EQ(reason("HTTP/1.1\r\n\r\n"), "it is no HTTP/1.1");
  EXPECT_EQ(reason("HTTP/1.1  200 OK\r\n\r\n"), "bad status line");
  EXPECT_EQ(reason("HTTP/1.1 20 OK\r\n\r\n"), "bad status line");
  EXPECT_EQ(reason("HTTP/1.1 2000 OK\r\n\r\n"), "bad status line");
  EXPECT_EQ(reason("HTTP/1.1 099 OK\r\n\r\n"), "bad status line");
  EXPECT_EQ(reason("HTTP/1.1 600 OK\r\n\r\n"), "bad status line");
  EXPECT_EQ(reason("HTTP/1.1 2x0 OK\r\n\r\n"), "bad status line");
  EXPECT_EQ(reason(with("A: b\r\n c\r\n")), "a folded line in the head");
  EXPECT_EQ(reason(with("\tA: b\r\n")), "a folded line in the head");
  EXPECT_EQ(reason(with("A : b\r\n")), "a bad field name in the head");
  EXPECT_EQ(reason(with(": b\r\n")), "a bad field name in the head");
  EXPECT_EQ(reason(with("A\xc3\xa4: b\r\n")), "a bad field name in the head");
  EXPECT_EQ(reason(with("A b\r\n")), "a line without a colon in the head");
  EXPECT_EQ(reason(with("A: b\rc\r\n")), "a control character in the head");
  EXPECT_EQ(reason(with("A: b\r\r\n")), "a control character in the head");
  EXPECT_EQ(reason(with(std::string("A: b\0c\r\n", 8))), "a control character in the head");
  EXPECT_EQ(reason(with("A: b\x7f\r\n")), "a control character in the head");
  EXPECT_EQ(reason(with("Content-Length: 5\r\ncontent-length: 5\r\n")), "more than one Content-Length");
  EXPECT_EQ(reason(with("Content-Length: 5\r\nContent-Length: 6\r\n")), "more than one Content-Length");
  for (const char* length :
       {"", "-1", "+5", "5, 5", "0x5", "5 5", "9223372036854775808", "99999999999999999999", "1e3"}) {
    EXPECT_EQ(reason(with("Content-Length: " + std::string(length) + "\r\n")), "bad Content-Length") << length;
  }
  EXPECT_EQ(reason(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
            "both Content-Length and Transfer-Encoding");
  for (const char* coding : {"", "gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked;a=b"}) {
    EXPECT_EQ(reason(with("Transfer-Encoding: " + std::string(coding) + "\r\n")),
              "a Transfer-Encoding other than chunked")
        << coding;
  }
  EXPECT_EQ(reason(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
            "a Transfer-Encoding other than chunked");
  EXPECT_EQ(reason("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), "a Transfer-Encoding in HTTP/1.0");
}

TEST(HttpHead, holds_its_bounds) {
  std::string fields;
  for (size_t i = 0; i < kHeadFieldsMax; ++i) fields += "A: b\r\n";
  EXPECT_EQ(reason(with(fields)), "finished");
  EXPECT_EQ(reason(with(fields + "A: b\r\n")), "more than 100 fields in the head");
  const size_t frame = with("A: \r\n").size();
  const std::string fits = with("A: " + std::string(kHeadBytesMax - frame, 'x') + "\r\n");
  ASSERT_EQ(fits.size(), kHeadBytesMax);
  EXPECT_EQ(reason(fits), "finished");
  EXPECT_EQ(reason(with("A: " + std::string(kHeadBytesMax - frame + 1, 'x') + "\r\n")),
            "the head is larger than there is room for");
  EXPECT_EQ(Read(with("A: b\r\n"), 1, 20).step, Step::kFailed);
  EXPECT_EQ(Read(std::string(100'000, 'H'), SIZE_MAX).consumed, 2u);
}

TEST(HttpHead, says_how_its_body_ends) {
  const auto framing = [](std::string_view method, std::string_view status, std::string_view fields) {
    const Read read("HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) + "\r\n");
    EXPECT_EQ(read.step, Step::kFinished);
    return read.head.framing(method);
  };
  const std::string length = "Content-Length: 5\r\n";
  const std::string chunked = "Transfer-Encoding: Chunked\r\n";
  EXPECT_EQ(framing("GET", "200 OK", length), BodyFraming::kLength);
  EXPECT_EQ(framing("GET", "200 OK", chunked), BodyFraming::kChunked);
  EXPECT_EQ(framing("GET", "200 OK", ""), BodyFraming::kUntilClose);
  EXPECT_EQ(framing("HEAD", "200 OK", length), BodyFraming::kNone);
  EXPECT_EQ(framing("HEAD", "404 Not Found", chunked), BodyFraming::kNone);
  EXPECT_EQ(framing("PUT", "100 Continue", length), BodyFraming::kNone);
  EXPECT_EQ(framing("DELETE", "204 No Content", length), BodyFraming::kNone);
  EXPECT_EQ(framing("GET", "304 Not Modified", length), BodyFraming::kNone);
  EXPECT_EQ(framing("CONNECT", "200 OK", length), BodyFraming::kNone);
  EXPECT_EQ(framing("CONNECT", "403 Forbidden", length), BodyFraming::kLength);
}

TEST(HttpHead, says_whether_the_connection_stays) {
  const auto stays = [](std::string_view text, std::string_view method = "GET") {
    const Read read(text);
    EXPECT_EQ(read.step, Step::kFinished);
    return read.head.keeps_alive(method);
  };
  EXPECT_TRUE(stays("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(stays("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n"));
  EXPECT_FALSE(stays("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x\r\nConnection: a, close ,b\r\n\r\n"));
  EXPECT_TRUE(stays("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: closed\r\n\r\n"));
  EXPECT_FALSE(stays("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(stays("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(stays("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_TRUE(stays("HTTP/1.1 200 OK\r\n\r\n", "HEAD"));
}

TEST(HttpHead, is_read_again_behind_an_interim_one) {
  const std::string text = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  std::string room(200, '\0');
  HttpHead head(room);
  Error error;
  const Transfer first = head.parse(text, error);
  ASSERT_EQ(first.step, Step::kFinished);
  EXPECT_TRUE(head.interim());
  head.reset();
  EXPECT_FALSE(head.begun());
  const Transfer second = head.parse(std::string_view(text).substr(first.consumed), error);
  ASSERT_EQ(second.step, Step::kFinished);
  EXPECT_EQ(head.status(), 200u);
  EXPECT_FALSE(head.interim());
  EXPECT_FALSE(head.has("a"));
  EXPECT_EQ(head.content_length(), 1u);
}

TEST(ContentRange, is_read_or_refused) {
  const auto range = parse_content_range("bytes 5-9/100");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5u);
  EXPECT_EQ(range->last, 9u);
  EXPECT_EQ(range->total, 100u);
  EXPECT_EQ(parse_content_range("bytes 0-0/*")->total, std::nullopt);
  EXPECT_EQ(parse_content_range("Bytes 0-0/1")->total, 1u);
  for (const char* bad : {"", "bytes", "bytes ", "bytes */100", "bytes 9-5/100", "bytes 0-100/100", "bytes 0-/1",
                          "bytes -1/1", "bytes 0-1", "bytes 0-1/", "bytes 0-1/x", "items 0-1/2", "bytes  0-1/2",
                          "bytes 0-1/2 ", "bytes 0/1-2", "bytes 0-9223372036854775808/*"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

TEST(HttpText, of_a_request_is_held_against_the_rules) {
  EXPECT_TRUE(is_token("X-Amz-Meta-a.b_c"));
  for (const char* bad : {"", "a b", "a:", "a\r", "\xc3\xa4", "a/b", "\"a\""}) EXPECT_FALSE(is_token(bad)) << bad;
  EXPECT_FALSE(is_token(std::string_view("a\0", 2)));
  EXPECT_TRUE(is_field_value("a \t\xc3\xa4~"));
  for (const char* bad : {"a\r\nX: y", "\n", "\x1b[0m", "\x7f"}) EXPECT_FALSE(is_field_value(bad)) << bad;
  EXPECT_FALSE(is_field_value(std::string_view("\0", 1)));
}

// ---- chunks ------------------------------------------------------------------------------------------------------------

struct Body {
  std::string bytes;
  std::string said;
  size_t consumed = 0;
  bool operator==(const Body&) const = default;
};

Body decoded(std::string_view text, size_t in_piece, size_t out_piece) {
  ChunkedDecoder decoder;
  Body body;
  Error error;
  std::string out(out_piece, '\0');
  Step step = Step::kNeedInput;
  while ((step == Step::kNeedInput && body.consumed < text.size()) || step == Step::kHaveOutput) {
    const Transfer transfer = decoder.decode(text.substr(body.consumed, in_piece), out, error);
    EXPECT_LE(transfer.produced, transfer.consumed);
    body.bytes.append(out.data(), transfer.produced);
    body.consumed += transfer.consumed;
    step = transfer.step;
  }
  EXPECT_EQ(decoder.finished(), step == Step::kFinished);
  body.said = step == Step::kFinished ? "finished" : step == Step::kFailed ? std::string(error.detail.view()) : "more";
  return body;
}

Body chunked(std::string_view text) {
  const Body whole = decoded(text, SIZE_MAX, 4096);
  for (const size_t in : {1, 2, 3, 10}) {
    for (const size_t out : {1, 2, 5, 100}) EXPECT_EQ(decoded(text, in, out), whole) << text;
  }
  return whole;
}

TEST(ChunkedDecoder, takes_the_framing_off) {
  const std::string text = "4\r\nWiki\r\n6;name=\"v\"\r\npedia \r\nD \r\nin \r\n\r\nchunks\r\n0\r\n\r\n";
  const Body body = chunked(text + "NEXT");
  EXPECT_EQ(body.said, "finished");
  EXPECT_EQ(body.bytes, "Wikipedia in \r\n\r\nchunks");
  EXPECT_EQ(body.consumed, text.size());
  EXPECT_EQ(chunked("0\r\n\r\n").said, "finished");
  EXPECT_EQ(chunked("0000;x\r\nTrailer: a\r\nOther: b\r\n\r\nz").consumed, 32u);
  EXPECT_EQ(chunked("0a\r\n0123456789\r\n00\r\n\r\n").bytes, "0123456789");
}

TEST(ChunkedDecoder, decodes_in_place) {
  std::string text = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  ChunkedDecoder decoder;
  Error error;
  const Transfer transfer = decoder.decode(text, text, error);
  EXPECT_EQ(transfer.step, Step::kFinished);
  EXPECT_EQ(text.substr(0, transfer.produced), "abcde");
}

TEST(ChunkedDecoder, a_cut_body_is_not_finished) {
  const std::string text = "3\r\nabc\r\n0\r\nT: x\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    const Body body = chunked(std::string_view(text).substr(0, size));
    EXPECT_EQ(body.said, "more") << size;
    EXPECT_EQ(body.consumed, size);
  }
}

TEST(ChunkedDecoder, refuses_bad_framing) {
  EXPECT_EQ(chunked("\r\n").said, "a chunk has no size");
  EXPECT_EQ(chunked(";x\r\n").said, "a chunk has no size");
  EXPECT_EQ(chunked("-1\r\n").said, "a chunk has no size");
  EXPECT_EQ(chunked(" 1\r\n").said, "a chunk has no size");
  EXPECT_EQ(chunked("0x1\r\n").said, "bad size of a chunk");
  EXPECT_EQ(chunked("1g\r\n").said, "bad size of a chunk");
  EXPECT_EQ(chunked("1\n").said, "bad size of a chunk");
  EXPECT_EQ(chunked("1;a\nb\r\n").said, "bad extension of a chunk");
  EXPECT_EQ(chunked("1\rx").said, "a chunk's size line does not end");
  EXPECT_EQ(chunked("1\r\nabc").said, "a chunk is longer than its size");
  EXPECT_EQ(chunked("1\r\na\rb").said, "a chunk is longer than its size");
  EXPECT_EQ(chunked("1\r\na\n").said, "a chunk is longer than its size");
  EXPECT_EQ(chunked("0\r\n\rx").said, "the last chunk does not end");
  EXPECT_EQ(chunked("0\r\n\n").said, "a control character in the trailers");
  EXPECT_EQ(chunked("0\r\nA: b\n\r\n").said, "a control character in the trailers");
  EXPECT_EQ(chunked("0\r\nA: b\rc").said, "a control character in the trailers");
  EXPECT_EQ(chunked("0\r\nA: b\r\n c\r\n").said, "a folded line in the trailers");
}

TEST(ChunkedDecoder, holds_its_bounds) {
  EXPECT_EQ(chunked("7fffffffffffffff\r\nx").said, "more");
  EXPECT_EQ(chunked("8000000000000000\r\n").said, "a chunk's size is too large");
  EXPECT_EQ(chunked("10000000000000000\r\n").said, "a chunk's size is too large");
  EXPECT_EQ(chunked(std::string(256, '0') + "\r\n\r\n").said, "finished");
  EXPECT_EQ(chunked(std::string(257, '0') + "\r\n\r\n").said, "a chunk's size line is too long");
  EXPECT_EQ(chunked("0;" + std::string(300, 'x')).said, "a chunk's size line is too long");
  const std::string trailer(1022, 'x');
  const std::string four = "0\r\n" + trailer + "\r\n" + trailer + "\r\n" + trailer + "\r\n" + trailer + "\r\n";
  EXPECT_EQ(chunked(four + "\r\n").said, "finished");
  EXPECT_EQ(chunked(four + "123456789\r\n\r\n").said, "the trailers are too long");
}

}  // namespace
}  // namespace weir
