#include "base/error.hpp"

#include <iterator>

namespace weir {

namespace {

constexpr uint16_t kNumbers[] = {
#define X(name, number, ...) number,
#include "base/error_codes.def"
#undef X
};
constexpr bool are_distinct() {
  for (size_t i = 0; i < std::size(kNumbers); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (kNumbers[i] == kNumbers[j]) return false;
    }
  }
  return true;
}
static_assert(are_distinct(), "a number of error_codes.def stands there twice");

}  // namespace

const char* exit_name(Exit exit) {
  switch (exit) {
    case Exit::kDone:
      return "DONE";
    case Exit::kDoneWithRejects:
      return "DONE_WITH_REJECTS";
    case Exit::kCheckpointed:
      return "CHECKPOINTED";
    case Exit::kInterrupted:
      return "INTERRUPTED";
    case Exit::kBadConfig:
      return "BAD_CONFIG";
    case Exit::kBudgetTooSmall:
      return "BUDGET_TOO_SMALL";
    case Exit::kInputCorrupt:
      return "INPUT_CORRUPT";
    case Exit::kSourceChanged:
      return "SOURCE_CHANGED";
    case Exit::kTooManyRejects:
      return "TOO_MANY_REJECTS";
    case Exit::kAmplification:
      return "AMPLIFICATION";
    case Exit::kUnavailable:
      return "UNAVAILABLE";
    case Exit::kSinkConflict:
      return "SINK_CONFLICT";
    case Exit::kStuck:
      return "STUCK";
    case Exit::kCheckpointInvalid:
      return "CHECKPOINT_INVALID";
    case Exit::kFenced:
      return "FENCED";
    case Exit::kAuth:
      return "AUTH";
    case Exit::kInternal:
      return "INTERNAL";
    case Exit::kNone:
      return "NONE";
  }
  return "INTERNAL";
}

namespace {
constexpr CodeInfo kCodes[] = {
#define X(name, number, exit, message, hint) {Code::k##name, Exit::exit, message, hint},
#include "base/error_codes.def"
#undef X
};
constexpr CodeInfo kInternalInfo = {Code::kInternal, Exit::kInternal, "internal error", "please report it"};
}  // namespace

const CodeInfo& code_info(Code code) {
  for (const CodeInfo& info : kCodes) {
    if (info.code == code) return info;
  }
  return kInternalInfo;
}

}  // namespace weir
