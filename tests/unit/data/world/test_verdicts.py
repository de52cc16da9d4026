"""Verdicts with reasons: what is explained is what is judged, and no answer makes a verifier fail."""

import pytest

from data.text.chat import parse
from data.world.families import GENERAL, PUZZLES, REASONING, TASKS, explain, rows, verify
from data.world.task import Problem

ODD = (
    "", " ", "\n\n", "9" * 5000, "-" + "9" * 5000, "1" * 5000 + "+" + "1" * 5000, "1e999999999", "nan", "inf", "-0",
    "0x10", "1_000", "\u0663", "\u00b2", "\u2460", "\ud800", "\x00", "(" * 5000, "[" * 5000 + "]" * 5000, "{}", "null",
    "true", "A" * 5000, "A=1,A=1", "=,=", "a=b=c", "1,2,3", ",", "x", "x" + "*x" * 3000, "x**9**9**9",
       "A is a knight", "a knight" * 2000, "答案", "\\boxed{}", "\\boxed{", "1/0", "0/0", "7.0000000000000000000001",
)  # fmt: skip


def a_row(name):
    [row] = rows({name: 1.0}, 1, "train", 3)
    return row


@pytest.mark.parametrize("name", TASKS)
def test_what_is_explained_is_what_is_judged_and_no_answer_makes_it_fail(name):
    row = a_row(name)
    for answer in (row["answer"], *ODD):
        verdict = explain(answer, row)
        assert verdict.right == verify(answer, row) and verdict.reason and len(verdict.reason) < 300
    for answer in ODD:
        assert explain(parse(answer), row).right == verify(parse(answer), row)


@pytest.mark.parametrize("name", REASONING | PUZZLES)
def test_a_right_answer_and_a_wrong_one_say_what_was_read(name):
    row = a_row(name)
    right = explain(row["answer"], row)
    assert right.right and right.read
    wrong = explain("no such thing", row)
    assert not wrong.right and "`no such thing`" in wrong.reason


@pytest.mark.parametrize("name", GENERAL)
def test_a_general_answer_is_judged_by_what_it_says(name):
    row = a_row(name)
    best = GENERAL[name].best_answer(Problem.from_row(row))
    assert explain(best, row).right and not explain("quite another thing", row).right
    assert explain(best, row).reason != explain("quite another thing", row).reason


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("<think> so it is 7", "never closed"),
        ("<think> so </think>", "nothing stands behind the thinking"),
        ("<think> so </think> <answer> </answer>", "there is no answer"),
        ("<think> so </think> \\boxed{}", "no final answer"),
    ],
)
def test_a_completion_without_an_answer_says_so(completion, reason):
    verdict = explain(parse(completion), a_row("equation"))
    assert not verdict.right and verdict.read is None and reason in verdict.reason


def test_a_final_answer_that_is_to_be_marked_and_is_not():
    row = a_row("equation") | {"verifier": "math", "info": '{"answer_form": "marked"}'}
    assert "no box and no answer tag" in explain(parse(f"<think> so </think> {row['answer']}"), row).reason


def test_a_reason_shows_an_answer_on_one_line_and_not_whole():
    reason = explain("seven\n" + "8 " * 900, a_row("arithmetic")).reason
    assert "\n" not in reason and "characters)" in reason and len(reason) < 200
