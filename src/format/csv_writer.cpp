#include "format/csv_writer.hpp"

#include <cstring>

#include "format/csv_quote.hpp"
#include "format/value_body.hpp"

namespace weir {

/// A name of the header, quoted where it must be.
char* CsvWriter::put_name(std::string_view name, char* out) const {
  if (!csv_needs_quotes(name, options_.delimiter) && !(single_ && name.empty())) return copy_exact(out, name);
  *out++ = '"';
  out = put_csv_doubled(out, name);
  *out++ = '"';
  return out;
}

Status CsvWriter::compile(const Schema& schema) {
  const bool raw = columns()[0].from == PlanColumn::From::kRawRecord;
  single_ = (raw ? schema.names.size() : columns().size()) == 1;
  char* out = text_at();
  char* const delimiter = out;
  *out++ = options_.delimiter;
  bool first = true;
  if (raw) {  // the one column stands for all names
    for (const std::string_view name : schema.names) {
      if (!first) *out++ = options_.delimiter;
      out = put_name(name, out);
      first = false;
    }
  }
  for (PlanColumn& column : columns()) {
    if (raw) break;
    if (column.from == PlanColumn::From::kRecord) {
      return fail(Code::kContradiction, "`*` over JSON has no fixed columns to write as CSV: name the columns");
    }
    if (!first) *out++ = options_.delimiter;
    out = put_name(column.key, out);
    column.key = first ? std::string_view() : std::string_view(delimiter, 1);
    first = false;
  }
  *out++ = '\n';
  header_ = text_to(out).substr(1);
  end_ = "\n";
  return {};
}

uint8_t CsvWriter::factor(ColumnOp op) const { return op == ColumnOp::kRawRecord ? 1 : 2; }

/// Text that must be looked at before it is known whether it is quoted.
void CsvWriter::finish_text(TextRuns::Kind kind, std::string_view raw, const PlanColumn& column, Body& body) const {
  if (kind == TextRuns::Kind::kPlain) {
    body.quoted = csv_needs_quotes(raw, options_.delimiter) || (single_ && raw.empty());
  } else {
    TextRuns runs(kind, raw, column.quote, column.escape);
    bool empty = true;
    while (!runs.ended() && !body.quoted) {
      const std::string_view run = runs.next(~uint32_t{0});
      empty = empty && run.empty();
      body.quoted = csv_needs_quotes(run, options_.delimiter);
    }
    body.quoted = body.quoted || (single_ && empty);
  }
  body.runs = TextRuns(kind, raw, column.quote, column.escape);
  body.encoder = body.quoted ? Encoder::kCsv : Encoder::kCopy;
}

Code CsvWriter::resolve(const PlanColumn& column, uint32_t row, uint32_t index, Body& body) {
  body.encoder = Encoder::kCopy;
  body.quoted = body.nothing = false;
  using Kind = TextRuns::Kind;
  const auto finish = [&](Kind kind, std::string_view bytes) {
    finish_text(kind, bytes, column, body);
    return Code::kOk;
  };
  if (column.op == ColumnOp::kValue) {
    const Value& value = column.values[index];
    switch (value.type) {
      case Type::kNull:
        return finish(Kind::kPlain, {});
      case Type::kText:
      case Type::kBytes:
        return finish(Kind::kPlain, value.view());
      case Type::kJson:
        return finish(Kind::kMinify, value.view());
      default: {
        const Code code = scalar_body(value, body);
        if (code != Code::kOk) return code;
        TextRuns runs = body.runs;  // the delimiter may be a point
        return finish(Kind::kPlain, runs.next(~uint32_t{0}));
      }
    }
  }
  if (column.slices[row].missing()) return finish(Kind::kPlain, {});
  const std::string_view field = raw(column, row);
  switch (column.op) {
    case ColumnOp::kRawRecord:
      body.runs = TextRuns(field);
      return Code::kOk;
    case ColumnOp::kCsv:
      if (field.empty() || field.front() != column.quote) return finish(Kind::kPlain, field);
      if (column.quote == '"' && column.escape == '"' && csv_is_well_quoted(field)) {
        body.runs = TextRuns(field);
        return Code::kOk;
      }
      return finish(Kind::kCsv, field);
    case ColumnOp::kJson:
      if (is_json_container(field)) return finish(Kind::kMinify, field);
      if (field == "null") return finish(Kind::kPlain, {});
      if (field.size() < 2 || field.front() != '"') return finish(Kind::kPlain, field);
      if (std::memchr(field.data(), '\\', field.size()) != nullptr) return finish(Kind::kJsonString, field);
      return finish(Kind::kPlain, field.substr(1, field.size() - 2));
    default:
      return finish(Kind::kPlain, field);
  }
}

[[gnu::noinline]] Code CsvWriter::put_slowly(const PlanColumn& column, uint32_t row, uint32_t index, char*& out) {
  Body body;
  const Code code = resolve(column, row, index, body);
  if (code == Code::kOk) out = encode_body(body, out);
  return code;
}

Code CsvWriter::fast_record(uint32_t row, uint32_t index, char*& out) {
  const char* const base = batch_->base;
  const char delimiter = options_.delimiter;
  char* o = out;
  for (const PlanColumn& column : columns()) {
    *o = delimiter;
    o += column.key.size();
    char* plain = nullptr;
    if (column.op != ColumnOp::kValue) {
      const Slice slice = column.slices[row];
      if (column.op == ColumnOp::kRawRecord) {
        plain = copy_wide(o, base + slice.offset, slice.size);
      } else if (slice.size == 0 || column.op == ColumnOp::kJson) {
        if (slice.size == 0 && !single_) plain = o;
      } else if (column.op != ColumnOp::kCsv || column.quote == '"' || base[slice.offset] != column.quote) {
        const char* const field = base + slice.offset;
        plain = put_csv_plain(o, field, slice.size, delimiter);
        if (plain == nullptr && column.op == ColumnOp::kCsv && column.quote == '"' && column.escape == '"' &&
            csv_is_well_quoted({field, slice.size})) {
          plain = copy_wide(o, field, slice.size);
        }
      }
    }
    if (plain == nullptr) [[unlikely]] {
      const Code code = put_slowly(column, row, index, o);
      if (code != Code::kOk) return code;
    } else {
      o = plain;
    }
  }
  *o++ = '\n';
  out = o;
  return Code::kOk;
}

}  // namespace weir
