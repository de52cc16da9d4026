"""Whether the thought of a right answer comes to it, by hand for each family."""

import json
import random

import pytest

from data.text.chat import parse, render_completion
from data.text.language import LANGUAGES
from data.world.corpus import join_steps
from data.world.families import HARDER, REASONING, TRANSFER, family, holds, rows
from data.world.task import Author, Problem
from data.world.written import worked_completion
from tests.unit.data.world.test_verdicts import ODD


def row_of(verifier, answer, **info):
    return {"verifier": verifier, "answer": answer, "info": json.dumps(info)}


CHAIN, PAIR = row_of("arithmetic", "3"), row_of("pair_search", "2+7", target=9, numbers=[2, 5, 7, 8])
STEM, LOGIC = row_of("stem_choice", "E", value=6), row_of("logic", "false")
EXPRESSION = row_of("expression", "(x-3)*8", tests=[])


@pytest.mark.parametrize(
    ("row", "answer", "thought", "found"),
    [
        (CHAIN, "3", "first 4-2=2, then 2+1=3.", True),
        (CHAIN, "03", "first 4-2=2, then 2+1=3.", True),
        (CHAIN, "3", "first 4-2=2, then 2+3=5.", False),  # a number that is used is no result
        (CHAIN, "3", "first 4-2=2, then 2+1=31.", False),
        (CHAIN, "3", "", False),
        (PAIR, "2+7", "2+5=7 low, 2+7=9 yes.", True),
        (PAIR, "7+2", "2+5=7 小,2+7=9 对。", True),
        (PAIR, "2+7", "7+2=9 yes.", True),
        (PAIR, "2+7", "2+5=7 low, guess.", False),
        (PAIR, "2+7", "2+7=8 low, guess.", False),  # tried, and taken for wrong
        (PAIR, "2+7", "12+7=9 yes.", False),
        (PAIR, "no pair", "2+7=9 yes.", False),
        (STEM, "E", "mass 18/3=6, A 18 high, E 6 yes.", True),
        (STEM, "E", "质量18/3=6,A18 大,E6 对。", True),
        (STEM, "E", "mass 18/3=6, A 18 high, guess.", False),
        (STEM, "E", "mass 18/3=6, E 6 high, guess.", False),
        (STEM, "E", "E 7 yes.", False),
        (LOGIC, "false", "p true not p false, first false or false=false.", True),
        (LOGIC, "false", "先假或假=假。", True),
        (LOGIC, "false", "p true not p false, q false.", False),  # values that are given
        (LOGIC, "假", "first false or true=true.", False),
        (EXPRESSION, "(x-3)*8", "first x-3, then (x-3)*8.", True),
        (EXPRESSION, "`(x-3)*8`", "first x-3, then (x-3)*8.", True),
        (EXPRESSION, "(x-3)*8", "first x-3.", False),
        (row_of("gcd", "4"), "4", "4 divides 20", True),
        (row_of("gcd", "4"), "4", "the greatest is 14", False),
        (row_of("math", r"\frac12"), r"\frac12", r"so x = \frac12", True),
        (row_of("choice", "B", choices=["1", "2"]), "B", "it must be two", False),
    ],
)
def test_by_hand(row, answer, thought, found):
    for text in (
        render_completion(thought, rf"The answer is \boxed{{{answer}}}."),
        f" <think> {thought} </think> <answer> {answer} </answer>",
        rf"{thought} The answer is \boxed{{{answer}}}.",  # no tags: what stands before the answer
    ):
        assert holds(text, parse(text), row) is found, text


def test_an_empty_thought_holds_nothing_whatever_stands_behind_it():
    text = render_completion("", r"2+1=3. The answer is \boxed{3}.")
    assert holds(text, parse(text), CHAIN) is False


@pytest.mark.parametrize("verifier", ["code_tests", "instructions"])
def test_of_a_whole_answer_nobody_can_say(verifier):
    text = render_completion("so", "print(1)")
    assert holds(text, parse(text), row_of(verifier, "print(1)", tests=[])) is None
    assert holds("", parse(""), CHAIN) is None  # no answer, nothing to hold


@pytest.mark.parametrize("name", [*REASONING, *HARDER, *TRANSFER])
def test_a_worked_solution_holds_its_answer_in_either_language(name):
    task, _ = family(name)
    for row in rows({name: 1.0}, 12, "test", 4):
        trace = task.solve(Problem.from_row(row), random.Random(1))
        for language in LANGUAGES:
            assert task.holds(join_steps(trace, [language] * len(trace.steps)), trace.answer, row)
        assert not task.holds("", row["answer"], row)


def test_a_search_that_is_given_up_does_not_hold_its_guess():
    found = []
    for row in rows({"pair_search": 1.0, "stem_choice": 1.0}, 200, "train", 6):
        text, answer = worked_completion(row, "chat", author=Author(give_up=1.0))
        if answer == row["answer"]:
            found.append((holds(text, parse(text), row), "guess" not in text and "猜" not in text))
    assert found and all(held == hit for held, hit in found)
    assert {held for held, _ in found} == {True, False}


@pytest.mark.parametrize("name", [*REASONING, *HARDER, *TRANSFER])
def test_no_answer_makes_it_fail(name):
    task, _ = family(name)
    row = rows({name: 1.0}, 1, "test", 4)[0]
    assert all(task.holds(thought, answer, row) in (True, False) for answer in ODD for thought in ("", "2+7=9 yes."))
