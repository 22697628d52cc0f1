// Any bytes as XML: the same events whole, a byte at a time and in odd pieces; the same for the readers of replies.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/s3_replies.hpp"
#include "aws/xml.hpp"

using namespace weir;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::string events(std::string_view xml, size_t piece) {
  XmlScanner scanner(1 << 16);
  Error error;
  std::string said;
  size_t at = 0;
  while (true) {
    const std::string part(xml.substr(at, piece));
    at += part.size();
    std::string_view input = part;
    for (bool more = true; more;) {
      const XmlEvent event = scanner.next(input, at == xml.size(), error);
      said += static_cast<char>('0' + static_cast<int>(event));
      require(scanner.depth() <= XmlScanner::kDepthMax && scanner.text().size() <= XmlScanner::kTextBytesMax);
      if (event == XmlEvent::kBegin || event == XmlEvent::kEnd) {
        require(scanner.depth() >= 1 && !scanner.name_at(1).empty());
        said.append(scanner.name()).append("|").append(scanner.text()).append("|");
        continue;
      }
      if (event == XmlEvent::kFailed) return said.append(error.detail.view());
      if (event == XmlEvent::kFinished) return said;
      require(input.empty());
      said.pop_back();
      more = false;
    }
    if (at == xml.size()) return said;
  }
}

template <typename Reader>
std::string replies(Reader reader, std::string_view xml, size_t piece) {
  Error error;
  std::string said;
  size_t at = 0;
  while (true) {
    const std::string part(xml.substr(at, piece));
    const Transfer transfer = reader.read(part, at + part.size() == xml.size(), error);
    require(transfer.consumed <= part.size());
    at += transfer.consumed;
    if (transfer.step == Step::kHaveOutput) {
      said += reader.item_text();
      continue;
    }
    if (transfer.step == Step::kFailed) return said.append("failed ").append(error.detail.view());
    if (transfer.step == Step::kFinished)
      return said.append("finished ").append(reader.failure().code.view()).append(reader.failure().message.view());
    require(transfer.consumed == part.size() && at != xml.size());
  }
}

/// Gives a reader's items a text, so that two runs can be compared.
struct Objects : ListObjectsReader {
  Objects() : ListObjectsReader(true) {}
  [[nodiscard]] std::string item_text() const {
    return std::string(item().key.view()) + std::to_string(item().size) + std::string(item().etag.view()) +
           (item().prefix ? "p;" : ";");
  }
};
struct Parts : ListPartsReader {
  [[nodiscard]] std::string item_text() const {
    return std::to_string(item().number) + ":" + std::to_string(item().size) + std::string(item().etag.view()) + ";";
  }
};
struct Uploads : ListUploadsReader {
  [[nodiscard]] std::string item_text() const {
    return std::string(item().key.view()) + std::string(item().upload_id.view()) + ";";
  }
};
template <typename Reader>
struct NoItems : Reader {
  [[nodiscard]] std::string item_text() const { std::abort(); }
};

template <typename Reader>
void same(std::string_view xml, size_t piece) {
  const std::string whole = replies(Reader(), xml, SIZE_MAX);
  require(replies(Reader(), xml, 1) == whole && replies(Reader(), xml, piece) == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = 1 + data[0];
  const std::string whole = events(text, SIZE_MAX);
  require(events(text, 1) == whole && events(text, piece) == whole);
  same<Objects>(text, piece);
  same<Parts>(text, piece);
  same<Uploads>(text, piece);
  same<NoItems<WriteReplyReader>>(text, piece);
  same<NoItems<StsReader>>(text, piece);
  return 0;
}
