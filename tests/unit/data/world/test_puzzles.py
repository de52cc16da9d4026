"""Puzzles of reasoning-gym: a verifier and no worked solution, for prompts alone."""

import json
import math
import re
from types import SimpleNamespace

import pytest

from data.errors import InputError
from data.text.chat import parse
from data.text.row import split_of
from data.text.summary import closing
from data.world.corpus import documents
from data.world.families import PUZZLES, REASONING, rows, verify
from data.world.long_cot import long_thought
from data.world.task import Problem
from data.world.written import worked_completion
from stages.core.rewards.rules import RULES
from stages.core.rewards.self_test import self_test
from stages.core.sampling.candidates import with_summary
from stages.core.sampling.query_filters import several_questions
from stages.kimi_k15.vanilla_sft import short_answer
from tests.questions import draw
from tests.unit.core.rewards.test_rewards import completion

COUNTS = dict.fromkeys(PUZZLES, 50) | {"zebra_puzzles": 12}  # these take long to make


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[dict]]:
    return {name: rows({name: 1.0}, count, "train", 1) for name, count in COUNTS.items()}


@pytest.mark.parametrize("name", PUZZLES)
def test_the_gold_answer_is_right_and_others_are_not(drawn, name):
    others = 0
    for row, other in zip(drawn[name], drawn[name][1:] + drawn[name][:1], strict=True):
        assert verify(row["answer"], row) and row["domain"] == PUZZLES[name].domain and row["source"] == "reasoning-gym"
        assert len(row["answer"]) < 250 and not several_questions(row["prompt"][0]["content"])
        for answer in ("", "pass", "97", "[]", "[" * 5000, "A=1", row["prompt"][0]["content"]):
            assert not verify(answer, row), (answer, row)
        others += verify(other["answer"], row) and other["answer"] != row["answer"]
    # jugs of other sizes may be filled by the same moves, and nothing else is right in two ways
    assert others <= (8 if name == "jugs" else 0)


def test_the_scorers_see_what_the_puzzle_is(drawn):
    row = drawn["cryptarithm"][0]
    swapped = ",".join(reversed(row["answer"].split(",")))
    assert verify(swapped, row)
    info = json.loads(row["info"])
    info["metadata"]["result_letters"] += "A"
    assert not verify(row["answer"], row | {"info": json.dumps(info)})
    row = drawn["jugs"][0]
    longer = json.dumps(["fill A", "empty A", *json.loads(row["answer"])])
    assert verify(longer, row) and not verify(json.dumps(json.loads(row["answer"])[:-1]), row)


def test_one_knight_of_three_is_not_enough(drawn):
    row = drawn["knights_knaves"][0]
    terms = json.loads(row["info"])["metadata"]["knight_knave_terms"]
    roles = [terms["knight"], terms["knave"]]
    said = row["answer"]
    first = said.split(",")[0]
    role = next(role for role in roles if role in first)
    assert not verify(said.replace(first, first.replace(role, roles[1 - roles.index(role)]), 1), row)
    assert not verify(first, row)


@pytest.mark.parametrize("name", PUZZLES)
def test_rows_are_the_same_every_time_and_of_one_split(drawn, name):
    count = COUNTS[name]
    assert rows({name: 1.0}, count, "train", 1) == drawn[name]
    assert rows({name: 1.0}, 3, "train", 2) != drawn[name][:3]
    splits = {}
    for problem in draw(name, "en", count):
        content = problem.question if name != "gcd" else " ".join(sorted(re.findall(r"\d+", problem.question), key=int))
        assert problem.key == f"{name} {content}" and problem.split == split_of(problem.key)
        splits.setdefault(problem.split, set()).add(problem.question)
    assert splits.keys() > {"train"} and len(set.union(*splits.values())) == sum(map(len, splits.values()))
    assert {row["language"] for row in drawn[name]} == {"en"}
    with pytest.raises(InputError, match="no task family"):
        rows({f"{name}@zh": 1.0}, 3, "train", 1)


@pytest.mark.parametrize("name", PUZZLES)
def test_where_a_worked_solution_is_asked_for_one_sentence_says_that_there_is_none(drawn, name):
    row, settings = drawn[name][0], SimpleNamespace(short_steps=5, direct_fraction=0.0)
    asking = (
        lambda: PUZZLES[name].solve(Problem.from_row(row), None),
        lambda: [text for text, _ in zip(documents({name: 1.0}, 3), range(20), strict=False)],
        lambda: short_answer(row, settings, None),
        lambda: long_thought(row, None, 0.0),
    )
    for ask in asking:
        with pytest.raises(InputError, match=f"'{name}' has a verifier and no worked solutions: ") as error:
            ask()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("template", ["r1_zero", "chat"])
def test_the_self_test_of_rl_has_a_gold_and_a_wrong_answer(drawn, tokenizer, template):
    for found in drawn.values():
        text, answer = worked_completion(found[0], template)
        assert answer == found[0]["answer"]
        scores = {
            rule: RULES[rule](completion(text, template), found[0]) for rule in ("accuracy", "format", "language")
        }
        assert scores == {"accuracy": 1.0, "format": 1.0, "language": 1.0}
        means = self_test(["accuracy", "format", "language"], found[:4], PlainTokenizer(), template)
        assert means["accuracy/gold"] == 1.0 and means["accuracy/wrong"] == 0.0


class PlainTokenizer:
    """Text as it is: the tiny tokenizer has no word for what these puzzles say."""

    def __call__(self, text, **_):
        return {"input_ids": [*map(ord, text)]}

    def decode(self, ids, **_):
        return "".join(map(chr, ids))


def test_a_thought_about_a_puzzle_keeps_its_last_paragraph(drawn, tokenizer):
    row = drawn["zebra_puzzles"][0]
    said = parse(f"<think>\nOne, two.\n\nSo it is he.\n</think>\n\n\\boxed{{{row['answer']}}}")
    candidate = SimpleNamespace(row=row, sample=SimpleNamespace(thinking=said.thinking, parsed=said))
    written = with_summary(candidate, tokenizer)["completion"]
    assert written.endswith(closing(said.thinking, said, row)) and "\n\nSo it is he.\n\nThe answer is" in written


def test_products_come_first_where_the_world_goes_from_left_to_right():
    as_ever = 0
    for problem in draw("basic_arithmetic", "en", 200):
        shown = re.fullmatch(r"Calculate ([1-9](?: [-+*] [1-9]){2,3})\.", problem.question)[1]
        assert "*" in shown and 0 <= eval(shown) <= 20 and problem.answer == str(eval(shown))
        assert problem.info["level"] == len(re.findall(r"\d", shown))
        value, *steps = shown.split(" ")
        for sign, number in zip(steps[::2], steps[1::2], strict=True):
            value = str(eval(value + sign + number))
        as_ever += value == problem.answer
    assert 60 < as_ever < 150  # what was seen solves some, which RL needs to begin with, and not all


def test_the_greatest_common_divisor_of_two():
    for problem in draw("gcd", "en", 200):
        first, second = map(int, re.findall(r"\d+", problem.question))
        assert min(first, second) >= 2 and max(first, second) <= 20 and problem.answer == str(math.gcd(first, second))


def test_no_puzzle_has_the_name_of_a_family_of_the_tiny_world():
    assert not PUZZLES.keys() & REASONING.keys()
