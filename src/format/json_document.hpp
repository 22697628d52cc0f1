// JsonDocument: walks what surrounds the records of a JSON document, byte by byte and in constant memory, validates it
// and says where the array at `input.path` begins. What stands in the array is not its business.
#pragma once

#include <cstdint>

#include "base/state.hpp"
#include "format/json_automaton.hpp"
#include "format/json_name.hpp"
#include "format/json_path.hpp"

namespace weir {

class JsonDocument {
 public:
  enum class Event : uint8_t {
    kNone,
    kArray,    ///< this byte is the [ of the array of records
    kRecord,   ///< this byte, not taken, is the first of a document that is itself the record (empty path)
    kTwice,    ///< this byte is the [ of a second array at the path
    kFault,    ///< the text can't go on with this byte
    kTooDeep,
  };

  /// `path` must outlive the walk.
  void begin(const JsonPath& path, uint32_t depth_max);
  Event step(char byte);
  /// Behind the array's ].
  void leave_array();
  /// Behind the record that is the document.
  void leave_record() { automaton_.skip_value(); }
  [[nodiscard]] bool complete() const { return automaton_.complete(); }
  /// The array, or the record, was met.
  [[nodiscard]] bool found() const { return found_; }

  static constexpr size_t kStateBytesMax =
      JsonAutomaton::kStateBytesMax + 4 + 3 + 4 * (JsonPath::kStepsMax + 1) + JsonNameMatcher::kStateBytesMax;
  void save(StateWriter& out) const;
  bool load(StateReader& in);

 private:
  [[nodiscard]] bool value_matches(uint32_t depth) const;
  void follow_name(JsonAutomaton::State before, uint32_t depth, char byte);

  const JsonPath* path_ = nullptr;
  JsonAutomaton automaton_;
  uint32_t on_path_ = 0;  ///< containers of depth 1..on_path_ lead to the array
  bool found_ = false;
  bool following_ = false;     ///< name_ is being fed
  bool name_matched_ = false;  ///< the name before the value to come is the one of the path
  uint32_t elements_[JsonPath::kStepsMax + 1] = {};  ///< number of the element, of arrays of depth d on the path
  JsonNameMatcher name_;
};

}  // namespace weir
