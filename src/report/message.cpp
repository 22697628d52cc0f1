#include "report/message.hpp"

#include "report/printer.hpp"

namespace weir {

void print_message(int file, const Error& error, const MessageContext& context) {
  const CodeInfo& info = code_info(error.code);
  const int exit = static_cast<int>(info.exit == Exit::kNone ? Exit::kInputCorrupt : info.exit);
  Printer out(file);
  if (context.json) {
    out.format("{\"code\":\"W%04u\",", static_cast<unsigned>(error.code));
    if (context.is_warning) {
      out.text("\"severity\":\"warning\",");
    } else {
      out.format("\"exit\":%d,", exit);
    }
    out.text("\"msg\":\"").json(info.message);
    if (!error.detail.empty()) out.text("\",\"detail\":\"").json(error.detail.view());
    if (!context.source.empty()) out.text("\",\"source\":\"").json(context.source);
    if (error.line != 0 && !context.file.empty()) out.text("\",\"file\":\"").json(context.file);
    out.text("\"");
    if (error.line != 0) out.format(",\"line\":%u,\"column\":%u", error.line, error.column);
    if (error.byte != kNoOffset) out.format(",\"byte\":%llu", static_cast<unsigned long long>(error.byte));
    if (error.record != kNoOffset) out.format(",\"record\":%llu", static_cast<unsigned long long>(error.record));
    if (*info.hint != 0) out.text(",\"hint\":\"").json(info.hint).text("\"");
    if (!context.leftover.empty()) out.text(",\"leftover\":\"").json(context.leftover).text("\"");
    if (!context.rejects_leftover.empty())
      out.text(",\"rejects_leftover\":\"").json(context.rejects_leftover).text("\"");
    out.text("}\n");
    return;
  }
  // weir: error W3001: gzip member ends early: detail (orders.csv.gz, byte 123, record 7)
  out.format("weir: %s W%04u: ", context.is_warning ? "warning" : "error", static_cast<unsigned>(error.code));
  if (error.line != 0) {
    if (!context.file.empty()) out.plain(context.file).text(":");
    out.format("%u:%u: ", error.line, error.column);
  }
  out.text(info.message);
  if (!error.detail.empty()) out.text(": ").plain(error.detail.view());
  if (!context.source.empty() || error.byte != kNoOffset) {
    out.text(" (");
    if (!context.source.empty()) out.plain(context.source);
    if (error.byte != kNoOffset) out.text(context.source.empty() ? "byte " : ", byte ").count(error.byte);
    if (error.record != kNoOffset) out.text(", record ").count(error.record);
    out.text(")");
  }
  out.text("\n");
  if (*info.hint != 0) out.text("  hint: ").text(info.hint).text("\n");
  if (!context.leftover.empty()) out.text("  what was written so far is kept in ").plain(context.leftover).text("\n");
  if (!context.rejects_leftover.empty())
    out.text("  rejects so far are kept in ").plain(context.rejects_leftover).text("\n");
}

}  // namespace weir
