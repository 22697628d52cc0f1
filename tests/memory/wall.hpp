// The wall: from the moment it is raised, any system call of this program that would take memory from the system ends
// the process (SIGSYS). Only in test programs; the binary that users get has no part of it.
#pragma once

namespace weir::testing {

/// Raises the wall for good. Ends the process when the system refuses it: a test without its wall proves nothing.
void raise_wall();

}  // namespace weir::testing
