#!/usr/bin/env python3
"""Runs the YAML examples of README.md and docs/.   docs_test.py <weir>

- a block with `cases:` is a case file: `weir test` must pass it. Its pipeline is the first block of docs/pipeline_file.md, orders.yaml
- a block of docs/testing.md without `cases:` is a part of a case
- any other block with a line `input:` is a pipeline file: `weir check` must have nothing to say, and where its input is known
  below, `weir run` must do it
- what docs/testing.md shows of a failed case must be what is printed of it
- the functions and the receiver of docs/sinks.md are run, what it says of the plan and of permissions is what weir says, and the
  pipeline files of examples/sinks/ are checked. tests/services sends by them
"""
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
INPUTS = {
    "raw/orders.csv.gz": "order_id,customer,country,amount\n1,Ada,DE,100.50\n",
    "${FLIGHTS_URL}": "carrier,flight,dep_delay\nUA,1545,75\n",  # the environment names a file here
    "flights/*.csv.gz": "carrier,flight,dep_delay,distance\nUA,1545,75,1400\nUA,1,NA,5\n",
}

SENT = {"orders.csv": "id,customer,amount\n1,Ada,100.50\n2,Bob,20\n3,Ada,7\n"}  # to services: checked, not run


def blocks(name, kind="yaml"):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / name).read_text(), re.S | re.M)
    return [text for word, text in found if word == kind]


class Docs(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weir-docs-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.orders = blocks("docs/pipeline_file.md")[0]
        self.put("orders.yaml", self.orders)

    def put(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pathlib.Path(path).write_text(text)

    def weir(self, *args, exit=0):
        env = {k: v for k, v in os.environ.items() if not k.startswith("WEIR")}
        run = subprocess.run([WEIR, *args], cwd=self.dir, env=env, text=True, stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual(run.returncode, exit, run.stdout + run.stderr)
        return run

    def test_case_files(self):
        found = 0
        for name in sorted(os.path.relpath(path, ROOT) for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]):
            for block in blocks(name):
                if not re.search(r"^cases:", block, re.M):
                    continue
                found += 1
                self.put("orders.test.yaml", block)
                with self.subTest(name):
                    self.assertIn(" passed, 0 failed", self.weir("test", "orders.test.yaml").stdout)
        self.assertGreater(found, 0)

    def test_parts_of_cases(self):
        parts = [block for block in blocks("docs/testing.md") if not re.search(r"^cases:", block, re.M)]
        self.assertGreater(len(parts), 0)
        for part in parts:
            indented = "".join("    " + line + "\n" for line in part.splitlines())
            self.put("part.test.yaml", f"cases:\n  - name: part\n    pipeline: {{input: {{format: csv}}}}\n{indented}")
            self.assertIn("1 passed, 0 failed", self.weir("test", "part.test.yaml").stdout)

    def test_pipeline_files(self):
        run = 0
        for name in sorted(os.path.relpath(path, ROOT) for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]):
            for block in blocks(name):
                if name == "docs/testing.md" or not re.search(r"^input:", block, re.M):
                    continue
                with self.subTest(name, block=block):
                    [source] = re.findall(r"^input:.*?\bfrom: *(\S+)", block, re.S | re.M)[:1] or ["stdin"]
                    self.put("p.yaml", block)
                    if source.startswith("s3://"):  # it is linted; what it does there is for tests/s3
                        self.assertIn("ReadInputs", self.weir("policy", "p.yaml").stdout)
                        continue
                    content = {**INPUTS, **SENT}.get(source, "a\n")
                    known = source in INPUTS
                    for variable in re.findall(r"^\$\{(\w+)\}$", source):
                        os.environ[variable] = source = "given.csv"
                    if source != "stdin":
                        self.put(source.strip("\"'{}").replace("*", "x").replace(".gz", ""), content)
                    if source.endswith(".gz"):
                        subprocess.run(["gzip", "-f", source.replace("*", "x").removesuffix(".gz")], cwd=self.dir, check=True)
                    self.assertEqual(self.weir("check", "p.yaml").stderr, "")
                    if known:
                        self.weir("run", "p.yaml")
                        run += 1
        self.assertEqual(run, len(INPUTS))

    def test_what_is_shown_of_a_failed_case(self):
        [shown] = [block for block in blocks("docs/testing.md", kind="") if block.startswith("FAIL ")]
        [expected] = re.findall(r'expected "(.*)"$', shown, re.M)
        [got] = re.findall(r'got +"(.*)"$', shown, re.M)
        expected, got = (text.replace('\\"', '"').replace("\\n", "\n") for text in (expected, got))
        [cases] = [block for block in blocks("docs/testing.md") if re.search(r"^cases:", block, re.M)]
        self.assertIn(got, cases)
        self.put("orders.test.yaml", cases.replace(got, expected, 1))
        self.assertIn(shown, self.weir("test", "orders.test.yaml", exit=1).stdout)

    # ---- docs/sinks.md ----------------------------------------------------------------------------------------------------------

    def function(self, language, place):
        """That of docs/sinks.md, in the order in which they stand there."""
        return blocks("docs/sinks.md", language)[place]

    def run_tool(self, *command):
        run = subprocess.run(command, cwd=self.dir, text=True, stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def needs(self, tool):
        if shutil.which(tool) is None:
            self.skipTest(f"not run: there is no {tool}")

    @property
    def event(self):
        [event] = blocks("docs/sinks.md", "json")
        return event

    def test_python_functions(self):
        self.put("handler.py", self.function("python", 0))
        self.put("once.py", self.function("python", 1))
        # The table that the transaction is of, as DynamoDB has it.
        self.put("botocore/__init__.py", "")
        self.put("botocore/exceptions.py", "class ClientError(Exception):\n    def __init__(self, response):\n        self.response = response\n")
        self.put("boto3.py", """
from botocore.exceptions import ClientError
batches, orders, broken = set(), {}, False

class client:
    def __init__(self, service):
        assert service == "dynamodb"

    def transact_write_items(self, TransactItems):
        put = TransactItems[0]["Put"]
        assert put["ConditionExpression"] == "attribute_not_exists(id)" and put["TableName"] == "batches"
        if broken:
            raise ClientError({})
        if put["Item"]["id"]["S"] in batches:
            raise ClientError({"CancellationReasons": [{"Code": "ConditionalCheckFailed"}]})
        batches.add(put["Item"]["id"]["S"])
        keys = [item["Update"]["Key"]["name"]["S"] for item in TransactItems[1:]]
        assert len(keys) == len(set(keys)), "an item twice"
        for item in TransactItems[1:]:
            name = item["Update"]["Key"]["name"]["S"]
            orders[name] = orders.get(name, 0) + int(item["Update"]["ExpressionAttributeValues"][":n"]["N"])
""")
        self.put("main.py", f"""
import boto3, handler, once
event = {self.event}
handler.handler(event, None)
event["records"].append({{"id": "3", "customer": "Ada"}})
once.handler(event, None)
once.handler(event, None)
print(boto3.orders)
boto3.broken = True
try:
    once.handler(event, None)
except boto3.ClientError:
    print("failed")
""")
        self.assertEqual(self.run_tool(sys.executable, "main.py"), "1 Ada\n2 Bob\n{'Ada': 2, 'Bob': 1}\nfailed\n")

    def test_node_functions(self):
        self.needs("node")
        self.put("handler.js", self.function("js", 0))
        self.put("once.js", self.function("js", 1))
        self.put("node_modules/@aws-sdk/client-dynamodb/index.js", """
const items = new Set();
class Command { constructor(input) { this.input = input; } }
class GetItemCommand extends Command { act() { return { Item: items.has(this.input.Key.id.S) ? this.input.Key : undefined }; } }
class PutItemCommand extends Command { act() { items.add(this.input.Item.id.S); return {}; } }
class DynamoDBClient { async send(command) { return command.act(); } }
module.exports = { DynamoDBClient, GetItemCommand, PutItemCommand };
""")
        self.put("main.js", f"""
const event = {self.event};
(async () => {{
  await require("./handler.js").handler(event);
  await require("./once.js").handler(event);
  await require("./once.js").handler(event);
}})();
""")
        self.assertEqual(self.run_tool("node", "main.js"), "1 Ada\n2 Bob\n" * 2)

    def test_java_functions(self):
        self.needs("javac")
        self.put("Handler.java", self.function("java", 0))
        self.put("Once.java", self.function("java", 1))
        # A database that knows batches by their ids, and rows of a transaction.
        self.put("Main.java", """
import java.lang.reflect.*;
import java.sql.*;
import java.util.*;

public class Main {
    static Set<String> batches = new HashSet<>();
    static List<String> rows = new ArrayList<>(), open = new ArrayList<>();
    static boolean broken = false;

    static Object statement(String sql) {
        String[] values = new String[2];
        return Proxy.newProxyInstance(Main.class.getClassLoader(), new Class<?>[] {PreparedStatement.class}, (p, method, a) -> {
            if (method.getName().equals("setString")) values[(Integer) a[0] - 1] = (String) a[1];
            if (!method.getName().equals("executeUpdate")) return null;
            if (broken) throw new SQLException("gone", "08006");
            if (sql.contains("batches") && !batches.add(values[0])) throw new SQLException("twice", "23505");
            if (sql.contains("orders")) open.add(values[0] + " " + values[1]);
            return 1;
        });
    }

    public static void main(String[] words) throws Exception {
        Connection database = (Connection) Proxy.newProxyInstance(Main.class.getClassLoader(), new Class<?>[] {Connection.class}, (p, method, a) -> {
            if (method.getName().equals("commit")) rows.addAll(open);
            if (method.getName().equals("commit") || method.getName().equals("rollback")) open.clear();
            return method.getName().equals("prepareStatement") ? statement((String) a[0]) : null;
        });
        Map<String, Object> event = Map.of("records", List.of(Map.of("id", "1", "customer", "Ada"), Map.of("id", "2", "customer", "Bob")),
            "batch", Map.of("id", "5f2b8c01d9e3a746-13.2"));
        new Handler().handleRequest(event);
        new Once(database).handleRequest(event);
        new Once(database).handleRequest(event);
        System.out.println(rows);
        broken = true;
        try {
            new Once(database).handleRequest(event);
        } catch (SQLException error) {
            System.out.println("failed");
        }
    }
}
""")
        self.run_tool("javac", "-Xlint:all", "-Werror", "Handler.java", "Once.java")
        self.run_tool("javac", "-cp", ".", "Main.java")
        self.assertEqual(self.run_tool("java", "-cp", ".", "Main"), "1 Ada\n2 Bob\n[1 Ada, 2 Bob]\nfailed\n")

    def test_receiver(self):
        """The pipeline beside it, run twice: each batch is there once."""
        [pipeline] = [block for block in blocks("docs/sinks.md") if re.search("^http:", block, re.M)]
        self.put("p.yaml", pipeline)
        self.put("orders.csv", SENT["orders.csv"])
        self.put("receiver.py", self.function("python", 2))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        receiver = subprocess.Popen([sys.executable, "receiver.py", str(port)], cwd=self.dir, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (receiver.kill(), receiver.communicate()))
        while receiver.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                pass
        os.environ["ORDERS_URL"] = f"http://127.0.0.1:{port}/bulk"
        os.environ["ORDERS_TOKEN"] = "a secret that nobody sees"
        self.addCleanup(lambda: [os.environ.pop(name) for name in ("ORDERS_URL", "ORDERS_TOKEN")])
        for _ in range(2):
            self.assertNotIn("secret", self.weir("run", "p.yaml", "--set", "batch.records=2").stderr)
        with sqlite3.connect(os.path.join(self.dir, "orders.db")) as database:
            self.assertEqual(database.execute("SELECT id, customer FROM orders ORDER BY id").fetchall(), [("1", "Ada"), ("2", "Bob"), ("3", "Ada")])
            self.assertEqual(database.execute("SELECT COUNT(*) FROM batches").fetchone(), (2,))
        database.close()

    def test_the_plan_that_is_shown(self):
        [shown] = [block for block in blocks("docs/sinks.md", "") if block.startswith("batches ")]
        self.put("p.yaml", blocks("docs/sinks.md")[0])
        self.put("orders.csv", SENT["orders.csv"])
        self.assertIn(shown, self.weir("plan", "p.yaml", "--region", "eu-central-1").stdout)

    def test_permissions_are_those_of_the_policy(self):
        text = (ROOT / "docs/sinks.md").read_text()
        rows = re.findall(r"^\| `(\w+)://` \| (`\w+:.*) \|$", text, re.M)
        self.assertEqual(len(rows), 7)
        for scheme, said in rows:
            key = "  key: id\n" if scheme == "dynamodb" else ""
            self.put("p.yaml", f"input:\n  from: in.csv\noutput:\n  to: {scheme}://name\n{key}")
            policy = self.weir("policy", "p.yaml").stdout
            [actions] = re.findall(r'"Action": \[(.*)\]', policy)
            actions = re.findall(r'"(.*?)"', actions)
            self.assertEqual(re.findall(rf"`({scheme}:\w+)`", said), actions)

    def test_examples_of_sinks(self):
        """One for each row of the table at least, and nothing is to be said of them."""
        rows = re.findall(r"^\| `(\w+)://", (ROOT / "docs/sinks.md").read_text().split("## Twice")[0], re.M)
        schemes = set()
        for path in sorted((ROOT / "examples/sinks").glob("*.yaml")):
            with self.subTest(path.name):
                schemes |= set(re.findall(r"(\w+)://", path.read_text()))
                run = subprocess.run([WEIR, "check", path], cwd=ROOT, text=True, stdin=subprocess.DEVNULL, capture_output=True)
                self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))
        self.assertEqual(schemes, set(rows))


if __name__ == "__main__":
    WEIR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
