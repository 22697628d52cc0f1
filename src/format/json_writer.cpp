#include "format/json_writer.hpp"

#include "format/value_body.hpp"

namespace weir {
namespace {

/// The members of an object, without its braces and the blanks around them.
std::string_view members_of(std::string_view object) { return trim_json(object.substr(1, object.size() - 2)); }

bool is_object(std::string_view record) { return record.size() >= 2 && record.front() == '{' && record.back() == '}'; }

[[gnu::noinline]] char* put_base64(std::string_view bytes, char* out) {
  Body body;
  body.runs = TextRuns(TextRuns::Kind::kBase64, bytes);
  body.quoted = true;
  return encode_body(body, out);
}

}  // namespace

Status JsonWriter::compile(const Schema&) {
  bool first = true;
  for (const PlanColumn& column : columns()) patched_ = patched_ || column.from == PlanColumn::From::kRecord;
  const bool alone = patched_ && columns().size() == 1;
  if (alone) patched_ = false;
  for (PlanColumn& column : columns()) {
    char* out = text_at();
    if (!alone) *out++ = first ? '{' : ',';
    if (column.from != PlanColumn::From::kRecord) {
      out = put_json_string_checked(out, column.key.data(), column.key.size());
      if (out == nullptr) return fail(Code::kBadHeader, "a column's name is not UTF-8");
      *out++ = ':';
    }
    column.key = text_to(out);
    first = false;
  }
  if (options_.format == WriterFormat::kJson) {
    batch_open_ = "[";
    batch_between_ = ",\n";
    batch_close_ = "]\n";
    end_ = alone ? "" : "}";
  } else {
    end_ = alone ? "\n" : "}\n";
  }
  return {};
}

uint8_t JsonWriter::factor(ColumnOp op) const {
  switch (op) {
    case ColumnOp::kText:
    case ColumnOp::kCsv:
    case ColumnOp::kValue:
      return kJsonEscapeFactor;
    case ColumnOp::kBytes:
      return 2;  // base64 of one byte is 4, but see kFieldBytes
    case ColumnOp::kJson:
    case ColumnOp::kRecord:
    case ColumnOp::kRawRecord:
      return 1;
  }
  return kJsonEscapeFactor;
}

Code JsonWriter::resolve(const PlanColumn& column, uint32_t row, uint32_t index, Body& body) {
  body.encoder = Encoder::kCopy;
  body.quoted = body.nothing = false;
  const auto text = [&](TextRuns::Kind kind, std::string_view bytes) {
    body.runs = TextRuns(kind, bytes, column.quote, column.escape);
    body.encoder = Encoder::kJson;
    body.quoted = true;
    return utf8_valid_prefix(bytes) == bytes.size() ? Code::kOk : Code::kBadUtf8;
  };
  const auto base64 = [&](std::string_view bytes) {
    body.runs = TextRuns(TextRuns::Kind::kBase64, bytes);
    body.quoted = true;
    return Code::kOk;
  };
  if (column.op == ColumnOp::kValue) {
    const Value& value = column.values[index];
    switch (value.type) {
      case Type::kNull:
        body.runs = TextRuns("null");
        return Code::kOk;
      case Type::kText:
        return text(TextRuns::Kind::kPlain, value.view());
      case Type::kJson:
        body.runs = TextRuns(TextRuns::Kind::kMinify, value.view());
        return Code::kOk;
      case Type::kBytes:
        return base64(value.view());
      default:
        return scalar_body(value, body);
    }
  }
  if (column.slices[row].missing()) {
    body.runs = TextRuns("null");
    return Code::kOk;
  }
  const std::string_view field = raw(column, row);
  switch (column.op) {
    case ColumnOp::kText:
      return text(TextRuns::Kind::kPlain, field);
    case ColumnOp::kCsv:
      return text(field.empty() || field.front() != column.quote ? TextRuns::Kind::kPlain : TextRuns::Kind::kCsv,
                  field);
    case ColumnOp::kBytes:
      return base64(field);
    case ColumnOp::kRecord: {
      if (!patched_) {
        body.runs = TextRuns(TextRuns::Kind::kMinify, field);
        return Code::kOk;
      }
      const std::string_view record = trim_json(field);
      if (!is_object(record)) return Code::kNotWritable;
      const std::string_view members = members_of(record);
      body.nothing = members.empty();
      body.runs = TextRuns(TextRuns::Kind::kMinify, members);
      return Code::kOk;
    }
    default:
      body.runs = TextRuns(is_json_container(field) ? TextRuns::Kind::kMinify : TextRuns::Kind::kPlain, field);
      return Code::kOk;
  }
}

[[gnu::noinline]] Code JsonWriter::put_slowly(const PlanColumn& column, uint32_t row, uint32_t index, char*& out) {
  Body body;
  const Code code = resolve(column, row, index, body);
  if (code == Code::kOk) out = encode_body(body, out);
  return code;
}

Code JsonWriter::put_value(const Value& value, char*& out) {
  switch (value.type) {
    case Type::kNull:
      out = copy_exact(out, "null");
      return Code::kOk;
    case Type::kBool:
      out = copy_exact(out, value.boolean ? std::string_view("true") : std::string_view("false"));
      return Code::kOk;
    case Type::kInt:
    case Type::kDecimal:
    case Type::kDouble:
      if (value.has_lexeme) {
        out = copy_exact(out, {value.lexeme, value.size});
        return Code::kOk;
      }
      if (value.type == Type::kDouble && !__builtin_isfinite(value.real)) return Code::kNotWritable;
      out += format_number(value, out);
      return Code::kOk;
    case Type::kText: {
      char* const end = put_json_string_checked(out, value.text, value.size);
      if (end == nullptr) return Code::kBadUtf8;
      out = end;
      return Code::kOk;
    }
    case Type::kJson: {
      MinifyState state;
      out = minify_json(state, value.view(), out);
      return Code::kOk;
    }
    case Type::kBytes:
      break;
  }
  out = put_base64(value.view(), out);
  return Code::kOk;
}

Code JsonWriter::fast_record(uint32_t row, uint32_t index, char*& out) {
  if (patched_) return write_by_pieces(row, index, out);
  const char* const base = batch_->base;
  char* o = copy_exact(out, frame());
  for (const PlanColumn& column : columns()) {
    o = copy_wide(o, column.key.data(), column.key.size());
    if (column.op == ColumnOp::kValue) {
      const Code code = put_value(column.values[index], o);
      if (code != Code::kOk) return code;
      continue;
    }
    const Slice slice = column.slices[row];
    if (slice.missing()) {
      o = copy_exact(o, "null");
      continue;
    }
    const char* field = base + slice.offset;
    size_t size = slice.size;
    switch (column.op) {
      case ColumnOp::kCsv:
        if (size != 0 && *field == column.quote) [[unlikely]] {
          // Without inner quotes and escapes it is the text between the quotes.
          const bool doubled_or_backslash = column.escape == '"' || column.escape == '\\' || column.escape == 0;
          if (column.quote == '"' && doubled_or_backslash && size >= 2 && field[size - 1] == '"' &&
              copy_clean_text(o + 1, field + 1, size - 2)) {
            o[0] = o[size - 1] = '"';
            o += size;
            break;
          }
          const Code code = put_slowly(column, row, index, o);
          if (code != Code::kOk) return code;
          break;
        }
        [[fallthrough]];
      case ColumnOp::kText:
        o = put_json_string(o, field, size);
        if (o == nullptr) [[unlikely]]
          return Code::kBadUtf8;
        break;
      case ColumnOp::kJson:
        if (size != 0 && (*field == '{' || *field == '[')) {
          MinifyState state;
          o = minify_json(state, {field, size}, o);
        } else {
          o = copy_wide(o, field, size);
        }
        break;
      case ColumnOp::kRecord: {
        MinifyState state;
        o = minify_json(state, {field, size}, o);
        break;
      }
      default: {
        const Code code = put_slowly(column, row, index, o);
        if (code != Code::kOk) return code;
      }
    }
  }
  out = copy_exact(o, end_);
  return Code::kOk;
}

}  // namespace weir
