// PackedRecord: a record in a batch's arena, one contiguous piece that may be copied anywhere: offsets count from its
// own start.
//
//   PackedRecord | fields x Slot | fields x NameSlot, when it brings its own names | texts | padding to 8
//
// A text that was decoded or made is there once, as bytes; numbers are kept as they are spelled.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/puller.hpp"
#include "record/schema.hpp"
#ifndef WEIR_FACE_SOURCE
#define WEIR_FACE_SOURCE
#endif
#include "weir/weir.hpp"

namespace weir::face {

/// What the records of one stream share.
struct RecordContext {
  std::span<const std::string_view> names;  ///< of the output's fields; unless the records bring their own
  bool own_names = false;
  std::span<const std::string> sources;
};

struct PackedRecord {
  uint32_t bytes;  ///< all of it
  uint32_t fields;
  const RecordContext* context;
  uint32_t own_names;
  uint32_t source;
  uint64_t byte;
  uint64_t record;
  uint64_t next;  ///< in the staging room: offset + 1 of the next record that is ready; 0: none

  struct Slot {
    uint32_t offset;
    uint32_t size;
    Kind kind;
  };
  struct NameSlot {
    uint32_t offset;
    uint32_t size;
  };

  [[nodiscard]] const char* base() const { return reinterpret_cast<const char*>(this); }
  [[nodiscard]] const Slot* slots() const { return reinterpret_cast<const Slot*>(this + 1); }
  [[nodiscard]] const NameSlot* name_slots() const { return reinterpret_cast<const NameSlot*>(slots() + fields); }
  [[nodiscard]] Value value(uint32_t i) const {
    return {slots()[i].kind, {base() + slots()[i].offset, slots()[i].size}};
  }
  [[nodiscard]] std::string_view name(uint32_t i) const {
    return own_names != 0 ? std::string_view(base() + name_slots()[i].offset, name_slots()[i].size) : context->names[i];
  }
};
static_assert(sizeof(PackedRecord) % 8 == 0);

/// Makes one record at the front of a room. When it does not fit, `fits()` is false and finish() gives null.
class RecordPacker {
 public:
  RecordPacker(std::span<char> room, const RecordContext& context, uint32_t fields, bool own_names);

  void name(std::string_view text);  ///< with own names: before each field
  void json_name(std::string_view raw);  ///< as it stands between quotes
  void add(Kind kind, std::string_view text);
  void add_field(const Column& column, const RecordBatch& batch, uint32_t row, bool empty_is_null);
  void add_json(std::string_view raw);
  void add_computed(const weir::Value& value);
  [[nodiscard]] bool fits() const { return fits_; }
  PackedRecord* finish(uint32_t source, uint64_t byte, uint64_t record);

 private:
  char* take(size_t bytes);

  PackedRecord* record_ = nullptr;
  char* begin_;
  size_t used_ = 0;
  size_t capacity_;
  uint32_t next_ = 0;
  bool fits_ = true;
};

/// Calls fn(raw name without quotes, raw value) for each member of a validated JSON object.
template <typename F>
void each_member(std::string_view object, F&& fn) {
  const char* p = object.data() + 1;
  const char* const end = object.data() + object.size();
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  const auto skip_string = [&](const char* at) {  // from the opening quote to behind the closing one
    for (++at; at < end && *at != '"'; ++at) at += *at == '\\';
    return at < end ? at + 1 : end;
  };
  for (;;) {
    while (p < end && (blank(*p) || *p == ',')) ++p;
    if (p >= end || *p != '"') return;
    const char* const name = p + 1;
    p = skip_string(p);
    const std::string_view raw_name(name, static_cast<size_t>(p - name) - 1);
    while (p < end && (blank(*p) || *p == ':')) ++p;
    const char* const value = p;
    if (p < end && *p == '"') {
      p = skip_string(p);
    } else if (p < end && (*p == '{' || *p == '[')) {
      uint32_t depth = 0;
      do {
        if (*p == '"') {
          p = skip_string(p);
          continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        ++p;
      } while (depth != 0 && p < end);
    } else {
      while (p < end && !blank(*p) && *p != ',' && *p != '}') ++p;
    }
    fn(raw_name, std::string_view(value, static_cast<size_t>(p - value)));
  }
}

/// Packs the columns of a row that the query yields; null: it does not fit.
PackedRecord* pack_row(std::span<char> room, const RecordContext& context, const PulledRow& row,
                       std::span<const WriteColumn> columns, bool empty_is_null);
/// The record with fields replaced by name and others added; `base` may be null.
PackedRecord* pack_fields(std::span<char> room, const RecordContext& context, const PackedRecord* base,
                          std::span<const Field> fields, const PackedRecord& origin);

}  // namespace weir::face
