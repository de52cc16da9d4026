"""The tests of public code problems: those stay that the right program passes and that expose its mutants."""

import ast
import json
import random

import pytest

from data.public.given_tests import curate, mutants
from data.verifiers.programs import Program

LARGEST = "numbers = list(map(int, input().split()))\nprint(max(numbers) if len(numbers) > 1 else numbers[0])\n"
DOUBLE = "class Solution:\n    def double(self, x):\n        return x * 2 if x >= 0 else -(abs(x) * 2)\n"


def stdin(given: str, wanted: str) -> dict:
    return {"kind": "stdin", "input": given, "output": wanted}


def call(given: list, wanted: object) -> dict:
    return {"kind": "call", "function": "double", "input": given, "output": wanted}


def problem(answer: str, *tests: dict, setup: str = "") -> dict:
    info = {"tests": list(tests), "setup": setup, "question": "q"}
    return {"id": "1", "verifier": "code_tests", "answer": answer, "info": json.dumps(info)}


def kept_of(row: dict) -> list[dict]:
    return json.loads(row["info"])["tests"]


def test_of_stdin_tests_those_stay_that_expose_a_mutant():
    ones = "n, m = map(int, input().split())\nprint(n * m)\n"
    blind, telling, wrong = stdin("2 2\n", "4\n"), stdin("3 5\n", "15\n"), stdin("3 5\n", "16\n")
    [row], counts = curate([problem(ones, blind, telling, wrong)], 0)  # n + m is the one mutant
    assert kept_of(row) == [telling]
    assert counts == {"total": 1, "valid_cases": 0, "telling": 0, "kept": 1}
    assert json.loads(row["info"])["question"] == "q" and Program().verify(ones, row)


def test_of_call_tests_too():
    blind, telling = call([0], 0), call([7], 14)
    [row], _ = curate([problem(f"```python\n{DOUBLE}```", blind, telling)], 0)
    assert telling in kept_of(row)
    assert not Program().verify(DOUBLE.replace("* 2", "+ 2"), row)


def test_of_assert_tests_too():
    blind, telling = ({"kind": "assert", "code": f"assert f({x}) == {x * x}"} for x in (2, 3))
    [row], _ = curate([problem("def f(x):\n    return x * x", blind, telling)], 0)  # x + x is the one mutant
    assert kept_of(row) == [telling]


@pytest.mark.parametrize(
    ("answer", "tests", "rule"),
    [
        ("print(7)", [stdin("", "8")], "valid_cases"),  # its own answer fails
        ("print 7", [stdin("", "7")], "valid_cases"),  # Python 2
        ("print(input())", [stdin("a", "a")], "telling"),  # nothing to change
        ("n, m = map(int, input().split())\nprint(n * m)", [stdin("2 2", "4"), stdin("0 0", "0")], "telling"),
        ("", [stdin("", "")], "valid_cases"),
    ],
)
def test_problems_go_by_the_first_rule_that_they_break(answer, tests, rule):
    kept, counts = curate([problem(answer, *tests)], 0)
    assert kept == [] and counts[rule] == 1 and sum(counts.values()) == 2


def test_the_same_seed_keeps_the_same():
    row = problem(LARGEST, stdin("3 9 4\n", "9"), stdin("5\n", "5"), stdin("2 1\n", "2"))
    assert curate([row], 3) == curate([row], 3)


def test_mutants_differ_from_the_program_and_from_each_other():
    code = "for i in range(3):\n    if i < 2 and i != 1:\n        print(i + 10)\n"
    found = mutants(code, random.Random(0), 50)
    assert len(found) == len(set(found)) == 13 and ast.unparse(ast.parse(code)) not in found
    assert "range(4)" in "".join(found) and "i <= 2" in "".join(found) and "i - 10" in "".join(found)
    assert len(mutants(code, random.Random(0), 4)) == 4
    assert mutants(code, random.Random(1), 4) != mutants(code, random.Random(2), 4)


def test_loops_that_may_not_end_are_changed_last():
    code = "i = 0\nwhile i < 9:\n    i += 1\nprint(i % 4)\n"
    first = mutants(code, random.Random(0), 5)  # 0 and 4 up and down, % to //
    assert all("while i < 9:\n    i += 1" in mutant for mutant in first)
    assert set(first) < set(mutants(code, random.Random(0), 50))


@pytest.mark.parametrize("code", ["print 7", "", "(" * 500, "\x00", "x = " + "-" * 5_000 + "1"])
def test_what_is_no_python_has_no_mutants(code):
    assert mutants(code, random.Random(0), 5) == []
