#include "record/column_names.hpp"

#include "base/nearest_word.hpp"

namespace weir {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::unexpected<Error> unknown(const FieldPath& path, std::string_view wanted,
                               std::span<const std::string_view> names) {
  Error error(Code::kUnknownColumn);
  error.at_line(path.line, path.column);
  if (path.ordinal >= 0) {
    error.detail.append('_').append_number(static_cast<uint64_t>(path.ordinal) + 1).append(", the input has ");
    error.detail.append_number(names.size()).append(names.size() == 1 ? " column" : " columns");
    return fail(error);
  }
  constexpr size_t kShownMax = 100;
  error.detail.append('`').append(wanted.substr(0, kShownMax)).append('`');
  if (const std::string_view nearest = nearest_word(wanted, names); !nearest.empty()) {
    error.detail.append("; did you mean `").append(nearest).append("`? The input has ");
  } else {
    error.detail.append("; the input has ");
  }
  for (size_t i = 0; i < names.size() && !error.detail.truncated(); ++i)
    error.detail.append(i == 0 ? "" : ", ").append(names[i]);
  return fail(error);
}

}  // namespace

Result<uint32_t> find_column(const FieldPath& path, std::span<const std::string_view> names) {
  if (path.ordinal >= 0 && static_cast<size_t>(path.ordinal) < names.size()) return static_cast<uint32_t>(path.ordinal);
  const std::string_view wanted = path.steps.empty() ? std::string_view{} : path.steps[0].name;
  uint32_t found = 0;
  uint32_t matches = 0;
  if (!wanted.empty()) {
    for (uint32_t i = 0; i < names.size(); ++i) {
      if (names[i] == wanted && matches++ == 0) found = i;
    }
    for (uint32_t i = 0; matches == 0 && !path.case_sensitive && i < names.size(); ++i) {
      if (!same_name(names[i], wanted)) continue;
      found = i;
      for (uint32_t j = i; j < names.size(); ++j) matches += same_name(names[j], wanted) ? 1u : 0u;
    }
  }
  if (matches == 0) return unknown(path, wanted, names);
  if (matches == 1) return found;
  Error error(Code::kBadHeader);
  error.at_line(path.line, path.column);
  error.detail.append("the column `").append(wanted).append("` stands there more than once; name it by its number, _");
  error.detail.append_number(uint64_t{found} + 1);
  return fail(error);
}

}  // namespace weir
