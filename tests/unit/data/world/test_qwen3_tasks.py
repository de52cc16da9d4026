"""Qwen3's data: labels of the reference reward model against the verifier; the same queries in both modes."""

import itertools
import random
from types import SimpleNamespace

import pytest

from data.text.modes import follows_mode
from data.world.families import GENERAL, problems, rows
from data.world.preference_data import referenced_responses
from stages.qwen3.fusion_data import written_answers

MIXTURE = {"translation": 30.0, "passage": 50.0, "facts": 20.0}


def rows_in_order(mixture, count, seed=0, split="train"):
    """The rows behind the first questions of a stream, in the order in which responses are drafted for them."""
    return [problem.row() for problem in itertools.islice(problems(mixture, seed, split), count)]


@pytest.mark.parametrize("family", list(MIXTURE))
def test_without_noise_a_label_is_the_verdict_of_the_family(family):
    found_rows = rows_in_order({family: 1.0}, 200)
    found = referenced_responses({family: 1.0}, 200, "train", 0, 0.0)
    for row, example in zip(found_rows, found, strict=True):
        assert set(example) == {"question", "reference", "response", "label"}
        assert (example["question"], example["reference"]) == (row["prompt"][-1]["content"], row["answer"])
        assert example["label"] == float(GENERAL[family].verify(example["response"], row))
    assert 0.3 < sum(example["label"] for example in found) / 200 < 0.6
    assert {row["language"] for row in found_rows} == {"en", "zh"}


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_noise_flips_its_share_of_the_labels_and_nothing_else(noise):
    clean, noisy = (referenced_responses(MIXTURE, 600, "train", 0, share) for share in (0.0, noise))
    flipped = [a["label"] != b["label"] for a, b in zip(clean, noisy, strict=True)]
    assert sum(flipped) / 600 == pytest.approx(noise, abs=0.05) and sum(flipped) > 0
    assert [e | {"label": 0} for e in clean] == [e | {"label": 0} for e in noisy]


def test_seeds_and_counts_of_referenced_responses():
    first, second = (referenced_responses(MIXTURE, 40, "train", seed, 0.05) for seed in (0, 1))
    assert first == referenced_responses(MIXTURE, 40, "train", 0, 0.05) != second
    assert first[:15] == referenced_responses(MIXTURE, 15, "train", 0, 0.05)


@pytest.mark.parametrize(
    ("spoken", "value", "good", "bad"),
    [
        ("en", {"en": "2", "zh": "2"}, ["2", "2.", "It is 2!"], ["12", "2.5", "2 or 3", "two", "22", ""]),
        ("zh", {"en": "2", "zh": "2"}, ["是2。", "2"], ["是12。", "2和3", "二", ""]),
    ],
)
def test_a_number_in_another_number_is_not_grounded(spoken, value, good, bad):
    info = {"entity": "Kalo", "attribute": "number", "value": value, "instruction": None}
    row = {"language": spoken, "info": info}
    assert [answer for answer in good if not GENERAL["passage"].verify(answer, row)] == []
    assert [answer for answer in bad if GENERAL["passage"].verify(answer, row)] == []


def test_the_queries_answered_with_a_thought_are_answered_without_one_too():
    settings = SimpleNamespace(
        non_thinking_rows=20, general_fraction=0.5, tasks={"arithmetic": 1.0}, general_tasks={"facts": 1.0}, seed=1,
        drafts=2, min_checklist_score=0.0, thoughtful=0.5,
    )  # fmt: skip
    thought = rows({"equation": 1.0}, 6, "train", 3)
    examples, fell = written_answers(SimpleNamespace(settings=settings), thought, random.Random(0))
    without = [example for example in examples if example["domain"] == "math"]
    assert len(without) == 10 and {row["id"] for row in thought} <= {example["id"] for example in without}
    assert all(follows_mode(example["completion"], example["mode"]) for example in examples)
    assert {example["mode"] for example in without} == {"non_thinking"} and fell == 0
    assert {example["mode"] for example in examples if example["domain"] == "general"} == {"thinking", "non_thinking"}
