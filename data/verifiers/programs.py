"""Programs, run against the tests of a row in a child process (data.verifiers.worker says what that protects from).

A test is one of
  {"kind": "stdin", "input": text, "output": text}: the program reads and prints,
  {"kind": "call", "function": name, "input": [arguments], "output": value}: a function (or a method of `Solution`),
  {"kind": "assert", "code": statement}.
What a test expects stays in this process wherever it is a value: the program cannot find it.
"""

import ast
import json
import math
import re
import time
from functools import lru_cache
from typing import ClassVar, Literal

from data.text.row import Row
from data.verifiers.worker import Worker

MAX_CODE = 50_000
TOTAL_SECONDS = 30.0
"""Wall time for all tests of one program, after which it has failed."""

_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
_worker = Worker("program")


class Program:
    """`info` of the row holds the `tests`, and `setup`: code that goes before the program."""

    reads: ClassVar[Literal["final", "answer"]] = "answer"

    def verify(self, answer: str, row: Row) -> bool:
        """Whether the last fenced block of an answer (a bare program is its own block) passes every test."""
        info = json.loads(row["info"])
        return bool(info.get("tests")) and _passes(code_of(answer), info.get("setup", ""), json.dumps(info["tests"]))

    def canonical(self, answer: str, row: Row) -> str:
        """What the program makes of each test's input; one that fails on all of them is its own text."""
        info, code = json.loads(row["info"]), code_of(answer).strip()
        made = _behaviour(code, info.get("setup", ""), json.dumps(info.get("tests", [])))
        return code if made is None else f"results {made}"


def code_of(answer: str) -> str:
    """The last fenced block of a text, or the whole text where there is none."""
    blocks = _FENCE.findall(answer)
    return blocks[-1] if blocks else answer


@lru_cache(maxsize=1_000)
def _passes(code: str, setup: str, tests: str) -> bool:
    if not code.strip() or len(code) > MAX_CODE:
        return False
    started, program = time.monotonic(), f"{setup}\n{code}"
    for test in json.loads(tests):
        if time.monotonic() - started > TOTAL_SECONDS or not _passes_one(program, test):
            return False
    return True


@lru_cache(maxsize=1_000)
def _behaviour(code: str, setup: str, tests: str) -> str | None:
    if not code or len(code) > MAX_CODE:
        return None
    started, program = time.monotonic(), f"{setup}\n{code}"
    made: list[str | None] = []
    for test in json.loads(tests):
        reply = {} if time.monotonic() - started > TOTAL_SECONDS else _reply(program, test)
        made.append(_result(reply))
    return json.dumps(made) if any(made) else None


def _result(reply: dict) -> str | None:
    """One text for replies that a test takes for the same: words of lines, tuples as lists; None for a failure."""
    if "output" in reply:
        return repr([line.split() for line in reply["output"].rstrip().splitlines()])
    if "value" in reply:
        value = _value(reply)
        return reply["value"] if value is NotImplemented else repr(_jsonable(value))
    return "passed" if reply == {"passed": True} else None


def _reply(program: str, test: dict) -> dict:
    """What the program answers to a test: an `output`, a `value`, `passed` or an `error`."""
    if test["kind"] == "stdin":
        return _worker.ask({"code": program, "stdin": test["input"]})
    if test["kind"] == "call":
        return _worker.ask({"code": program, "call": [test["function"], test["input"]]})
    comparison = _comparison(test["code"])
    return _worker.ask(
        {"code": program} | ({"expression": comparison[0]} if comparison else {"statement": test["code"]})
    )


def _passes_one(program: str, test: dict) -> bool:
    reply = _reply(program, test)
    if test["kind"] == "stdin":
        return "output" in reply and same_output(test["output"], reply["output"])
    if test["kind"] == "call":
        return "value" in reply and _same_result(test["output"], _value(reply))
    comparison = _comparison(test["code"])
    if comparison is None:
        return reply == {"passed": True}
    return "value" in reply and _value(reply) == comparison[1]


def _comparison(statement: str) -> tuple[str, object] | None:
    """`assert EXPRESSION == LITERAL` as (expression, the literal's value); None for any other statement."""
    try:
        match ast.parse(statement.strip()).body:
            case [ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]))]:
                return ast.unparse(left), ast.literal_eval(right)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    return None


def _value(reply: dict) -> object:
    try:
        return ast.literal_eval(reply["value"])
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # infinities and the like
        return NotImplemented


def same_output(expected: str, printed: str) -> bool:
    """Whether two outputs have the same words line by line; blank lines at the end and spaces do not count.

    Where the expected word has a decimal point, numbers may differ by 1e-6, relative or absolute.
    """
    want, have = ([line.split() for line in text.rstrip().splitlines()] for text in (expected, printed))
    return len(want) == len(have) and all(
        len(a) == len(b) and all(map(_same_word, a, b)) for a, b in zip(want, have, strict=True)
    )


def _same_word(want: str, have: str) -> bool:
    if want == have or "." not in want:
        return want == have
    try:
        return math.isclose(float(want), float(have), rel_tol=1e-6, abs_tol=1e-6)
    except ValueError:
        return False


def _same_result(expected: object, result: object) -> bool:
    """Equal as JSON has it: a tuple is a list. Some sets wrap the expected value into a list of one."""
    result = _jsonable(result)
    return _same(expected, result) or (isinstance(expected, list) and len(expected) == 1 and _same(expected[0], result))


def _same(expected: object, result: object) -> bool:
    if isinstance(expected, float) and type(result) in (int, float):
        return math.isclose(expected, result, rel_tol=1e-6, abs_tol=1e-6)  # type: ignore[arg-type]  # a number, by its type
    if isinstance(expected, list) and isinstance(result, list):
        return len(expected) == len(result) and all(map(_same, expected, result))
    return type(expected) is type(result) and expected == result


def _jsonable(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    return value
