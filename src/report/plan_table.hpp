// The memory plan as people read it, and as programs do.
#pragma once

#include "plan/job.hpp"

namespace weir {

/// The table, the sum, the budget, what was detected and why. `explain` adds what each line is for, what it is
/// made of and what setting changes it. W4002 when it can't be written.
Status print_plan(int file, const Job& job, bool explain);
Status print_plan_json(int file, const Job& job);

}  // namespace weir
