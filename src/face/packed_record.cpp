#include "face/packed_record.hpp"

#include "format/json_minify.hpp"
#include "record/field.hpp"

namespace weir::face {

RecordPacker::RecordPacker(std::span<char> room, const RecordContext& context, uint32_t fields, bool own_names)
    : begin_(room.data()), capacity_(std::min<size_t>(room.size(), UINT32_MAX - 7)) {
  const size_t head = sizeof(PackedRecord) +
                      size_t{fields} * (sizeof(PackedRecord::Slot) + (own_names ? sizeof(PackedRecord::NameSlot) : 0));
  if (head > capacity_) {
    fits_ = false;
    return;
  }
  used_ = head;
  record_ = reinterpret_cast<PackedRecord*>(begin_);
  record_->fields = fields;
  record_->context = &context;
  record_->own_names = own_names ? 1 : 0;
  record_->next = 0;
}

char* RecordPacker::take(size_t bytes) {
  if (!fits_ || bytes > capacity_ - used_) {
    fits_ = false;
    return nullptr;
  }
  used_ += bytes;
  return begin_ + used_ - bytes;
}

void RecordPacker::name(std::string_view text) {
  char* const out = take(text.size());
  if (out == nullptr) return;
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  const_cast<PackedRecord::NameSlot*>(record_->name_slots())[next_] = {static_cast<uint32_t>(out - begin_),
                                                                       static_cast<uint32_t>(text.size())};
}

void RecordPacker::json_name(std::string_view raw) {
  if (std::memchr(raw.data(), '\\', raw.size()) == nullptr) return name(raw);
  char* const out = take(raw.size() + 2);
  if (out == nullptr) return;
  const size_t size = decode_json_string({raw.data() - 1, raw.size() + 2}, out);
  used_ -= raw.size() + 2 - size;
  const_cast<PackedRecord::NameSlot*>(record_->name_slots())[next_] = {static_cast<uint32_t>(out - begin_),
                                                                       static_cast<uint32_t>(size)};
}

void RecordPacker::add(Kind kind, std::string_view text) {
  char* const out = take(text.size());
  if (out == nullptr) return;
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  const_cast<PackedRecord::Slot*>(record_->slots())[next_++] = {static_cast<uint32_t>(out - begin_),
                                                                static_cast<uint32_t>(text.size()), kind};
}

void RecordPacker::add_json(std::string_view raw) {
  switch (raw.empty() ? 'n' : raw[0]) {
    case 'n':
      return add(Kind::kNull, {});
    case 't':
    case 'f':
      return add(Kind::kBool, raw);
    case '{':
    case '[':
      return add(Kind::kJson, raw);
    case '"':
      break;
    default: {
      weir::Value number;
      const bool exact = parse_number(raw, number) == NumberError::kNone;
      return add(!exact ? Kind::kReal : number.type == Type::kInt ? Kind::kInteger : Kind::kDecimal, raw);
    }
  }
  const std::string_view inner = raw.substr(1, raw.size() - 2);
  if (std::memchr(inner.data(), '\\', inner.size()) == nullptr) return add(Kind::kText, inner);
  char* const out = take(raw.size());
  if (out == nullptr) return;
  const size_t size = decode_json_string(raw, out);
  used_ -= raw.size() - size;
  const_cast<PackedRecord::Slot*>(record_->slots())[next_++] = {static_cast<uint32_t>(out - begin_),
                                                                static_cast<uint32_t>(size), Kind::kText};
}

void RecordPacker::add_field(const Column& column, const RecordBatch& batch, uint32_t row, bool empty_is_null) {
  if (column.slices[row].missing()) return add(Kind::kNull, {});
  const std::string_view raw = batch.field(column, row);
  switch (column.encoding) {
    case FieldEncoding::kJson:
      return add_json(trim_json(raw));
    case FieldEncoding::kBytes:
      return add(Kind::kBytes, raw);
    case FieldEncoding::kPlain:
      return add(empty_is_null && raw.empty() ? Kind::kNull : Kind::kText, raw);
    case FieldEncoding::kCsv:
      break;
  }
  std::string_view text;
  if (field_is_plain(column, raw, text)) return add(empty_is_null && text.empty() ? Kind::kNull : Kind::kText, text);
  char* const out = take(raw.size());
  if (out == nullptr) return;
  const size_t size = decode_csv(raw, column.quote, column.escape, out);
  used_ -= raw.size() - size;
  const_cast<PackedRecord::Slot*>(record_->slots())[next_++] = {static_cast<uint32_t>(out - begin_),
                                                                static_cast<uint32_t>(size), Kind::kText};
}

void RecordPacker::add_computed(const weir::Value& value) {
  switch (value.type) {
    case Type::kNull:
      return add(Kind::kNull, {});
    case Type::kBool:
      return add(Kind::kBool, value.boolean ? "true" : "false");
    case Type::kText:
      return add(Kind::kText, value.view());
    case Type::kJson:
      return add(Kind::kJson, value.view());
    case Type::kBytes:
      return add(Kind::kBytes, value.view());
    case Type::kInt:
    case Type::kDecimal:
    case Type::kDouble:
      break;
  }
  const Kind kind = value.type == Type::kInt       ? Kind::kInteger
                    : value.type == Type::kDecimal ? Kind::kDecimal
                                                   : Kind::kReal;
  if (value.has_lexeme) return add(kind, {value.lexeme, value.size});
  char text[kNumberTextMax];
  add(kind, {text, format_number(value, text)});
}

PackedRecord* RecordPacker::finish(uint32_t source, uint64_t byte, uint64_t record) {
  const size_t padded = (used_ + 7) & ~size_t{7};
  if (!fits_ || padded > capacity_) {
    fits_ = false;
    return nullptr;
  }
  record_->bytes = static_cast<uint32_t>(padded);
  record_->source = source;
  record_->byte = byte;
  record_->record = record;
  return record_;
}

PackedRecord* pack_row(std::span<char> room, const RecordContext& context, const PulledRow& row,
                       std::span<const WriteColumn> columns, bool empty_is_null) {
  const auto is_object = [](std::string_view json) { return json.size() >= 2 && json.front() == '{'; };
  std::string_view json;
  uint32_t fields = static_cast<uint32_t>(context.names.size());
  if (context.own_names) {
    json = trim_json(row.batch->record(row.row));
    fields = 0;
    for (const WriteColumn& column : columns) {
      if (!column.star)
        ++fields;
      else if (is_object(json))
        each_member(json, [&](std::string_view, std::string_view) { ++fields; });
      else
        ++fields;
    }
  }
  RecordPacker packer(room, context, fields, context.own_names);
  if (!packer.fits()) return nullptr;
  for (const WriteColumn& column : columns) {
    if (column.star && context.own_names) {
      if (is_object(json)) {
        each_member(json, [&](std::string_view name, std::string_view value) {
          packer.json_name(name);
          packer.add_json(value);
        });
      } else {
        packer.name("value");
        packer.add_json(json);
      }
    } else if (column.star) {
      for (size_t i = row.batch->all_first; i < row.batch->columns.size(); ++i) {
        packer.add_field(row.batch->columns[i], *row.batch, row.row, empty_is_null);
      }
    } else {
      if (context.own_names) packer.name(column.name);
      if (column.computed >= 0)
        packer.add_computed(row.computed[static_cast<size_t>(column.computed) * row.stride]);
      else
        packer.add_field(row.batch->columns[static_cast<size_t>(column.field)], *row.batch, row.row, empty_is_null);
    }
    if (!packer.fits()) return nullptr;
  }
  return packer.finish(row.position.source, row.position.decoded_byte, row.position.record);
}

PackedRecord* pack_fields(std::span<char> room, const RecordContext& context, const PackedRecord* base,
                          std::span<const Field> fields, const PackedRecord& origin) {
  const auto changed = [&](std::string_view name) -> const Field* {
    for (const Field& field : fields) {
      if (field.name() == name) return &field;
    }
    return nullptr;
  };
  const auto in_base = [&](std::string_view name) {
    for (uint32_t i = 0; base != nullptr && i < base->fields; ++i) {
      if (base->name(i) == name) return true;
    }
    return false;
  };
  uint32_t count = base != nullptr ? base->fields : 0;
  for (const Field& field : fields) count += in_base(field.name()) ? 0 : 1;
  RecordPacker packer(room, context, count, true);
  if (!packer.fits()) return nullptr;
  for (uint32_t i = 0; base != nullptr && i < base->fields; ++i) {
    const Field* const field = changed(base->name(i));
    const Value value = field != nullptr ? field->value() : base->value(i);
    packer.name(base->name(i));
    packer.add(value.kind(), value.text());
  }
  for (const Field& field : fields) {
    if (in_base(field.name())) continue;
    packer.name(field.name());
    packer.add(field.value().kind(), field.value().text());
  }
  return packer.finish(origin.source, origin.byte, origin.record);
}

}  // namespace weir::face
