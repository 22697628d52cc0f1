// AttributeRuns: a map of DynamoDB's attribute values -> plain JSON, in slices of the event (DynamoDB developer guide, data type descriptors).
//
//   {"S": "x"} -> "x"    {"N": "1.5"} -> 1.5    {"B": "YQ=="} -> "YQ=="    {"BOOL": true} -> true    {"NULL": true} -> null
//   {"M": {..}} -> {..}    {"L": [..]} -> [..]    {"SS"|"NS"|"BS": [..]} -> [..]
//
// A number keeps its spelling where JSON has it so, else it is a string. What is no attribute value is left as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "event/event.hpp"
#include "format/json_minify.hpp"

namespace weir {

class AttributeRuns {
 public:
  /// A map {"name": value, ..}; of anything else it is what is left as it is.
  void begin(std::string_view raw);
  /// The next slice, of the event or of `stage`, never empty; empty at the end. `stage` has kStageBytes + kWideSlack.
  std::string_view next(char* stage);

  static constexpr size_t kStageBytes = 512;

 private:
  enum class Type : uint8_t { kMap, kList, kTexts, kNumbers };
  struct Frame {
    std::string_view left;  ///< of what stands between the brackets
    Type type = Type::kMap;
    bool first = true;
  };
  void push(std::string_view container, Type type);
  void put(std::string_view run) { runs_[run_count_++] = run; }
  void put_value(std::string_view value);
  void put_number(std::string_view value);
  void put_raw(std::string_view value);
  void advance();

  uint32_t depth_ = 0;
  uint8_t run_ = 0;
  uint8_t run_count_ = 0;
  std::string_view runs_[5];
  std::string_view raw_;  ///< behind the runs: to be given without blanks
  MinifyState minify_;
  Frame frames_[kEventDepthMax];
};

}  // namespace weir
