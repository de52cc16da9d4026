"""What is written about a stage, layer over layer: recipe, kind, scale, command line. Imports no torch."""

from collections.abc import Iterable
from typing import Any, NamedTuple

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


class Written(NamedTuple):
    """A full set of settings, where each was written last, and the order of these places."""

    settings: Settings
    places: dict[str, str]
    order: list[str]


def last_place(places: dict[str, str], order: list[str], fields: Iterable[str]) -> str | None:
    """Of the places that wrote some fields the one that had the last word."""
    found = {places.get(field) for field in fields}
    return next((place for place in reversed(order) if place in found), None)


def settings_of(script: str, layers: list[Layer], stage: str, scale: Scale) -> Written:
    """Merge layers, the later over the earlier, into a full set of settings."""
    merged: dict[str, Any] = {}
    places: dict[str, str] = {}
    settings = settings_class(script, stage)
    for where, written, known in layers:
        values = with_mixtures(known, written, scale, where)
        check_settings(known, values, where, script)
        merged |= values
        places |= dict.fromkeys(values, where)
    order = [where for where, _, _ in layers]
    try:
        return Written(settings.model_validate(merged), places, order)
    except ValidationError as error:
        missing = [str(item["loc"][0]) for item in error.errors() if item["type"] == "missing" and item["loc"]]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise InputError(f"{scale.file}: {stage} ({script}) has no value for {names}") from None
        wrong = complaint(error)
        where = last_place(places, order, wrong.fields or wrong.place[:1]) or scale.file
        raise InputError(f"{where}: {stage} ({script}): {wrong.of('.'.join(wrong.place))}") from None


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
