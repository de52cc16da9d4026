"""Verdicts on claims: measured values in, effects with their intervals and a verdict out. numpy only, no state.

An effect is computed question by question and seed by seed, then drawn anew over both (`over_seeds`): its 95 % interval
covers the choice of questions and of training seeds. A claim is reproduced where the interval of each of its effects
lies wholly where the study's file says; where an interval holds the bound, the run cannot tell, and that counts as not
reproduced. Nothing is corrected for the number of claims.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.core.allowed.claims import (
    AnyOf,
    Claim,
    Correlation,
    Difference,
    Effect,
    Gains,
    Level,
    Order,
    Series,
)
from stages.evaluation.estimators import Estimate, over_seeds, paired_over_seeds

SHARED = ""
"""In the place of a seed: of a checkpoint that all seeds share."""
RESAMPLES = 4000

Answers = Mapping[str, Mapping[str, tuple[float, str]]]
"""Seed -> question -> its value (a mean over samples) and its key (what it is about)."""
Curves = Mapping[str, Sequence[tuple[float, float]]]
"""Seed -> (step, value) along a run."""
Seeds = NDArray[np.float64]
"""(seeds, problems), or (1, problems) of what all seeds share."""


class Evidence(Protocol):
    """What was measured."""

    def answers(self, series: Series) -> Answers:
        """The values of a series."""

    def curves(self, stage: str, metric: str) -> Curves:
        """What a stage measured along its run."""


class Outcome(NamedTuple):
    """One test: its effect, and whether the interval lies where it must.

    by_seed: the effect of each seed alone; questions: how many it is a mean over, None of a curve; reason: why it does
    not hold, empty where it does.
    """

    test: Effect
    effect: Estimate
    by_seed: dict[str, float]
    questions: int | None
    holds: bool
    reason: str


class Verdict(NamedTuple):
    """A claim's verdict, with what it was made of. reason: why it is not `reproduced`."""

    verdict: str
    reason: str
    outcomes: list[Outcome]


REPRODUCED, NOT_REPRODUCED, CANNOT = "reproduced", "not reproduced", "cannot be tested at this scale"


def aligned(sides: Sequence[Answers]) -> tuple[list[str], list[str], list[Seeds]]:
    """Seeds' labels, keys of the questions, and each side's values on the questions that all sides and seeds have.

    Where no side has seeds the label is SHARED. ValueError where sides have other seeds, or no question in common.
    """
    labels = [tuple(side) for side in sides if SHARED not in side]
    if any(set(found) != set(labels[0]) for found in labels):
        raise ValueError(f"sides of a test need the same seeds, got {[list(found) for found in labels]}")
    seeds = list(labels[0]) if labels else [SHARED]
    rows = [[side[SHARED]] if SHARED in side else [side[label] for label in seeds] for side in sides]
    tables = [table for side in rows for table in side]
    common = [question for question in tables[0] if all(question in table for table in tables)]
    if not common:
        raise ValueError("no question has a value on all sides and of all seeds")
    keys = [tables[0][question][1] for question in common]
    return seeds, keys, [np.array([[table[q][0] for q in common] for table in side], dtype=np.float64) for side in rows]


def level(of: Answers) -> tuple[Estimate, dict[str, float], int]:
    """The mean of a series over seeds and questions; of each seed; the number of questions."""
    seeds, keys, (values,) = aligned([of])
    found = over_seeds(values, keys, RESAMPLES)
    return found, dict(zip(seeds, values.mean(axis=1).tolist(), strict=True)), len(keys)


def difference(of: Answers, over: Answers, times: float = 1.0) -> tuple[Estimate, dict[str, float], int]:
    """`of` minus `times` x `over`, paired by question and seed."""
    seeds, keys, (above, below) = aligned([of, over])
    return _paired(seeds, keys, times * below, above)


def gains(of: tuple[Answers, Answers], over: tuple[Answers, Answers]) -> tuple[Estimate, dict[str, float], int]:
    """What `of` gains from its first to its second minus what `over` gains, paired by question and seed."""
    seeds, keys, (of_before, of_after, over_before, over_after) = aligned([*of, *over])
    return _paired(seeds, keys, over_after - over_before, of_after - of_before)


def _paired(seeds: list[str], keys: list[str], first: Seeds, second: Seeds) -> tuple[Estimate, dict[str, float], int]:
    found = paired_over_seeds(first, second, keys, RESAMPLES)
    means = np.broadcast_to(second - first, (len(seeds), len(keys))).mean(axis=1)
    return found, dict(zip(seeds, means.tolist(), strict=True)), len(keys)


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
    return float(last - np.convolve(values, np.ones(ends) / ends, mode="valid").max())


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


def over_curves(numbers: Mapping[str, float]) -> Estimate:
    """Seed -> a number of its curve: their mean, with the interval over seeds alone."""
    return over_seeds([[number] for number in numbers.values()], None, RESAMPLES)


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


def outcome(test: Effect, evidence: Evidence) -> Outcome:
    """One test against what was measured."""
    questions: int | None = None
    if isinstance(test, Level | Difference | Gains):
        answers = [evidence.answers(side) for side in test.sides()]
        if isinstance(test, Level):
            effect, by_seed, questions = level(answers[0])
        elif isinstance(test, Difference):
            effect, by_seed, questions = difference(answers[0], answers[1], test.times)
        else:
            effect, by_seed, questions = gains((answers[0], answers[1]), (answers[2], answers[3]))
    elif isinstance(test, Correlation):
        first, second = evidence.curves(test.of, test.first), evidence.curves(test.of, test.second)
        by_seed = {seed: rank_correlation(points, second[seed]) for seed, points in first.items()}
        effect = over_curves(by_seed)
    else:
        of = evidence.curves(test.of, test.metric)
        by_seed = {seed: taken(points, test.take, test.ends) for seed, points in of.items()}
        if test.over:
            minus = evidence.curves(test.over, test.metric)
            for seed in by_seed:
                by_seed[seed] -= taken(minus[seed if seed in minus else SHARED], test.take, test.ends)
        effect = over_curves(by_seed)
    holds, reason = lies(effect, *test.bound)
    return Outcome(test, effect, by_seed, questions, holds, reason and f"{test}: {reason}")


def decide(tests: Sequence[Any], evidence: Evidence) -> tuple[bool, str, list[Outcome]]:
    """Whether all of some tests hold, the first reason why not, and the outcome of each."""
    reasons, outcomes = [], []
    for test in tests:
        if isinstance(test, AnyOf):
            parts = [decide([part], evidence) for part in test.tests]
            outcomes += [found for _, _, inner in parts for found in inner]
            if not any(holds for holds, _, _ in parts):
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
