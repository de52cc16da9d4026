"""Studies: recipes with claims, and what their stages will measure for them. Imports no torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from data.errors import InputError
from stages.core.allowed.base import Settings
from stages.core.allowed.claims import Claim, Correlation, Curve, Measured, Series
from stages.core.allowed.sentences import nearest
from stages.core.pipeline.scripts import all_scripts

SHARED = ""
"""In the place of a seed: of a stage that all seeds share, such as a base."""


class Planned(Protocol):
    """What is needed of a stage of the plan (workspace.py)."""

    @property
    def recipe(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def script(self) -> str: ...
    @property
    def folder(self) -> str: ...
    @property
    def parents(self) -> list[str]: ...
    @property
    def config(self) -> dict[str, Any]: ...


Replicas = Mapping[str, Planned]
"""Seed's label -> the stage of that seed, or SHARED -> the one for all."""


def settings_of_stage(stage: Planned) -> Settings:
    """A stage's settings, as its class has them."""
    return all_scripts()[stage.script].model_validate(stage.config["settings"])


def by_seed(stages: Iterable[Planned]) -> dict[str, dict[str, Planned]]:
    """Name without the seed -> seed's label -> stage."""
    found: dict[str, dict[str, Planned]] = {}
    for stage in stages:
        label = stage.config.get("labels", {}).get("seed", SHARED)
        name = stage.name.removesuffix(f"_{label}") if label else stage.name
        found.setdefault(name, {})[label] = stage
    return found


@dataclass(frozen=True)
class Study:
    """A recipe with claims, at a scale.

    file: where it is written; stages: all that the plan has of it, parents first.
    """

    name: str
    file: str
    claims: Mapping[str, Claim]
    stages: Sequence[Planned]

    @cached_property
    def evaluation(self) -> Planned | None:
        """The stage that measures checkpoints: the recipe's last that does; None where it has none."""
        own = [stage for stage in self.stages if stage.recipe == self.name and "checkpoints" in stage.config["inputs"]]
        for stage in reversed(own):
            settings = settings_of_stage(stage)
            if any(settings.measured(name) for name in stage.config["inputs"]["checkpoints"]):
                return stage
        return None

    @cached_property
    def checkpoints(self) -> dict[str, dict[str, Planned]]:
        """What the evaluation measures: name without the seed -> its stages by seed."""
        folders = self.evaluation.config["inputs"]["checkpoints"].values() if self.evaluation else ()
        by_folder = {stage.folder: stage for stage in self.stages}
        return by_seed(by_folder[folder] for folder in folders)

    @cached_property
    def runs(self) -> dict[str, dict[str, Planned]]:
        """What the evaluation is made from: name without the seed -> its stages by seed."""
        return by_seed(self.needed())

    @cached_property
    def seeds(self) -> list[str]:
        """The labels of the seeds, in the plan's order."""
        return list(dict.fromkeys(label for found in self.checkpoints.values() for label in found if label != SHARED))

    def needed(self) -> list[Planned]:
        """The evaluation and all that it is made from, parents first."""
        wanted = {self.evaluation.folder} if self.evaluation else set()
        for stage in reversed(self.stages):
            if stage.folder in wanted:
                wanted.update(stage.parents)
        return [stage for stage in self.stages if stage.folder in wanted]

    def replicas(self, series: Series) -> Replicas:
        """The stages of a series by seed; InputError where the evaluation has none of this name."""
        if series.checkpoint not in self.checkpoints:
            raise InputError(
                f"unknown checkpoint `{series.checkpoint}`; {nearest(series.checkpoint, self.checkpoints)}"
            )
        return self.checkpoints[series.checkpoint]

    def measured(self, series: Series) -> Measured:
        """What a series is called in the evaluation's tables; InputError where nothing measures it."""
        assert self.evaluation is not None
        asked = series.measured
        stage = next(iter(self.replicas(series).values())).name
        written = self.evaluation.config.get("variants", {}).get(stage, {}).get("stage", stage)
        measured = settings_of_stage(self.evaluation).measured(written)
        left, about = list(measured), ""
        for field, found in zip(Measured._fields, asked, strict=True):
            allowed = [getattr(item, field) for item in left]
            if found not in allowed:
                named, words = str(found), sorted({str(value) for value in allowed})
                raise InputError(f"{about}{series.checkpoint}: unknown {field} `{named}`; {nearest(named, words)}")
            left, about = [item for item in left if getattr(item, field) == found], f"{about}{found} of "
        return measured[asked]

    def check(self) -> None:
        """InputError where a claim asks for what the study does not measure."""
        for name, claim in self.claims.items():
            where = f"{self.file}: claims.{name}"
            if claim.tests and self.evaluation is None:
                raise InputError(f"{where}: the study has no stage that evaluates checkpoints")
            try:
                for test in claim.effects():
                    if isinstance(test, Curve | Correlation):
                        self._check_curves(test)
                        continue
                    seeds = set()
                    for side in test.sides():
                        self.measured(side)
                        seeds |= {frozenset(self.replicas(side)) - {SHARED}} - {frozenset()}
                    if len(seeds) > 1:
                        raise InputError(f"{test}: its checkpoints have other seeds than each other")
            except InputError as error:
                raise InputError(f"{where}: {error}") from None

    def _check_curves(self, test: Curve | Correlation) -> None:
        for of in test.stages():
            if of not in self.runs:
                raise InputError(f"unknown stage `{of}`; {nearest(of, self.runs)}")
            if len(self.runs[of]) < 2:
                raise InputError(f"{test}: {of} has one seed, whose curve has no interval; allowed: two seeds at least")
            curves = settings_of_stage(next(iter(self.runs[of].values()))).curves()
            for name in test.metrics():
                if name not in curves:
                    raise InputError(f"{of} has no curve `{name}`; {nearest(name, curves)}")
