"""A group of processes with a limit to its memory: cgroup v1 and v2."""

import contextlib
import itertools
import os
import re
import tempfile

V1 = "/sys/fs/cgroup/memory"
V2 = "/sys/fs/cgroup"
PAGE = 4096


class Cgroup:
    """A group of its own with a limit and no swap. make() gives None where there are no rights to have one."""

    numbers = itertools.count(1)

    def __init__(self, path, limit, v1):
        self.path, self.v1, self.limit = path, v1, limit
        self.procs = os.path.join(path, "cgroup.procs")
        if v1:
            self.write("memory.limit_in_bytes", limit)
            with contextlib.suppress(OSError):
                self.write("memory.swappiness", 0)
            with contextlib.suppress(OSError):
                self.write("memory.memsw.limit_in_bytes", limit)
        else:
            self.write("memory.max", limit)
            with contextlib.suppress(OSError):
                self.write("memory.swap.max", 0)

    def write(self, name, value):
        with open(os.path.join(self.path, name), "w") as file:
            file.write(str(value))

    def read(self, name):
        with open(os.path.join(self.path, name)) as file:
            return file.read()

    def kills(self):
        """How many processes the system ended because the group was full."""
        return int(
            re.search(r"oom_kill (\d+)", self.read("memory.oom_control" if self.v1 else "memory.events")).group(1)
        )

    def peak(self):
        """The most that was ever charged; None where the kernel does not tell (v2 before 5.19)."""
        with contextlib.suppress(FileNotFoundError):
            return int(self.read("memory.max_usage_in_bytes" if self.v1 else "memory.peak"))
        return None

    def entered(self, command):
        """The command, run from within the group."""
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', self.procs, *command]

    def close(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @classmethod
    def make(cls, limit):
        limit = (limit + PAGE - 1) // PAGE * PAGE
        for root, v1 in ((V1, True), (V2, False)):
            if not os.path.exists(os.path.join(root, "memory.limit_in_bytes" if v1 else "cgroup.controllers")):
                continue
            if not v1:
                with contextlib.suppress(OSError), open(os.path.join(root, "cgroup.subtree_control"), "w") as file:
                    file.write("+memory")
            path = os.path.join(root, f"weir-hard-{os.getpid()}-{next(cls.numbers)}")
            try:
                os.mkdir(path)
            except OSError:
                continue
            try:
                return cls(path, limit, v1)
            except OSError:
                os.rmdir(path)
        return None


def on_a_disk():
    """A folder whose files are not memory: those of a tmpfs are charged to the group for good."""
    with open("/proc/mounts") as file:
        mounts = [line.split()[1:3] for line in file]
    for folder in (tempfile.gettempdir(), "/var/tmp", os.getcwd()):
        at = max((m for m in mounts if (folder + "/").startswith(m[0].rstrip("/") + "/")), key=lambda m: len(m[0]))
        if at[1] not in ("tmpfs", "ramfs") and os.access(folder, os.W_OK):
            return folder
    return None


def forget(path):
    """Makes what is cached of a file leave the memory, so that the group is charged for what it reads."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)
