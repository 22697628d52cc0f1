// JsonReader: the elements of one array in a JSON document (RFC 8259) are the records; the array sits at `input.path` (json_path.hpp).
// With an empty path they are the elements of a document that is an array, or the document itself as one record.
//
// What surrounds the array is walked and validated in constant memory, before and behind it; elements are framed and scanned one by
// one. An element that is well delimited but bad, or oversize, is a reject (detail_a: offset of the fault in the element); damage
// that leaves open where elements begin and end stops the run: kBadDocument at the byte, kDocumentTruncated at the end of the
// input, kPathNotFound. Which elements are records is JsonScanner::scan's rule. A member that comes twice, with an
// array each time, at the path is damage: the first array was delivered already.
//
// Columns are as NdjsonReader's. Records keep their white space, line ends included.
//
// Memory: the window, BatchBuilder's arrays for one column a path, the compiled paths, and this object with the head of an
// oversize record.
#pragma once

#include "format/batch_builder.hpp"
#include "format/json_document.hpp"
#include "format/json_frame.hpp"
#include "format/json_scanner.hpp"
#include "format/oversize.hpp"
#include "format/reader.hpp"

namespace weir {

class JsonReader final : public RecordReader {
 public:
  static size_t memory_max(const ReaderOptions& options, const Projection& projection);
  static Result<RecordReader*> make(const ReaderOptions& options, const Projection& projection, std::span<char> room);

  Window& window() override { return window_; }
  void begin_source(uint32_t source) override;
  Step read(RecordBatch& batch, Error& error) override;
  const Schema& schema() const override { return schema_; }

  static constexpr size_t kStateBytesMax =
      4 + 8 + 8 + 3 + JsonDocument::kStateBytesMax + Oversize::kStateBytesMax + JsonFrame::kStateBytesMax;
  uint64_t passing_bytes() const override { return skip_.active() ? skip_.size() : 0; }
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  enum class Mode : uint8_t {
    kStart,  ///< before the place of a byte order mark
    kDocument,  ///< around the array
    kArray,  ///< between elements
    kElement,  ///< the window begins with an element that was not looked at
    kFrame,  ///< its end is being looked for: framed_ bytes are behind
  };
  /// What must come next in the array.
  enum class Expect : uint8_t { kFirst, kElement, kAfter };
  /// What one step of read() came to.
  enum class Progress : uint8_t { kOn, kFlush, kNeedInput, kEnd, kFailed };

  Progress start();
  Progress walk_document();
  Progress walk_array();
  Progress take_element();
  Progress frame_element();
  Progress grow_element();
  void end_element(size_t size);
  void leave_element();
  Progress failure(Code code, size_t offset, std::string_view detail = {});

  Window window_;
  BatchBuilder builder_;
  JsonScanner scanner_;
  JsonPath path_;
  JsonDocument document_;
  JsonFrame frame_;
  Oversize skip_;
  Schema schema_;
  Error failure_;
  Mode mode_ = Mode::kStart;
  Expect expect_ = Expect::kFirst;
  bool whole_document_ = false;  ///< the record is the document
  size_t framed_ = 0;
  uint32_t record_bytes_max_ = 0;
  uint32_t depth_max_ = 0;
  uint32_t columns_ = 0;
  uint32_t source_ = 0;
  uint64_t record_ = 0;  ///< records delivered before the batch that is being filled
};

}  // namespace weir
