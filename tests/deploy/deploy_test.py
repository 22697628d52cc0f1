"""SAM's and Terraform's templates: linted, the rights of the function's role, the settings that matter."""
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import hcl2
import yaml

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DEPLOY = os.path.join(ROOT, "deploy")
PIPELINE = os.path.join(DEPLOY, "orders.yaml")
RAW, CLEAN, PREFIX = "raw-bucket", "clean-bucket", "orders/"
QUEUE, LOG = "QUEUE", "LOG"  # their ARNs, whatever they are
KINDS = ("queue", "loop")
CFN_LINT = os.path.join(os.path.dirname(sys.executable), "cfn-lint")


# ---- reading -----------------------------------------------------------------------------------------------------------


class Loader(yaml.SafeLoader):
    pass


Loader.add_multi_constructor("!", lambda loader, tag, node: {tag: (
    loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else
    loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node, deep=True))})


def text_of(value):
    """A text of the template with its parameters filled in."""
    if not isinstance(value, dict):
        return value
    [(tag, inner)] = value.items()
    known = {"AWS::Partition": "aws", "AWS::AccountId": "ACCOUNT", "RawBucketName": RAW, "CleanBucketName": CLEAN, "Prefix": PREFIX, "Queue.Arn": QUEUE,
             "LogGroup.Arn": LOG}
    if tag == "Sub":
        return re.sub(r"\$\{([\w:.]+)\}", lambda m: known[m[1]], inner)
    return known.get(inner, f"{tag} {inner}")


def listed(value):
    return value if isinstance(value, list) else [value]


def rights(statements):
    """{(action, resource, condition)} of what is allowed."""
    found = set()
    for s in statements:
        assert s["Effect"] == "Allow", s
        condition = {test: {key: sorted(text_of(v) for v in listed(values)) for key, values in tests.items()}
                     for test, tests in s.get("Condition", {}).items()}
        for action in listed(s["Action"]):
            for resource in listed(s["Resource"]):
                found.add((action, text_of(resource), json.dumps(condition, sort_keys=True)))
    return found


def sam(kind):
    with open(os.path.join(DEPLOY, "sam", f"{kind}.yaml")) as file:
        return yaml.load(file, Loader)


def plain(value):
    """Of python-hcl2's tree: texts without their quotes, no marks of its own."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items() if not k.startswith("__")}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value[1:-1] if isinstance(value, str) and value.startswith('"') and value.endswith('"') else value


def terraform(*folders):
    """{"resource.type.name": body} of all files; blocks that are not of this kind by their own."""
    found = {}
    for folder in folders:
        at = os.path.join(DEPLOY, "terraform", folder)
        for name in sorted(os.listdir(at)):
            if not name.endswith(".tf"):
                continue
            with open(os.path.join(at, name)) as file:
                tree = plain(hcl2.load(file))
            for kind, blocks in tree.items():
                for block in listed(blocks):
                    path = [folder, kind]
                    while isinstance(block, dict) and len(block) == 1 and isinstance(next(iter(block.values())), dict) and len(path) < (4 if kind in ("resource", "data") else 3):
                        [(key, block)] = block.items()
                        path.append(key)
                    found["/".join(path)] = block
    return found


def terraform_rights(document):
    known = {"local.raw": f"arn:aws:s3:::{RAW}", "local.clean": f"arn:aws:s3:::{CLEAN}", "var.prefix": PREFIX, "aws_sqs_queue.queue.arn": QUEUE,
             "aws_cloudwatch_log_group.function.arn": LOG}
    filled = lambda text: re.sub(r"\$\{([\w.]+)\}", lambda m: known[m[1]], text)
    statements = []
    for s in document["statement"]:
        condition = {c["test"]: {c["variable"]: [filled(v) for v in c["values"]]} for c in s.get("condition", [])}
        statements.append({"Effect": "Allow", "Action": s["actions"], "Resource": [filled(r) for r in s["resources"]], "Condition": condition})
    return rights(statements)


def weir(*args, **env):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WEIR", "AWS"))}
    done = subprocess.run([os.environ["WEIR"], *args], env={**clean, **env}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wanted():
    """What the pipeline needs, by weir itself."""
    return rights(json.loads(weir("policy", PIPELINE, f"s3://{RAW}/{PREFIX}*", CLEAN_BUCKET=CLEAN))["Statement"])


NO = "{}"
MESSAGES = {(f"sqs:{action}", QUEUE, NO) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage", "ChangeMessageVisibility")}


def logs(resource):
    return {(f"logs:{action}", resource, NO) for action in ("CreateLogStream", "PutLogEvents")}


# ---- SAM ----------------------------------------------------------------------------------------------------------------


class Sam(unittest.TestCase):
    def test_cfn_lint_has_nothing_to_say(self):
        for kind in KINDS:
            with self.subTest(kind):
                path = os.path.join(DEPLOY, "sam", f"{kind}.yaml")
                done = subprocess.run([CFN_LINT, "--include-checks", "I", "--", path], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_cfn_lint_would_have_something_to_say(self):
        with open(os.path.join(DEPLOY, "sam", "queue.yaml")) as file:
            text = file.read().replace("VisibilityTimeout: 5400", "VisibilityTimeout: 54000")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([CFN_LINT, "--", file.name], capture_output=True, text=True)
        self.assertIn("54000", done.stdout)

    def test_the_role_may_what_the_pipeline_needs_and_no_more(self):
        for kind in KINDS:
            with self.subTest(kind):
                role = sam(kind)["Resources"]["FunctionRole"]["Properties"]
                self.assertNotIn("ManagedPolicyArns", role)
                policies = {p["PolicyName"]: rights(p["PolicyDocument"]["Statement"]) for p in role["Policies"]}
                self.assertEqual(policies, {"pipeline": wanted(), "runtime": logs(LOG) | (MESSAGES if kind == "queue" else set())})

    def test_the_function(self):
        for kind in KINDS:
            with self.subTest(kind):
                template = sam(kind)
                self.assertEqual(template["Parameters"]["Architecture"]["AllowedValues"], ["arm64", "x86_64"])
                f = template["Resources"]["Function"]["Properties"]
                self.assertEqual((f["Runtime"], f["Handler"], f["MemorySize"], f["Timeout"], f["Architectures"]),
                                 ("provided.al2023", "bootstrap", 128, 900, [{"Ref": "Architecture"}]))
                self.assertNotIn("Policies", f)  # SAM would add rights of its own
                self.assertEqual(f["Environment"]["Variables"].get("WEIR_SET_LAMBDA__CONTINUE"), "return" if kind == "loop" else None)
                self.assertEqual(template["Resources"]["LogGroup"]["Properties"]["RetentionInDays"], 14)
                for bucket in ("RawBucket", "CleanBucket"):
                    [rule] = template["Resources"][bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
                    self.assertEqual((rule["Status"], rule["AbortIncompleteMultipartUpload"]), ("Enabled", {"DaysAfterInitiation": 7}))

    def test_the_queue(self):
        resources = sam("queue")["Resources"]
        mapping = resources["Function"]["Properties"]["Events"]["Objects"]["Properties"]
        self.assertEqual((mapping["BatchSize"], mapping["FunctionResponseTypes"], mapping["ScalingConfig"]),
                         (1, ["ReportBatchItemFailures"], {"MaximumConcurrency": 10}))
        queue = resources["Queue"]["Properties"]
        self.assertEqual(queue["VisibilityTimeout"], 6 * resources["Function"]["Properties"]["Timeout"])
        self.assertEqual(queue["RedrivePolicy"], {"deadLetterTargetArn": {"GetAtt": "DeadLetters.Arn"}, "maxReceiveCount": 5})


# ---- Terraform ----------------------------------------------------------------------------------------------------------


class Terraform(unittest.TestCase):
    def test_its_format(self):
        if shutil.which("terraform") is None:
            self.skipTest("there is no terraform here")
        done = subprocess.run(["terraform", "fmt", "-check", "-recursive", "-diff", os.path.join(DEPLOY, "terraform")], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_is_valid(self):
        # Attributes can be held against the provider alone, and that comes from Terraform's own registry.
        if shutil.which("terraform") is None or not os.environ.get("WEIR_TERRAFORM_PLUGINS"):
            self.skipTest("`terraform validate` needs the AWS provider: name a folder that `terraform providers mirror` filled in WEIR_TERRAFORM_PLUGINS")
        for kind in KINDS:
            at = os.path.join(DEPLOY, "terraform", kind)
            env = {**os.environ, "TF_DATA_DIR": os.path.join(ROOT, "build", f"terraform-{kind}")}
            subprocess.run(["terraform", "init", "-backend=false", "-input=false", "-lockfile=readonly", f"-plugin-dir={os.environ['WEIR_TERRAFORM_PLUGINS']}"],
                           cwd=at, env=env, check=True)
            subprocess.run(["terraform", "validate"], cwd=at, env=env, check=True)

    def test_the_role_may_what_the_pipeline_needs_and_no_more(self):
        function = terraform("function")
        self.assertEqual(terraform_rights(function["function/data/aws_iam_policy_document/pipeline"]), wanted())
        self.assertEqual(terraform_rights(function["function/data/aws_iam_policy_document/logs"]), logs(f"{LOG}:*"))
        self.assertEqual(terraform_rights(terraform("queue")["queue/data/aws_iam_policy_document/messages"]), MESSAGES)
        # These and no others are the role's.
        for folder, names in (("function", {"pipeline", "logs"}), ("queue", {"messages"}), ("loop", {"loop", "rule"})):
            policies = {name.split("/")[-1]: body for name, body in terraform(folder).items() if "/aws_iam_role_policy/" in name}
            self.assertEqual(set(policies), names)
            for name, body in policies.items():
                self.assertEqual(body["policy"], "${data.aws_iam_policy_document.%s.json}" % name)
        self.assertFalse([name for folder in ("function", *KINDS) for name in terraform(folder) if "policy_attachment" in name])

    def test_the_function(self):
        all_of = terraform("function")
        f = all_of["function/resource/aws_lambda_function/function"]
        self.assertEqual((f["runtime"], f["handler"], f["memory_size"], f["architectures"]), ("provided.al2023", "bootstrap", 128, ["${var.architecture}"]))
        self.assertEqual(all_of["function/locals"]["timeout"], 900)
        self.assertEqual(f["timeout"], "${local.timeout}")
        self.assertEqual(all_of["function/resource/aws_cloudwatch_log_group/function"]["retention_in_days"], 14)
        lifecycle = all_of["function/resource/aws_s3_bucket_lifecycle_configuration/uploads"]
        self.assertEqual(lifecycle["rule"][0]["abort_incomplete_multipart_upload"][0]["days_after_initiation"], 7)
        self.assertEqual(set(lifecycle["for_each"]), {"raw", "clean"})

    def test_the_queue(self):
        all_of = terraform("queue")
        mapping = all_of["queue/resource/aws_lambda_event_source_mapping/queue"]
        self.assertEqual((mapping["batch_size"], mapping["function_response_types"], mapping["scaling_config"][0]["maximum_concurrency"]),
                         (1, ["ReportBatchItemFailures"], 10))
        queue = all_of["queue/resource/aws_sqs_queue/queue"]
        self.assertEqual(queue["visibility_timeout_seconds"].replace(" ", ""), "${6*module.function.timeout}")
        self.assertRegex(queue["redrive_policy"], r"maxReceiveCount = 5\b")

    def test_the_loop_is_that_of_sam(self):
        text = terraform("loop")["loop/resource/aws_sfn_state_machine/loop"]["definition"]
        inner = re.fullmatch(r"\$\{jsonencode\((.*)\)\}", text, re.S)[1]
        theirs = plain(hcl2.loads(f"x = {inner}\n")["x"])
        ours = sam("loop")["Resources"]["StateMachine"]["Properties"]["Definition"]
        process = ours["States"]["Process"]
        self.assertEqual(ours["States"]["Done"]["Choices"], [{"Variable": "$.done", "BooleanEquals": True, "Next": "Processed"}])
        self.assertEqual((ours["States"]["Done"]["Default"], process["OutputPath"], process["Parameters"]["Payload.$"]), ("Process", "$.Payload", "$"))
        process["Resource"] = text_of(process["Resource"])
        process["Parameters"]["FunctionName"] = theirs["States"]["Process"]["Parameters"]["FunctionName"]
        theirs["States"]["Process"]["Resource"] = re.sub(r"\$\{.*?\}", "aws", theirs["States"]["Process"]["Resource"])
        self.assertEqual(ours, theirs)


class Pipeline(unittest.TestCase):
    """The package of the templates, in weir's own Lambda: what they set, and the events that they bring."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weir-deploy-")
        self.addCleanup(shutil.rmtree, self.dir)
        for folder in ("raw/orders", "clean", "task"):
            os.makedirs(os.path.join(self.dir, folder))
        path = os.path.join(self.dir, "function.zip")
        weir("package", PIPELINE, "-o", path, CLEAN_BUCKET=CLEAN)
        with zipfile.ZipFile(path) as archive:
            archive.extractall(os.path.join(self.dir, "task"))
        os.chmod(os.path.join(self.dir, "task", "bootstrap"), 0o755)
        self.rows = 20_000
        with gzip.open(os.path.join(self.dir, "raw/orders/day.csv.gz"), "wt", compresslevel=1) as file:
            file.write("order_id,customer,amount\n")
            file.writelines(f"{i},Ada,{i % 1000}.50\n" for i in range(self.rows))

    def emulate(self, event, *more):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("WEIR", "AWS"))}
        done = subprocess.run([os.environ["WEIR"], "emulate", "--walls", "limits", "--memory", "1769", "--map", f"s3://{RAW}={self.dir}/raw",
                               "--map", f"s3://{CLEAN}={self.dir}/clean", "--env", f"CLEAN_BUCKET={CLEAN}", "--event", event, *more,
                               os.path.join(self.dir, "task", "bootstrap")], env=clean, capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-4000:])
        with gzip.open(os.path.join(self.dir, "clean/large/orders/day.ndjson.gz"), "rt") as file:
            lines = file.read().splitlines()
        self.assertEqual(len(lines), self.rows // 1000 * 900)
        self.assertEqual(json.loads(lines[0]), {"order_id": "100", "customer": "Ada", "amount": "100.50"})
        # All that it wrote lies where its role lets it write.
        allowed = [re.escape(r.partition(":::")[2]).replace(r"\*", ".*") for action, r, _ in wanted() if action == "s3:PutObject"]
        for at, _, names in os.walk(os.path.join(self.dir, "clean")):
            for name in names:
                key = os.path.join(CLEAN, os.path.relpath(os.path.join(at, name), os.path.join(self.dir, "clean")))
                self.assertTrue(any(re.fullmatch(pattern, key) for pattern in allowed), key)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_by_the_queue(self):
        [result] = self.emulate(f"sqs:s3:{RAW}/orders/day.csv.gz", "--timeout", "2m")
        self.assertEqual(result, {"batchItemFailures": []})

    def test_by_the_loop(self):
        set_there = sam("loop")["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
        event = {"version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3", "account": "111122223333", "time": "2026-01-01T00:00:00Z",
                 "region": "us-east-1", "resources": [f"arn:aws:s3:::{RAW}"],
                 "detail": {"version": "0", "bucket": {"name": RAW}, "object": {"key": "orders/day.csv.gz", "size": 1}, "request-id": "r", "reason": "PutObject"}}
        results = self.emulate(json.dumps(event), "--timeout", "2m", "--continue", "50",
                               "--env", "WEIR_SET_LAMBDA__CONTINUE=" + set_there["WEIR_SET_LAMBDA__CONTINUE"])
        self.assertEqual([r["done"] for r in results], [False] * (len(results) - 1) + [True])


if __name__ == "__main__":
    unittest.main()
