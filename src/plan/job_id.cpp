#include "plan/job_id.hpp"

#include <string_view>

#include "io/http_address.hpp"

namespace weir {
namespace {

/// Every item with its name and length, so that no two lists of items run together to the same bytes.
class Shape {
 public:
  void text(std::string_view name, std::string_view value) {
    part(name);
    part(value);
  }
  void number(std::string_view name, uint64_t value) {
    part(name);
    part({reinterpret_cast<const char*>(&value), sizeof value});
  }
  [[nodiscard]] Sha256::Digest digest() const { return hash_.digest(); }

 private:
  void part(std::string_view bytes) {
    const auto size = static_cast<uint32_t>(bytes.size());
    hash_.update({reinterpret_cast<const char*>(&size), sizeof size});
    hash_.update(bytes);
  }
  Sha256 hash_;
};

}  // namespace

Sha256::Digest job_id(const Config& config) {
  Shape shape;
  shape.number("version", 1);
  shape.text("name", config.name);
  shape.text("query", config.query);
  const InputConfig& in = config.input;
  // Signatures and passwords change while the input stays what it is: its identity tells that.
  for (const std::string& from : in.from) shape.text("from", is_http(from) ? shown_address(from) : from);
  shape.number("format", static_cast<uint64_t>(in.format));
  shape.number("codec", static_cast<uint64_t>(in.codec));
  shape.number("record_max", in.record_max);
  shape.number("columns_max", in.columns_max);
  shape.number("header_bytes_max", in.header_bytes_max);
  shape.number("depth_max", in.depth_max);
  // Younger than checkpoints that are about: where it says nothing new, the id is what it was.
  if (in.validate != Validate::kWhole) shape.number("validate", static_cast<uint64_t>(in.validate));
  shape.number("header", in.header ? 1 : 0);
  for (const std::string& column : in.columns) shape.text("column", column);
  shape.text("delimiter", in.delimiter);
  shape.text("quote", in.quote);
  shape.text("escape", in.escape);
  shape.text("comment", in.comment);
  shape.number("ragged", static_cast<uint64_t>(in.ragged));
  shape.number("quotes", static_cast<uint64_t>(in.quotes));
  shape.number("nul", static_cast<uint64_t>(in.nul));
  shape.number("invalid_utf8", in.invalid_utf8 ? 1 + static_cast<uint64_t>(*in.invalid_utf8) : 0);
  shape.number("empty_is_null", in.empty_is_null ? 1 : 0);
  for (const ColumnType& type : in.types) {
    shape.text("typed", type.column);
    shape.number("type", static_cast<uint64_t>(type.type));
  }
  shape.number("conversion_errors", in.conversion_errors_are_null ? 1 : 0);
  shape.text("path", in.path);
  shape.number("block", in.block);
  shape.number("trailing_garbage", in.trailing_garbage_ignored ? 1 : 0);
  shape.number("batch.records", config.batch.records);
  shape.number("batch.bytes", config.batch.bytes);
  const OutputConfig& out = config.output;
  shape.text("to", is_http(out.to) ? shown_address(out.to) : out.to);
  shape.number("output.format", static_cast<uint64_t>(out.format));
  shape.number("output.codec", static_cast<uint64_t>(out.codec));
  shape.number("level", static_cast<uint64_t>(static_cast<int64_t>(out.level)));
  shape.number("output.header", out.header ? 1 : 0);
  shape.text("output.delimiter", out.delimiter);
  shape.number("unit", out.unit);
  if (out.to.starts_with("s3://")) shape.number("part", out.part);
  if (out.roll_bytes != 0) shape.number("roll_bytes", out.roll_bytes);
  if (out.roll_records != 0) shape.number("roll_records", out.roll_records);
  for (const std::string& column : out.key) shape.text("key", column);
  if (!config.events.source.empty()) shape.text("events.source", config.events.source);
  if (!config.events.detail_type.empty()) shape.text("events.detail_type", config.events.detail_type);
  for (const std::string& word : config.exec.command) shape.text("command", word);
  shape.text("rejects", config.rejects.to);
  return shape.digest();
}

}  // namespace weir
