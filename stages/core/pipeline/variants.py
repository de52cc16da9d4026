"""Seeds and arms: a stage of a recipe becomes one for each seed, and for each arm of a study. Imports no torch.

A recipe says `seeds: [1, 2, 3]`, which holds for all of its own stages, and a stage says `arms:`, axis by axis, each
arm with the settings that it changes. What reads such a stage is itself made once for each, from the one of its own
seed and arm; what collects (evaluation, report) is made once and reads them all; everything else is made once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

Axes = dict[str, dict[str, dict[str, Any]]]
"""Axis (`seed`, or an axis of arms) -> its labels (`seed2`, `rest`), each with the settings that it changes."""


@dataclass(frozen=True)
class Variant:
    """One stage out of several that a recipe writes as one.

    labels: axis -> label, empty for a stage that is made once; settings: what the labels change.
    """

    template: str
    name: str
    labels: dict[str, str]
    settings: dict[str, Any]


def axes_of_seeds(seeds: list[int]) -> Axes:
    """The axis of a recipe's seeds; none where it has none."""
    return {"seed": {f"seed{seed}": {"seed": seed} for seed in seeds}} if seeds else {}


def variants(template: str, axes: Axes) -> list[Variant]:
    """The product of the axes: arms first, the seed last in a name, `rl_rest_slow_seed2`."""
    ordered = sorted(axes, key=lambda axis: axis == "seed")
    found = []
    for labels in product(*(axes[axis] for axis in ordered)):
        settings: dict[str, Any] = {}
        for axis, label in zip(ordered, labels, strict=True):
            settings |= axes[axis][label]
        name = "_".join([template, *labels])
        found.append(Variant(template, name, dict(zip(ordered, labels, strict=True)), settings))
    return found


def matching(named: str, made: Mapping[str, list[Variant]], labels: Mapping[str, str]) -> list[str]:
    """The stages that `named` stands for, of those whose labels are among these; a stage made once is itself."""
    if named not in made:
        return [named]
    return [
        variant.name
        for variant in made[named]
        if all(labels.get(axis, label) == label for axis, label in variant.labels.items())
    ]
