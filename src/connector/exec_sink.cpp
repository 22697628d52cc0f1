#include "connector/exec_sink.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/fixed_text.hpp"
#include "io/file.hpp"

namespace weir {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kBackoffFirstNs = 200 * kMillisecond;
constexpr uint64_t kBackoffMaxNs = 10'000 * kMillisecond;
constexpr uint64_t kLookMs = 200;  ///< how often a wait for the command looks whether a stop was asked for

bool runnable(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return runnable(name) ? name : std::string();
  const char* path = std::getenv("PATH");
  std::string_view folders = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    const size_t end = std::min(folders.find(':'), folders.size());
    std::string candidate(folders.substr(0, end));
    candidate += candidate.empty() ? "./" : "/";
    candidate += name;
    if (runnable(candidate)) return candidate;
    folders.remove_prefix(end == folders.size() ? end : end + 1);
  }
  return {};
}

template <size_t kSize>
void set_variable(char (&room)[kSize], std::string_view name, std::string_view text) {
  FixedText<kSize - 1> whole;
  whole.append(name).append('=').append(text);
  std::memcpy(room, whole.view().data(), whole.view().size());
  room[whole.view().size()] = 0;
}

}  // namespace

ExecSink::ExecSink(ExecOptions options, Clock& clock, Wakeup& wakeup, char** environment)
    : options_(std::move(options)), clock_(clock), wakeup_(wakeup) {
  for (std::string& word : options_.command) argv_.push_back(word.data());
  argv_.push_back(nullptr);
  for (char** entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "WEIR_BATCH_", 11) != 0 && std::strncmp(*entry, "WEIR_ATTEMPT=", 13) != 0)
      envp_.push_back(*entry);
  }
  envp_.push_back(id_);
  envp_.push_back(attempt_);
  envp_.push_back(records_);
  envp_.push_back(nullptr);
}

ExecSink::~ExecSink() { end_child(); }

bool ExecSink::stop_asked() const { return wakeup_.stop_requested() || clock_.monotonic_ns() >= stop_at_ns_; }

Status ExecSink::start() {
  if (options_.command.empty()) return fail(Code::kMissingKey, "exec.command");
  program_ = find_program(options_.command[0]);
  if (program_.empty()) return fail(Code::kNoProgram, "`" + options_.command[0] + "`");
  return {};
}

Accepted ExecSink::open_object(const ObjectInfo& info, Error& error) {
  info_ = info;
  input_refused_ = false;
  if (info.attempt > 0) {
    uint64_t backoff = kBackoffFirstNs << std::min<uint32_t>(info.attempt - 1, 6);
    if (backoff > kBackoffMaxNs) backoff = kBackoffMaxNs;
    const uint64_t until = clock_.monotonic_ns() + backoff;
    while (clock_.monotonic_ns() < until && !stop_asked()) wakeup_.wait(std::min(until, stop_at_ns_));
    if (stop_asked()) {
      error = Error(Code::kInterrupted);
      return Accepted::kFailed;
    }
  }
  FixedText<128> id;
  id.append(std::string_view(options_.name).substr(0, 100)).append('-');
  FixedText<20> digits;
  digits.append_number(info.batch);
  for (size_t i = digits.view().size(); i < 6; ++i) id.append('0');
  id.append(digits.view());
  set_variable(id_, "WEIR_BATCH_ID", id.view());
  FixedText<20> number;
  number.append_number(info.attempt + 1u);
  set_variable(attempt_, "WEIR_ATTEMPT", number.view());
  number.clear();
  number.append_number(info.records);
  set_variable(records_, "WEIR_BATCH_RECORDS", number.view());

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    error = system_error(Code::kCommandFailed, errno, "pipe");
    return Accepted::kFailed;
  }
  const rlimit memory{options_.memory_max, options_.memory_max};
  const pid_t child = vfork();
  if (child == 0) {
    // Between vfork and execve: system calls only.
    for (const int signal_number : {SIGPIPE, SIGINT, SIGTERM}) signal(signal_number, SIG_DFL);
    setpgid(0, 0);  // a group of its own: what the command started ends with it
    while (dup2(ends[0], STDIN_FILENO) < 0) {
      if (errno != EINTR) _exit(126);
    }
    setrlimit(RLIMIT_AS, &memory);
    execve(program_.c_str(), argv_.data(), envp_.data());
    _exit(127);
  }
  ::close(ends[0]);
  if (child < 0) {
    ::close(ends[1]);
    return judge("can't be started", errno, error);
  }
  child_ = child;
  pipe_ = ends[1];
  if (fcntl(pipe_, F_SETFL, O_NONBLOCK) != 0) return judge("can't be written to without waiting", errno, error);
  due_ns_ = clock_.monotonic_ns() + options_.timeout_ns;
  return Accepted::kYes;
}

Accepted ExecSink::judge(std::string_view what, int number, Error& error) {
  end_child();
  if (stop_asked()) {
    error = Error(Code::kInterrupted);
    return Accepted::kFailed;
  }
  if (info_.attempt < options_.retries) return Accepted::kRetry;
  error = Error(number == ETIMEDOUT ? Code::kCommandTimeout : Code::kCommandFailed);
  error.detail.append("`").append(std::string_view(options_.command[0]).substr(0, 80)).append("` ").append(what);
  error.detail.append(", batch ").append_number(info_.batch).append(", attempt ").append_number(info_.attempt + 1u);
  return Accepted::kFailed;
}

Accepted ExecSink::write(std::string_view bytes, Error& error) {
  while (!bytes.empty() && !input_refused_) {
    const ssize_t size = ::write(pipe_, bytes.data(), bytes.size());
    if (size > 0) {
      bytes.remove_prefix(static_cast<size_t>(size));
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EPIPE) {
      input_refused_ = true;  // what the command makes of it, its exit code says
      break;
    }
    if (size < 0 && errno != EAGAIN) return judge("can't be written to", errno, error);
    const uint64_t now = clock_.monotonic_ns();
    if (now >= due_ns_ || stop_asked()) return judge("did not end in time", ETIMEDOUT, error);
    pollfd entry{pipe_, POLLOUT, 0};
    poll(&entry, 1,
         static_cast<int>(std::min<uint64_t>((std::min(due_ns_, stop_at_ns_) - now) / kMillisecond + 1, kLookMs)));
  }
  return Accepted::kYes;
}

// True when the child ended before `until_ns` and, where `stoppable`, before a stop was asked for.
bool ExecSink::wait_child(uint64_t until_ns, bool stoppable, int* status) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, child_, 0));
  for (;;) {
    const pid_t ended = waitpid(child_, status, WNOHANG);
    if (ended == child_ || (ended < 0 && errno == ECHILD)) {
      if (handle >= 0) ::close(handle);
      return true;
    }
    const uint64_t now = clock_.monotonic_ns();
    if (now >= until_ns || (stoppable && stop_asked())) {
      if (handle >= 0) ::close(handle);
      return false;
    }
    const uint64_t look_ns = stoppable ? std::min(until_ns, std::max(stop_at_ns_, now)) : until_ns;
    const auto left_ms = static_cast<int>(std::min<uint64_t>((look_ns - now) / kMillisecond + 1, kLookMs));
    pollfd entry{handle, POLLIN, 0};
    poll(&entry, handle >= 0 ? 1 : 0, handle >= 0 ? left_ms : std::min(left_ms, 10));
  }
}

Accepted ExecSink::close_object(Error& error) {
  ::close(pipe_);
  pipe_ = -1;
  int status = 0;
  if (!wait_child(due_ns_, true, &status)) return judge("did not end in time", ETIMEDOUT, error);
  child_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Accepted::kYes;
  FixedText<64> what;
  if (WIFEXITED(status)) {
    what.append("ended with ").append_number(static_cast<uint64_t>(WEXITSTATUS(status)));
  } else {
    what.append("was ended by signal ").append_number(static_cast<uint64_t>(WTERMSIG(status)));
  }
  return judge(what.view(), 0, error);
}

void ExecSink::end_child() noexcept {
  // The pipe is closed last: its end must not look like the batch's end to a command that is being ended.
  const int pipe = std::exchange(pipe_, -1);
  if (child_ >= 0) end_group();
  if (pipe >= 0) ::close(pipe);
}

void ExecSink::end_group() noexcept {
  // The whole group, and the child itself in case it had no time to make one.
  kill(-child_, SIGTERM);
  kill(child_, SIGTERM);
  int status = 0;
  const bool ended = wait_child(clock_.monotonic_ns() + 500 * kMillisecond, false, &status);
  kill(-child_, SIGKILL);
  if (!ended) {
    kill(child_, SIGKILL);
    waitpid(child_, &status, 0);
  }
  child_ = -1;
}

void ExecSink::cancel() noexcept { end_child(); }

}  // namespace weir
