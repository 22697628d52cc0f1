// One fault, one message: a readable line with a hint on a terminal, one JSON line elsewhere.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace weir {

struct MessageContext {
  std::string_view source;    ///< name of the input the error speaks of
  std::string_view file;      ///< pipeline file, for errors with a line
  std::string_view leftover;  ///< what stays behind of the output
  std::string_view rejects_leftover;  ///< and of the rejects
  bool json = false;
  bool is_warning = false;
};

/// {"code":"W3001","exit":30,"msg":"...","detail":"...","source":"...","byte":1,"record":2,"hint":"..."}
void print_message(int file, const Error& error, const MessageContext& context);

}  // namespace weir
