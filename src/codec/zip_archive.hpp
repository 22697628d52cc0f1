// A zip archive (PKWARE's APPNOTE 6.3.3, as far as a function's package needs it) of a few files, written into memory: the same files in the same
// order give the same bytes. Times are the format's first, 1980-01-01 00:00; modes are Unix's, of regular files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "codec/codec.hpp"

namespace weir {

struct ZipFile {
  std::string_view name;  ///< relative, with `/`; 1 to 65,535 bytes
  uint32_t mode = 0644;
  std::string_view bytes;
};

/// Bytes that an archive of these takes at most. From 4 GiB on it can't be written: no zip64 here.
uint64_t zip_bytes_max(std::span<const ZipFile> files);
/// Writes the archive to the begin of `room`, which has zip_bytes_max(files), less than 4 GiB: asserted. `gzip`: an encoder of gzip, whose deflate
/// stream is taken; a file that it does not make smaller is stored. Gives the archive's size.
size_t write_zip(std::span<const ZipFile> files, Encoder& gzip, std::span<char> room);

}  // namespace weir
