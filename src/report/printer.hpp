// Printer: text to a descriptor through a fixed buffer. Takes no memory, so it may be used after the seal.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace weir {

class Printer {
 public:
  explicit Printer(int file) : file_(file) {}
  ~Printer() { flush(); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  Printer& text(std::string_view text);
  Printer& format(const char* format, ...) __attribute__((format(printf, 2, 3)));
  /// 1234567 as 1,234,567
  Printer& count(uint64_t number);
  /// 50331648 as 48.0 MiB
  Printer& bytes(uint64_t bytes);
  /// Inside of a JSON string.
  Printer& json(std::string_view text);
  /// Text for a terminal: control characters are shown as `?`, at most `bytes_max` bytes.
  Printer& plain(std::string_view text, size_t bytes_max = 2048);
  void flush();
  /// The end of what a command prints: W4002 when not all of it could be written. A reader that went away is none (EPIPE).
  Status finish();

 private:
  int file_;
  int failed_ = 0;  ///< errno of the first write that failed
  size_t used_ = 0;
  char buffer_[4096];
};

}  // namespace weir
