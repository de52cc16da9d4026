"""Labels of the reference reward model against the verifier, its noise, and wrong answers that look right."""

import itertools

import pytest

from data.preference_data import referenced_responses
from data.tasks import GENERAL, problems

MIXTURE = {"translation": 30.0, "passage": 50.0, "facts": 20.0}


def rows_in_order(mixture, count, seed=0, split="train"):
    """The rows behind the first questions of a stream, in the order in which responses are drafted for them."""
    return [problem.row() for problem in itertools.islice(problems(mixture, seed, split), count)]


@pytest.mark.parametrize("family", list(MIXTURE))
def test_without_noise_a_label_is_the_verdict_of_the_family(family):
    rows = rows_in_order({family: 1.0}, 200)
    found = referenced_responses({family: 1.0}, 200, "train", 0, 0.0)
    for row, example in zip(rows, found, strict=True):
        assert set(example) == {"question", "reference", "response", "label"}
        assert (example["question"], example["reference"]) == (row["prompt"][-1]["content"], row["answer"])
        assert example["label"] == float(GENERAL[family].verify(example["response"], row))
    assert 0.3 < sum(example["label"] for example in found) / 200 < 0.6
    assert {row["language"] for row in rows} == {"en", "zh"}


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
