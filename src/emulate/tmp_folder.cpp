#include "emulate/tmp_folder.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file.hpp"

namespace weir::emulate {
namespace {

/// Where files are no memory.
std::string disk_folder() {
  const char* wanted = std::getenv("TMPDIR");
  for (const char* folder : {wanted, "/tmp", "/var/tmp", "."}) {
    struct statfs info{};
    if (folder == nullptr || *folder == '\0' || statfs(folder, &info) != 0 || access(folder, W_OK) != 0) continue;
    if (static_cast<unsigned long>(info.f_type) != TMPFS_MAGIC &&
        static_cast<unsigned long>(info.f_type) != RAMFS_MAGIC)
      return folder;
  }
  return wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
}

bool make_file_system(const std::string& image) {
  const char* program = nullptr;
  for (const char* path : {"/usr/sbin/mke2fs", "/sbin/mke2fs"}) {
    if (access(path, X_OK) == 0) program = path;
  }
  if (program == nullptr) return false;
  const pid_t pid = fork();
  if (pid < 0) return false;
  if (pid == 0) {
    const int null = open("/dev/null", O_RDWR);
    for (const int stream : {0, 1, 2}) dup2(null, stream);
    execl(program, program, "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-E", "lazy_itable_init=1",
          image.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

/// The loop device of `image`, which is free again when nobody has it open or mounted; -1 when there is none.
int loop_device(const std::string& image, std::string& name) {
  const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) return -1;
  int device = -1;
  // Another may take the free one first.
  for (int attempt = 0; device < 0 && attempt < 8; ++attempt) {
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) break;
    name = "/dev/loop" + std::to_string(number);
    device = open(name.c_str(), O_RDWR | O_CLOEXEC);
    if (device < 0) break;
    const int backing = open(image.c_str(), O_RDWR | O_CLOEXEC);
    loop_info64 info{};
    info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (backing >= 0 && ioctl(device, LOOP_SET_FD, backing) == 0) {
      if (ioctl(device, LOOP_SET_STATUS64, &info) != 0) {
        ioctl(device, LOOP_CLR_FD, 0);
        close(device);
        device = -1;
        attempt = 8;
      }
    } else {
      close(device);
      device = -1;
    }
    if (backing >= 0) close(backing);
  }
  close(control);
  return device;
}

int remove_entry(const char* path, const struct stat*, int, FTW*) { return remove(path); }

thread_local uint64_t bytes_seen = 0;
int count_entry(const char*, const struct stat* info, int kind, FTW*) {
  if (kind == FTW_F) bytes_seen += static_cast<uint64_t>(info->st_blocks) * 512;
  return 0;
}

}  // namespace

namespace {

constexpr std::string_view kName = "weir-emulate-";

/// Takes away what an emulator that was killed left: folders of this user alone.
void sweep(const std::string& parent) {
  DIR* entries = opendir(parent.c_str());
  if (entries == nullptr) return;
  while (const dirent* entry = readdir(entries)) {
    if (!std::string_view(entry->d_name).starts_with(kName)) continue;
    const long pid = std::strtol(entry->d_name + kName.size(), nullptr, 10);
    const std::string folder = parent + "/" + entry->d_name;
    struct stat info{};
    if (pid <= 0 || ::kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH) continue;
    if (lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid()) continue;
    nftw(folder.c_str(), remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
  }
  closedir(entries);
}

}  // namespace

bool own_mounts() {
  static const bool own = unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0;
  return own;
}

TmpFolder::TmpFolder(uint64_t bytes_max) : bytes_max_(bytes_max) {
  const std::string parent = disk_folder();
  sweep(parent);
  std::string name = parent + "/" + std::string(kName) + std::to_string(getpid()) + "-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    status_ = fail(system_error(Code::kWriteFailed, errno, "a folder for the function's /tmp"));
    return;
  }
  char* whole = realpath(name.c_str(), nullptr);
  path_ = whole != nullptr ? whole : name;
  std::free(whole);
  walled_ = mount_image();
}

TmpFolder::~TmpFolder() {
  if (path_.empty()) return;
  if (walled_) umount2(path_.c_str(), MNT_DETACH);
  nftw(path_.c_str(), remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

bool TmpFolder::mount_image() {
  if (geteuid() != 0 || !own_mounts()) return false;
  const std::string image = path_ + "/image";
  const int file = open(image.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  bool done = ftruncate(file, static_cast<off_t>(bytes_max_)) == 0;
  close(file);
  std::string name;
  done = done && make_file_system(image);
  const int device = done ? loop_device(image, name) : -1;
  unlink(image.c_str());  // its blocks stay as long as the device does
  if (device < 0) return false;
  done = mount(name.c_str(), path_.c_str(), "ext4", MS_NOSUID | MS_NODEV, "") == 0;
  close(device);
  if (done) rmdir((path_ + "/lost+found").c_str());
  return done;
}

bool TmpFolder::full() const {
  if (walled_) return false;
  bytes_seen = 0;
  nftw(path_.c_str(), count_entry, 16, FTW_PHYS | FTW_MOUNT);
  return bytes_seen > bytes_max_;
}

}  // namespace weir::emulate
