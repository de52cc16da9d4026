"""Programs, run against the tests of a row in a sandbox.

A test is one of
  {"kind": "stdin", "input": text, "output": text}: the program reads and prints,
  {"kind": "call", "function": name, "input": [arguments], "output": value}: a function (or a method of `Solution`),
  {"kind": "assert", "code": statements}.
The program's sandbox gets inputs and gives back plain data: what a test expects never goes there (data/judge).
"""

import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, ClassVar, Literal, TypeVar

from data.judge.compare import canonical_value, equal, lines_of, same_json, same_output
from data.judge.jobs import REFUSED, Reply, replies
from data.judge.plain import Malformed, decode
from data.text.row import Row, row_info
from data.verifiers.asserts import as_calls
from data.verifiers.verdict import Verdict, shown

MAX_CODE = 50_000
"""Characters of a program."""
_REMEMBERED = 10_000
_SHORT = 1_000
_FIELDS: dict[str, dict[str, type]] = {
    "stdin": {"input": str, "output": str},
    "call": {"function": str, "input": list, "output": object},
    "assert": {"code": str},
}

T = TypeVar("T")


class Program:
    """`info` of the row holds the `tests`, and `setup`: code that goes before the program."""

    reads: ClassVar[Literal["final", "answer"]] = "answer"

    def verify(self, answer: str, row: Row) -> bool:
        """Whether the last fenced block of an answer (a bare program is its own block) passes every test."""
        return self.explain(answer, row).right

    def explain(self, answer: str, row: Row) -> Verdict:
        """The verdict of `verify`, with the program as read and the first test that it fails."""
        info, code = row_info(row), code_of(answer)
        why = _unfit(code) or _unreadable(info)
        if why:
            return Verdict(False, code, why)
        tests, setup = info["tests"], info.get("setup") or ""
        failure = _remembered(_failures, (code, setup, tests), lambda: _failure(code, setup, tests))
        return Verdict(not failure, code, failure or f"it passes all {len(tests)} tests")

    def canonical(self, answer: str, row: Row) -> str:
        """What the program makes of each test's input; one that fails on all of them is its own text."""
        info, code = row_info(row), code_of(answer).strip()
        made = [] if _unfit(code) or _unreadable(info) else results(code, info.get("setup") or "", info["tests"])
        return f"results {json.dumps(made)}" if any(made) else code


def results(code: str, setup: str, tests: list[dict]) -> list[str | None]:
    """One text for what a program makes of each test's input, or of each call of a test's asserts; None for a failure.

    What a test takes for the same has the same text. What tests of kinds stdin and call expect is not read.
    """
    return _remembered(_results, (code, setup, tests), lambda: _result_texts(code, setup, tests))


# -- the program of an answer


def code_of(answer: str) -> str:
    """The last fenced block of a text, as Markdown has them, or the whole text where there is none that ends."""
    found, mark, indent = answer, "", 0
    block: list[str] = []
    for line in answer.split("\n"):
        fence = _fence(line)
        if not mark and fence:
            mark, indent, block = fence, len(line) - len(line.lstrip(" \t")), []
        elif mark and fence.startswith(mark) and line.strip(" \t\r") == fence:
            found, mark = "".join(f"{line}\n" for line in block), ""
        elif mark:
            margin = min(indent, len(line) - len(line.lstrip(" \t")))
            block.append(line[margin:])
    return found


def _fence(line: str) -> str:
    """The marks that a line begins with if it may open or close a block, else nothing."""
    line = line.lstrip(" \t")
    for mark in ("`", "~"):
        rest = line.lstrip(mark)
        if len(line) - len(rest) >= 3 and not (mark == "`" and mark in rest):
            return line[: len(line) - len(rest)]
    return ""


def _unfit(code: str) -> str | None:
    if not code.strip():
        return "there is no program"
    return f"the program is longer than {MAX_CODE} characters" if len(code) > MAX_CODE else None


def _unreadable(info: dict) -> str | None:
    """Why the tests of a row judge nothing."""
    tests = info.get("tests")
    if not isinstance(tests, list) or not tests:
        return "the row has no tests"
    for number, test in enumerate(tests, 1):
        fields = _FIELDS.get(str(test.get("kind"))) if isinstance(test, dict) else None
        if fields is None:
            return f"test {number} of the row has no kind; allowed are {', '.join(_FIELDS)}"
        for name, kind in fields.items():
            if name not in test or not isinstance(test[name], kind):
                return f"test {number} of the row, of kind {test['kind']}, lacks {name} or has another type there"
    return None


# -- its tests


def _failure(code: str, setup: str, tests: list[dict], alone: bool = False) -> tuple[str, bool]:
    """Why a program fails, "" where it does not, and whether that would be so again.

    Where a test fails after others and not alone, what a run left behind may have done it: all are judged alone. Not
    that test only, or a program that guesses had two tries at each.
    """
    asked = [(number, call) for number, test in enumerate(tests, 1) for call in _asked(test)]
    with closing(replies(code, setup, [call for _, call in asked], alone)) as made:
        for (number, test), reply in zip(asked, made, strict=True):
            if why := _wrong(test, reply):
                if reply.settled and not reply.alone and not _wrong(test, made.send(True)):
                    return _failure(code, setup, tests, alone=True)
                _refused.update([why.removeprefix(REFUSED)] if why.startswith(REFUSED) else [])
                return f"test {number} of {len(tests)}: {why}", reply.settled
    return "", True


def _asked(test: dict) -> list[dict[str, Any]]:
    return as_calls(test) if test["kind"] == "assert" else [test]


def _wrong(test: dict, reply: Reply) -> str:
    """What is wrong with a reply; "" for nothing."""
    if reply.held:
        return ""
    if reply.output is not None:
        right, made = same_output(test["output"], reply.output), ascii(reply.output)[1:-1]
        return "" if right else f"it prints {shown(made)}, not {shown(ascii(test['output'])[1:-1])}"
    if reply.value is not None:
        right = (equal if test.get("exact") else same_json)(test["output"], reply.value)
        return "" if right else f"it gives {shown(_written(reply.value))}, not {shown(ascii(test['output']))}"
    return reply.failure or "it gives nothing"


def _written(text: str) -> str:
    """Plain data as Python writes it, where that is short."""
    with suppress(Malformed):
        text = ascii(decode(text)) if len(text) < _SHORT else text
    return text if text.isprintable() else ascii(text)


def _result_texts(code: str, setup: str, tests: list[dict]) -> tuple[list[str | None], bool]:
    made = list(replies(code, setup, [call for test in tests for call in _asked(test)]))
    return list(map(_result_text, made)), all(reply.settled for reply in made)


def _result_text(reply: Reply) -> str | None:
    if reply.held:
        return "passed"
    if reply.output is not None:
        return json.dumps(lines_of(reply.output))
    return None if reply.value is None else canonical_value(reply.value)


def refused_programs() -> str:
    """A sentence on the programs of this process whose values could not be judged; "" where there were none."""
    reasons = "; ".join(f"{why} ({count})" for why, count in _refused.most_common(3))
    return f"{_refused.total()} programs were refused: {reasons}" if _refused else ""


# -- what has been judged before


_refused: Counter[str] = Counter()


_failures: OrderedDict[bytes, str] = OrderedDict()
_results: OrderedDict[bytes, list[str | None]] = OrderedDict()


def _remembered(memory: OrderedDict[bytes, T], key: tuple, make: Callable[[], tuple[T, bool]]) -> T:
    """What `make` gave for a key before; it says itself whether that is worth keeping."""
    name = hashlib.sha256(json.dumps(key).encode()).digest()
    if name in memory:
        return memory[name]
    made, settled = make()
    if settled:
        memory[name] = made
        if len(memory) > _REMEMBERED:
            memory.popitem(last=False)
    return made
