"""Files, pipes, signals and limits of the process."""
import errno
import fcntl
import gzip
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import unittest

from harness import SELECT_ALL, WEIR, Case, MiB, Process, environment, lines_of, sha256_of_file, weir

ROOT = os.geteuid() == 0


def numbered(begin, end):
    return b"".join(b"%d,abcdefghijklmnopqrstuvwxyz %d\n" % (i, i * 7) for i in range(begin, end))


HEAD = b"id,text\n"
MANY = numbered(0, 300_000)  # about 11 MB: more than a commit unit


def ndjson(rows):
    return b"".join(b'{"id":"%s","text":"%s"}\n' % tuple(line.split(b",", 1)) for line in rows.splitlines())


class Stopped(Case):
    """A signal or the deadline in the middle of a stream that goes on."""

    def begun(self, *args, data=HEAD + MANY):
        process = Process("query", SELECT_ALL, "--from", "csv", *args, "--summary", "json")
        process.narrow_stdin()
        process.feed(data)
        process.await_consumed()
        return process

    def stopped(self, number, *args, name="out.ndjson"):
        out = self.path(name)
        process = self.begun("-o", out, *args)
        process.await_state(lambda: os.path.getsize(out + ".part") > 0)
        process.signal(number)
        process.process.wait()
        run = process.finish(11, "W1101")
        self.assertFalse(os.path.exists(out))
        self.assertEqual(run.error["leftover"], out + ".part")
        self.assertEqual(run.summary["status"], "interrupted")
        return run, self.get(name + ".part")

    def test_sigint_and_sigterm(self):
        whole = ndjson(MANY)
        for number in (signal.SIGINT, signal.SIGTERM):
            run, part = self.stopped(number)
            self.assertTrue(whole.startswith(part))
            self.assertTrue(part.endswith(b"\n"))
            self.assertEqual(part.count(b"\n"), run.records["written"])
            self.assertGreater(run.records["written"], 290_000)
            self.assertIn(f"{run.records['read']} records were read", run.error["detail"])

    def test_what_is_kept_of_a_gzip_is_a_whole_gzip(self):
        run, part = self.stopped(signal.SIGTERM, name="out.ndjson.gz")
        self.assertEqual(gzip.decompress(part).count(b"\n"), run.records["written"])

    def test_a_second_run_goes_over_the_leftover(self):
        self.stopped(signal.SIGINT)
        weir("query", SELECT_ALL, "--from", "csv", "-o", self.path("out.ndjson"), stdin=HEAD + b"1,x\n")
        self.assertEqual(self.get("out.ndjson"), b'{"id":"1","text":"x"}\n')
        self.assert_no_leftovers("out.ndjson")

    def test_before_the_first_byte(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = Process("query", SELECT_ALL, "-o", self.path("out.ndjson"), "--from", "csv", "--summary", "json")
            process.feed(b"i")  # once it is taken the signals are handled
            process.await_consumed()
            process.signal(number)
            process.process.wait()
            process.finish(11, "W1101")
            self.assert_no_leftovers()

    def test_to_stdout(self):
        process = self.begun("--to", "ndjson")
        process.signal(signal.SIGTERM)
        process.process.wait()
        run = process.finish(11, "W1101")
        self.assertTrue(ndjson(MANY).startswith(run.out))
        self.assertEqual(run.out.count(b"\n"), run.records["written"])

    def test_rejects_are_kept_too(self):
        process = self.begun("-o", self.path("out.ndjson"), "--rejects", self.path("bad"), data=HEAD + b"1\n" * 50 + MANY)
        process.signal(signal.SIGTERM)
        process.process.wait()
        run = process.finish(11)
        self.assertEqual(self.get("bad.part").count(b"\n"), 50)
        self.assertEqual(run.records["rejected"], 50)
        self.assert_no_leftovers("bad.part", "out.ndjson.part")

    def test_the_deadline(self):
        process = self.begun("-o", self.path("out.ndjson"), "--deadline", "100ms", data=HEAD + b"1,x\n")
        process.process.wait()  # stdin stays open: it ends by itself
        run = process.finish(11, "W1101")
        self.assertFalse(os.path.exists(self.path("out.ndjson")))
        self.assertEqual(self.get("out.ndjson.part"), b'{"id":"1","text":"x"}\n')

    def test_a_json_array_that_is_kept_is_whole(self):
        run, part = self.stopped(signal.SIGTERM, "--set", "batch.bytes=64MiB", name="out.json")
        self.assertEqual(len(json.loads(part)), run.records["written"])

    def test_publish_partial(self):
        process = self.begun("-o", self.path("out.ndjson"), "--set", "output.publish_partial=true")
        process.signal(signal.SIGTERM)
        process.process.wait()
        run = process.finish(11)
        self.assertEqual(self.get("out.ndjson").count(b"\n"), run.records["written"])
        self.assert_no_leftovers("out.ndjson")

    def test_killed_it_shows_nothing(self):
        process = self.begun("-o", self.path("out.ndjson"), "--rejects", self.path("bad"))
        process.signal(signal.SIGKILL)
        process.process.wait()
        process.finish(-signal.SIGKILL)
        self.assertFalse(os.path.exists(self.path("out.ndjson")))
        self.assertFalse(os.path.exists(self.path("bad")))
        weir("query", SELECT_ALL, "--from", "csv", "-o", self.path("out.ndjson"), "--rejects", self.path("bad"), stdin=HEAD + b"1,x\n")
        self.assert_no_leftovers("out.ndjson", "bad")

    def test_a_signal_that_is_sent_twice_at_once_is_one_wish(self):
        """timeout(1) sends it to the process and to its group."""
        for _ in range(20):
            process = self.begun("-o", self.path("out.ndjson"))
            process.signal(signal.SIGSTOP)  # it sees both, however fast it is
            process.signal(signal.SIGTERM)
            process.signal(signal.SIGINT)
            process.signal(signal.SIGCONT)
            process.process.wait()
            run = process.finish(11, "W1101")
            self.assertGreater(run.records["written"], 290_000)

    def test_ignored_sigint_stays_ignored(self):
        process = Process("query", SELECT_ALL, "--from", "csv", "--to", "ndjson", "--summary", "json", preexec=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        process.narrow_stdin()
        process.feed(HEAD + MANY)
        process.signal(signal.SIGINT)
        self.assertEqual(process.finish(0).out, ndjson(MANY))


def asleep(process):
    """It handles signals and waits for something."""
    with open(f"/proc/{process.pid}/status") as file:
        status = {key: value.strip() for key, _, value in (line.partition(":") for line in file)}
    return status["State"].startswith("S") and int(status["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1


class StoppedWhileStuck(Case):
    """Nobody reads what it writes, nobody writes what it reads: a signal ends it all the same."""

    def stop(self, process):
        process.await_state(lambda: asleep(process))
        process.signal(signal.SIGTERM)
        process.process.wait()
        return process.finish(11, "W1101")

    def test_nobody_reads_stdout(self):
        read, write = os.pipe()
        full = fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        process = Process("query", SELECT_ALL, self.put("in.csv", HEAD + MANY), "--to", "ndjson", "--summary", "json", stdin=None, stdout=write)
        os.close(write)
        process.await_state(lambda: struct.unpack("i", fcntl.ioctl(read, termios.FIONREAD, b"\0" * 4))[0] == full)
        self.stop(process)
        got = os.read(read, full)
        os.close(read)
        self.assertTrue(ndjson(MANY).startswith(got))

    def test_nobody_opens_the_fifo_before_the_deadline(self):
        os.mkfifo(self.path("fifo.csv"))
        whole = self.put("in.csv", HEAD + b"1,a\n")
        for inputs in ([self.path("fifo.csv")], [whole, self.path("fifo.csv")]):
            weir("query", SELECT_ALL, *inputs, "--from", "csv", "--set", "input.codec=none", "--deadline", "50ms", exit=11, code="W1101")

    def test_nobody_opens_the_fifo(self):
        os.mkfifo(self.path("fifo.csv"))
        self.stop(Process("query", SELECT_ALL, self.path("fifo.csv"), "--summary", "json", stdin=None))
        self.stop(Process("query", SELECT_ALL, self.put("in.csv", HEAD), "-o", self.path("fifo.csv"), "--summary", "json", stdin=None))
        self.stop(Process("query", SELECT_ALL, "--from", "csv", "--summary", "json"))


class Stdout(Case):
    def test_closed_by_its_reader(self):
        path = self.put("in.csv", HEAD + MANY)
        for settings in ((), ("--set", "output.codec=gzip", "--set", "output.level=0"), ("--set", "batch.records=10")):
            read, write = os.pipe()
            process = Process("query", SELECT_ALL, path, "--to", "ndjson", *settings, "--summary", "json", stdin=None, stdout=write)
            os.close(write)
            self.assertNotEqual(os.read(read, 10), b"")
            os.close(read)
            run = process.finish(0)
            self.assertEqual(run.errors + run.warnings, [])
            self.assertEqual(run.summary["status"], "reader_gone")
            self.assertLess(run.records["read"], 300_000)

    def test_closed_while_rejects_were_asked_for(self):
        read, write = os.pipe()
        os.close(read)
        path = self.put("in.csv", HEAD + MANY)
        process = Process("query", SELECT_ALL, path, "--to", "ndjson", "--rejects", self.path("bad"), "--summary", "json", stdin=None, stdout=write)
        os.close(write)
        process.finish(40, "W4006")

    def test_dev_full(self):
        path = self.put("in.csv", HEAD + MANY)
        for data in (path, self.put("small.csv", HEAD + b"1,x\n")):
            with open("/dev/full", "wb") as full:
                run = self.query(data, stdout=full, exit=40, code="W4002")
            self.assertIn("No space left", run.error["detail"])
        self.query(path, "-o", "/dev/full", exit=40, code="W4002")

    def test_a_reader_that_is_slow(self):
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        process = Process("query", SELECT_ALL, self.put("in.csv", HEAD + MANY), "--to", "ndjson", "--summary", "json", stdin=None, stdout=write)
        os.close(write)
        got = []
        while piece := os.read(read, 777):
            got.append(piece)
        os.close(read)
        process.finish(0)
        self.assertEqual(b"".join(got), ndjson(MANY))

    def test_not_blocking(self):
        """A parent may have made the pipe's end non-blocking, as event loops do."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        process = Process("query", SELECT_ALL, self.put("in.csv", HEAD + MANY), "--to", "ndjson", "--summary", "json", stdin=None, stdout=write)
        os.close(write)
        got = []
        while piece := os.read(read, 50_000):
            got.append(piece)
        os.close(read)
        process.finish(0)
        self.assertEqual(b"".join(got), ndjson(MANY))


class ClosedStreams(Case):
    def test_stdin(self):
        run = self.query("--from", "csv", preexec=lambda: os.close(0), exit=20, code="W2015")
        self.assertIn("closed", run.error["detail"])

    def test_stdin_that_is_not_read(self):
        path = self.put("in.csv", HEAD + b"1,x\n")
        self.query(path, "-o", self.path("out.csv"), preexec=lambda: os.close(0))
        self.assertEqual(self.get("out.csv"), HEAD + b"1,x\n")

    def test_stdout(self):
        path = self.put("in.csv", HEAD + b"1,x\n")
        self.query(path, preexec=lambda: os.close(1), exit=40, code="W4002")
        self.assertEqual(self.get("in.csv"), HEAD + b"1,x\n")
        self.query(path, "-o", self.path("out.csv"), preexec=lambda: os.close(1))
        self.assertEqual(self.get("out.csv"), HEAD + b"1,x\n")

    def test_stderr(self):
        """No message and no summary lands in the output, whose number would be that of stderr."""
        for closed in ((2,), (1, 2), (0, 1, 2)):
            data = HEAD + b"1,x\n"
            def close():
                for stream in closed:
                    os.close(stream)
            path = self.put("in.csv", data)
            run = weir("query", SELECT_ALL, path, "-o", self.path("out.csv"), "--set", "output.if_exists=replace", "--summary", "json", preexec=close)
            self.assertEqual((run.err, run.out), (b"", b""))
            self.assertEqual(self.get("out.csv"), data)
            self.assertEqual(self.get("in.csv"), data)
        weir("query", SELECT_ALL, "--from", "csv", "-o", self.path("out2.csv"), "--summary", "json", stdin=HEAD + b"1,x\n", preexec=lambda: os.close(2))
        self.assertEqual(self.get("out2.csv"), HEAD + b"1,x\n")


class Inputs(Case):
    def test_missing(self):
        run = self.query(self.path("none.csv"), "-o", self.path("out.csv"), exit=20, code="W2014")
        self.assertIn("none.csv", run.error["detail"])
        self.assert_no_leftovers()

    def test_one_of_many_missing_is_found_before_anything_is_written(self):
        path = self.put("in.csv", HEAD + b"1,x\n")
        run = self.query(path, self.path("none.csv"), exit=20, code="W2014")
        self.assertEqual(run.out, b"")

    def test_folder(self):
        run = self.query(self.dir, "--from", "csv", exit=20, code="W2015")
        self.assertIn("folder", run.error["detail"])
        with open(self.path("x"), "w"):
            folder = os.open(self.dir, os.O_RDONLY)
        try:
            process = Process("query", SELECT_ALL, "--from", "csv", stdin=folder)
            process.finish(20, "W2015")
        finally:
            os.close(folder)

    def test_loop_of_links(self):
        os.symlink("a", self.path("b"))
        os.symlink("b", self.path("a"))
        self.query(self.path("a"), "--from", "csv", exit=20, code="W2015")

    def test_under_a_file(self):
        self.put("in.csv", b"a\n")
        self.query(self.path("in.csv", "x.csv"), exit=20, code="W2014")

    def test_unreadable(self):
        path = self.put("in.csv", HEAD)
        os.chmod(path, 0)
        if not ROOT:
            self.query(path, exit=60, code="W6001")
            return
        # Root may read everything: as nobody, who may not be able to go to where the binary was built. So it gets a copy.
        binary = shutil.copy(WEIR, self.path("weir"))
        os.chmod(self.dir, 0o755)
        for folder in pathlib.Path(self.dir).parents:
            if not folder.stat().st_mode & 1:
                self.skipTest(f"others may not enter {folder}")

        def give_up_rights():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        self.query(path, preexec=give_up_rights, binary=binary, exit=60, code="W6001")

    def test_fifo(self):
        path = self.path("in.csv")
        os.mkfifo(path)
        process = Process("query", SELECT_ALL, path, "--to", "ndjson", "--summary", "json", stdin=None)
        with open(path, "wb") as writer:
            writer.write(HEAD + MANY)
        self.assertEqual(process.finish(0).out, ndjson(MANY))

    def test_fifo_out(self):
        path = self.path("out.ndjson")
        os.mkfifo(path)
        process = Process("query", SELECT_ALL, self.put("in.csv", HEAD + MANY), "-o", path, "--summary", "json", stdin=None)
        with open(path, "rb") as reader:
            self.assertEqual(reader.read(), ndjson(MANY))
        process.finish(0)
        self.assert_no_leftovers("in.csv", "out.ndjson")

    def test_truncated_while_it_is_read(self):
        path = self.put("in.csv", HEAD + MANY)
        read, write = os.pipe()
        process = Process("query", SELECT_ALL, path, "--to", "ndjson", "--summary", "json", stdin=None, stdout=write)
        os.close(write)
        got = os.read(read, 1)  # it has begun, and waits for its reader before long
        os.truncate(path, 100)
        while piece := os.read(read, 1 << 16):
            got += piece
        os.close(read)
        run = process.finish(31, "W3101")
        self.assertTrue(ndjson(MANY).startswith(got))
        self.assertEqual(got.count(b"\n"), run.records["written"])

    def test_appended_while_it_is_read(self):
        path = self.put("in.csv", HEAD + MANY)
        read, write = os.pipe()
        process = Process("query", SELECT_ALL, path, "--to", "ndjson", "--summary", "json", stdin=None, stdout=write)
        os.close(write)
        got = os.read(read, 1)
        with open(path, "ab") as file:
            file.write(numbered(300_000, 300_100))
        while piece := os.read(read, 1 << 16):
            got += piece
        os.close(read)
        process.finish(0)
        self.assertEqual(got, ndjson(MANY))

    def test_proc_files_have_no_size(self):
        run = self.query("/proc/self/mounts", "--from", "lines", "--to", "lines")
        self.assertGreater(run.records["read"], 0)

    def test_stdin_at_the_shells_position(self):
        path = self.put("in.csv", b"not this line\n" + HEAD + b"1,x\n")
        with open(path, "rb") as file:
            file.seek(14)
            os.lseek(file.fileno(), 14, os.SEEK_SET)
            self.assertEqual(self.query("--from", "csv", "--to", "ndjson", stdin=file).out, b'{"id":"1","text":"x"}\n')


class Outputs(Case):
    DATA = HEAD + b"1,x\n"

    def run_to(self, name, *args, stdin=None, **options):
        return self.query("--from", "csv", "-o", self.path(name), *args, stdin=stdin or self.DATA, **options)

    def test_exists(self):
        self.put("out.csv", b"mine")
        run = self.run_to("out.csv", exit=41, code="W4101")
        self.assertEqual(self.get("out.csv"), b"mine")
        self.assert_no_leftovers("out.csv")
        self.run_to("out.csv", "--set", "output.if_exists=skip")
        self.assertEqual(self.get("out.csv"), b"mine")
        self.run_to("out.csv", "--set", "output.if_exists=replace")
        self.assertEqual(self.get("out.csv"), self.DATA)
        self.assert_no_leftovers("out.csv")

    def test_a_failed_replace_leaves_the_old(self):
        self.put("out.csv", b"mine")
        self.run_to("out.csv", "--set", "output.if_exists=replace", stdin=self.DATA + b'2,"x', exit=30)
        self.assertEqual(self.get("out.csv"), b"mine")

    def test_input_is_output(self):
        path = self.put("in.csv", self.DATA)
        os.symlink("in.csv", self.path("link.csv"))
        os.link(path, self.path("hard.csv"))
        for out in ("in.csv", "link.csv", "hard.csv", "./in.csv"):
            self.query(path, "-o", self.path(out), "--set", "output.if_exists=replace", exit=20, code="W2005")
        self.assertEqual(self.get("in.csv"), self.DATA)

    def test_input_is_rejects(self):
        path = self.put("in.csv", self.DATA)
        for rejects in ("in.csv", "./in.csv"):
            self.query(path, "-o", self.path("out.csv"), "--rejects", self.path(rejects), "--set", "output.if_exists=replace", exit=20, code="W2005")
        self.assertEqual(self.get("in.csv"), self.DATA)

    def test_rejects_are_output(self):
        for rejects in ("out.csv", "./out.csv"):
            run = self.run_to("out.csv", "--rejects", self.path(rejects), exit=20, code="W2005")

    def test_rejects_exist(self):
        self.put("bad", b"mine")
        self.run_to("out.csv", "--rejects", self.path("bad"), exit=41, code="W4101")
        self.assertEqual(self.get("bad"), b"mine")
        self.assert_no_leftovers("bad")
        self.query("--from", "csv", "--rejects", self.path("bad"), "--set", "output.if_exists=replace", stdin=self.DATA + b"2\n")
        self.assertEqual([r["code"] for r in self.rejects("bad")], ["W2202"])

    def test_folder_in_the_way(self):
        os.mkdir(self.path("out.csv"))
        self.run_to("out.csv", exit=41, code="W4101")
        os.mkdir(self.path("o2.csv.part"))
        self.run_to("o2.csv", exit=40, code="W4003")

    def test_folders_are_made(self):
        self.run_to("a/b/c/out.csv")
        self.assertEqual(self.get("a/b/c/out.csv"), self.DATA)
        run = self.run_to("x/out.csv", "--set", "output.create_folders=false", exit=40, code="W4003")

    @unittest.skipUnless(ROOT, "no rights to mount")
    def test_full_disk(self):
        disk = self.path("disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode != 0:
            self.skipTest("no rights to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        run = self.run_to("disk/out.ndjson", stdin=HEAD + MANY, exit=40, code="W4002")
        self.assertIn("No space left", run.error["detail"])
        self.assertEqual(run.error["leftover"], self.path("disk/out.ndjson.part"))
        self.assertEqual(os.listdir(disk), ["out.ndjson.part"])
        os.unlink(self.path("disk/out.ndjson.part"))
        self.run_to("disk/out.ndjson.gz", "--set", "output.level=0", stdin=HEAD + MANY, exit=40, code="W4002")
        self.assertEqual(os.listdir(disk), ["out.ndjson.gz.part"])
        os.unlink(self.path("disk/out.ndjson.gz.part"))
        # The rejects' disk is full: nothing is published, since a reject would be lost.
        self.run_to("out.ndjson", "--rejects", self.path("disk/bad"), stdin=HEAD + b"1\n" * 300_000, exit=40, code="W4002")
        self.assertFalse(os.path.exists(self.path("out.ndjson")))
        self.assertEqual(os.listdir(disk), ["bad.part"])
        os.unlink(self.path("disk/bad.part"))
        self.run_to("disk/parts/", "--set", "batch.records=100", "--to", "ndjson", stdin=HEAD + MANY, exit=40)

    def test_file_size_limit(self):
        run = self.query("--from", "csv", "-o", self.path("out.csv"), stdin=HEAD + MANY, limits={resource.RLIMIT_FSIZE: 100_000},
                         preexec=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN), exit=40, code="W4002")
        self.assertFalse(os.path.exists(self.path("out.csv")))


class TwoRuns(Case):
    def first(self):
        process = Process("query", SELECT_ALL, "--from", "csv", "-o", self.path("out.ndjson"), "--summary", "json")
        process.narrow_stdin()
        process.feed(HEAD + MANY)
        process.await_consumed()
        return process

    def test_the_second_steps_back(self):
        first = self.first()
        for extra in ((), ("--set", "output.if_exists=replace")):
            run = self.query("--from", "csv", "-o", self.path("out.ndjson"), *extra, stdin=HEAD + b"1,x\n", exit=51, code="W5101")
        # Rejects at the first's output, and the other way round.
        self.query("--from", "csv", "-o", self.path("other.ndjson"), "--rejects", self.path("out.ndjson"), stdin=HEAD, exit=51, code="W5101")
        first.finish(0)
        self.assertEqual(self.get("out.ndjson"), ndjson(MANY))
        self.assert_no_leftovers("out.ndjson")

    def test_a_run_that_opened_the_file_just_before_it_was_published(self):
        """The second run is held between opening the .part file and locking it, until the first has published it."""
        self.needs_to_trace()
        for extra, exits in (((), (41,)), (("--set", "output.if_exists=replace"), (0,))):
            first = self.first()
            second = Process("query", SELECT_ALL, "--from", "csv", "-o", self.path("out.ndjson"), *extra, "--summary", "json", stdin=open(self.put("second.csv", HEAD + b"9,second\n"), "rb"),
                             wrapper=["strace", "-f", "-o", "/dev/null", "-P", self.path("out.ndjson.part"), "-e", "trace=openat", "-e", "inject=openat:signal=SIGSTOP:when=1"])

            def held():
                try:
                    with open(f"/proc/{second.pid}/task/{second.pid}/children") as children:
                        [child] = children.read().split()
                    with open(f"/proc/{child}/stat") as stat:
                        self.child = int(child)
                        if stat.read().rsplit(")", 1)[1].split()[0] not in ("t", "T"):
                            return False
                    return self.path("out.ndjson.part") in [os.readlink(f"/proc/{child}/fd/{n}") for n in os.listdir(f"/proc/{child}/fd")]
                except (OSError, ValueError):
                    return False

            second.await_state(held)
            first.finish(0)
            os.kill(self.child, signal.SIGCONT)
            run = second.finish()
            self.assertIn(run.exit, exits, str(run))
            self.assertEqual(self.get("out.ndjson"), ndjson(MANY) if run.exit else b'{"id":"9","text":"second"}\n', str(run))
            self.assert_no_leftovers("out.ndjson", "second.csv")
            os.unlink(self.path("out.ndjson"))


class Durable(Case):
    """A file appears under its name once it is on the disk, and so does the name before the run says it is done."""

    def calls(self, *args, data=HEAD + b"1,x\n2\n"):
        log = self.fresh("strace")
        self.needs_to_trace()
        self.query(self.put("in.csv", data), *args, wrapper=["strace", "-y", "-o", log, "-e", "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir"])
        with open(log) as file:
            return [line for line in file if "(" in line and line.rstrip().endswith("= 0")]

    def assert_synced(self, calls, name):
        path, folder = self.path(name), os.path.dirname(self.path(name))
        synced = [i for i, call in enumerate(calls) if re.match(r"f(data)?sync\(", call) and f"<{path}.part>" in call]
        named = [i for i, call in enumerate(calls) if call.startswith(("link", "rename")) and f'"{path}"' in call]
        folder_synced = [i for i, call in enumerate(calls) if call.startswith("fsync(") and f"<{folder}>" in call]
        self.assertEqual(len(named), 1, calls)
        self.assertTrue(synced and max(synced) < named[0], calls)
        self.assertTrue(folder_synced and max(folder_synced) > named[0], calls)

    def test_output_and_rejects(self):
        for out in ("out.ndjson", "out.ndjson.gz"):
            calls = self.calls("-o", self.path(out), "--rejects", self.path("bad"), "--set", "output.if_exists=replace")
            self.assert_synced(calls, out)
            self.assert_synced(calls, "bad")
        self.assert_synced(self.calls("-o", self.path("new.ndjson"), data=HEAD + b"1,x\n"), "new.ndjson")

    def test_each_file_of_a_folder(self):
        calls = self.calls("-o", self.path("parts/"), "--to", "ndjson", "--set", "batch.records=1", data=HEAD + b"1,x\n2,y\n")
        self.assert_synced(calls, "parts/000000.ndjson")
        self.assert_synced(calls, "parts/000001.ndjson")


    def test_each_folder_that_was_made_is_named_in_one_that_is_synced(self):
        calls = self.calls("-o", self.path("a/b/c/new.ndjson"), data=HEAD + b"1,x\n")
        for folder in ("a", "a/b", "a/b/c"):
            made = [i for i, call in enumerate(calls) if call.startswith("mkdir(") and f'"{self.path(folder)}"' in call]
            self.assertEqual(len(made), 1, calls)
            self.assertRegex(calls[made[0] + 1], r"^fsync\(\d+<%s>" % re.escape(os.path.dirname(self.path(folder))), calls)


class ProcessLimits(Case):
    def test_few_descriptors(self):
        path = self.put("in.csv", HEAD + b"1,x\n2\n")
        self.query(path, path, "-o", self.path("out.csv"), "--rejects", self.path("bad"), limits={resource.RLIMIT_NOFILE: 8})
        self.assertEqual(self.get("out.csv"), HEAD + b"1,x\n1,x\n")
        for limit in (3, 4, 5):
            run = self.query(path, "-o", self.path(f"out{limit}.csv"), "--rejects", self.path(f"bad{limit}"), limits={resource.RLIMIT_NOFILE: limit}, exit=None)
            self.assertEqual((run.exit, run.error["code"]), (40, "W4009"), str(run))
            self.assertIn("Too many open files", run.error["detail"])
            self.assertFalse(os.path.exists(self.path(f"out{limit}.csv")))

    def test_descriptors_of_an_exec_sink(self):
        self.put("in.csv", HEAD + b"1,x\n")
        self.pipeline("input:\n  from: in.csv\noutput:\n  to: exec\nexec:\n  command: [cat]\n")
        weir("run", "p.yaml", "--summary", "json", cwd=self.dir, limits={resource.RLIMIT_NOFILE: 8})
        weir("run", "p.yaml", "--set", "exec.retries=0", "--summary", "json", cwd=self.dir, limits={resource.RLIMIT_NOFILE: 4}, exit=40)

    def test_small_stack(self):
        deep = b'{"a":' * 900 + b"1" + b"}" * 900
        run = self.query("--from", "ndjson", "--set", "input.depth_max=1024", stdin=deep, limits={resource.RLIMIT_STACK: 256 << 10})
        self.assertEqual(run.out, deep + b"\n")
        nested = "(" * 100 + "a" + ")" * 100
        self.query("--from", "csv", stdin=b"a\n1\n", query=f"SELECT {nested} AS x FROM input", limits={resource.RLIMIT_STACK: 256 << 10}, exit=None)

    def test_address_space_of_the_plan(self):
        path = self.put("in.csv", HEAD + MANY)
        self.pipeline(f"input:\n  from: {path}\noutput:\n  to: {self.path('out.ndjson')}\n")
        plan = json.loads(weir("plan", self.path("p.yaml"), "--json").out)
        run = weir("run", self.path("p.yaml"), "--summary", "json", limits={resource.RLIMIT_DATA: plan["needed_bytes"] + MiB})
        self.assertEqual(self.get("out.ndjson"), ndjson(MANY))
