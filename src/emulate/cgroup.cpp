#include "emulate/cgroup.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulate/text_file.hpp"

namespace weir::emulate {
namespace {

constexpr std::string_view kName = "weir-emulate-";
constexpr uint64_t kPeriodUs = 100'000;

/// Where a version 1 controller is mounted ("" when it isn't), and with an empty name the one tree of version 2.
std::string mount_of(std::string_view controller) {
  const std::string mounts = read_text("/proc/self/mounts");
  for (std::string_view left = mounts; !left.empty();) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    std::vector<std::string_view> words;
    for (std::string_view rest = line; !rest.empty();) {
      const std::string_view word = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      words.push_back(word);
    }
    if (words.size() < 4) continue;
    if (controller.empty() && words[2] == "cgroup2") return std::string(words[1]);
    if (controller.empty() || words[2] != "cgroup") continue;
    const std::string options = "," + std::string(words[3]) + ",";
    if (options.find("," + std::string(controller) + ",") != std::string::npos) return std::string(words[1]);
  }
  return {};
}

bool remove_group(const std::string& folder) {
  // Those that were just ended may still be in it.
  for (int i = 0; i < 200; ++i) {
    if (rmdir(folder.c_str()) == 0 || errno != EBUSY) return true;
    usleep(5000);
  }
  return false;
}

std::vector<pid_t> processes_in(const std::string& folder) {
  std::vector<pid_t> all;
  const std::string text = read_text(folder + "/cgroup.procs");
  for (const char* at = text.c_str(); *at != '\0';) {
    char* end = nullptr;
    const long pid = std::strtol(at, &end, 10);
    if (end == at) break;
    if (pid > 0) all.push_back(static_cast<pid_t>(pid));
    at = *end == '\n' ? end + 1 : end;
  }
  return all;
}

/// Takes groups away whose emulator was killed. Its function may be frozen in them, and can't even die before it is thawed.
void sweep(const std::string& parent) {
  DIR* entries = opendir(parent.c_str());
  if (entries == nullptr) return;
  while (const dirent* entry = readdir(entries)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(kName)) continue;
    const long pid = std::strtol(entry->d_name + kName.size(), nullptr, 10);
    if (pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH)) continue;
    const std::string folder = parent + "/" + entry->d_name;
    for (const pid_t left : processes_in(folder)) ::kill(left, SIGKILL);
    (void)write_text(folder + "/freezer.state", "THAWED");
    (void)write_text(folder + "/cgroup.freeze", "0");
    (void)remove_group(folder);
  }
  closedir(entries);
}

std::string make_group(const std::string& parent) {
  if (parent.empty()) return {};
  static unsigned number = 0;
  std::string path = parent + "/" + std::string(kName) + std::to_string(getpid()) + "-" + std::to_string(number++);
  return mkdir(path.c_str(), 0755) == 0 ? path : std::string();
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

uint64_t number_behind(const std::string& text, std::string_view word) {
  const size_t at = text.find(word);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + word.size(), nullptr, 10);
}

}  // namespace

Cgroup::Cgroup(Cgroup&& from) noexcept
    : v2_(from.v2_), memory_(std::move(from.memory_)), cpu_(std::move(from.cpu_)), freezer_(std::move(from.freezer_)) {
  from.memory_.clear();
  from.cpu_.clear();
  from.freezer_.clear();
}

Cgroup::~Cgroup() {
  if (memory_.empty()) return;
  if (!freezer_.empty()) (void)freeze(false);
  for (const std::string& folder : {memory_, cpu_, freezer_}) {
    if (!folder.empty()) (void)remove_group(folder);
  }
}

std::optional<Cgroup> Cgroup::make(uint64_t memory_bytes, std::string& why) {
  Cgroup group;
  const std::string bytes = std::to_string(memory_bytes);
  if (const std::string memory = mount_of("memory"); !memory.empty()) {
    // The freezer first: what is frozen is in the others, too, and stays there until it is thawed.
    for (const char* controller : {"freezer", "cpu", "memory"}) {
      if (const std::string mount = mount_of(controller); !mount.empty()) sweep(mount);
    }
    group.memory_ = make_group(memory);
    if (group.memory_.empty()) {
      why = "no rights to make a group in " + memory;
      return std::nullopt;
    }
    if (!write_text(group.memory_ + "/memory.limit_in_bytes", bytes)) {
      why = "the memory limit of the group can't be set";
      return std::nullopt;
    }
    (void)write_text(group.memory_ + "/memory.swappiness", "0");
    (void)write_text(group.memory_ + "/memory.memsw.limit_in_bytes", bytes);
    group.cpu_ = make_group(mount_of("cpu"));
    // What else runs on this machine takes less of it: the quota alone is to be felt.
    (void)write_text(group.cpu_ + "/cpu.shares", "262144");
    group.freezer_ = make_group(mount_of("freezer"));
    return group;
  }
  const std::string root = mount_of("");
  if (root.empty()) {
    why = "no cgroups are mounted";
    return std::nullopt;
  }
  group.v2_ = true;
  // "0::/user.slice/..." is the one of this process; its own group, if the rights to it were delegated, comes before the root.
  const std::string own = read_text("/proc/self/cgroup");
  std::vector<std::string> parents;
  if (const size_t at = own.find("0::/"); at != std::string::npos) {
    const std::string path = own.substr(at + 3, own.find('\n', at) - at - 3);
    if (path != "/") parents.push_back(root + path);
  }
  parents.push_back(root);
  for (const std::string& parent : parents) {
    (void)write_text(parent + "/cgroup.subtree_control", "+memory");
    (void)write_text(parent + "/cgroup.subtree_control", "+cpu");
    sweep(parent);
    group.memory_ = make_group(parent);
    if (group.memory_.empty()) continue;
    if (write_text(group.memory_ + "/memory.max", bytes)) {
      (void)write_text(group.memory_ + "/memory.swap.max", "0");
      (void)write_text(group.memory_ + "/cpu.weight", "10000");
      if (exists(group.memory_ + "/cgroup.freeze")) group.freezer_ = group.memory_;
      return group;
    }
    rmdir(group.memory_.c_str());
    group.memory_.clear();
  }
  why = "no rights to make a group with a memory limit below " + root;
  return std::nullopt;
}

bool Cgroup::limit_cpu(double share) const {
  const std::string quota =
      std::to_string(std::max<uint64_t>(1000, static_cast<uint64_t>(std::llround(share * kPeriodUs))));
  const std::string period = std::to_string(kPeriodUs);
  if (v2_) return write_text(memory_ + "/cpu.max", quota + " " + period);
  return !cpu_.empty() && write_text(cpu_ + "/cpu.cfs_period_us", period) &&
         write_text(cpu_ + "/cpu.cfs_quota_us", quota);
}

std::vector<std::string> Cgroup::entries() const {
  std::vector<std::string> all;
  for (const std::string& folder : {memory_, cpu_, freezer_}) {
    const std::string file = folder + "/cgroup.procs";
    if (!folder.empty() && std::find(all.begin(), all.end(), file) == all.end()) all.push_back(file);
  }
  return all;
}

std::vector<pid_t> Cgroup::processes() const { return processes_in(memory_); }

uint64_t Cgroup::memory_kills() const {
  return number_behind(read_text(memory_ + (v2_ ? "/memory.events" : "/memory.oom_control")), "oom_kill ");
}

bool Cgroup::freeze(bool on) const {
  const std::string file = freezer_ + (v2_ ? "/cgroup.freeze" : "/freezer.state");
  if (!write_text(file, v2_ ? (on ? "1" : "0") : (on ? "FROZEN" : "THAWED"))) return false;
  for (int i = 0; on && i < 1000; ++i) {
    const bool frozen = v2_ ? number_behind(read_text(freezer_ + "/cgroup.events"), "frozen ") == 1
                            : read_text(file).starts_with("FROZEN");
    if (frozen) return true;
    usleep(1000);
  }
  return !on;
}

}  // namespace weir::emulate
