"""Seeds and arms: a stage of a recipe becomes one for each seed, and for each arm of a study. Imports no torch.

A recipe says `seeds: [1, 2, 3]`, which holds for all of its own stages and for the recipes that it uses, so that each
arm starts from a parent of its own seed; a stage says `arms:`, axis by axis, each arm with what it changes. `--config
seeds=3` holds instead of the file's. What reads such a stage is itself made once for each, from the one of its own seed
and arm; what collects (evaluation, report) is made once and reads them all; what no seed reaches, the bases, is made
once and shared.

The seed that every stage has where none is named, 42, adds nothing to a name: `seeds=[42, 1, 2]` keeps a run without
seeds and adds two to it. Seed 1 cannot be that run: its folder would hold now one seed, now the other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from stages.core.pipeline.settings import Settings

Axes = dict[str, dict[str, dict[str, Any]]]
"""Axis (`seed`, or an axis of arms) -> its labels (`seed2`, `rest`), each with the settings that it changes."""
DEFAULT_SEED: int = Settings.model_fields["seed"].default
"""Of a run without seeds."""


@dataclass(frozen=True)
class Variant:
    """One stage out of several that a recipe writes as one.

    labels: axis -> label, empty for a stage that is made once; settings: what the labels change.
    """

    template: str
    name: str
    labels: dict[str, str]
    settings: dict[str, Any]

    @property
    def seed(self) -> int | None:
        """The seed that it is made with, None where it is made once for all."""
        return self.settings["seed"] if "seed" in self.labels else None


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
        by_axis = dict(zip(ordered, labels, strict=True))
        told = [label for axis, label in by_axis.items() if axis != "seed" or settings["seed"] != DEFAULT_SEED]
        found.append(Variant(template, "_".join([template, *told]), by_axis, settings))
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


def told(variants: Iterable[Variant]) -> dict[str, dict[str, Any]]:
    """By name what an evaluation must know of a checkpoint's seed and arms; nothing of one that is made once."""
    return {
        variant.name: {"stage": variant.template, "labels": variant.labels, "seed": variant.seed}
        for variant in variants
        if variant.labels
    }
