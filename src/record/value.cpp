#include "record/value.hpp"

namespace weir {

const char* type_name(Type type) {
  switch (type) {
    case Type::kNull:
      return "null";
    case Type::kBool:
      return "bool";
    case Type::kInt:
      return "int";
    case Type::kDecimal:
      return "decimal";
    case Type::kDouble:
      return "double";
    case Type::kText:
      return "text";
    case Type::kJson:
      return "json";
    case Type::kBytes:
      return "bytes";
  }
  return "null";
}

}  // namespace weir
