// CsvWriter: RFC 4180 with line feeds, quoting only where it must; TSV by the delimiter.
//
// A field that the input quoted well stays as it stands, needed or not; any other text is decoded and quoted when it
// holds the delimiter, a quote, CR or LF. NULL is an empty field. JSON strings are decoded, objects and arrays written
// as JSON text without blanks. Bytes are written as they are, UTF-8 or not. A record of one empty field is `""`,
// because an empty line is no record to most readers.
#pragma once

#include "format/writer_core.hpp"

namespace weir {

class CsvWriter final : public WriterCore {
 public:
  CsvWriter(const WriterOptions& options, std::span<PlanColumn> columns, size_t names_bytes_max, std::span<char> texts)
      : WriterCore(options, columns, names_bytes_max, texts) {}

  WriteResult write(const WriteRows& rows, uint32_t from, uint64_t unit_bytes_left, std::span<char> room) override {
    return write_rows(*this, rows, from, unit_bytes_left, room);
  }
  Code fast_record(uint32_t row, uint32_t index, char*& out);

 protected:
  Status compile(const Schema& schema) override;
  uint8_t factor(ColumnOp op) const override;
  Code resolve(const PlanColumn& column, uint32_t row, uint32_t index, Body& body) override;

 private:
  char* put_name(std::string_view name, char* out) const;
  Code put_slowly(const PlanColumn& column, uint32_t row, uint32_t index, char*& out);
  void finish_text(TextRuns::Kind kind, std::string_view raw, const PlanColumn& column, Body& body) const;

  bool single_ = false;  ///< one field a record
};

}  // namespace weir
