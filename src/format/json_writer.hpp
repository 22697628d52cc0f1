// JsonWriter: objects, one a line (NDJSON) or in an array a batch. RFC 8259; https://github.com/ndjson/ndjson-spec.
//
// Strings are escaped as little as the RFC asks for; their UTF-8 is checked on the field's raw bytes. JSON values and
// records of the input pass without the blanks between their tokens, so that a line holds one record; their numbers and
// strings keep their spelling. Members are not looked at: `*` beside a column of the same name gives both, and the last
// one counts for most readers.
#pragma once

#include "format/writer_core.hpp"

namespace weir {

class JsonWriter final : public WriterCore {
 public:
  JsonWriter(const WriterOptions& options, std::span<PlanColumn> columns, size_t names_bytes_max, std::span<char> texts)
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
  Code put_value(const Value& value, char*& out);
  Code put_slowly(const PlanColumn& column, uint32_t row, uint32_t index, char*& out);
};

}  // namespace weir
