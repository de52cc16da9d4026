"""Benchmarks beyond training: questions that are harder or of new families, by level, beside what a guesser scores."""

import math
import re
from types import SimpleNamespace

import pytest

from data.text.completion import Completion
from data.text.row import last_turn
from data.world.families import HARDER, TRANSFER, rows
from stages.core.sampling.engine import Decoding
from stages.evaluation import beyond
from stages.evaluation.benchmarks import reasoning
from stages.evaluation.recorder import Recorder
from stages.evaluation.results import LEADING, lines

SETTINGS = SimpleNamespace(
    seed=1, split="test", temperature=0.6, top_p=0.95, top_k=0, presence_penalty=0.0, max_completion_length=20,
    samples_per_question=2, bootstrap_samples=50, by_data_set={}, opening="", measures=[], pass_k_samples=2,
    pass_k_questions=5,
    extrapolation_tasks=dict.fromkeys(HARDER, 1.0), extrapolation_questions=30, extrapolation_max_completion_length=44,
    transfer_tasks=dict.fromkeys(TRANSFER, 1.0), transfer_questions=20,
)  # fmt: skip
DECODING = Decoding(0.6, 20, 0.95, 0, 0.0)


@pytest.fixture
def recorder():
    return Recorder(SimpleNamespace(recipe="mine", scale="test", settings=SETTINGS))


class Knows:
    """Answers rightly in its first sample where `right` says so, and keeps how much room it was given."""

    def __init__(self, right):
        self.right, self.room = right, set()

    def answer(self, questions, samples, decoding, seed, **switches):
        self.room.add((questions[0]["task"] in HARDER, decoding.max_tokens))
        return [
            [
                Completion(f"\\boxed{{{row['answer'] if self.right(row) and not number else '97'}}}", 5, True, "chat")
                for number in range(samples)
            ]
            for row in questions
        ]


def table(recorder):
    return {(row["benchmark"], row["metric"]): row for row in recorder.results}


def test_each_family_and_level_counts_for_itself(recorder):
    asked = beyond.beyond_training(recorder.run)
    engine = Knows(lambda row: row["task"] in ("long_pair_search", "unknown_start"))
    beyond.harder_or_new(recorder, "model", engine, asked, DECODING)
    found = table(recorder)
    searches = [row for row in asked["extrapolation"] if row["task"] == "long_pair_search"]
    assert found["extrapolation", "pass@1"]["value"] == pytest.approx(len(searches) / 30 / 2)
    assert found["extrapolation", "pass@1 (7 numbers)"]["value"] == 0.5
    assert (
        found["extrapolation", "pass@1 (6 steps)"]["value"] == found["extrapolation", "pass@1 (7 steps)"]["value"] == 0
    )
    assert found["transfer", "pass@1 (unknown_start)"]["value"] == 0.5
    assert found["transfer", "pass@1 (pair_difference)"]["value"] == 0
    by_level = [row for (name, metric), row in found.items() if name == "extrapolation" and "(" in metric]
    assert sum(row["n"] for row in by_level) == found["extrapolation", "pass@1"]["n"] == 30
    assert found["extrapolation", "mean_tokens"]["value"] == 5
    assert engine.room == {(True, 44), (False, 20)}
    assert {row["benchmark"] for row in recorder.completions} == {"extrapolation", "transfer"}


def test_chance_is_the_mean_of_what_a_guesser_scores(recorder):
    asked = beyond.beyond_training(recorder.run)
    beyond.harder_or_new(recorder, "model", Knows(lambda row: True), asked, DECODING)
    pairs = [row for row in asked["transfer"] if row["task"] == "pair_difference"]
    listed = [len(re.findall(r"\d+", last_turn(row))) - 1 for row in pairs]  # the last one is the difference
    by_hand = [1 / math.comb(count, 2) for count in listed]
    expected = (sum(by_hand) + (20 - len(pairs)) / 21) / 20
    assert table(recorder)["transfer", "chance"]["value"] == pytest.approx(expected, abs=1e-12)


def test_nothing_is_asked_without_questions(recorder):
    none = SimpleNamespace(**vars(SETTINGS) | {"extrapolation_questions": 0, "transfer_questions": 0})
    asked = beyond.beyond_training(SimpleNamespace(settings=none))
    engine = Knows(lambda row: True)
    beyond.harder_or_new(recorder, "model", engine, asked, DECODING)
    assert not recorder.results and not recorder.completions and not engine.room


def test_reasoning_has_chance_and_levels(recorder):
    questions = rows({"stem_choice": 1.0, "logic": 1.0, "arithmetic": 1.0}, 60, "test", 1)
    engine = Knows(lambda row: row["task"] == "stem_choice")
    reasoning(recorder, "model", engine, questions, engine.answer(questions, 2, DECODING, 1), DECODING)
    found = table(recorder)
    options = [len(re.findall(r"[A-H] ?\d+", last_turn(row))) for row in questions if row["task"] == "stem_choice"]
    truths = sum(row["task"] == "logic" for row in questions)
    by_hand = (sum(1 / count for count in options) + truths / 2) / (len(options) + truths)
    assert found["stem", "chance"]["value"] == pytest.approx(by_hand, abs=1e-12)
    assert found["math", "chance"]["value"] == pytest.approx(1 / 21)
    assert found["levels", "pass@1 (3 variables)"]["value"] == 0
    assert found["levels", "pass@1 (4 options)"]["value"] == 0.5
    shown = [(line.benchmark, line.metric) for line in lines(recorder.results, LEADING)]
    place = shown.index(("stem", "pass@1"))
    assert shown[place + 1] == ("stem", "chance")
    assert "levels" not in dict(shown) and "levels" in {line.benchmark for line in lines(recorder.results)}


def test_a_level_in_words():
    def said(verifier, info):
        return beyond.level_in_words({"verifier": verifier, "info": info})

    assert said("equation", '{"level": 1}') == "1 step" and said("equation", '{"level": 2}') == "2 steps"
    assert said("pair_search", '{"level": 4}') == "4 numbers"
    assert said("equation", "{}") is said("gcd", "{}") is said("math", '{"level": "Level 5"}') is None


def test_no_chance_where_one_question_has_none(recorder):
    questions = rows({"cryptarithm": 1.0, "logic": 1.0}, 12, "test", 1)
    assert {row["task"] for row in questions} == {"cryptarithm", "logic"}
    beyond.guessed(recorder, "model", "stem", {"world_stem": list(range(12))}, questions)
    assert not recorder.results
    of_logic = [place for place, row in enumerate(questions) if row["task"] == "logic"]
    others = [place for place in range(12) if place not in of_logic]
    beyond.guessed(recorder, "model", "stem", {"known": of_logic, "unknown": others}, questions)
    assert [(row["benchmark"], row["metric"], row["value"]) for row in recorder.results] == [("known", "chance", 0.5)]


def test_a_table_says_chance_in_percent(recorder):
    asked = beyond.beyond_training(recorder.run)
    beyond.harder_or_new(recorder, "model", Knows(lambda row: True), asked, DECODING)
    found = {(line.benchmark, line.metric): line.cells["model"].text for line in lines(recorder.results, LEADING)}
    assert found["extrapolation", "pass@1 (8 numbers)"] == "50.0" and 0 < float(found["transfer", "chance"]) < 20
