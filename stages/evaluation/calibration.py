"""Calibration: whether a model is right as often as its samples agree (self-consistency). Needs no torch.

A model that thinks gives its answer after a thought, so the probability of the answer's tokens is that of an answer to
this thought, near 1 whatever the thought is worth. How sure the model is of an answer is the share of its thoughts that
end in it: of k samples at temperature 1, nothing cut, the share that agrees with the majority. They are those of
pass@k (T 1): nothing further is sampled.
"""

from collections.abc import Sequence

import numpy as np

from data.text.completion import Completion
from data.text.row import Row
from data.world.families import votes
from stages.evaluation.by_question import Value
from stages.evaluation.estimators import agreement, calibration_errors, cons_at_k
from stages.evaluation.recorder import Scores, Values
from stages.evaluation.settings import CONFIDENCE, ECE, OVERCONFIDENCE


def calibration(
    questions: Sequence[Row], answers: Sequence[Sequence[Completion]], correct: Scores, k: int
) -> dict[str, Values]:
    """Metric -> by place its value, of the questions that have k answers; correct: the verdict on each answer."""
    places = [place for place, group in enumerate(answers) if len(group) == k]
    if not places:
        return {}
    said = [votes([answer.parsed for answer in answers[place]], questions[place]) for place in places]
    right = cons_at_k(said, [correct[place] for place in places])
    sure = np.array([agreement(group) for group in said])
    found = {
        f"cons@{k} (T 1)": right, CONFIDENCE: sure, OVERCONFIDENCE: sure - right, ECE: calibration_errors(sure, right),
    }  # fmt: skip
    values: dict[str, Values] = {}
    for metric, of_questions in found.items():
        values[metric] = {
            place: Value(float(value), k, questions[place]["key"], questions[place]["id"])
            for place, value in zip(places, of_questions, strict=True)
        }
    return values
