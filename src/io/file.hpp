// Small calls on files that get the details right: interrupted calls are repeated, short writes completed, errors named.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace weir {

/// Opens for reading, or fails with W4003 (W2014 where there is nothing of that name, W6001 where access is denied). A named pipe is waited for
/// until somebody opens it to write, unless `at_once`: then it is to be polled, and reads as blocked before there is something.
Result<int> open_to_read(const char* path, bool at_once = false);
/// Reads what there is, at most room.size(); 0 at the end. Repeats when interrupted unless `stop_on_signal`.
Result<size_t> read_some(int file, std::span<char> room);
/// Writes all of it. `closed` is set instead of an error when the reader of a pipe is gone.
Status write_all(int file, std::string_view bytes, bool* closed = nullptr);
/// fsync; a failure is W4004 and must never be repeated as if it had not happened.
Status sync_file(int file, std::string_view name);
/// fsync of the folder that `path` is in.
Status sync_folder_of(const char* path);
/// Makes the folders above `path` that are missing; they are durable when this returns.
Status make_folders_of(const char* path);

/// Error of a system call, with the number's text in the detail.
Error system_error(Code code, int number, std::string_view what);

}  // namespace weir
