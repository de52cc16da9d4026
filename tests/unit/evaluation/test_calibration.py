"""Calibration by self-consistency: the estimators by hand, and the metrics of an evaluation."""

import random

import numpy as np
import pytest

from data.text.completion import Completion
from data.world.families import rows
from stages.evaluation.calibration import calibration
from stages.evaluation.estimators import (
    agreement,
    calibration_errors,
    expected_calibration_error,
    over_seeds,
    reliability,
)
from stages.evaluation.settings import CALIBRATION

exactly = pytest.approx


@pytest.mark.parametrize(
    ("votes", "share"),
    [
        (["a"], 1.0),
        (["a", "b", "a", "a"], 0.75),
        (["a", "b", "b", "a"], 0.5),
        (["a", None, None, None], 0.25),  # who says nothing agrees with nobody
        ([None, None], 0.0),
        ([], 0.0),
    ],
)
def test_agreement(votes, share):
    assert agreement(votes) == exactly(share, abs=1e-9)


def test_each_answer_adds_its_gap_with_the_sign_of_its_bin():
    # (0.5, 0.6]: gaps -0.48 and 0.58, sum 0.1; (0.8, 0.9]: twice -0.1, sum -0.2
    found = calibration_errors([0.52, 0.58, 0.9, 0.9], [1, 0, 1, 1])
    assert found == exactly([-0.48, 0.58, 0.1, 0.1], abs=1e-9)
    assert found.mean() == exactly(0.3 / 4, abs=1e-9)
    assert calibration_errors([0.5, 0.5], [0, 1]) == exactly([0, 0])  # a bin that is not off at all
    assert calibration_errors([1.0, 0.0], [1, 0]) == exactly([0, 0])


@pytest.mark.parametrize("bins", [1, 7, 10])
def test_their_mean_is_the_expected_calibration_error(bins):
    rng = np.random.default_rng(bins)
    confidence, correct = rng.uniform(size=200), rng.integers(2, size=200)
    by_definition = 0.0
    for low in range(bins):
        inside = (confidence > low / bins) & (confidence <= (low + 1) / bins)
        if inside.any():
            by_definition += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(confidence, correct, bins) == exactly(by_definition, abs=1e-9)


def test_the_interval_is_around_the_error_itself():
    """Of a calibrated model, whose error is all noise, drawn anew with its signs: not twice the noise."""
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=400)
    errors = calibration_errors(confidence, rng.uniform(size=400) < confidence)
    found = over_seeds([errors], samples=2000)
    assert found.low < found.value < found.high
    assert found.value - found.low == exactly(found.high - found.value, rel=0.3)


def test_reliability_by_hand():
    found = reliability([0.52, 0.58, 0.9, 0.9, 1.0, 0.0], [1, 0, 1, 1, 1, 0])
    assert [each.answers for each in found] == [1, 2, 2, 1]
    assert [each.confidence for each in found] == exactly([0.0, 0.55, 0.9, 1.0])
    assert [each.accuracy for each in found] == exactly([0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize(("confidence", "correct"), [([], []), ([1.2], [1]), ([float("nan")], [1]), ([0.5], [1, 0])])
@pytest.mark.parametrize("estimator", [calibration_errors, reliability])
def test_bad_input_is_refused(estimator, confidence, correct):
    with pytest.raises(ValueError):
        estimator(confidence, correct)


def said(*answers):
    return [Completion(f"<think>so</think> \\boxed{{{answer}}}", 5, True, "chat") for answer in answers]


def test_the_metrics_of_an_evaluation():
    """Four questions, of which one was not asked so often: how sure, whether right, and both together."""
    questions = rows({"equation": 1.0}, 4, "test", 0)
    answers = [said("1", "1", "1", "2"), said("3", "4", "5", "4"), [], said("6", "6", "6", "6")]
    correct = [[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0], [], [0.0] * 4]
    found = calibration(questions, answers, correct, 4)
    assert list(found) == ["cons@4 (T 1)", *CALIBRATION]
    values = {metric: [value.mean for value in of.values()] for metric, of in found.items()}
    assert values["cons@4 (T 1)"] == [1.0, 0.0, 0.0]
    assert values["confidence"] == [0.75, 0.5, 1.0]
    assert values["overconfidence"] == [-0.25, 0.5, 1.0]
    assert values["ece"] == [0.25, 0.5, 1.0]  # each alone in its bin
    for of in found.values():
        assert list(of) == [0, 1, 3] and of[3][1:] == (4, questions[3]["key"], questions[3]["id"])
    assert calibration(questions, [[]] * 4, [[]] * 4, 4) == {}


@pytest.mark.parametrize(("collapsed", "expected"), [(False, 0.0), (True, 0.3)])
def test_who_gives_an_answer_as_often_as_it_is_right_is_calibrated(collapsed, expected):
    """An answer that is right in 7 of 10 questions: given in 7 of 10 samples, or in all of them."""
    rng = random.Random(0)
    questions = rows({"equation": 1.0}, 60, "test", 0)
    answers, correct = [], []
    for _ in questions:
        given = ["1" if collapsed or rng.random() < 0.7 else "2" for _ in range(64)]
        right = "1" if rng.random() < 0.7 else "2"
        answers.append(said(*given))
        correct.append([float(answer == right) for answer in given])
    found = calibration(questions, answers, correct, 64)
    off = np.mean([value.mean for value in found["overconfidence"].values()])
    assert off == exactly(expected, abs=0.15)  # two and a half standard errors of 60 questions
