"""`weir schema` and lint agree, held against each other on made-up pipelines.

Two laws. The schema refuses nothing that lint takes, for then an editor underlines a good file. And what lint refuses of a value, the
schema refuses too, but for what a schema can't say: see `beyond`.
"""
import json
import os
import random
import re
import unittest

from harness import FULL, Case, in_parallel, weir
from command_line_test import words


class Schema:
    """JSON Schema, the keywords that `weir schema` uses; any other one is a fault of this test."""

    TYPES = {
        "object": lambda v: isinstance(v, dict),
        "array": lambda v: isinstance(v, list),
        "string": lambda v: isinstance(v, str),
        "boolean": lambda v: isinstance(v, bool),
        "null": lambda v: v is None,
        "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
        "integer": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and v == int(v),
    }
    IGNORED = {"$schema", "title", "description", "default"}

    def __init__(self, schema):
        self.schema = schema
        self.used = set()

    def takes(self, value, schema=None):
        schema = self.schema if schema is None else schema
        return all(self.holds(word, argument, value, schema) for word, argument in schema.items() if word not in self.IGNORED)

    def holds(self, word, argument, value, schema):
        self.used.add(word)
        is_number = self.TYPES["number"](value)
        if word == "type":
            return any(self.TYPES[t](value) for t in ([argument] if isinstance(argument, str) else argument))
        if word == "anyOf":
            return any(self.takes(value, one) for one in argument)
        if word == "enum":
            return any(type(value) is type(one) and value == one for one in argument)
        if word == "const":
            return is_number and value == argument
        if word == "pattern":
            return not isinstance(value, str) or re.search(ecma(argument), value) is not None
        if word == "minLength":
            return not isinstance(value, str) or len(value) >= argument
        if word == "maxLength":
            return not isinstance(value, str) or len(value) <= argument
        if word == "minimum":
            return not is_number or value >= argument
        if word == "maximum":
            return not is_number or value <= argument
        if word == "minItems":
            return not isinstance(value, list) or len(value) >= argument
        if word == "maxItems":
            return not isinstance(value, list) or len(value) <= argument
        if word == "items":
            return not isinstance(value, list) or all(self.takes(item, argument) for item in value)
        if word == "required":
            return not isinstance(value, dict) or all(name in value for name in argument)
        if word == "properties":
            return not isinstance(value, dict) or all(self.takes(v, argument[k]) for k, v in value.items() if k in argument)
        if word == "additionalProperties":
            if not isinstance(value, dict):
                return True
            extra = [v for k, v in value.items() if k not in schema.get("properties", {})]
            return not extra if argument is False else all(self.takes(v, argument) for v in extra)
        raise AssertionError(f"the validator does not know {word}")


def ecma(pattern):
    """`$` is the very end in ECMA-262; in Python it is also before a last line feed."""
    return re.sub(r"(?<!\\)\$", r"\\Z", pattern)


NUMBERS = [0, 1, 5, 9, 10, 63, 64, 100, 4096, 65536, 1 << 20, 1 << 31, 10**15, 10**18, -1, 0.5, 1.0, 0.01, 1.5, 100.0]
WORDS = ["", " ", "none", "tab", "\\t", "space", "\t", "\n", "\r", "\0", "a\0b", ";", ";;", "é", "ab", "a b", "x.y_z-1", "ü", "null", "~", "true",
         "True", "TRUE", " yes ", "oN", "off", "no", "maybe", "auto", "AUTO", "csv", "gzip", "json", "fail", "reject", "error", "strict",
         "int", "stdout", "a/b.csv", "$", "$$", "${HOME}", "x${HOME}y", "x" * 17, "x" * 65, "é" * 33, "x" * 1025, "x" * 5000, "-", "exec", "\"", "'"]
QUANTITIES = ["0", "00", "1", "007", "1_000", "_1", "1_", "1__0", "1.0", "1.5", ".5", "5.", "64", "65536", "64B", "64 b", "1k", "1KiB", "1kb", "1.5MiB",
              "1.5B", "2GiB", "2TiB", " 48MiB ", "48 MiB", "48\tMiB", "48mib", "48MIB", "48M", "48 Mi", "48MBs", "1e6", "-1", "+1", "0x10",
              "15m", "1h30m", "30m1h", "1h 30m", "1m1m", "5ms", "10ms", "1.5s", "15", "15M", "0s", "1d", "366d", "1us", "1ns", "0.1ns", "2MS", "0 ",
              "1%", "100%", "101%", "100.0%", "100.5%", "0.5%", "99.99 %", "1_0%", "1_00%", "1_0_0%", "001%", "0100%", "0.01", "1.00", "1.01", "2.0", "00.5",
              "0_0.5", "%", "1%%", "0_1.0", "0.1234567890123456", "2026-11-27T04:30:00Z", "2026-11-27T04:30Z", "2026-11-27", "2026-13-27T04:30:00Z",
              "2026-11-27T04:30:00", "2026-11-27T4:30:00Z"]
OTHERS = [None, True, False, [], [[]], [None], ["a"], ["a", "b"], ["a", ""], ["a\0"], [1, True, "x"], ["x" * 5000], [{}], {}, {"a": "int"},
          {"a": "intt"}, {"a": None}, {"a": ["int"]}, {"a": "${HOME}"}, {"a": 1}]
VALUES = [*NUMBERS, *WORDS, *QUANTITIES, *OTHERS]


def made_up(random):
    """Texts that are nearly a quantity."""
    parts = ["0", "1", "9", "10", "100", "_", ".", " ", "\t", "\n", "k", "M", "i", "B", "iB", "%", "d", "h", "m", "s", "ms", "n", "T", "Z", ":", "-", "$", "true"]
    return "".join(random.choice(parts) for _ in range(random.randint(1, 6)))


def pipeline_of(key, value):
    section, _, name = key.rpartition(".")
    pipeline = {"input": {"from": "in.csv"}}
    if section:
        pipeline.setdefault(section, {})[name] = value
    else:
        pipeline[name] = value
    return pipeline


def yaml_of(pipeline):
    """JSON is YAML, but for a NUL and a tab that stand in a text as they are."""
    return json.dumps(pipeline, ensure_ascii=True)


class SchemaAndLint(Case):
    @classmethod
    def setUpClass(cls):
        cls.raw = json.loads(weir("schema").out)
        cls.schema = Schema(cls.raw)
        cls.keys = {}
        for name, part in cls.raw["properties"].items():
            if "properties" in part:
                cls.keys.update({f"{name}.{key}": spec for key, spec in part["properties"].items()})
            else:
                cls.keys[name] = part
        cls.kinds = {key: re.search(rb"\((.*?)\)\n", weir("help", key).out)[1].decode() for key in cls.keys}

    def setUp(self):
        super().setUp()
        self.put("in.csv", b"a\n1\n")

    def mistakes(self, pipeline):
        """What lint says of values and keys: not of how keys go together, nor of what they name."""
        name = f"{id(pipeline)}-{random.getrandbits(60)}.yaml"
        self.put(name, yaml_of(pipeline).encode())
        _, _, messages = words("check", name, cwd=self.dir)
        return [m for m in messages if m["code"] in ("W2001", "W2002", "W2003", "W2004", "W2006")]

    @staticmethod
    def beyond(kind, value, mistake):
        """What JSON Schema can't say."""
        if re.search(r"\$[{$]", json.dumps(value)):
            return True  # what a variable stands for
        if kind in ("size", "count", "duration", "duration or time", "count or share") and isinstance(value, (str, float)):
            # The range of a quantity that is a text, whether it is whole, a day that there is not; 1.0 is an integer there.
            return mistake["code"] == "W2003" or isinstance(value, float) or any(
                m in mistake["detail"] for m in ("whole bytes", "expected a time", "expected a duration such as"))
        if kind in ("text", "text or list"):
            # Bytes are not characters; how a number that is no text is spelled.
            return isinstance(value, (int, float)) or (mistake["code"] == "W2003" and not str(value).isascii())
        return kind == "byte" and isinstance(value, float)

    def check_one(self, key, value):
        pipeline = pipeline_of(key, value)
        takes = self.schema.takes(pipeline)
        found = [m for m in self.mistakes(pipeline) if f"`{key}`" in m["detail"] or m["code"] == "W2006"]
        if found and found[0]["code"] == "W2006":  # not YAML: how a text is written, not what it is
            return None
        if not takes and not found:
            return f"{key}: {value!r}: the schema refuses it, lint takes it"
        if takes and found and not self.beyond(self.kinds[key], value, found[0]):
            return f"{key}: {value!r}: the schema takes it, lint refuses it: {found[0]['detail']}"
        return None

    def hold(self, pairs):
        wrong = [w for w in in_parallel(lambda pair: self.check_one(*pair), pairs) if w]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong[:40]))

    def test_every_kind_of_key_with_every_value(self):
        # A key of each shape; all of them with WEIR_HARD_FULL=1, and with a part of the values.
        shapes = {}
        for key, spec in self.keys.items():
            shape = json.dumps({k: v for k, v in spec.items() if k not in Schema.IGNORED}, sort_keys=True)
            shapes.setdefault(re.sub(r"\d+", "N", shape) if not FULL else key, key)
        self.assertGreater(len(shapes), 15)
        self.hold([(key, value) for key in shapes.values() for value in VALUES])

    def test_every_key_with_a_few_values(self):
        chosen = random.Random(1)
        self.hold([(key, value) for key in self.keys for value in [*chosen.sample(VALUES, 8), None, True, 1, "x"]])

    def test_made_up_quantities(self):
        chosen = random.Random(2)
        keys = [key for key, kind in self.kinds.items() if kind in ("size", "count", "duration", "duration or time", "count or share", "true or false")]
        one_of_each = {self.kinds[key]: key for key in keys}.values()
        self.hold([(key, made_up(chosen)) for key in one_of_each for _ in range(3000 if FULL else 150)])

    def test_defaults_and_examples_are_taken(self):
        for key, spec in self.keys.items():
            if "default" in spec and spec["default"] != "":
                self.assertTrue(self.schema.takes(pipeline_of(key, spec["default"])), key)

    def test_what_a_variable_holds_is_not_shown(self):
        for key in self.keys:
            for value in ("${HOME}", ["${HOME}"], {"a": "${HOME}"}):
                for mistake in self.mistakes(pipeline_of(key, value)):
                    self.assertNotIn(os.environ["HOME"], mistake["detail"], key)

    def test_sections_and_what_must_be_there(self):
        sections = [name for name, part in self.raw["properties"].items() if name not in self.keys]
        cases = [{}, {"name": "x"}, {"input": None}, {"input": {}}, {"input": {"format": "csv"}}, {"nonsense": 1}, {"input.from": "in.csv"},
                 {"input": {"from": "in.csv", "nonsense": 1}}]
        for section in sections:
            for value in (None, {}, [], 5, True, "x", "", "x" * 5000, [1], {"nonsense": 1}, {"from": "in.csv"}):
                cases.append({"input": {"from": "in.csv"}, section: value})
        for pipeline in cases:
            takes, found = self.schema.takes(pipeline), self.mistakes(pipeline)
            self.assertEqual(takes, not found, (pipeline, found))

    def test_the_validator_sees_what_it_should(self):
        for loose in ({"type": "object"}, {**self.raw, "properties": {name: {} for name in self.raw["properties"]}}):
            self.assertTrue(Schema(loose).takes({"input": {"from": []}, "memory": "lots"}))
        self.assertFalse(self.schema.takes({"input": {"from": []}}))
        self.assertFalse(self.schema.takes({"input": {"from": "x"}, "memory": "lots"}))
        with self.assertRaises(AssertionError):
            Schema({"dependentRequired": {}}).takes({})


if __name__ == "__main__":
    unittest.main()
