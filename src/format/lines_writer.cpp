#include "format/lines_writer.hpp"

#include "format/value_body.hpp"

namespace weir {

Status LinesWriter::compile(const Schema&) {
  if (columns().size() != 1 || columns()[0].from == PlanColumn::From::kRecord) {
    return fail(Code::kContradiction, "lines and raw output hold exactly one column: name it");
  }
  columns()[0].key = {};
  end_ = options_.format == WriterFormat::kLines ? "\n" : "";
  return {};
}

Code LinesWriter::resolve(const PlanColumn& column, uint32_t row, uint32_t index, Body& body) {
  body.encoder = Encoder::kCopy;
  body.quoted = body.nothing = false;
  body.runs = TextRuns();
  using Kind = TextRuns::Kind;
  const auto runs = [&](Kind kind, std::string_view bytes) {
    body.runs = TextRuns(kind, bytes, column.quote, column.escape);
    return Code::kOk;
  };
  if (column.op == ColumnOp::kValue) {
    const Value& value = column.values[index];
    switch (value.type) {
      case Type::kNull:
        return Code::kOk;
      case Type::kText:
      case Type::kBytes:
        return runs(Kind::kPlain, value.view());
      case Type::kJson:
        return runs(Kind::kMinify, value.view());
      default:
        return scalar_body(value, body);
    }
  }
  if (column.slices[row].missing()) return Code::kOk;
  const std::string_view field = raw(column, row);
  if (column.op == ColumnOp::kCsv && !field.empty() && field.front() == column.quote) return runs(Kind::kCsv, field);
  if (column.op != ColumnOp::kJson) return runs(Kind::kPlain, field);
  if (is_json_container(field)) return runs(Kind::kMinify, field);
  if (field == "null") return Code::kOk;
  return runs(field.size() >= 2 && field.front() == '"' ? Kind::kJsonString : Kind::kPlain, field);
}

Code LinesWriter::fast_record(uint32_t row, uint32_t index, char*& out) {
  Body body;
  const Code code = resolve(columns()[0], row, index, body);
  if (code != Code::kOk) return code;
  out = copy_exact(encode_body(body, out), end_);
  return Code::kOk;
}

}  // namespace weir
