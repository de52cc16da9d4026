"""Verdicts on claims: measured values in, effects with their intervals and a verdict out. numpy only, no state.

An effect is computed question by question and seed by seed, then drawn anew over both (`over_seeds`): its 95 % interval
covers the choice of questions and of training seeds. A claim is reproduced where the interval of each of its effects
lies wholly where the study's file says; where an interval holds the bound, the run cannot tell, and that counts as not
reproduced. Nothing is corrected for the number of claims.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.core.allowed.claims import (
    Claim,
    Correlation,
    Difference,
    Effect,
    Gains,
    Level,
    Order,
    Series,
    Several,
)
from stages.evaluation.estimators import Estimate, over_seeds, sets_over_seeds

SHARED = ""
"""In the place of a seed: of a checkpoint that all seeds share."""
RESAMPLES = 4000


class Question(NamedTuple):
    """Of which data set, and its id."""

    data_set: str
    id: str


Answers = Mapping[str, Mapping[Question, tuple[float, str]]]
"""Seed -> question -> its value (a mean over samples) and its key (what it is about)."""
Curves = Mapping[str, Sequence[tuple[float, float]]]
"""Seed -> (step, value) along a run."""
Seeds = NDArray[np.float64]
"""(seeds, problems), or (1, problems) of what all seeds share."""


class Measure(NamedTuple):
    """An effect; that of each seed alone; how many questions it is a mean over, None of a curve."""

    effect: Estimate
    by_seed: dict[str, float]
    questions: int | None


class Evidence(Protocol):
    """What was measured."""

    def answers(self, series: Series) -> Answers:
        """The values of a series."""

    def curves(self, stage: str, metric: str) -> Curves:
        """What a stage measured along its run."""


class Outcome(NamedTuple):
    """One test: what came out, and whether the interval lies where it must. reason: why it does not hold."""

    test: Effect
    measure: Measure
    holds: bool
    reason: str


class Verdict(NamedTuple):
    """A claim's verdict, with what it was made of. reason: why it is not `reproduced`."""

    verdict: str
    reason: str
    outcomes: list[Outcome]


REPRODUCED, NOT_REPRODUCED, CANNOT = "reproduced", "not reproduced", "cannot be tested at this scale"


def aligned(sides: Sequence[Answers]) -> tuple[list[str], list[list[str]], list[list[Seeds]]]:
    """Seeds' labels; of each data set the keys of its questions; of each data set the values of each side.

    Taken are the questions that all sides and seeds have. Where no side has seeds the label is SHARED. ValueError where
    sides have other seeds, or no question in common.
    """
    labels = [tuple(side) for side in sides if SHARED not in side]
    if any(set(found) != set(labels[0]) for found in labels):
        raise ValueError(f"sides of a test need the same seeds, got {[list(found) for found in labels]}")
    seeds = list(labels[0]) if labels else [SHARED]
    rows = [[side[SHARED]] if SHARED in side else [side[label] for label in seeds] for side in sides]
    tables = [table for side in rows for table in side]
    by_set: dict[str, list[Question]] = {}
    for question in tables[0]:
        if all(question in table for table in tables):
            by_set.setdefault(question.data_set, []).append(question)
    if not by_set:
        raise ValueError("no question has a value on all sides and of all seeds")
    keys = [[tables[0][question][1] for question in common] for common in by_set.values()]
    values = [
        [np.array([[table[question][0] for question in common] for table in side], dtype=np.float64) for side in rows]
        for common in by_set.values()
    ]
    return seeds, keys, values


def contrast(sides: Sequence[Answers], combined: Callable[..., Seeds]) -> Measure:
    """An effect that each question of each seed has, `combined` of the sides' values: its mean, with the interval.

    Data sets count alike, as in the evaluation's own rows.
    """
    seeds, keys, values = aligned(sides)
    effects = [combined(*found) for found in values]
    means = np.mean([np.broadcast_to(found, (len(seeds), found.shape[1])).mean(axis=1) for found in effects], axis=0)
    estimate = sets_over_seeds(effects, keys, RESAMPLES)
    return Measure(estimate, dict(zip(seeds, means.tolist(), strict=True)), sum(map(len, keys)))


def level(of: Answers) -> Measure:
    """The mean of a series over seeds and questions."""
    return contrast([of], lambda values: values)


def difference(of: Answers, over: Answers, times: float = 1.0) -> Measure:
    """`of` minus `times` x `over`, paired by question and seed."""
    return contrast([of, over], lambda of, over: of - times * over)


def gains(of: tuple[Answers, Answers], over: tuple[Answers, Answers]) -> Measure:
    """What `of` gains from its first to its second minus what `over` gains, paired by question and seed."""
    return contrast([*of, *over], lambda before, after, first, second: after - before - (second - first))


def taken(points: Sequence[tuple[float, float]], take: str, ends: int = 1) -> float:
    """One number of a curve: see `Curve.take`. ValueError where it has too few points."""
    values = np.array([value for _, value in sorted(points)], dtype=np.float64)
    needed = 2 * ends if take == "rise" else ends
    if len(values) < max(1, needed):
        raise ValueError(f"a curve has {len(values)} points, needed are {needed}")
    last = values[-ends:].mean()
    if take == "last":
        return float(last)
    if take == "mean":
        return float(values.mean())
    if take == "rise":
        return float(last - values[:ends].mean())
    highest = np.convolve(values, np.ones(ends) / ends, mode="valid").max()
    return float(highest - values[:ends].mean() if take == "peak" else last - highest)


def ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share the mean of theirs."""
    found = np.asarray(values, dtype=np.float64)
    below, equal = found[None, :] < found[:, None], found[None, :] == found[:, None]
    return below.sum(axis=1) + (equal.sum(axis=1) - 1) / 2


def rank_correlation(first: Sequence[tuple[float, float]], second: Sequence[tuple[float, float]]) -> float:
    """Spearman's rho over the steps that two curves share, in [-1, 1]; 0 where one of them never moves."""
    other = dict(second)
    pairs = [(value, other[step]) for step, value in first if step in other]
    if len(pairs) < 3:
        raise ValueError(f"two curves share {len(pairs)} steps, needed are 3")
    a, b = (side - side.mean() for side in (ranks([pair[place] for pair in pairs]) for place in (0, 1)))
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale else 0.0


def over_curves(numbers: dict[str, float]) -> Measure:
    """Seed -> a number of its curve: their mean, with the interval over seeds alone."""
    return Measure(over_seeds([[number] for number in numbers.values()], None, RESAMPLES), numbers, None)


def lies(effect: Estimate, bound: str, limit: float) -> tuple[bool, str]:
    """Whether an interval lies wholly above, below or within a limit; touching it is not enough. Else why not."""
    value, low, high = effect
    if bound == "within":
        holds, opposite = -limit < low and high < limit, low >= limit or high <= -limit
    else:
        holds = low > limit if bound == "above" else high < limit
        opposite = high <= limit if bound == "above" else low >= limit
    if holds:
        return True, ""
    return False, "its interval lies on the other side" if opposite else "undecided: its interval holds the bound"


def measure(test: Effect, evidence: Evidence) -> Measure:
    """A test's effect."""
    if isinstance(test, Level | Difference | Gains):
        answers = [evidence.answers(side) for side in test.sides()]
        if isinstance(test, Level):
            return level(answers[0])
        if isinstance(test, Difference):
            return difference(answers[0], answers[1], test.times)
        return gains((answers[0], answers[1]), (answers[2], answers[3]))
    if isinstance(test, Correlation):
        first, second = evidence.curves(test.of, test.first), evidence.curves(test.of, test.second)
        return over_curves({seed: rank_correlation(points, second[seed]) for seed, points in first.items()})
    found = {
        seed: taken(points, test.take, test.ends) for seed, points in evidence.curves(test.of, test.metric).items()
    }
    if test.over:
        minus = evidence.curves(test.over, test.metric)
        for seed in found:
            found[seed] -= taken(minus[seed if seed in minus else SHARED], test.take, test.ends)
    return over_curves(found)


def outcome(test: Effect, evidence: Evidence) -> Outcome:
    """One test against what was measured."""
    found = measure(test, evidence)
    holds, reason = lies(found.effect, *test.bound)
    return Outcome(test, found, holds, reason and f"{test}: {reason}")


def decide(tests: Sequence[Any], evidence: Evidence) -> tuple[bool, str, list[Outcome]]:
    """Whether all of some tests hold, the first reason why not, and the outcome of each."""
    reasons, outcomes = [], []
    for test in tests:
        if isinstance(test, Several):
            parts = [decide([part], evidence) for part in test.tests]
            outcomes += [found for _, _, inner in parts for found in inner]
            if test.kind == "all":
                reasons += [reason for holds, reason, _ in parts if not holds]
            elif not any(holds for holds, _, _ in parts):
                reasons.append("; ".join(reason for _, reason, _ in parts))
            continue
        for part in test.steps() if isinstance(test, Order) else [test]:
            outcomes.append(outcome(part, evidence))
            reasons += [outcomes[-1].reason] * (not outcomes[-1].holds)
    return not reasons, reasons[0] if reasons else "", outcomes


def verdict(claim: Claim, evidence: Evidence) -> Verdict:
    """The verdict on a claim."""
    if claim.cannot:
        return Verdict(CANNOT, claim.cannot, [])
    holds, reason, outcomes = decide(claim.tests, evidence)
    return Verdict(REPRODUCED if holds else NOT_REPRODUCED, reason, outcomes)
