// The kernel's small files: read whole, written with one call.
#pragma once

#include <string>
#include <string_view>

namespace weir::emulate {

/// Empty where it can't be read.
std::string read_text(const std::string& path);
/// One write to a file that is there. False when it was not taken.
bool write_text(const std::string& path, std::string_view text);
/// Reads all of a descriptor, at most `bytes_max` bytes and one more.
std::string read_all(int file, size_t bytes_max);

}  // namespace weir::emulate
