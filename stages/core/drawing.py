"""What a stage asks about: rows of the world's task families and of public data sets, by the weights of a mixture."""

import random

from data.mixture import prepare
from data.sources import SOURCES, find, revision_of
from data.tasks import rows
from stages.core.errors import InputError


def by_kind(mixture: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """(task families, public data sets) of a mixture, each with its weight."""
    families, sources = {}, {}
    for name, weight in mixture.items():
        (sources if name in SOURCES else families)[name] = weight
    return families, sources


def of_sources(mixture: dict[str, float], count: int) -> int:
    """How many of `count` rows the public data sets of a mixture make."""
    _, sources = by_kind(mixture)
    return round(count * sum(sources.values()) / sum(mixture.values())) if sources else 0


def draw_rows(run, mixture: dict[str, float], count: int, split: str, seed: int) -> list[dict]:
    """`count` rows of a split, fewer where there are no more; public ones decontaminated as the scale says.

    What was dropped of each data set is told, and kept for the manifest.
    """
    families, sources = by_kind(mixture)
    wanted = of_sources(mixture, count)
    found = rows(families, count - wanted, split, seed) if families else []
    if not wanted:
        return found
    public = run.public_data
    drawn, counts = prepare(sources, wanted, split, seed, public.decontaminate, public.commercial_only)
    for name, by_rule in counts.items():
        listed = ", ".join(f"{rule} {number}" for rule, number in by_rule.items())
        run.metrics.say(f"{name} ({split}): {listed}")
        run.sources[f"{name} ({split}, seed {seed})"] = {"revision": revision_of(find(name))} | by_rule
    if not drawn:
        raise InputError(f"{run.stage}: no row of {', '.join(sources)} is left for the split {split}")
    found += drawn
    random.Random(seed).shuffle(found)
    return found
