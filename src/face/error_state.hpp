// Where the engine's error values become exceptions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#ifndef WEIR_FACE_SOURCE
#define WEIR_FACE_SOURCE
#endif
#include "weir/weir.hpp"

namespace weir::face {

struct ErrorState {
  Code code = Code::kOk;
  char number[8] = {};
  std::string detail;
  std::string source;
  std::string what;
  uint64_t byte = kNoOffset;
  uint64_t record = kNoOffset;
  uint32_t line = 0;
  uint32_t column = 0;
};

/// `file`: what line and column stand in.
[[noreturn]] void throw_error(const weir::Error& error, std::span<const std::string> sources = {},
                              std::string_view file = "query", std::string_view more = {});
[[noreturn]] void throw_error(Code code, std::string_view detail = {});

}  // namespace weir::face
