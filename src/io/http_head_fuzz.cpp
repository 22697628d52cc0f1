// Any bytes as a response: its head and chunked body say the same whole, a byte at a time and in odd pieces. The first byte chooses the piece and whether
// the bytes are a head or a chunked body alone.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "io/http_head.hpp"

using namespace weir;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::string head_in_pieces(std::string_view text, size_t piece) {
  std::string room(2048, '\0');
  HttpHead head(room);
  Error error;
  std::string said;
  size_t at = 0;
  Step step = Step::kNeedInput;
  while (step == Step::kNeedInput && at < text.size()) {
    const std::string part(text.substr(at, piece));
    const Transfer transfer = head.parse(part, error);
    require(transfer.consumed <= part.size());
    step = transfer.step;
    at += transfer.consumed;
  }
  said += std::to_string(static_cast<int>(step)) + " " + std::to_string(at) + " ";
  if (step == Step::kFailed) require(error.code == Code::kBadReply && !error.detail.empty());
  if (step != Step::kFinished) return said + std::string(error.detail.view());
  said += std::to_string(head.status());
  require(head.status() >= 100 && head.status() < 600 && head.field_count() <= kHeadFieldsMax);
  for (size_t i = 0; i < head.field_count(); ++i) {
    const HttpField field = head.field(i);
    require(is_token(field.name) && is_field_value(field.value) && head.has(field.name));
    said.append("\n").append(field.name).append(":").append(field.value);
  }
  for (const char* method : {"GET", "HEAD", "CONNECT"}) {
    const BodyFraming framing = head.framing(method);
    require(framing != BodyFraming::kLength || head.content_length());
    require(framing != BodyFraming::kUntilClose || !head.keeps_alive(method));
  }
  (void)parse_content_range(head.value("content-range"));
  return said;
}

std::string chunks_in_pieces(std::string_view text, size_t in_piece, size_t out_piece) {
  ChunkedDecoder decoder;
  Error error;
  std::string body;
  std::string out(out_piece, '\0');
  size_t at = 0;
  Step step = Step::kNeedInput;
  while ((step == Step::kNeedInput && at < text.size()) || step == Step::kHaveOutput) {
    const Transfer transfer = decoder.decode(text.substr(at, in_piece), out, error);
    require(transfer.produced <= transfer.consumed && transfer.produced <= out.size());
    require(transfer.step != Step::kHaveOutput || transfer.produced == out.size());
    body.append(out.data(), transfer.produced);
    at += transfer.consumed;
    step = transfer.step;
  }
  return body + "\n" + std::to_string(static_cast<int>(step)) + " " + std::to_string(at) +
         std::string(error.detail.view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = 1 + data[0] / 4;
  if (data[0] % 2 == 0) {
    const std::string whole = head_in_pieces(text, SIZE_MAX);
    require(head_in_pieces(text, 1) == whole && head_in_pieces(text, piece) == whole);
  } else {
    const std::string whole = chunks_in_pieces(text, SIZE_MAX, 4096);
    require(chunks_in_pieces(text, 1, 1) == whole && chunks_in_pieces(text, piece, 3) == whole);
    std::string in_place = text;
    ChunkedDecoder decoder;
    Error error;
    const Transfer transfer = decoder.decode(in_place, in_place, error);
    require(whole.starts_with(in_place.substr(0, transfer.produced) + "\n"));
  }
  return 0;
}
