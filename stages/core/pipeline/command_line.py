"""What `--config` says. Imports no torch."""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, get_args

from pydantic import TypeAdapter, ValidationError

from data.errors import InputError
from stages.core.allowed.folder import runs_folder
from stages.core.allowed.sentences import nearest, shown
from stages.core.allowed.values import Seed
from stages.core.pipeline.recipe import MOST_VARIANTS
from stages.core.pipeline.scale import Scale, load_scale
from stages.core.pipeline.system import System, Tracker

ALLOWED = ("scale", "runs", "stages", "report_to", "seeds", "ledger")


class CommandLine(NamedTuple):
    """`--config`, checked. overrides: settings by stage; seeds: None where each recipe's own hold."""

    scale: Scale
    overrides: dict[str, dict[str, Any]]
    runs: str
    seeds: list[int] | None


def read_configuration(text: str) -> dict[str, Any]:
    """What `--config` says, given as JSON."""
    try:
        configuration = json.loads(text)
    except (ValueError, RecursionError):
        configuration = None
    if not isinstance(configuration, dict):
        raise InputError(f"CONFIGURATION: found {text[:80]!r}, allowed: a mapping as JSON, such as '{{}}'")
    return configuration


def command_line(configuration: dict[str, Any]) -> CommandLine:
    """Scale, settings by stage, runs folder and seeds of `--config`; InputError where one is not allowed."""
    for key in configuration:
        if key not in ALLOWED:
            raise InputError(f"--config: unknown key `{key}`; {nearest(key, ALLOWED)}")
    overrides = configuration.get("stages", {})
    if not isinstance(overrides, dict) or not all(isinstance(values, dict) for values in overrides.values()):
        raise InputError(f"--config stages: found {shown(overrides)}, allowed: {{stage: {{setting: value}}}}")
    runs = runs_folder(configuration.get("runs", "runs"))
    seeds = seeds_of(configuration["seeds"]) if "seeds" in configuration else None
    scale = load_scale(str(configuration.get("scale", "tiny")))
    if "report_to" in configuration:
        tracker = configuration["report_to"]
        if tracker not in get_args(Tracker):
            raise InputError(f"--config report_to: found {shown(tracker)}; {nearest(tracker, get_args(Tracker))}")
        system = System.model_validate(scale.system.model_dump() | {"report_to": tracker})
        scale = scale.model_copy(update={"system": system})
    return CommandLine(scale, overrides, runs, seeds)


def seeds_of(given: Any) -> list[int]:
    """`seeds=3` -> 1, 2, 3; `seeds=[1, 2, 5]` -> these, of which Snakemake makes texts."""
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MOST_VARIANTS:
        return list(range(1, given + 1))
    listed = given if isinstance(given, list) else []
    numbers = [int(seed) if isinstance(seed, str) and re.fullmatch(r"[0-9]{1,10}", seed) else seed for seed in listed]
    try:
        seeds = TypeAdapter(list[Seed]).validate_python(numbers, strict=True)
    except ValidationError:
        seeds = []
    if not seeds or len(seeds) > len(set(seeds)):
        raise InputError(
            f"--config seeds: found {shown(given)}, allowed: how many seeds, from 1 to {MOST_VARIANTS:,}, or a list of "
            "different ones, whole numbers from 0 up, such as [1, 2, 5]"
        )
    return seeds


def refuse_wasted(errors: Iterable[InputError], planned: set[str]) -> None:
    """Raise what is wrong with a setting of the command line that no recipe can take, whichever it was meant for.

    planned: the names of the stages that all is well with.
    """
    for error in errors:
        spoken = re.match(r"--config stages\.(\w+):", str(error))
        if spoken and spoken[1] not in planned:
            raise error


def refuse_unknown(where: str, named: Iterable[str], known: Iterable[str]) -> None:
    """InputError where a stage is spoken of that no recipe has."""
    known = set(known)
    for name in named:
        if name not in known:
            raise InputError(f"{where}: unknown stage `{name}`; {nearest(name, known)}")
