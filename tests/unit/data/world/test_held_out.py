"""What nothing is trained on: harder questions and new families, who may ask for them; what a guesser scores."""

import itertools
import json
import random
import re
from types import SimpleNamespace

import pytest

from data.errors import InputError
from data.text.row import level_of, split_of
from data.world.corpus import documents
from data.world.families import HARDER, HELD_OUT, REASONING, TASKS, TRANSFER, chance, rows, verify
from data.world.reasoning.chains import chain_key
from data.world.task import Author
from stages.evaluation.beyond import beyond_training
from tests.questions import draw, read_chain, value_of

FAMILIES = [(name, language) for name, task in (HARDER | TRANSFER).items() for language in task.languages]


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_worked_solutions_are_right_and_other_answers_are_not(name, language):
    drawn = draw(name, language, 80)
    for problem, other in zip(drawn, drawn[1:] + drawn[:1], strict=True):
        row = problem.row()
        trace = HELD_OUT[name].solve(problem, random.Random(0))
        assert verify(trace.answer, row) and verify(problem.answer, row) and row["verifier"] == name
        assert not verify("97", row) and not verify("", row) and not verify(problem.question, row)
        assert verify(other.answer, row) == (other.answer == problem.answer) or "expression" in name
        assert level_of(row) == problem.info["level"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["arithmetic", "word_problem", "code_output"])
def test_long_chains_mean_what_they_say(name, language):
    for problem in draw(f"long_{name}", language, 80):
        chain = read_chain(name, problem.question)
        value, values = value_of(chain)
        assert len(chain[1]) in (6, 7) and len(chain[1]) == problem.info["level"]
        assert str(value) == problem.answer and min(values) >= 0 and max(values) <= 20
        assert problem.key == chain_key(chain)


@pytest.mark.parametrize(
    ("name", "sizes", "of"), [("long_pair_search", {7, 8}, "+"), ("pair_difference", {4, 5, 6}, "-")]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_exactly_one_pair(name, sizes, of, language):
    seen, total = set(), {"+": lambda low, high: low + high, "-": lambda low, high: high - low}[of]
    for problem in draw(name, language, 200):
        *numbers, target = map(int, re.findall(r"\d+", problem.question))
        right = [pair for pair in itertools.combinations(sorted(numbers), 2) if total(*pair) == target]
        assert len(right) == 1 and {*map(int, problem.answer.split(of))} == {*right[0]}
        assert max(numbers) <= 12 and len({*numbers}) == len(numbers) == problem.info["level"]
        seen.add(len(numbers))
        low, high = right[0]
        row = problem.row()
        for answer in (f"{high}{of}{low}", f"{low}{of}{high}", f"{high} {low}", f"{high}{of}{low}={target}"):
            assert verify(answer, row)
        for answer in (f"{high}", f"{high}{of}{high}", f"{high}{of}{low}={target + 1}", f"{low} {low} {high}"):
            assert not verify(answer, row)
    assert seen == sizes


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_story_behind_an_equation(language):
    for problem in draw("unknown_start", language, 100):
        equation, story = re.split(r"\. |。", problem.question, maxsplit=1)
        sign, operand, right = re.search(r"x([+-])(\d+)=(\d+)", equation).groups()
        x = next(x for x in range(100) if eval(f"{x}{sign}{operand}") == int(right))
        start, steps = read_chain("word_problem", story.replace("x", str(x), 1))
        assert str(value_of((start, steps))[0]) == problem.answer and 0 <= x <= 20
        undone = ("-" if sign == "+" else "+", int(operand))
        assert problem.key == chain_key((int(right), [undone, *steps])) and problem.info["level"] == 1 + len(steps)


def test_a_difference_is_searched_by_the_list():
    [problem] = draw("pair_difference", "en", 1)
    numbers, target = problem.info["numbers"], problem.info["target"]
    steps = [step["en"] for step in HELD_OUT["pair_difference"].solve(problem, random.Random(0)).steps]
    for step, (low, high) in zip(steps, itertools.combinations(numbers, 2), strict=False):
        difference = high - low
        word = "yes" if difference == target else "low" if difference < target else "high"
        assert step == f"{high}-{low}={difference} {word}"
    assert steps[-1].endswith("yes")


def test_a_difference_that_is_given_up_is_guessed():
    [problem] = draw("pair_difference", "en", 1)
    trace = HELD_OUT["pair_difference"].solve(problem, random.Random(0), Author(give_up=1.0))
    first, second = map(int, trace.answer.split("-"))
    assert len(trace.steps) <= 2 and first > second


def test_harder_content_is_in_no_family_to_train_on():
    """Longer chains, lists and expressions have keys of their own; a transfer question's numbers keep their split."""
    trained = {problem.key for name in REASONING for problem in draw(name, REASONING[name].languages[0], 400)}
    harder = {problem.key for name in HARDER for problem in draw(name, "en", 400)}
    assert not trained & harder
    lists = {problem.key: problem.split for problem in draw("pair_search", "en", 2000)}
    met = [problem for problem in draw("pair_difference", "zh", 2000) if problem.key in lists]
    assert len(met) > 100 and all(problem.split == lists[problem.key] for problem in met)
    for problem in draw("unknown_start", "en", 100):
        steps = [tuple(step) for step in problem.info["steps"]]
        assert problem.split == split_of(chain_key((problem.info["start"], steps)))


@pytest.mark.parametrize("name", HARDER | TRANSFER)
def test_nobody_can_train_on_them(name):
    for ask in (
        lambda: next(documents({"arithmetic": 1.0, name: 0.1}, 1)),
        lambda: rows({"arithmetic": 1.0, f"{name}@en": 0.1}, 3, "train", 1),
    ):
        with pytest.raises(InputError, match="is held out of all training: an evaluation alone may ask for it"):
            ask()
    assert name not in TASKS
    for split in ("validation", "test"):
        assert {row["split"] for row in rows({name: 1.0}, 5, split, 1)} == {split}


def test_questions_of_an_evaluation_are_of_its_split_and_of_no_training_row():
    settings = SimpleNamespace(
        extrapolation_tasks=dict.fromkeys(HARDER, 1.0), extrapolation_questions=60, split="test", seed=1,
        transfer_tasks=dict.fromkeys(TRANSFER, 1.0), transfer_questions=40,
    )  # fmt: skip
    found = beyond_training(SimpleNamespace(settings=settings))
    assert {name: len(drawn) for name, drawn in found.items()} == {"extrapolation": 60, "transfer": 40}
    trained = rows(dict.fromkeys(REASONING, 1.0), 1500, "train", 1)
    contents = {row["key"] for row in trained} | {row["prompt"][0]["content"] for row in trained}
    for drawn in found.values():
        assert {row["split"] for row in drawn} == {"test"} and {row["language"] for row in drawn} == {"en", "zh"}
        assert not {row["key"] for row in drawn} & contents
        assert not {row["prompt"][0]["content"] for row in drawn} & contents
    settings.extrapolation_questions = settings.transfer_questions = 0
    assert beyond_training(SimpleNamespace(settings=settings)) == {"extrapolation": [], "transfer": []}


@pytest.mark.parametrize(
    ("name", "info", "expected"),
    [
        ("arithmetic", {}, 1 / 21),
        ("equation", {}, 1 / 12),
        ("simple_equations", {}, 1 / 8),
        ("pair_search", {"numbers": [1, 2, 3, 4]}, 1 / 6),
        ("long_pair_search", {"numbers": [1, 2, 3, 4, 5, 6, 7, 8]}, 1 / 28),
        ("stem_choice", {"options": [1, 2, 3, 4, 5]}, 1 / 5),
        ("logic", {}, 1 / 2),
        # Of 24 times 24 computations: +2+3, +3+2 and, in both orders, +7-2, +8-3, +9-4; then 2*6, 3*4, 4*3, 6*2.
        ("expression", {"steps": [["+", 2], ["+", 3]]}, 8 / 576),
        ("expression", {"steps": [["*", 3], ["*", 4]]}, 4 / 576),
        ("gcd", {"metadata": {"numbers": [12, 18]}}, 1 / 12),
        ("basic_arithmetic", {}, 1 / 21),
        ("knights_knaves", {}, 1 / 8),
        ("jugs", {}, None),
        ("facts", {}, None),
        ("math", {}, None),
        ("choice", {"choices": ["a", "b", "c", "d"]}, 1 / 4),
        ("choice", {}, None),
    ],
)
def test_chance_by_hand(name, info, expected):
    found = chance({"verifier": name, "info": json.dumps(info)})
    assert found == (expected if expected is None else pytest.approx(expected, abs=1e-12))


def test_simple_equations_have_the_eight_answers_that_a_guesser_knows():
    assert {problem.answer for problem in draw("simple_equations", "en", 400)} == set("23456789")
