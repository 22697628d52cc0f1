// Runs a command and counts, cuts, fails or shortens its system calls. Linux, x86-64 and arm64.
//
//   syscall_tool [--in FOLDER] [--stdin FILE | --pipe FILE] [--stdout FILE] [--stderr FILE] [--limit SECONDS]
//                PLAN... -- COMMAND...
//
// Every plan is one run of the command and gives one JSON line on stdout; the plan `-` reads them from stdin.
//
//   count                        lets it run
//   trace                        the same, and lists all calls
//   kill K entry|exit            SIGKILL at the K-th call, before it does anything or after it did everything
//   term K [NAMES]               SIGTERM at the K-th call (of these names, with commas), before it is done
//   fail K ERRNO TIMES [NAMES]   the K-th call (of these names, with commas) and TIMES in all fail without being done;
//                                TIMES 0: all from there on, but for writes to stderr. close() is done and fails
//   short K BYTES TIMES          the K-th read or write and TIMES in all (0: from there on) are cut to BYTES
//   malloc K TIMES               the K-th allocation since main() and TIMES in all (0: from then on) fail,
//                                by a breakpoint at `malloc`; for a static, unmoved binary that is not stripped; x86-64
//
// Counted, from 1 and from the end of the execve that started it, are the calls of the command's process and those that
// a child of its vfork() makes before its own execve; what that child executes is let run and is not looked at.
//
//   {"exit":40,"signal":0,"calls":57,"hits":1,"seen":9,"at":44,"name":"write","target":"/d/out.part","argument":3,
//    "open":[],"children":0,"hung":false}
// `seen`: calls that the plan is for. `at`, `name`, `target` (a path, or what stands behind the descriptor) and
// `argument` (the second one) are of the first that was hit; `open`: descriptors above 2 when it ended (not of kill);
// `children`: those it left running.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <linux/ptrace.h>  // the kernel's, for PTRACE_GET_SYSCALL_INFO
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" long ptrace(int request, ...) noexcept;

namespace {

constexpr int kNumbersMax = 1024;

struct Name {
  int number;
  const char* name;
  int path;  // which argument is a path, or -1
  int descriptor;  // which argument is a descriptor, or -1
};

#define WEIR_CALL(name, path, descriptor) {SYS_##name, #name, path, descriptor},
constexpr Name kNames[] = {
#ifdef __x86_64__
    WEIR_CALL(open, 0, -1) WEIR_CALL(stat, 0, -1) WEIR_CALL(lstat, 0, -1) WEIR_CALL(access, 0, -1) WEIR_CALL(
        poll, -1, -1) WEIR_CALL(pipe, -1, -1) WEIR_CALL(dup2, -1, 0) WEIR_CALL(rename, 0, -1) WEIR_CALL(link, 0, -1)
        WEIR_CALL(unlink, 0, -1) WEIR_CALL(mkdir, 0, -1) WEIR_CALL(rmdir, 0, -1) WEIR_CALL(readlink, 0, -1) WEIR_CALL(
            vfork, -1, -1) WEIR_CALL(fork, -1, -1) WEIR_CALL(getdents, -1, 0) WEIR_CALL(arch_prctl, -1, -1)
#endif
            WEIR_CALL(newfstatat, 1, 0) WEIR_CALL(read, -1, 0) WEIR_CALL(write, -1, 0) WEIR_CALL(close, -1, 0)
                WEIR_CALL(fstat, -1, 0) WEIR_CALL(lseek, -1, 0) WEIR_CALL(mmap, -1, -1) WEIR_CALL(mprotect, -1, -1)
                    WEIR_CALL(munmap, -1, -1) WEIR_CALL(brk, -1, -1) WEIR_CALL(rt_sigaction, -1, -1)
                        WEIR_CALL(rt_sigprocmask, -1, -1) WEIR_CALL(ioctl, -1, 0) WEIR_CALL(pread64, -1, 0) WEIR_CALL(
                            pwrite64, -1, 0) WEIR_CALL(readv, -1, 0) WEIR_CALL(writev, -1, 0) WEIR_CALL(mremap, -1, -1)
                            WEIR_CALL(madvise, -1, -1) WEIR_CALL(dup, -1, 0) WEIR_CALL(dup3, -1, 0) WEIR_CALL(
                                nanosleep, -1, -1) WEIR_CALL(clock_nanosleep, -1, -1) WEIR_CALL(getpid, -1, -1)
                                WEIR_CALL(socket, -1, -1) WEIR_CALL(connect, -1, 0) WEIR_CALL(clone, -1, -1) WEIR_CALL(
                                    execve, 0, -1) WEIR_CALL(wait4, -1, -1) WEIR_CALL(waitid, -1, -1)
                                    WEIR_CALL(kill, -1, -1) WEIR_CALL(fcntl, -1, 0) WEIR_CALL(flock, -1, 0) WEIR_CALL(
                                        fsync, -1, 0) WEIR_CALL(fdatasync, -1, 0) WEIR_CALL(ftruncate, -1, 0)
                                        WEIR_CALL(fchmod, -1, 0) WEIR_CALL(setpgid, -1, -1) WEIR_CALL(getrusage, -1, -1)
                                            WEIR_CALL(prctl, -1, -1) WEIR_CALL(setrlimit, -1, -1) WEIR_CALL(
                                                prlimit64, -1, -1) WEIR_CALL(gettid, -1, -1) WEIR_CALL(futex, -1, -1)
                                                WEIR_CALL(getdents64, -1, 0) WEIR_CALL(set_tid_address, -1, -1)
                                                    WEIR_CALL(fadvise64, -1, 0) WEIR_CALL(exit_group, -1, -1) WEIR_CALL(
                                                        openat, 1, -1) WEIR_CALL(mkdirat, 1, -1) WEIR_CALL(unlinkat, 1,
                                                                                                           -1)
                                                        WEIR_CALL(renameat, 1, -1) WEIR_CALL(linkat, 1, -1) WEIR_CALL(
                                                            readlinkat, 1,
                                                            -1) WEIR_CALL(faccessat, 1, -1) WEIR_CALL(ppoll, -1, -1)
                                                            WEIR_CALL(set_robust_list, -1, -1) WEIR_CALL(
                                                                sync_file_range, -1, 0) WEIR_CALL(fallocate, -1, 0)
                                                                WEIR_CALL(pipe2, -1, -1) WEIR_CALL(
                                                                    renameat2,
                                                                    1, -1) WEIR_CALL(getrandom, -1,
                                                                                     -1) WEIR_CALL(seccomp, -1, -1)
                                                                    WEIR_CALL(statx, 1, 0) WEIR_CALL(rseq, -1, -1)
                                                                        WEIR_CALL(pidfd_open, -1, -1) WEIR_CALL(
                                                                            clock_gettime, -1, -1) WEIR_CALL(faccessat2,
                                                                                                             1, -1)
                                                                            WEIR_CALL(copy_file_range, -1,
                                                                                      0) WEIR_CALL(sendfile, -1, 0)
                                                                                WEIR_CALL(utimensat, 1, 0) WEIR_CALL(
                                                                                    exit, -1,
                                                                                    -1) WEIR_CALL(rt_sigreturn, -1, -1)
                                                                                    WEIR_CALL(getcwd, -1, -1) WEIR_CALL(
                                                                                        uname, -1, -1)
                                                                                        WEIR_CALL(sched_yield, -1, -1)
                                                                                            WEIR_CALL(tgkill, -1, -1)};
#undef WEIR_CALL

const Name* name_of(uint64_t number) {
  for (const Name& entry : kNames) {
    if (static_cast<uint64_t>(entry.number) == number) return &entry;
  }
  return nullptr;
}

std::string text_of(uint64_t number) {
  const Name* entry = name_of(number);
  return entry != nullptr ? entry->name : "call_" + std::to_string(number);
}

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "syscall_tool: " << why << '\n';
  _exit(2);
}

[[noreturn]] void give_up_errno(const std::string& what) { give_up(what + ": " + strerror(errno)); }

// ---- what is to be done ---------------------------------------------------------------------------------------------

enum class Kind { kCount, kTrace, kKill, kTerm, kFail, kShort, kMalloc };

struct Plan {
  Kind kind = Kind::kCount;
  uint64_t at = 0;
  bool at_exit = false;
  int error = 0;
  uint64_t bytes = 0;
  uint64_t times = 1;
  bool all = true;
  std::array<bool, kNumbersMax> scope{};

  bool covers(uint64_t number) const { return all || (number < scope.size() && scope[number]); }
};

int errno_of(const std::string& text) {
  for (int number = 1; number < 134; ++number) {
    const char* name = strerrorname_np(number);
    if (name != nullptr && text == name) return number;
  }
  give_up("no errno " + text);
}

Plan parse_plan(const std::string& line) {
  std::istringstream in(line);
  std::string word, second;
  Plan plan;
  in >> word;
  const auto bad = [&] { give_up("can't understand the plan: " + line); };
  const auto read_names = [&] {
    std::string names, name;
    if (!(in >> names)) return;
    plan.all = false;
    std::istringstream list(names);
    while (std::getline(list, name, ',')) {
      for (const Name& entry : kNames) {
        if (name == entry.name) plan.scope[static_cast<size_t>(entry.number)] = true;
      }
    }
  };
  if (word == "count") {
  } else if (word == "trace") {
    plan.kind = Kind::kTrace;
  } else if (word == "kill") {
    plan.kind = Kind::kKill;
    if (!(in >> plan.at >> second) || (second != "entry" && second != "exit")) bad();
    plan.at_exit = second == "exit";
  } else if (word == "term") {
    plan.kind = Kind::kTerm;
    if (!(in >> plan.at)) bad();
    read_names();
  } else if (word == "fail") {
    plan.kind = Kind::kFail;
    if (!(in >> plan.at >> second >> plan.times)) bad();
    plan.error = errno_of(second);
    read_names();
  } else if (word == "short") {
    plan.kind = Kind::kShort;
    if (!(in >> plan.at >> plan.bytes >> plan.times)) bad();
    plan.all = false;
    for (const int number : {SYS_read, SYS_write, SYS_pread64, SYS_pwrite64})
      plan.scope[static_cast<size_t>(number)] = true;
  } else if (word == "malloc") {
    plan.kind = Kind::kMalloc;
    if (!(in >> plan.at >> plan.times)) bad();
  } else {
    bad();
  }
  return plan;
}

struct Setting {
  const char* folder = nullptr;
  const char* in = "/dev/null";
  bool piped = false;
  const char* out = nullptr;
  const char* err = nullptr;
  unsigned limit_seconds = 20;
  char** command = nullptr;
};

// ---- registers ------------------------------------------------------------------------------------------------------

// Makes the call that is about to be done none at all.
void skip_call(pid_t pid) {
#if defined(__x86_64__)
  ptrace(PTRACE_POKEUSR, pid, offsetof(user_regs_struct, orig_rax), -1L);
#elif defined(__aarch64__)
  int none = -1;
  iovec part{&none, sizeof none};
  ptrace(PTRACE_SETREGSET, pid, 0x404 /* NT_ARM_SYSTEM_CALL */, &part);
#else
#error "system calls of this architecture are not known here"
#endif
}

#if defined(__aarch64__)
void set_register(pid_t pid, size_t index, uint64_t value) {
  user_regs_struct all{};
  iovec part{&all, sizeof all};
  ptrace(PTRACE_GETREGSET, pid, 1 /* NT_PRSTATUS */, &part);
  all.regs[index] = value;
  ptrace(PTRACE_SETREGSET, pid, 1, &part);
}
#endif

void set_result(pid_t pid, int64_t value) {
#if defined(__x86_64__)
  ptrace(PTRACE_POKEUSR, pid, offsetof(user_regs_struct, rax), value);
#else
  set_register(pid, 0, static_cast<uint64_t>(value));
#endif
}

// The third argument: of read and write the length.
void set_length(pid_t pid, uint64_t value) {
#if defined(__x86_64__)
  ptrace(PTRACE_POKEUSR, pid, offsetof(user_regs_struct, rdx), value);
#else
  set_register(pid, 2, value);
#endif
}

// ---- what a call is about -------------------------------------------------------------------------------------------

std::string text_at(pid_t pid, uint64_t address) {
  std::string text;
  char piece[256];
  while (text.size() < 4096) {
    // Not past a page, behind which nothing may be.
    const size_t take = std::min<size_t>(sizeof piece, 4096 - (address & 4095));
    iovec here{piece, take};
    iovec there{reinterpret_cast<void*>(address), take};
    const ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    if (got <= 0) break;
    const size_t size = strnlen(piece, static_cast<size_t>(got));
    text.append(piece, size);
    if (size < static_cast<size_t>(got)) break;
    address += static_cast<uint64_t>(got);
  }
  return text;
}

std::string link_text(const std::string& path) {
  char room[4096];
  const ssize_t size = readlink(path.c_str(), room, sizeof room);
  return size < 0 ? std::string() : std::string(room, static_cast<size_t>(size));
}

std::string target_of(pid_t pid, const ptrace_syscall_info& info) {
  const Name* entry = name_of(info.entry.nr);
  if (entry == nullptr) return {};
  std::string text;
  if (entry->path >= 0) text = text_at(pid, info.entry.args[entry->path]);
  if (text.empty() && entry->descriptor >= 0) {
    const auto number = std::to_string(static_cast<int>(info.entry.args[entry->descriptor]));
    text = link_text("/proc/" + std::to_string(pid) + "/fd/" + number);
    if (static_cast<int>(info.entry.args[entry->descriptor]) <= 2) text = "<" + number + ">" + text;
  } else if (!text.empty() && text[0] != '/') {
    text = link_text("/proc/" + std::to_string(pid) + "/cwd") + "/" + text;
  }
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out += '"';
}

std::vector<std::string> numbers_in(const std::string& folder) {
  std::vector<std::string> found;
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return found;
  alignas(8) char room[8192];
  long size = 0;
  while ((size = syscall(SYS_getdents64, file, room, sizeof room)) > 0) {
    for (long at = 0; at < size;) {
      uint16_t step = 0;
      memcpy(&step, room + at + 16, sizeof step);
      if (room[at + 19] != '.') found.emplace_back(room + at + 19);
      at += step;
    }
  }
  close(file);
  return found;
}

// ---- allocations ----------------------------------------------------------------------------------------------------

// Where a function of a static, unmoved program stands, by its symbols; 0 if there is none of that name.
uint64_t address_in(const std::string& symbols_file, std::string_view function) {
  const int file = open(symbols_file.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const auto read_at = [&](uint64_t offset, void* to, size_t size) {
    return pread(file, to, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  };
  uint64_t found = 0;
  Elf64_Ehdr header{};
  if (read_at(0, &header, sizeof header) && header.e_type == ET_EXEC) {
    std::vector<Elf64_Shdr> sections(header.e_shnum);
    read_at(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr));
    for (const Elf64_Shdr& section : sections) {
      if (section.sh_type != SHT_SYMTAB) continue;
      std::vector<Elf64_Sym> symbols(section.sh_size / sizeof(Elf64_Sym));
      std::string names(sections[section.sh_link].sh_size, 0);
      read_at(section.sh_offset, symbols.data(), section.sh_size);
      read_at(sections[section.sh_link].sh_offset, names.data(), names.size());
      for (const Elf64_Sym& symbol : symbols) {
        if (names.c_str() + symbol.st_name == function) found = symbol.st_value;
      }
    }
  }
  close(file);
  return found;
}

// A release binary's symbols stand beside it.
uint64_t address_of(const std::string& program, std::string_view function) {
  const uint64_t found = address_in(program, function);
  return found != 0 ? found : address_in(program + ".debug", function);
}

// ---- a run ----------------------------------------------------------------------------------------------------------

volatile sig_atomic_t time_is_up = 0;

void arm(unsigned seconds) {
  time_is_up = 0;
  itimerval timer{};
  timer.it_value.tv_sec = seconds;
  timer.it_interval.tv_usec = 100'000;  // again, should the first fall between a look and the wait
  if (seconds == 0) timer.it_interval.tv_usec = 0;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

// A pipe that holds the whole file, so that what is read from it does not depend on a writer.
int full_pipe(const char* path) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) give_up_errno("pipe");
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) give_up_errno(path);
  fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  char room[65536];
  ssize_t size = 0;
  while ((size = read(file, room, sizeof room)) > 0) {
    if (write(ends[1], room, static_cast<size_t>(size)) != size)
      give_up(std::string(path) + " is too large for a pipe");
  }
  close(file);
  close(ends[1]);
  return ends[0];
}

[[noreturn]] void become(const Setting& setting, int in) {
  const auto take = [](const char* path, int flags, int as) {
    const int file = open(path, flags, 0666);
    if (file < 0) _exit(125);
    if (file != as) {
      dup2(file, as);
      close(file);
    }
  };
  if (in >= 0) {
    dup2(in, 0);
  } else {
    take(setting.in, O_RDONLY, 0);
  }
  // Here stderr goes to its file too: a message about the command would spoil what the command says.
  if (setting.out != nullptr) take(setting.out, O_WRONLY | O_CREAT | O_TRUNC, 1);
  if (setting.err != nullptr) take(setting.err, O_WRONLY | O_CREAT | O_TRUNC, 2);
  syscall(SYS_close_range, 3, ~0U, 0);
  if (setting.folder != nullptr && chdir(setting.folder) != 0) _exit(125);
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  execvp(setting.command[0], setting.command);
  _exit(125);
}

class TracedRun {
 public:
  TracedRun(const Setting& setting, const Plan& plan) : setting_(setting), plan_(plan) {}

  void run() {
    const int in = setting_.piped ? full_pipe(setting_.in) : -1;
    fflush(stdout);
    main_ = fork();
    if (main_ < 0) give_up_errno("fork");
    if (main_ == 0) become(setting_, in);
    if (in >= 0) close(in);
    int status = 0;
    if (waitpid(main_, &status, 0) != main_) give_up_errno("wait");
    if (!WIFSTOPPED(status)) give_up(std::string("can't run ") + setting_.command[0]);
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    if (plan_.kind != Kind::kKill) options |= PTRACE_O_TRACEEXIT;
    if (ptrace(PTRACE_SETOPTIONS, main_, 0L, options) != 0) give_up_errno("ptrace");
    if (plan_.kind == Kind::kMalloc) break_at_malloc();
    arm(setting_.limit_seconds);
    go_on(main_, 0);
    while (!ended_) step();
    wait_for_children();
    arm(0);
    report();
  }

 private:
  void go_on(pid_t pid, int signal_number) {
    // Between breakpoints; a child of vfork() is followed all the same, since it shares the code.
    const int how = plan_.kind == Kind::kMalloc ? PTRACE_CONT : PTRACE_SYSCALL;
    ptrace(how, pid, 0L, static_cast<long>(signal_number));
  }

  static long set_breakpoint(pid_t pid, uint64_t address) {
    const long code = ptrace(PTRACE_PEEKTEXT, pid, address, nullptr);
    ptrace(PTRACE_POKETEXT, pid, address, (code & ~0xffL) | 0xcc);
    return code;
  }

  void break_at_malloc() {
#ifdef __x86_64__
    begin_ = address_of(setting_.command[0], "main");
    malloc_ = address_of(setting_.command[0], "malloc");
    if (malloc_ == 0 || begin_ == 0) give_up("no malloc in a static, unmoved " + std::string(setting_.command[0]));
    code_ = set_breakpoint(main_, begin_);
#else
    give_up("`malloc` is for x86-64");
#endif
  }

  // True when the stop was the breakpoint's.
  bool on_malloc(pid_t pid) {
#ifdef __x86_64__
    user_regs_struct registers{};
    if (ptrace(PTRACE_GETREGS, pid, nullptr, &registers) != 0) return false;
    if (registers.rip == begin_ + 1) {
      registers.rip = begin_;
      ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
      ptrace(PTRACE_POKETEXT, pid, begin_, code_);
      code_ = set_breakpoint(pid, malloc_);
      return true;
    }
    if (registers.rip != malloc_ + 1) return false;
    ++candidates_;
    if (candidates_ >= plan_.at && (plan_.times == 0 || candidates_ < plan_.at + plan_.times)) {
      if (hits_++ == 0) at_ = candidates_, name_ = "malloc", argument_ = registers.rdi;
      registers.rip = static_cast<uint64_t>(ptrace(PTRACE_PEEKDATA, pid, registers.rsp, nullptr));
      registers.rsp += 8;
      registers.rax = 0;
      ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
    } else {
      // One step over the instruction that the breakpoint stands on.
      registers.rip = malloc_;
      ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
      ptrace(PTRACE_POKETEXT, pid, malloc_, code_);
      ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr);
      int status = 0;
      while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {
      }
      ptrace(PTRACE_POKETEXT, pid, malloc_, (code_ & ~0xffL) | 0xcc);
    }
    return true;
#else
    return pid == 0;
#endif
  }

  void step() {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0) {
      if (errno != EINTR) give_up_errno("wait");
      if (time_is_up != 0) {
        hung_ = true;
        kill(main_, SIGKILL);
      }
      return;
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (pid != main_) return;
      ended_ = true;
      if (WIFEXITED(status)) exit_ = WEXITSTATUS(status);
      if (WIFSIGNALED(status)) signal_ = WTERMSIG(status);
      return;
    }
    const int what = WSTOPSIG(status);
    const int event = status >> 16;
    if (what == (SIGTRAP | 0x80)) {
      on_call(pid);
    } else if (event == PTRACE_EVENT_EXEC && pid != main_) {
      ptrace(PTRACE_DETACH, pid, 0L, 0L);
    } else if (event == PTRACE_EVENT_EXIT) {
      if (pid == main_) look_at_descriptors();
      go_on(pid, 0);
    } else if (event != 0 || (plan_.kind == Kind::kMalloc && what == SIGTRAP && on_malloc(pid))) {
      go_on(pid, 0);
    } else {
      // A new child begins with a SIGSTOP of the tracing's own.
      go_on(pid, pid != main_ && what == SIGSTOP ? 0 : what);
    }
  }

  void on_call(pid_t pid) {
    ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return;  // killed meanwhile
    const bool entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
    if (entry) {
      ++calls_;
      const uint64_t number = info.entry.nr;
      if (plan_.kind == Kind::kTrace) list(pid, info);
      if (plan_.kind >= Kind::kKill && plan_.covers(number)) on_entry(pid, info);
    } else if (acting_ == pid) {
      acting_ = 0;
      if (plan_.kind == Kind::kFail) set_result(pid, -plan_.error);
      if (plan_.kind == Kind::kShort) set_length(pid, length_);
      if (plan_.kind == Kind::kKill) {
        kill(main_, SIGKILL);
        if (pid != main_) ptrace(PTRACE_DETACH, pid, 0L, 0L);
        return;
      }
    }
    go_on(pid, 0);
  }

  void on_entry(pid_t pid, const ptrace_syscall_info& info) {
    if (plan_.kind == Kind::kShort && info.entry.args[2] <= plan_.bytes) return;
    ++candidates_;
    const bool first = candidates_ == plan_.at;
    if (candidates_ < plan_.at || (plan_.times != 0 && candidates_ >= plan_.at + plan_.times)) return;
    const uint64_t number = info.entry.nr;
    if (!first && plan_.times == 0 && plan_.kind == Kind::kFail && number == SYS_write && info.entry.args[0] == 2)
      return;
    if (number == SYS_exit_group || number == SYS_exit || number == SYS_rt_sigreturn) {
      if (plan_.kind != Kind::kKill) return;
    }
    if (hits_++ == 0) {
      at_ = calls_;
      name_ = text_of(number);
      if (plan_.kind != Kind::kKill) target_ = target_of(pid, info);
      argument_ = info.entry.args[1];
    }
    if (plan_.kind == Kind::kKill && !plan_.at_exit) {
      skip_call(pid);
      kill(main_, SIGKILL);
      if (pid != main_) ptrace(PTRACE_DETACH, pid, 0L, 0L);
      return;
    }
    if (plan_.kind == Kind::kTerm) {
      kill(main_, SIGTERM);
      return;
    }
    acting_ = pid;
    if (plan_.kind == Kind::kFail && number != SYS_close) skip_call(pid);
    if (plan_.kind == Kind::kShort) {
      length_ = info.entry.args[2];
      set_length(pid, plan_.bytes);
    }
  }

  void list(pid_t pid, const ptrace_syscall_info& info) {
    trace_ += trace_.empty() ? "[" : ",[";
    trace_ +=
        quoted(text_of(info.entry.nr)) + "," + quoted(target_of(pid, info)) + "," + std::to_string(info.entry.args[1]);
    trace_ += pid == main_ ? "]" : ",1]";
  }

  void look_at_descriptors() {
    const std::string folder = "/proc/" + std::to_string(main_) + "/fd";
    for (const std::string& number : numbers_in(folder)) {
      if (number.size() > 1 || number[0] > '2') open_.push_back(link_text(folder + "/" + number));
    }
  }

  // Killed already, and perhaps not yet away.
  static bool is_ending(pid_t pid) {
    char room[4096] = {};
    FILE* file = fopen(("/proc/" + std::to_string(pid) + "/status").c_str(), "r");
    if (file == nullptr) return true;
    const std::string status(room, fread(room, 1, sizeof room, file));
    fclose(file);
    const auto has_kill = [&](const char* name) {
      const size_t at = status.find(name);
      return at != std::string::npos &&
             (std::strtoull(status.c_str() + at + strlen(name), nullptr, 16) >> (SIGKILL - 1) & 1) != 0;
    };
    return status.find("VmSize:") == std::string::npos || has_kill("SigPnd:") || has_kill("ShdPnd:");
  }

  // What the command left running has become a child of ours.
  void wait_for_children() {
    for (;;) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
      if (pid > 0 && WIFSTOPPED(status)) {
        ptrace(PTRACE_DETACH, pid, 0L, 0L);  // between vfork and execve
      } else if (pid < 0) {
        return;
      } else if (pid == 0) {
        const std::string self = std::to_string(getpid());
        std::string children;
        if (FILE* file = fopen(("/proc/" + self + "/task/" + self + "/children").c_str(), "r"); file != nullptr) {
          char room[4096];
          children.assign(room, fread(room, 1, sizeof room, file));
          fclose(file);
        }
        std::istringstream list(children);
        pid_t child = 0;
        while (list >> child) {
          if (!is_ending(child)) ++children_;
          if (plan_.kind != Kind::kKill || time_is_up != 0) kill(child, SIGKILL);
        }
        if (time_is_up != 0) hung_ = true;
        const pid_t ended = waitpid(-1, &status, __WALL);
        if (ended > 0 && WIFSTOPPED(status)) ptrace(PTRACE_DETACH, ended, 0L, 0L);
      }
    }
  }

  void report() const {
    std::ostringstream out;
    out << "{\"exit\":" << exit_ << ",\"signal\":" << signal_ << ",\"calls\":" << calls_ << ",\"hits\":" << hits_
        << ",\"seen\":" << candidates_;
    if (hits_ != 0) {
      out << ",\"at\":" << at_ << ",\"name\":" << quoted(name_) << ",\"target\":" << quoted(target_)
          << ",\"argument\":" << argument_;
    }
    out << ",\"open\":[";
    for (size_t i = 0; i < open_.size(); ++i) out << (i != 0 ? "," : "") << quoted(open_[i]);
    out << "],\"children\":" << children_ << ",\"hung\":" << (hung_ ? "true" : "false");
    if (plan_.kind == Kind::kTrace) out << ",\"trace\":[" << trace_ << "]";
    out << "}\n";
    std::cout << out.str() << std::flush;
  }

  const Setting& setting_;
  const Plan& plan_;
  pid_t main_ = 0;
  pid_t acting_ = 0;  // whose call is being failed, shortened or killed at its exit
  uint64_t length_ = 0;
  uint64_t calls_ = 0;
  uint64_t candidates_ = 0;
  uint64_t hits_ = 0;
  uint64_t at_ = 0;
  uint64_t argument_ = 0;
  uint64_t begin_ = 0;  // address of main(), and of malloc()
  uint64_t malloc_ = 0;  // and what stands where the breakpoint is
  long code_ = 0;
  std::string name_, target_, trace_;
  std::vector<std::string> open_;
  int children_ = 0;
  int exit_ = -1;
  int signal_ = 0;
  bool ended_ = false;
  bool hung_ = false;
};

}  // namespace

int main(int count, char** words) {
  Setting setting;
  std::vector<std::string> plans;
  int at = 1;
  for (; at < count; ++at) {
    const std::string_view word = words[at];
    const auto value = [&]() -> const char* {
      if (at + 1 >= count) give_up(std::string(word) + " needs a value");
      return words[++at];
    };
    if (word == "--") break;
    if (word == "--in")
      setting.folder = value();
    else if (word == "--stdin")
      setting.in = value();
    else if (word == "--pipe")
      setting.in = value(), setting.piped = true;
    else if (word == "--stdout")
      setting.out = value();
    else if (word == "--stderr")
      setting.err = value();
    else if (word == "--limit")
      setting.limit_seconds = static_cast<unsigned>(std::atoi(value()));
    else
      plans.emplace_back(word);
  }
  if (at + 1 >= count || plans.empty()) give_up("syscall_tool [options] PLAN... -- COMMAND...");
  setting.command = words + at + 1;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sigaction action{};
  action.sa_handler = [](int) { time_is_up = 1; };
  sigaction(SIGALRM, &action, nullptr);
  for (const std::string& text : plans) {
    if (text != "-") {
      TracedRun(setting, parse_plan(text)).run();
      continue;
    }
    std::string line;
    while (std::getline(std::cin, line)) TracedRun(setting, parse_plan(line)).run();
  }
  return 0;
}
