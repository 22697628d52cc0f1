#pragma once

#include <string_view>

namespace weir {

/// One field of a request or response: name and value without the blanks around it.
struct HttpField {
  std::string_view name;
  std::string_view value;
};

}  // namespace weir
