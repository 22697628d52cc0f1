// LinesWriter: the text of one column, with a line feed (kLines) or without (kRaw). NULL is empty; a line feed in the
// text is written as it is.
#pragma once

#include "format/writer_core.hpp"

namespace weir {

class LinesWriter final : public WriterCore {
 public:
  LinesWriter(const WriterOptions& options, std::span<PlanColumn> columns, size_t names_bytes_max,
              std::span<char> texts)
      : WriterCore(options, columns, names_bytes_max, texts) {}

  WriteResult write(const WriteRows& rows, uint32_t from, uint64_t unit_bytes_left, std::span<char> room) override {
    return write_rows(*this, rows, from, unit_bytes_left, room);
  }
  Code fast_record(uint32_t row, uint32_t index, char*& out);

 protected:
  Status compile(const Schema& schema) override;
  uint8_t factor(ColumnOp) const override { return 1; }
  Code resolve(const PlanColumn& column, uint32_t row, uint32_t index, Body& body) override;
};

}  // namespace weir
