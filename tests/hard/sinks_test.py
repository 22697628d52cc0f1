"""The exec sink and the folder sink."""
import gzip
import json
import os
import select
import signal
import stat
import subprocess
import time

from harness import SELECT_ALL, Case, Process, lines_of, weir

HEAD = b"id,text\n"


def rows(begin, end):
    return b"".join(b"%d,text %d\n" % (i, i) for i in range(begin, end))


def ndjson(begin, end):
    return lines_of([{"id": str(i), "text": f"text {i}"} for i in range(begin, end)])


class Age(Case):
    def test_a_batch_that_is_due_is_sent_while_the_input_rests(self):
        """Each row is waited for before the next one is given: without the age it would wait for the end of the input."""
        self.pipeline("input:\n  from: stdin\n  format: csv\nbatch:\n  age: 10ms\noutput:\n  to: stdout\n  format: ndjson\n")
        process = Process("run", self.path("p.yaml"), "--summary", "json", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.process.stdin.write(HEAD)
        for row in range(3):
            process.process.stdin.write(rows(row, row + 1))
            process.process.stdin.flush()
            self.assertEqual(process.process.stdout.readline(), ndjson(row, row + 1))
        process.process.stdin.close()
        self.assertEqual(process.process.wait(), 0)


class ExecSink(Case):
    def script(self, text, name="command.sh"):
        path = self.put(name, b"#!/bin/sh\n" + text.encode())
        os.chmod(path, 0o755)
        return path

    def pipe(self, script, records, *settings, data=None, **options):
        """Runs `records` rows through a script, in batches of 100."""
        command = self.script(f"cd {self.dir}\n" + script)
        self.pipeline(f"name: jobname\ninput:\n  from: stdin\n  format: csv\nbatch:\n  records: 100\noutput:\n  to: exec\n  format: ndjson\nexec:\n  command: [{command}]\n")
        return weir("run", self.path("p.yaml"), "--summary", "json", *settings, stdin=HEAD + rows(0, records) if data is None else data, **options)

    def batches(self):
        return sorted(n for n in os.listdir(self.dir) if n.startswith("jobname-"))

    def test_each_batch_comes_on_stdin_whole(self):
        run = self.pipe('cat > "$WEIR_BATCH_ID.$WEIR_ATTEMPT.$WEIR_BATCH_RECORDS"\n', 1050)
        expected = {f"jobname-{i:06d}.1.{min(100, 1050 - i * 100)}": ndjson(i * 100, min(i * 100 + 100, 1050)) for i in range(11)}
        self.assertEqual({n: self.get(n) for n in self.batches()}, expected)
        self.assertEqual((run.summary["batches"], run.summary["retries"], run.records["written"]), (11, 0, 1050))

    def test_compressed(self):
        self.pipe('cat > "$WEIR_BATCH_ID"\n', 250, "--set", "output.codec=gzip")
        self.assertEqual([gzip.decompress(self.get(n)) for n in self.batches()], [ndjson(0, 100), ndjson(100, 200), ndjson(200, 250)])

    def test_csv_batches_have_their_header(self):
        self.pipe('cat > "$WEIR_BATCH_ID"\n', 150, "--set", "output.format=csv")
        self.assertEqual([self.get(n) for n in self.batches()], [HEAD + rows(0, 100), HEAD + rows(100, 150)])

    def test_json_batches_are_arrays(self):
        self.pipe('cat > "$WEIR_BATCH_ID"\n', 150, "--set", "output.format=json")
        self.assertEqual([len(json.loads(self.get(n))) for n in self.batches()], [100, 50])

    def test_batches_by_bytes(self):
        self.pipe('cat > "$WEIR_BATCH_ID"\n', 300, "--set", "batch.records=0", "--set", "batch.bytes=1KiB")
        parts = [self.get(n) for n in self.batches()]
        self.assertEqual(b"".join(parts), ndjson(0, 300))
        self.assertTrue(all(0 < len(p) <= 1024 for p in parts))

    def test_a_failing_command_gets_the_same_batch_again(self):
        run = self.pipe('cat > "$WEIR_BATCH_ID.$WEIR_ATTEMPT"\ntest "$WEIR_BATCH_ID" != jobname-000001 || test "$WEIR_ATTEMPT" -ge 3\n', 250)
        self.assertEqual(self.batches(), ["jobname-000000.1", "jobname-000001.1", "jobname-000001.2", "jobname-000001.3", "jobname-000002.1"])
        for attempt in (1, 2, 3):
            self.assertEqual(self.get(f"jobname-000001.{attempt}"), ndjson(100, 200))
        self.assertEqual(run.summary["retries"], 2)

    def test_the_last_attempt_fails(self):
        run = self.pipe('cat > "$WEIR_BATCH_ID.$WEIR_ATTEMPT"\nexit 7\n', 250, "--set", "exec.retries=1", exit=40, code="W4007")
        self.assertEqual(self.batches(), ["jobname-000000.1", "jobname-000000.2"])
        self.assertIn("ended with 7", run.error["detail"])
        self.assertIn("attempt 2", run.error["detail"])

    def test_killed_by_a_signal(self):
        run = self.pipe("kill -9 $$\n", 10, "--set", "exec.retries=0", exit=40, code="W4007")
        self.assertIn("signal 9", run.error["detail"])

    def test_a_command_that_reads_nothing(self):
        big = HEAD + b"".join(b"%d,%s\n" % (i, b"x" * 5000) for i in range(300))  # batches larger than a pipe
        run = self.pipe("exit 0\n", 0, data=big)
        self.assertEqual((run.summary["batches"], run.records["written"]), (3, 300))
        run = self.pipe("exit 3\n", 0, "--set", "exec.retries=0", data=big, exit=40, code="W4007")
        self.assertIn("ended with 3", run.error["detail"])

    def test_a_command_that_closes_stdin_and_goes_on(self):
        big = HEAD + b"".join(b"%d,%s\n" % (i, b"x" * 5000) for i in range(100))
        self.pipe('exec 0<&-\necho done > finished\n', 0, data=big)
        self.assertEqual(self.get("finished"), b"done\n")

    def test_timeout(self):
        """A command that does not end, whether it reads or not."""
        big = HEAD + b"".join(b"%d,%s\n" % (i, b"x" * 5000) for i in range(100))
        for script in ("exec sleep 1000\n", "cat > /dev/null\nexec sleep 1000\n"):
            self.pipe(script, 0, "--set", "exec.timeout=100ms", "--set", "exec.retries=0", data=big, exit=40, code="W4008")

    def test_timeout_ends_what_the_command_started(self):
        """Told by a FIFO that all of them hold: its end comes when the last one has gone."""
        alive = self.alive()
        script = "exec 9> alive\nsleep 1000 &\necho $! > grandchild\nwait\n"
        for timeout in ("100ms", "1s", "10s", "100s"):  # on a busy machine the command may be ended before it started anything
            self.pipe(script, 10, "--set", f"exec.timeout={timeout}", "--set", "exec.retries=0", exit=40, code="W4008")
            if os.path.exists(self.path("grandchild")):
                break
        self.await_end(alive)

    def alive(self):
        """The reading end of a FIFO, for commands to open as their descriptor 9."""
        os.mkfifo(self.path("alive"))
        end = os.open(self.path("alive"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, end)
        return end

    def await_end(self, alive):
        """Until nobody holds the FIFO any more that somebody has opened."""
        poll = select.poll()
        poll.register(alive, 0)
        self.assertEqual(poll.poll(60_000), [(alive, select.POLLHUP)], "something that the command started goes on")

    def test_a_stop_ends_the_command(self):
        """SIGTERM while the command is at work: its batch stays unacknowledged, nothing is left running."""
        os.mkfifo(self.path("started"))
        alive = self.alive()
        for script in ("exec 9> alive\ncat > /dev/null\necho $$ > started\nsleep 1000\n", "exec 9> alive\necho $$ > started\nsleep 1000\n"):
            command = self.script(f"cd {self.dir}\n" + script)
            self.pipeline(f"input:\n  from: stdin\n  format: csv\nbatch:\n  records: 100\noutput:\n  to: exec\nexec:\n  command: [{command}]\n  timeout: 100s\n")
            process = Process("run", self.path("p.yaml"), "--summary", "json")
            process.feed(HEAD + b"".join(b"%d,%s\n" % (i, b"x" * 300) for i in range(150)))
            started = os.open(self.path("started"), os.O_RDWR)
            self.addCleanup(os.close, started)
            process.await_state(lambda: select.select([started], [], [], 0)[0])
            os.read(started, 100)
            process.signal(signal.SIGTERM)
            process.process.wait()
            process.finish(11, "W1101")
            self.await_end(alive)

    def test_memory_limit_of_the_command(self):
        run = self.pipe('ulimit -v > limit\n', 10, "--set", "exec.memory=64MiB")
        self.assertEqual(self.get("limit"), b"65536\n")
        run = self.pipe('exec python3 -c "bytearray(1 << 30)" 2> /dev/null\n', 10, "--set", "exec.memory=100MiB", "--set", "exec.retries=0", exit=40, code="W4007")

    def test_no_such_command(self):
        for command in ("[/no/such/command]", "[no-such-command-at-all]", f"[{self.dir}]"):
            self.pipeline(f"input:\n  from: stdin\n  format: csv\noutput:\n  to: exec\nexec:\n  command: {command}\n")
            weir("run", self.path("p.yaml"), stdin=HEAD + rows(0, 10), exit=20, code="W2027")

    def test_shell_text_and_its_environment(self):
        self.pipeline(f"input:\n  from: stdin\n  format: csv\noutput:\n  to: exec\nexec:\n  command: cat | sort > {self.path('sorted')}; echo \"$$MINE\" >> {self.path('sorted')}\n")
        weir("run", self.path("p.yaml"), stdin=HEAD + b"2,b\n1,a\n", env={"MINE": "yours", "WEIR_BATCH_ID": "old"})
        self.assertEqual(self.get("sorted"), b"1,a\n2,b\nid,text\nyours\n")

    def test_the_signals_of_the_command_are_its_own(self):
        """What Weir ignores or blocks for itself is not handed on: the command finds what Weir was started with."""
        show = "grep -E '^Sig(Ign|Blk)' /proc/self/status"
        self.pipe(f"{show} > signals\n", 1)
        self.assertEqual(self.get("signals"), subprocess.run(["/bin/sh", "-c", show], stdout=subprocess.PIPE, check=True).stdout)

    def test_no_descriptor_is_handed_on(self):
        self.pipe("ls /proc/self/fd > descriptors\n", 1, "--rejects", self.path("bad"))
        self.assertEqual(self.get("descriptors").split(), [b"0", b"1", b"2", b"3"])  # 3: the folder that ls reads

    def test_a_record_larger_than_the_batch(self):
        big = HEAD + b"1,%s\n2,x\n" % (b"y" * 500_000)
        self.pipe('cat > "$WEIR_BATCH_ID"\n', 0, "--set", "batch.bytes=1KiB", data=big)
        self.assertEqual([len(self.get(n)) for n in self.batches()], [500_000 + len('{"id":"1","text":""}\n'), len('{"id":"2","text":"x"}\n')])

    def test_no_records_no_command(self):
        run = self.pipe("touch ran\n", 0)
        self.assertEqual(run.summary["batches"], 0)
        self.assertFalse(os.path.exists(self.path("ran")))


class FolderSink(Case):
    def run_to(self, to, records, *settings, **options):
        return weir("query", SELECT_ALL, "--from", "csv", "-o", self.path(to), "--set", "batch.records=100", "--to", "ndjson", *settings, "--summary", "json",
                    stdin=HEAD + rows(0, records), **options)

    def content(self, folder="out"):
        return {n: self.get(f"{folder}/{n}") for n in sorted(os.listdir(self.path(folder)))}

    def test_a_file_a_batch_in_sequence(self):
        self.run_to("out/", 1050)
        self.assertEqual(self.content(), {f"{i:06d}.ndjson": ndjson(i * 100, min(i * 100 + 100, 1050)) for i in range(11)})

    def test_again_with_replace(self):
        self.run_to("out/", 1050)
        before = self.content()
        self.run_to("out/", 1050, exit=41, code="W4101")
        self.assertEqual(self.content(), before)
        self.run_to("out/", 1050, "--set", "output.if_exists=replace")
        self.assertEqual(self.content(), before)

    def test_named_by_template_and_compressed(self):
        self.run_to("out/part-{batch}-x.ndjson.gz", 250)
        got = self.content()
        self.assertEqual(list(got), [f"part-{i:06d}-x.ndjson.gz" for i in range(3)])
        self.assertEqual([gzip.decompress(v) for v in got.values()], [ndjson(0, 100), ndjson(100, 200), ndjson(200, 250)])

    def test_the_same_bytes_whatever_the_window_and_the_budget(self):
        first = None
        for number, settings in enumerate(((), ("--set", "input.window=4KiB"), ("-m", "13MiB"), ("-m", "1GiB", "--set", "input.window=1MiB"))):
            self.run_to(f"out{number}/b{{batch}}.ndjson.gz", 5000, "--set", "batch.records=0", "--set", "batch.bytes=10KiB", *settings)
            got = self.content(f"out{number}")
            first = first or got
            self.assertEqual(got, first)

    def test_exactly_full_batches(self):
        self.run_to("out/", 300)
        self.assertEqual(len(self.content()), 3)

    def test_stopped_in_the_middle_of_a_batch(self):
        """Whole batches are there; the one that was begun is not shown as if it were whole."""
        process = Process("query", SELECT_ALL, "--from", "csv", "-o", self.path("out/"), "--set", "batch.records=1000", "--to", "ndjson", "--summary", "json")
        process.narrow_stdin()
        process.feed(HEAD + rows(0, 100_500))
        process.await_consumed()
        process.signal(signal.SIGTERM)
        process.process.wait()
        process.finish(11, "W1101")
        for name, content in self.content().items():
            if name.endswith(".ndjson"):
                self.assertEqual(content.count(b"\n"), 1000, name)

    def test_input_fails_in_the_middle_of_a_batch(self):
        run = weir("query", SELECT_ALL, "--from", "csv", "-o", self.path("out/"), "--set", "batch.records=100", "--to", "ndjson", "--summary", "json",
                   stdin=HEAD + rows(0, 250) + b'"', exit=30, code="W3009")
        self.assertEqual([n for n in self.content() if n.endswith(".ndjson")], ["000000.ndjson", "000001.ndjson"])
        self.assertNotIn("leftover", run.error)  # nothing of the third batch was written yet: no empty file stays
        self.assertEqual(len(self.content()), 2)
