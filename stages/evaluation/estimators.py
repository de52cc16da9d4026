"""Estimators of an evaluation: samples' verdicts in, values and intervals out. numpy only, no state.

Shapes: `problems` is the number of questions, `samples` (n) how often each was answered, `seeds` the number of training
seeds. All rates are fractions in [0, 1]. The content is the unit of resampling everywhere: samples of one question are
not independent, nor are questions that are wordings of one content (the `key` of a row). Where a stage was trained with
several seeds, these are drawn first: all of them answer the same questions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Estimate(NamedTuple):
    """A mean over problems with its confidence interval, in the unit of the values."""

    value: float
    low: float
    high: float


def pass_at_k(n: int | ArrayLike, c: int | ArrayLike, k: int) -> float | NDArray[np.float64]:
    """Unbiased chance that at least one of k answers drawn without replacement from n, of which c are right, is right.

    1 - C(n-c, k) / C(n, k), as the product 1 - prod_{i=n-c+1..n} (1 - k/i), which does not overflow (Chen et al. 2021,
    Codex, section 2.1). `n`, `c`: one problem or (problems,); needs 0 <= c <= n and 1 <= k <= n. Average over problems.
    """
    n_all, c_all = np.broadcast_arrays(np.asarray(n), np.asarray(c))
    if k < 1 or np.any(n_all < k):
        raise ValueError(f"pass@k needs 1 <= k <= n, got k={k} with n={int(n_all.min(initial=k))}")
    if np.any(c_all < 0) or np.any(c_all > n_all):
        raise ValueError("pass@k needs 0 <= c <= n")

    def one(n: int, c: int) -> float:
        if n - c < k:
            return 1.0
        return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))

    if n_all.ndim == 0:
        return one(int(n_all), int(c_all))
    values = [one(int(n), int(c)) for n, c in zip(n_all.ravel(), c_all.ravel(), strict=True)]
    return np.array(values, dtype=np.float64).reshape(n_all.shape)


def majority_index(votes: Sequence[str | None]) -> int | None:
    """Index of the first sample of the largest group of equal votes; None if nobody votes.

    None is a missing answer, which votes for nothing. A tie goes to the group seen first: samples are exchangeable, so
    that is a fair draw among them.
    """
    groups: dict[str, list[int]] = {}
    for index, vote in enumerate(votes):
        if vote is not None:
            groups.setdefault(vote, []).append(index)
    return max(groups.values(), key=len)[0] if groups else None


def cons_at_k(votes: Sequence[Sequence[str | None]], correct: ArrayLike) -> NDArray[np.float64]:
    """(problems, k) votes and their verdicts -> (problems,) 1.0 where the majority's answer is right.

    `votes`: answers in a canonical form (data/world/families.py:votes), so that equal ones are equal texts. `correct`
    is the verifier's verdict on each sample: a problem may have several right answers. Problems may differ in k. All
    None counts as wrong. R1 reports cons@64 on AIME (arXiv 2501.12948v2, evaluation).
    """
    verdicts = list(correct)
    if len(verdicts) != len(votes):
        raise ValueError(f"{len(votes)} problems have answers but {len(verdicts)} have verdicts")
    values = []
    for row, verdict in zip(votes, verdicts, strict=True):
        if len(row) != len(verdict):
            raise ValueError(f"a problem has {len(row)} answers but {len(verdict)} verdicts")
        index = majority_index(row)
        values.append(0.0 if index is None else float(verdict[index]))
    return np.array(values, dtype=np.float64)


def bootstrap_interval(
    per_problem: ArrayLike,
    keys: Sequence[str] | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap of the mean over problems: (problems,) values -> (low, high) in the values' unit.

    keys: (problems,) what each problem is about; those of one key are drawn together, so a mean is of as many problems
    as the drawn keys have. None: each problem is one of its own. Keys are drawn with replacement `samples` times; the
    interval holds the central `level` of the means (Efron and Tibshirani 1993, chapter 13). One key, or all values
    equal, gives an interval of width zero.
    """
    found = estimate(per_problem, keys, samples, seed, level)
    return found.low, found.high


def _resampled_means(
    values: NDArray[np.float64],
    keys: Sequence[str] | None,
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """(seeds, problems) values -> (samples,) means over the problems of as many keys, drawn with replacement.

    weights: (samples, seeds) how much each seed counts in each sample; they add up to 1. The keys of a sample are the
    same for all seeds.
    """
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"need one value per problem and at least one problem, got shape {values.shape}")
    if not np.all(np.isfinite(values)):
        raise ValueError("a problem without a finite value must be left out before resampling")
    problems, samples = values.shape[1], len(weights)
    if keys is not None and len(keys) != problems:
        raise ValueError(f"{problems} problems have values but {len(keys)} have keys")
    numbers: dict[str, int] = {}
    cluster = range(problems) if keys is None else [numbers.setdefault(key, len(numbers)) for key in keys]
    counts = np.bincount(cluster)
    sums = [np.bincount(cluster, weights=of_seed) for of_seed in values]
    block = max(1, 1_000_000 // counts.size)  # bounds the index matrix to a few megabytes
    means = []
    for start in range(0, samples, block):
        drawn = rng.integers(counts.size, size=(min(block, samples - start), counts.size))
        totals = np.stack([of_seed[drawn].sum(axis=1) for of_seed in sums], axis=1)
        means.append((weights[start : start + block] * totals).sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(means)


def sets_over_seeds(
    sets: Sequence[ArrayLike],
    keys: Sequence[Sequence[str] | None] | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Data sets, each (seeds, problems) values of the same seeds -> the mean of their means, with the interval.

    As `over_seeds`: the seeds are drawn once for all sets, the keys (of each set, as in `bootstrap_interval`) within
    their set. Each set counts alike.
    """
    if not sets:
        raise ValueError("need at least one data set")
    if samples < 1 or not 0 < level < 1:
        raise ValueError(f"need samples >= 1 and 0 < level < 1, got {samples} and {level}")
    tables = [np.asarray(values, dtype=np.float64) for values in sets]
    shapes = [values.shape for values in tables]
    if any(len(shape) != 2 or shape[0] != shapes[0][0] for shape in shapes):
        raise ValueError(f"need (seeds, problems) values of the same seeds in each data set, got shapes {shapes}")
    named = [None] * len(sets) if keys is None else keys
    rng, seeds = np.random.default_rng(seed), shapes[0][0]
    weights = np.ones((samples, 1))
    if seeds != 1:  # of one there is nothing to draw
        drawn = rng.integers(max(1, seeds), size=(samples, seeds))
        weights = np.stack([(drawn == number).sum(axis=1) for number in range(seeds)], axis=1) / seeds
    means = [_resampled_means(values, known, weights, rng) for values, known in zip(tables, named, strict=True)]
    low, high = np.quantile(np.mean(means, axis=0), [(1 - level) / 2, (1 + level) / 2])
    value = np.mean([np.mean(values) for values in tables])
    return Estimate(float(value), float(low), float(high))


def over_seeds(
    per_seed: ArrayLike,
    keys: Sequence[str] | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """(seeds, problems) values -> their mean with the interval of a two-level bootstrap: seeds, then keys.

    Each of the `samples` draws as many seeds as there are, with replacement, then keys with replacement, the same ones
    for all drawn seeds, since all answer the same questions. keys: (problems,) as in `bootstrap_interval`. seed: of the
    resampling, not of a training run. So the interval covers the choice of questions and of training seeds. Of few
    seeds it is narrow: S drawn seeds spread as sqrt((S - 1) / S) of what seeds do. One seed alone has nothing to draw:
    the interval is the one-level one of `estimate`, over keys, and says nothing about another seed.
    """
    return sets_over_seeds([per_seed], [keys], samples, seed, level)


def paired_over_seeds(
    first: ArrayLike,
    second: ArrayLike,
    keys: Sequence[str] | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Mean of second - first, both (seeds, problems), paired by question and by seed, with the two-level interval.

    Row s of both is of training seed s, column p of question p. What all seeds share, a base, is given once, as
    (1, problems), and stands beside each seed of the other. As in `over_seeds`, keys are (problems,), and where both
    have one seed alone the interval is the one-level one over keys, that of `paired_difference`.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    shapes = first.shape, second.shape
    alike = first.ndim == second.ndim == 2 and first.shape[1] == second.shape[1]
    if not alike or (len(first) != len(second) and 1 not in (len(first), len(second))):
        raise ValueError(
            f"need (seeds, problems) values of the same seeds and problems, got {shapes[0]} and {shapes[1]}"
        )
    return over_seeds(second - first, keys, samples, seed, level)


def mean_over_sets(
    sets: Sequence[ArrayLike],
    keys: Sequence[Sequence[str] | None] | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Data sets, each (problems,) values -> the mean of their means, in which each set counts alike, and its interval.

    keys: of each set, as in `bootstrap_interval`; they are drawn with replacement within their set.
    """
    return sets_over_seeds([np.asarray(values, dtype=np.float64)[None] for values in sets], keys, samples, seed, level)


def estimate(
    per_problem: ArrayLike,
    keys: Sequence[str] | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """(problems,) values and their keys -> their mean with its bootstrap interval over keys."""
    return mean_over_sets([per_problem], [keys], samples, seed, level)


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    keys: Sequence[str] | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Mean of second - first over the same (problems,) in the same order, with its bootstrap interval over keys.

    Two checkpoints answer the same questions, so the pairing takes the questions' difficulty out of the interval: a
    difference can be clear (zero outside) where the two single intervals overlap.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"paired values must have one shape, got {first.shape} and {second.shape}")
    return estimate(second - first, keys, samples, seed, level)


CALIBRATION_BINS = 10


class Bin(NamedTuple):
    """Answers of about the same confidence: the mean of it, the share that is right, and how many they are."""

    confidence: float
    accuracy: float
    answers: int


def agreement(votes: Sequence[str | None]) -> float:
    """The confidence in the majority's answer: the share of the samples that vote for it, in [0, 1].

    A missing answer votes for nothing but is a sample; 0 where nobody votes. Agreement-based consistency of Lyu et al.
    2025 (arXiv 2402.13904). The largest of several shares of k samples lies above its probability on average, the more
    so the less the samples agree: compare models at the same k.
    """
    index = majority_index(votes)
    return 0.0 if index is None else votes.count(votes[index]) / len(votes)


def confidence_bins(
    confidence: ArrayLike, correct: ArrayLike, bins: int = CALIBRATION_BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """The two as vectors, checked, and the bin of each answer: of equal width on [0, 1].

    `confidence`: (answers,) probability given to the chosen answer; `correct`: (answers,) in {0, 1}. The right edge
    belongs to a bin, and 0 to the first (Guo et al. 2017, s.2).
    """
    confidence, correct = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if confidence.ndim != 1 or confidence.size == 0 or confidence.shape != correct.shape:
        raise ValueError(f"need two equal, non-empty vectors, got shapes {confidence.shape} and {correct.shape}")
    if not np.all((confidence >= 0) & (confidence <= 1)) or bins < 1:  # also refuses nan
        raise ValueError("confidences must lie in [0, 1] and there must be at least one bin")
    return confidence, correct, np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)


def calibration_errors(confidence: ArrayLike, correct: ArrayLike, bins: int = CALIBRATION_BINS) -> NDArray[np.float64]:
    """(answers,) what each answer adds to the ECE, which is their mean: confidence - correct, signed as its bin's sum.

    So the ECE has a value for each question, as other metrics have, and an interval over questions. That interval takes
    the signs as given: it is right where bins are clearly off, and may reach below 0, where no ECE lies. Drawing the
    ECE itself anew would count the noise within bins twice.
    """
    confidence, correct, which = confidence_bins(confidence, correct, bins)
    gaps = confidence - correct
    return gaps * np.sign(np.bincount(which, weights=gaps, minlength=bins))[which]


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = CALIBRATION_BINS) -> float:
    """ECE = sum_b (n_b / N) |accuracy_b - confidence_b|; empty bins count nothing (Guo et al. 2017, Eq. 3)."""
    return float(calibration_errors(confidence, correct, bins).mean())


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = CALIBRATION_BINS) -> list[Bin]:
    """The bins that are not empty, from the least confident on: a reliability diagram (Guo et al. 2017, Fig. 1)."""
    confidence, correct, which = confidence_bins(confidence, correct, bins)
    parts = [which == number for number in np.unique(which)]
    return [Bin(float(confidence[part].mean()), float(correct[part].mean()), int(part.sum())) for part in parts]
