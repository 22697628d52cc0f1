#include "emulate/text_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace weir::emulate {

std::string read_all(int file, size_t bytes_max) {
  std::string text;
  char piece[16 * 1024];
  while (text.size() <= bytes_max) {
    const ssize_t got = read(file, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(piece, static_cast<size_t>(got));
  }
  return text;
}

std::string read_text(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string text = read_all(file, 1u << 20);
  close(file);
  return text;
}

bool write_text(const std::string& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool taken = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return taken;
}

}  // namespace weir::emulate
