"""What stages measured on held-out questions along their run, as figures: the curves that the papers draw. No torch."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from stages.evaluation import figures
from stages.evaluation.records import StageRecord, series

PREFIX = "held_out/"
SECONDS = f"{PREFIX}seconds"
DISTANCE = f"{PREFIX}general_kl"

DRAWN = {
    "accuracy": "accuracy",
    "weak_accuracy": "accuracy by the weak verifier",
    "tokens": "tokens a completion",
    "reflections": "words of reflection a completion",
    "format": "format",
    "language": "language consistency",
    "reward_model_score": "reward model score",
    "gold": "gold",
    "unsafe_refused": "unsafe refused",
    "kl": "KL to the start, nats a completion",
    "general_kl": "KL to the start on general prompts, nats a completion",
}
"""Measure -> its title, in the order in which they are drawn."""
OVER_OPTIMISED = ("reward_model_score", "gold")
"""What is drawn against the root of the KL on general prompts, too."""
Point = tuple[float, float]


class HeldOut(NamedTuple):
    """A stage's curves, how often it measured, and what that took of its time."""

    stage: str
    curves: list[str]
    measurements: int
    seconds: float
    share: float


def held_out(stages: Sequence[StageRecord]) -> list[HeldOut]:
    """The curves of each stage that measured."""
    found = []
    for stage in stages:
        costs = [seconds for _, seconds in points(stage, "seconds")]
        if costs:
            whole = float(stage.manifest.get("seconds") or 0)
            share = sum(costs) / whole if whole else 0.0
            found.append(HeldOut(stage.name, curves(stage), len(costs), sum(costs), share))
    return found


def curves(stage: StageRecord) -> list[str]:
    """Each measure against updates, accuracy by level as lines, and over-optimisation against the root of the KL."""
    drawn = [figures.line_chart(found, title) for name, title in DRAWN.items() if (found := points(stage, name))]
    named = {name for row in stage.metrics for name in row if name.startswith(f"{PREFIX}level_")}
    levels = sorted(int(name.removeprefix(f"{PREFIX}level_")) for name in named)
    by_level = [(f"level {level}", points(stage, f"level_{level}")) for level in levels]
    if lines := [line for line in by_level if line[1]]:
        drawn.insert(1, figures.lines_chart(lines, "accuracy by level"))
    sets = sorted({name for row in stage.metrics for name in row if name.startswith(f"{PREFIX}accuracy_")})
    for name in sets:
        data_set = name.removeprefix(f"{PREFIX}accuracy_")
        drawn.append(figures.line_chart(series(stage.metrics, name), f"accuracy on {data_set}"))
    for name in OVER_OPTIMISED:
        moved = against_root(points(stage, "general_kl"), points(stage, name))
        if len(moved) > 1:
            drawn.append(figures.line_chart(moved, f"{DRAWN[name]} against √KL", "√KL"))
    return drawn


def against_root(distance: Sequence[Point], measured: Sequence[Point]) -> list[Point]:
    """(step, KL) and (step, value) -> (√KL, value) of the steps that both have, from the least distance on."""
    known = dict(distance)
    return sorted((math.sqrt(max(0.0, known[step])), value) for step, value in measured if step in known)


def seconds_trained(stage: StageRecord) -> float:
    """What a stage took without its measurements: methods are compared that measure more or less often."""
    return float(stage.manifest.get("seconds") or 0) - sum(seconds for _, seconds in points(stage, "seconds"))


def points(stage: StageRecord, measure: str) -> list[tuple[float, float]]:
    """(step, value) of each measurement that has it, in the order of the steps."""
    return sorted(series(stage.metrics, f"{PREFIX}{measure}"))
