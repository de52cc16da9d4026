"""A gate before RL: a reward model below a stated held-out accuracy is refused. Imports no torch."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.pipeline.workspace import Stage
from stages.core.run.manifest import read_manifest
from stages.core.run.stage import Run

FIELD = "min_held_out_accuracy"
"""Of the settings of a stage that reads reward models: reward model -> its least held-out accuracy."""


def weakness(least: float, manifest: Mapping[str, Any]) -> str | None:
    """What of a reward model's manifest is below the gate; None where it is good enough."""
    found = manifest.get("headline", {}).get("held_out_accuracy")
    if found is None:
        return "its manifest says no held-out accuracy"
    return f"its held-out accuracy is {found:.3f}" if found < least else None


def refuse_weak(run: Run) -> None:
    """InputError where one of the stage's reward models is below its gate."""
    for name, least in getattr(run.settings, FIELD).items():
        check(run.stage, name, run.parent("reward_models", name), least, run.manifest("reward_models", name))


def check_gates(stages: Iterable[Stage]) -> None:
    """InputError where a stage that will run reads a reward model that is there already, and below its gate.

    stages: those that will run, in any order; a reward model among them is judged when it is there.
    """
    stages = list(stages)
    made = {stage.folder for stage in stages}
    for stage in stages:
        models = stage.config["inputs"].get("reward_models", {})
        for name, least in stage.config["settings"].get(FIELD, {}).items():
            if models[name] not in made:
                check(stage.rule_name, name, Path(models[name]), least, read_manifest(Path(models[name])))


def check(stage: str, name: str, folder: Path, least: float, manifest: Mapping[str, Any]) -> None:
    """InputError where a reward model is below its gate."""
    if wrong := weakness(least, manifest):
        raise InputError(
            f"{stage}: `{FIELD}` of {name} is {least:g}, and {wrong} ({folder}/manifest.json); allowed: one that is "
            "not below it, after longer training or on more examples, or a lower gate"
        )
