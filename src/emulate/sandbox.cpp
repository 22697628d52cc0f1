#include "emulate/sandbox.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "emulate/text_file.hpp"

namespace weir::emulate {
namespace {

constexpr uint64_t kMiB = 1u << 20;
constexpr double kMbPerCpu = 1769;
constexpr rlim_t kFilesMax = 1024;

uint64_t kib_behind(const std::string& text, const char* word) {
  const size_t at = text.find(word);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + std::strlen(word), nullptr, 10) * 1024;
}

bool below_tmp(const std::string& text) { return text.find("/tmp/") != std::string::npos || text.ends_with("/tmp"); }

}  // namespace

Sandbox::Sandbox(const SandboxOptions& options) : options_(options), tmp_(uint64_t{options.tmp_mb} * kMiB) {
  if (!tmp_.status()) {
    status_ = tmp_.status();
    return;
  }
  if (options_.walls == WallKind::kLimits) {
    why_no_cgroup_ = "as asked for";
  } else if (auto group = Cgroup::make(uint64_t{options_.memory_mb} * kMiB, why_no_cgroup_); group) {
    cgroup_.emplace(std::move(*group));
    entries_ = cgroup_->entries();
    whole_cpu(false);
  }
  if (!cgroup_ && options_.walls == WallKind::kCgroup) {
    status_ = fail(Code::kNoWalls, "cgroup: " + why_no_cgroup_);
    return;
  }
  const auto outside = [](const std::vector<std::string>& texts) {
    return std::none_of(texts.begin(), texts.end(), below_tmp);
  };
  at_tmp_ = geteuid() == 0 && outside(options_.words) && outside(options_.environment) && !below_tmp(options_.folder) &&
            own_mounts();
  options_.environment.push_back("TMPDIR=" + (at_tmp_ ? std::string("/tmp") : tmp_.path()));
  for (std::string& word : options_.words) argument_list_.push_back(word.data());
  argument_list_.push_back(nullptr);
  for (std::string& entry : options_.environment) environment_list_.push_back(entry.data());
  environment_list_.push_back(nullptr);
}

Sandbox::~Sandbox() {
  if (!running()) return;
  kill();
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

std::string Sandbox::describe() const {
  std::string text = "memory " + std::to_string(options_.memory_mb) + " MB by ";
  text += cgroup_ ? "cgroup" : "RLIMIT_DATA and looking (" + why_no_cgroup_ + ")";
  char share[64];
  std::snprintf(share, sizeof share, ", %.3f of a processor", options_.memory_mb / kMbPerCpu);
  text += limits_cpu_ ? std::string(share) + " by quota" : ", processor not limited";
  text += cgroup_ && cgroup_->can_freeze() ? ", frozen by cgroup" : ", frozen by SIGSTOP";
  text += ", /tmp " + std::to_string(options_.tmp_mb) + " MB ";
  text += tmp_.walled() ? "as a file system" : "looked at";
  if (!at_tmp_) text += " at $TMPDIR";
  return text;
}

void Sandbox::become(int errno_pipe) const {
  // Between fork and exec: system calls only.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  bool inside = true;
  for (const std::string& entry : entries_) {
    const int file = open(entry.c_str(), O_WRONLY | O_CLOEXEC);
    inside = inside && file >= 0 && write(file, "0", 1) == 1;
  }
  const rlimit files{kFilesMax, kFilesMax};
  setrlimit(RLIMIT_NOFILE, &files);
  if (!cgroup_) {
    const rlimit data{uint64_t{options_.memory_mb} * 2 * kMiB, uint64_t{options_.memory_mb} * 2 * kMiB};
    setrlimit(RLIMIT_DATA, &data);
  }
  bool ready = inside;
  if (at_tmp_)
    ready = ready && unshare(CLONE_NEWNS) == 0 && mount(tmp_.path().c_str(), "/tmp", nullptr, MS_BIND, nullptr) == 0;
  ready = ready && chdir(options_.folder.c_str()) == 0;
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // stdout is for results
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGCHLD}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (ready) execve(argument_list_[0], argument_list_.data(), environment_list_.data());
  const int number = errno;
  (void)!write(errno_pipe, &number, sizeof number);
  _exit(127);
}

int Sandbox::start() {
  WEIR_ASSERT(!running());
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return errno;
  stopped_for_memory_ = false;
  kills_before_ = cgroup_ ? cgroup_->memory_kills() : 0;
  const pid_t pid = fork();
  if (pid == 0) become(pipe_ends[1]);
  const int fork_error = errno;
  close(pipe_ends[1]);
  int number = pid < 0 ? fork_error : 0;
  ssize_t got = 0;
  while (pid > 0 && (got = read(pipe_ends[0], &number, sizeof number)) < 0 && errno == EINTR) {
  }
  close(pipe_ends[0]);
  if (pid < 0) return number;
  setpgid(pid, pid);
  if (got == static_cast<ssize_t>(sizeof number)) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return number != 0 ? number : EINVAL;
  }
  pid_ = pid;
  frozen_ = false;
  return 0;
}

std::optional<int> Sandbox::take_exit() {
  if (!running()) return std::nullopt;
  int status = 0;
  const pid_t got = waitpid(pid_, &status, WNOHANG);
  if (got != pid_) return std::nullopt;
  kill();  // what it left running
  pid_ = -1;
  return status;
}

void Sandbox::kill() {
  if (!running()) return;
  ::kill(-pid_, SIGKILL);
  if (cgroup_) {
    for (const pid_t pid : cgroup_->processes()) ::kill(pid, SIGKILL);
  }
  freeze(false);  // a frozen one does not end
}

void Sandbox::freeze(bool on) {
  if (!running() || frozen_ == on) return;
  if (cgroup_ && cgroup_->can_freeze())
    (void)cgroup_->freeze(on);
  else
    ::kill(-pid_, on ? SIGSTOP : SIGCONT);
  frozen_ = on;
}

void Sandbox::whole_cpu(bool on) {
  const double share = options_.memory_mb / kMbPerCpu;
  limits_cpu_ = cgroup_ && cgroup_->limit_cpu(on ? std::max(share, 1.0) : share);
}

std::vector<pid_t> Sandbox::processes() const {
  if (cgroup_) return cgroup_->processes();
  std::vector<pid_t> all;
  DIR* entries = opendir("/proc");
  if (entries == nullptr) return {pid_};
  while (const dirent* entry = readdir(entries)) {
    const long pid = std::strtol(entry->d_name, nullptr, 10);
    if (pid > 0 && getpgid(static_cast<pid_t>(pid)) == pid_) all.push_back(static_cast<pid_t>(pid));
  }
  closedir(entries);
  return all;
}

Sandbox::Breach Sandbox::sample() {
  if (!running()) return Breach::kNone;
  uint64_t peak = 0;
  uint64_t now = 0;
  for (const pid_t pid : processes()) {
    const std::string status = read_text("/proc/" + std::to_string(pid) + "/status");
    peak += kib_behind(status, "VmHWM:");
    now += kib_behind(status, "VmRSS:");
  }
  peak_bytes_ = std::max(peak_bytes_, peak);
  if (!cgroup_ && now > uint64_t{options_.memory_mb} * kMiB) {
    stopped_for_memory_ = true;
    return Breach::kMemory;
  }
  // Walking through the folder costs more.
  if (!tmp_.walled() && samples_++ % 16 == 0 && tmp_.full()) return Breach::kTmp;
  return Breach::kNone;
}

bool Sandbox::out_of_memory() const {
  return stopped_for_memory_ || (cgroup_ && cgroup_->memory_kills() > kills_before_);
}

}  // namespace weir::emulate
