// A seccomp filter is inherited by children, over execve too, and a command that the exec sink starts must be free to
// take memory. So the filter asks not only which system call it is but also whence it comes: only calls from this
// program's own code are forbidden. The test programs are static and without code made at run time, so that all of
// their calls come from there, libc's included; and they are linked to an address where no command's code lies
// (tests/memory/CMakeLists.txt).
#include "wall.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// NOLINTBEGIN(readability-identifier-naming): the linker's names
extern "C" const char __executable_start;
extern "C" const char etext;
// NOLINTEND(readability-identifier-naming)

namespace weir::testing {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

// What takes memory, or makes a second process that is charged for ours. vfork is not among them: the child borrows
// ours.
constexpr uint32_t kForbidden[] = {
    SYS_mmap,
    SYS_brk,
    SYS_mremap,
    SYS_shmat,
    SYS_shmget,
    SYS_msgget,
    SYS_memfd_create,
    SYS_userfaultfd,
    SYS_perf_event_open,
    SYS_io_setup,
    SYS_clone3,
    SYS_remap_file_pages,
    SYS_mlock,
    SYS_mlock2,
    SYS_mlockall,
    SYS_bpf,
    SYS_epoll_create1,
    SYS_add_key,
#ifdef SYS_memfd_secret
    SYS_memfd_secret,
#endif
#ifdef SYS_map_shadow_stack
    SYS_map_shadow_stack,
#endif
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup,
    SYS_io_uring_register,
#endif
#ifdef SYS_fork
    SYS_fork,
#endif
#ifdef SYS_epoll_create
    SYS_epoll_create,
#endif
};
constexpr size_t kForbiddenCount = std::size(kForbidden);

class Program {
 public:
  void add(uint16_t code, uint32_t k, uint8_t yes = 0, uint8_t no = 0) { steps_[count_++] = {code, yes, no, k}; }
  void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
  void give(uint32_t verdict) { add(BPF_RET | BPF_K, verdict); }
  sock_fprog get() { return {static_cast<unsigned short>(count_), steps_}; }

 private:
  sock_filter steps_[40 + 2 * kForbiddenCount];
  size_t count_ = 0;
};

[[noreturn]] void refuse(const char* what) {
  dprintf(STDERR_FILENO, "no wall: %s\n", what);
  _exit(99);
}

}  // namespace

void raise_wall() {
  const auto begin = reinterpret_cast<uint64_t>(&__executable_start);
  const auto end = reinterpret_cast<uint64_t>(&etext);
  if (begin >> 32 != end >> 32) refuse("the code lies across a 4 GiB border");

  constexpr uint16_t kEqual = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr uint16_t kAtLeast = BPF_JMP | BPF_JGE | BPF_K;
  constexpr size_t kAddress = offsetof(seccomp_data, instruction_pointer);  // little endian: the low half first
  Program program;
  program.load(kAddress + 4);
  program.add(kEqual, static_cast<uint32_t>(begin >> 32), 1, 0);
  program.give(SECCOMP_RET_ALLOW);
  program.load(kAddress);
  program.add(kAtLeast, static_cast<uint32_t>(begin), 1, 0);
  program.give(SECCOMP_RET_ALLOW);
  program.add(kAtLeast, static_cast<uint32_t>(end) + 1, 0, 1);  // the address is behind the call
  program.give(SECCOMP_RET_ALLOW);
  // Here it is a call of ours.
  program.load(offsetof(seccomp_data, arch));
  program.add(kEqual, kArchitecture, 1, 0);
  program.give(SECCOMP_RET_KILL_PROCESS);
  program.load(offsetof(seccomp_data, nr));
  for (const uint32_t number : kForbidden) {
    program.add(kEqual, number, 0, 1);
    program.give(SECCOMP_RET_KILL_PROCESS);
  }
  // clone is how some systems spell vfork; any other use of it makes a thread or a process.
  program.add(kEqual, SYS_clone, 1, 0);
  program.give(SECCOMP_RET_ALLOW);
  program.load(offsetof(seccomp_data, args));
  program.add(BPF_JMP | BPF_JSET | BPF_K, CLONE_VFORK, 1, 0);
  program.give(SECCOMP_RET_KILL_PROCESS);
  program.give(SECCOMP_RET_ALLOW);

  sock_fprog filter = program.get();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) refuse("PR_SET_NO_NEW_PRIVS was refused");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) refuse("the seccomp filter was refused");
}

}  // namespace weir::testing
