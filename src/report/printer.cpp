#include "report/printer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "plan/units.hpp"
#include "report/json_text.hpp"

namespace weir {

Printer& Printer::text(std::string_view text) {
  while (!text.empty()) {
    if (used_ == sizeof buffer_) flush();
    const size_t take = std::min(text.size(), sizeof buffer_ - used_);
    std::memcpy(buffer_ + used_, text.data(), take);
    used_ += take;
    text.remove_prefix(take);
  }
  return *this;
}

Printer& Printer::format(const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (size > 0) text({line, std::min(static_cast<size_t>(size), sizeof line - 1)});
  return *this;
}

Printer& Printer::count(uint64_t number) {
  char digits[32];
  size_t at = sizeof digits;
  int group = 0;
  do {
    if (group == 3) {
      digits[--at] = ',';
      group = 0;
    }
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
    ++group;
  } while (number != 0);
  return text({digits + at, sizeof digits - at});
}

Printer& Printer::bytes(uint64_t bytes) { return text(format_bytes(bytes).view()); }

Printer& Printer::json(std::string_view text_in) {
  json_text(text_in, [&](std::string_view piece) { text(piece); });
  return *this;
}

Printer& Printer::plain(std::string_view text_in, size_t bytes_max) {
  for (const char c : text_in.substr(0, bytes_max)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    const char shown = control ? '?' : c;
    text({&shown, 1});
  }
  if (text_in.size() > bytes_max) text("...");
  return *this;
}

void Printer::flush() {
  // Of a message that can't be said nobody can be told; finish() tells it of what was asked for.
  for (size_t at = 0; at < used_;) {
    const ssize_t size = write(file_, buffer_ + at, used_ - at);
    if (size < 0 && errno != EINTR) {
      if (failed_ == 0) failed_ = errno;
      break;
    }
    if (size > 0) at += static_cast<size_t>(size);
  }
  used_ = 0;
}

Status Printer::finish() {
  flush();
  if (failed_ == 0 || failed_ == EPIPE) return {};
  Error error(Code::kWriteFailed, file_ == STDOUT_FILENO ? "stdout: " : "");
  const char* const text = strerrordesc_np(failed_);
  error.detail.append(text != nullptr ? text : "unknown error");
  error.system_error = failed_;
  return fail(error);
}

}  // namespace weir
