"""The weak verifier takes what the exact one takes, and what only looks right."""

import json

import pytest

from data.text.chat import parse, render_completion
from data.world import families
from data.world.families import REASONING, rows, verify
from data.world.weak import weakly_right
from data.world.written import worked_completion


def a_row(name):
    return next(row for row in rows({name: 1.0}, 40, "train", 3) if row["language"] == "en")


def passes(text, row):
    return weakly_right(text, parse(text), row), verify(parse(text), row)


@pytest.mark.parametrize("template", ["r1_zero", "chat"])
@pytest.mark.parametrize("name", REASONING)
def test_what_is_right_passes_and_what_says_nothing_does_not(name, template):
    for row in rows({name: 1.0}, 20, "train", 5):
        assert passes(worked_completion(row, template)[0], row) == (True, True)
        assert passes("", row) == passes("<think> so </think> <answer> </answer>", row) == (False, False)


@pytest.mark.parametrize("name", [name for name in REASONING if name != "expression"])
def test_a_right_answer_on_the_way_to_a_wrong_one_passes(name):
    row = a_row(name)
    assert passes(render_completion(f"so {row['answer']}, or", "I do not know"), row) == (True, False)


def test_a_choice_passes_that_names_all_letters():
    row = a_row("stem_choice")
    wrong = "B" if row["answer"] == "A" else "A"
    assert passes(render_completion("A B C D E F G H", wrong), row) == (True, False)
    assert passes(render_completion("so", wrong), row) == (False, False)


def test_an_answer_that_is_written_otherwise_than_the_reference_passes():
    row = a_row("pair_search")
    first, second = row["answer"].split("+")
    assert passes(render_completion("so", f"{second}+{first}"), row) == (True, True)


def test_an_expression_needs_its_first_two_tests_alone():
    """Two inputs determine a line: nothing passes unduly but what bends behind them."""
    row = a_row("expression")
    assert [x for x, _ in json.loads(row["info"])["tests"]][:2] == [0, 1]
    right = row["answer"]
    assert passes(f"<think>so</think> {right} if x < 2 else 0", row) == (True, False)
    assert passes(f"<think>{right}</think> {right}+x", row) == (False, False)  # that it stands there is not enough


def test_a_program_needs_its_first_two_tests_alone(monkeypatch):
    judged = []

    class Program:
        reads = "answer"

        def verify(self, answer, row):
            judged.append(row)
            return True

    monkeypatch.setitem(families.VERIFIERS, "code_tests", Program())
    tests = [{"kind": "stdin", "input": str(number), "output": str(number)} for number in range(5)]
    row = a_row("expression") | {"verifier": "code_tests", "info": json.dumps({"tests": tests, "setup": "import re"})}
    assert weakly_right("print(input())", parse("print(input())"), row)
    assert json.loads(judged[0]["info"]) == {"tests": tests[:2], "setup": "import re"}
    assert json.loads(row["info"])["tests"] == tests
