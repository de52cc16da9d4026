"""What is written about a stage, layer over layer: recipe, kind, scale, command line. Imports no torch."""

from typing import Any

from pydantic import ValidationError

from data.errors import InputError
from stages.core.allowed.sentences import complaint
from stages.core.pipeline.recipe import Definition, Recipe
from stages.core.pipeline.scale import Scale, with_mixtures
from stages.core.pipeline.schema import check_settings, settings_class
from stages.core.pipeline.scripts import kind_of
from stages.core.pipeline.settings import KINDS, Settings, trains_in_several

Layer = tuple[str, dict[str, Any], type[Settings]]
"""Where settings are written, what is written, and the class that it must fit by itself."""


def settings_of(script: str, layers: list[Layer], stage: str, scale: Scale) -> Settings:
    """Merge layers, the later over the earlier, into a full set of settings."""
    merged: dict[str, Any] = {}
    written_last: dict[str, str] = {}
    settings = settings_class(script, stage)
    for where, written, known in layers:
        values = with_mixtures(known, written, scale, where)
        check_settings(known, values, where, script)
        merged |= values
        written_last |= dict.fromkeys(values, where)
    try:
        return settings.model_validate(merged)
    except ValidationError as error:
        missing = [str(item["loc"][0]) for item in error.errors() if item["type"] == "missing" and item["loc"]]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise InputError(f"{scale.file}: {stage} ({script}) has no value for {names}") from None
        wrong = complaint(error)
        fields = wrong.fields or wrong.place[:1]
        where = next((place for place in reversed(written_last.values()) if place in map(written_last.get, fields)), "")
        raise InputError(f"{where or scale.file}: {stage} ({script}): {wrong.of('.'.join(wrong.place))}") from None


def layers_of(
    recipe: Recipe, name: str, definition: Definition, scale: Scale, overrides: dict[str, dict[str, Any]]
) -> list[Layer]:
    """What is written about a stage's settings, the first to be overridden first."""
    where = f"{recipe.file}: stages.{name}"
    settings = settings_class(str(definition.script), where)
    layers: list[Layer] = [(f"{where}.settings", definition.settings, settings)]
    if kind := kind_of(settings):
        layers += [(f"{scale.file}: kinds.{kind}", scale.kinds.get(kind, {}), KINDS[kind])]
    for alias in recipe.lineage[name]:  # the models of `like` first, each with what it changes
        layers += [(f"{where}.settings", recipe.changes.get(alias, {}), settings)]
        layers += [(f"{scale.file}: stages.{alias}", scale.stages.get(alias, {}), settings)]
    return layers + [(f"--config stages.{alias}", overrides.get(alias, {}), settings) for alias in recipe.lineage[name]]


def resources_of(scale: Scale, script: str, *names: str) -> tuple[int, dict[str, int | str]]:
    """Threads and the other resources of a stage; one that trains on several nodes says so to Slurm's executor."""
    merged: dict[str, Any] = {"threads": 1} | scale.resources.get("default", {})
    for name in names:
        merged |= scale.resources.get(name, {})
    nodes = scale.system.nodes
    if nodes > 1 and trains_in_several(settings_class(script, scale.file), scale.system.model_dump()):
        # The executor's words for a job that calls srun itself, once a node (processes.py); without the last it would
        # start as many tasks on each GPU.
        merged |= {"nodes": nodes, "tasks": nodes, "mpi": "srun", "tasks_per_gpu": 0}
    return merged.pop("threads"), merged
