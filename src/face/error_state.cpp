#include "face/error_state.hpp"

#include <cstring>

namespace weir::face {

void throw_error(const weir::Error& error, std::span<const std::string> sources, std::string_view file,
                 std::string_view more) {
  auto state = std::make_shared<ErrorState>();
  const CodeInfo& info = code_info(error.code);
  state->code = error.code;
  std::snprintf(state->number, sizeof state->number, "W%u", static_cast<unsigned>(error.code));
  state->detail = error.detail.view();
  if (error.system_error != 0) {
    if (!state->detail.empty()) state->detail += ": ";
    char buffer[128];
    state->detail += strerror_r(error.system_error, buffer, sizeof buffer);
  }
  if (error.source < sources.size()) state->source = sources[error.source];
  state->byte = error.byte;
  state->record = error.record;
  state->line = error.line;
  state->column = error.column;

  std::string& what = state->what;
  what = state->number;
  what.append(": ").append(info.message);
  if (!state->detail.empty()) what.append(": ").append(state->detail);
  std::string place = state->source;
  const auto add = [&](std::string_view word, uint64_t number) {
    if (!place.empty()) place += ", ";
    place.append(word).append(" ").append(std::to_string(number));
  };
  if (error.line != 0) {
    place = file;
    add("line", error.line);
    add("column", error.column);
  }
  if (error.byte != kNoOffset) add("byte", error.byte);
  if (error.record != kNoOffset) add("record", error.record);
  if (!place.empty()) what.append(" (").append(place).append(")");
  if (info.hint[0] != '\0') what.append("; ").append(info.hint);
  what.append(more);
  throw Error(std::move(state));
}

void throw_error(Code code, std::string_view detail) { throw_error(weir::Error(code, detail)); }

const char* Error::what() const noexcept { return state_->what.c_str(); }
std::string_view Error::code() const noexcept { return state_->number; }
int Error::exit() const noexcept {
  const Exit exit = code_info(state_->code).exit;
  return static_cast<int>(exit == Exit::kNone ? Exit::kInputCorrupt : exit);  // one record, and no rejects to put it in
}
std::string_view Error::message() const noexcept { return code_info(state_->code).message; }
std::string_view Error::detail() const noexcept { return state_->detail; }
std::string_view Error::hint() const noexcept { return code_info(state_->code).hint; }
std::string_view Error::source() const noexcept { return state_->source; }
uint64_t Error::byte() const noexcept { return state_->byte; }
uint64_t Error::record() const noexcept { return state_->record; }
uint32_t Error::line() const noexcept { return state_->line; }
uint32_t Error::column() const noexcept { return state_->column; }

std::string_view version() noexcept { return WEIR_VERSION; }

}  // namespace weir::face
