"""Checkpoints of one stage with several seeds: which belong together, and their rows over seeds. Needs no torch.

variants: by name, as the plan has it, `stage`, `labels` (axis -> label) and `seed` of each checkpoint that is made once
a seed or arm; what is not there is made once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from stages.evaluation.by_question import ByQuestion, Place, over_seeds_of

Variants = Mapping[str, Mapping[str, Any]]
Row = dict[str, Any]


class Origin(NamedTuple):
    """Of what a checkpoint is one: the stage as its recipe writes it, its arms, its seed; None where there is none."""

    stage: str
    arm: str | None = None
    seed: int | None = None

    @property
    def name(self) -> str:
        """What all seeds of it are called: `rl_rest_slow`."""
        return self.stage if self.arm is None else f"{self.stage}_{self.arm}"


def origin_of(name: str, variants: Variants) -> Origin:
    """The origin of a checkpoint."""
    if name not in variants:
        return Origin(name)
    told = variants[name]
    arms = [label for axis, label in told["labels"].items() if axis != "seed"]
    return Origin(told["stage"], "_".join(arms) or None, told["seed"])


def of_same_seed(name: str, stage: str, among: Iterable[str], variants: Variants) -> str | None:
    """Of several checkpoints the one of a stage that has the seed and arms of `name`; None where there is none.

    What is made once for all seeds, a base, stands beside the first.
    """

    def labels(of: str) -> Mapping[str, str]:
        return variants[of]["labels"] if of in variants else {}

    for other in among:
        same = all(labels(name).get(axis, label) == label for axis, label in labels(other).items())
        if origin_of(other, variants).stage == stage and same:
            return other
    return None


def rows_over_seeds(rows: Sequence[Row], by_question: ByQuestion, samples: int, seed: int) -> list[Row]:
    """A row for all seeds of a stage and arm, in the place of each that the first seed has.

    Its checkpoint is the stage's name, `seeds` says which there are; value and two-level interval are over the
    questions that all of them have, `n` counts these. samples, seed: of the bootstrap.
    """
    families: dict[tuple, list[Row]] = {}
    for row in rows:
        if row["seed"] is not None:
            family = row["stage"], row["arm"], row["benchmark"], row["metric"], row["mode"], row["budget"]
            families.setdefault(family, []).append(row)
    found = []
    for (stage, arm, *_), of_seeds in families.items():
        answers = [by_question.of(Place(*(row[field] for field in Place._fields))) for row in of_seeds]
        estimate = over_seeds_of(answers, samples, seed)
        if estimate is not None:
            common = [set.intersection(*(set(sets.get(name, {})) for sets in answers)) for name in answers[0]]
            about = {"checkpoint": Origin(stage, arm).name, "seed": None, "seeds": [row["seed"] for row in of_seeds]}
            counts = {row["k"] for row in of_seeds}
            about |= {"n": sum(map(len, common)), "k": counts.pop() if len(counts) == 1 else None}
            found.append(of_seeds[0] | about | estimate._asdict())
    return found


def about_seeds(rows: Iterable[Mapping[str, Any]]) -> str:
    """A sentence for the reader of results: how many seeds they are of, and what the intervals cover."""
    rows = list(rows)
    seeds = list(dict.fromkeys(seed for row in rows for seed in row.get("seeds") or ()))
    if len(seeds) < 2:
        which = f"One seed, {seeds[0]}" if seeds else "One seed"
        return f"{which}: intervals cover the choice of questions, not another run of the training."
    once = list(dict.fromkeys(row["checkpoint"] for row in rows if row.get("seed") is None and not row.get("seeds")))
    shared = f"; {', '.join(once)}: made once for all" if once else ""
    return (
        f"Seeds {', '.join(map(str, seeds))}: values are means over them, intervals cover the choice of questions and "
        f"of seeds{shared}."
    )
