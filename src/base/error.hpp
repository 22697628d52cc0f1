// Errors: a stable code with a constant message and hint, the place it happened at, and a short detail.
//
// An Error is a plain value of fixed size: making, copying and dropping one never allocates. What the caller should do
// follows from the code's exit (product contract: exit codes), not from the cause.
#pragma once

#include <cstdint>
#include <cstdio>
#include <expected>
#include <string_view>

#include "base/fixed_text.hpp"

namespace weir {

/// Exit codes of the process; also the result of a run inside a host.
enum class Exit : uint8_t {
  kDone = 0,
  kDoneWithRejects = 3,
  kCheckpointed = 10,
  kInterrupted = 11,
  kBadConfig = 20,
  kBudgetTooSmall = 21,
  kInputCorrupt = 30,
  kSourceChanged = 31,
  kTooManyRejects = 32,
  kAmplification = 33,
  kUnavailable = 40,
  kSinkConflict = 41,
  kStuck = 42,
  kCheckpointInvalid = 50,
  kFenced = 51,
  kAuth = 60,
  kInternal = 70,
  kNone = 255,  ///< not an end of the run: the code belongs to one record
};

/// The name of an exit as users know it, for example "INPUT_CORRUPT".
const char* exit_name(Exit exit);

enum class Code : uint16_t {
  kOk = 0,
#define X(name, number, exit, message, hint) k##name = number,
#include "base/error_codes.def"
#undef X
};

struct CodeInfo {
  Code code;
  Exit exit;
  const char* message;  ///< constant, no trailing period
  const char* hint;     ///< constant, may be empty
};

/// The table's row of a code. Total: an unknown number gives the row of kInternal.
const CodeInfo& code_info(Code code);

inline constexpr uint64_t kNoOffset = ~uint64_t{0};

/// Detail text of an error: enough for a name, a number and what was expected.
using Detail = FixedText<240>;

struct Error {
  Code code = Code::kOk;
  uint32_t source = ~uint32_t{0};    ///< index of the input, or ~0
  uint32_t line = 0;                 ///< in a pipeline file or query; 0 where it does not apply
  uint32_t column = 0;               ///< in bytes, from 1
  uint64_t byte = kNoOffset;         ///< offset in the decoded stream of `source` (stored stream for codec errors)
  uint64_t record = kNoOffset;       ///< record number in `source`, from 0
  int system_error = 0;              ///< errno where a system call failed
  Detail detail;

  Error() = default;
  explicit Error(Code c) : code(c) {}
  Error(Code c, std::string_view text) : code(c), detail(text) {}

  [[nodiscard]] bool ok() const { return code == Code::kOk; }
  [[nodiscard]] Exit exit() const { return code_info(code).exit; }

  Error& at_byte(uint64_t offset) {
    byte = offset;
    return *this;
  }
  Error& at_line(uint32_t l, uint32_t c) {
    line = l;
    column = c;
    return *this;
  }
  Error& with_errno(int number) {
    system_error = number;
    return *this;
  }
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline std::unexpected<Error> fail(Code code, std::string_view detail = {}) {
  return std::unexpected<Error>(Error(code, detail));
}
inline std::unexpected<Error> fail(const Error& error) { return std::unexpected<Error>(error); }

}  // namespace weir

/// Returns the error of an expression of type Result or Status to the caller.
#define WEIR_TRY(expression)                                                                                 \
  do {                                                                                                       \
    if (auto weir_try_result = (expression); !weir_try_result) return ::weir::fail(weir_try_result.error()); \
  } while (false)
