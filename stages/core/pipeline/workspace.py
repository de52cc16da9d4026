"""Recipe x scale -> one config per stage. Imports no torch."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from data.errors import InputError
from stages.core.pipeline.fingerprint import digest, fingerprint
from stages.core.pipeline.recipe import Recipe, load_recipe
from stages.core.pipeline.scale import Scale, load_scale, with_mixtures
from stages.core.pipeline.schema import available, check_settings, nearest, recipe_file, settings_class
from stages.core.pipeline.scripts import kind_of
from stages.core.pipeline.settings import trains_in_several
from stages.core.pipeline.system import CHANGES_NO_RESULT, System, Tracker

HASHED = ("scale", "stage", "script", "settings", "public_data")
"""What makes a result, beside the inputs and the system; where it lies and what a paper says about it do not."""


@dataclass(frozen=True)
class Stage:
    """One rule: a script with its resolved config."""

    recipe: str | None
    name: str
    script: str
    folder: str
    payload: str
    config: dict[str, Any]
    parents: list[str]
    threads: int
    resources: dict[str, int | str]
    fingerprint: str

    @property
    def rule_name(self) -> str:
        """`r1_reasoning_rl`; a base, which all recipes share, has its bare name."""
        return f"{self.recipe}_{self.name}" if self.recipe else self.name

    @property
    def payload_path(self) -> str:
        """What the stage writes beside its manifest."""
        return f"{self.folder}/{'report.html' if self.payload == 'report' else self.payload}"

    @property
    def manifest_path(self) -> str:
        """Written last: it is there if the stage is complete."""
        return f"{self.folder}/manifest.json"

    @property
    def identity(self) -> str:
        """The part of the config that decides the result, as canonical JSON."""
        return identity(self.config)

    @property
    def key(self) -> str:
        """Digest of identity and code: tells whether a file was edited while a run was under way."""
        return digest(self.identity + self.fingerprint)[:16]


def identity(config: dict[str, Any]) -> str:
    """Canonical JSON of what decides a stage's result; input folders are taken relative to the runs folder."""

    def relative(folder: str) -> str:
        return folder.removeprefix(config["runs"] + "/")

    inputs = {
        role: relative(named) if isinstance(named, str) else {name: relative(folder) for name, folder in named.items()}
        for role, named in config["inputs"].items()
    }
    system = {key: value for key, value in config["system"].items() if key not in CHANGES_NO_RESULT}
    hashed = {key: config[key] for key in HASHED} | {"inputs": inputs, "system": system}
    return json.dumps(hashed, sort_keys=True, ensure_ascii=False)


def settings_of(script: str, layers: list[tuple[str, dict[str, Any]]], stage: str, scale: Scale) -> dict[str, Any]:
    """Merge layers, each (where it is written, values), the later over the earlier, into a full set of settings."""
    merged: dict[str, Any] = {}
    settings = settings_class(script, stage)
    for where, written in layers:
        values = with_mixtures(settings, written, scale, where)
        check_settings(settings, values, where, script)
        merged |= values
    try:
        return settings.model_validate(merged).model_dump(mode="json")
    except ValidationError as error:
        missing = [str(item["loc"][0]) for item in error.errors() if item["type"] == "missing" and item["loc"]]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise InputError(f"{scale.file}: {stage} ({script}) has no value for {names}") from None
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{scale.file}: {stage} ({script}): {where} {first['msg'].lower()}") from None


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


def resolve_bases(scale: Scale, overrides: dict[str, dict[str, Any]], runs: str = "runs") -> dict[str, Stage]:
    """The base models of a scale, by name."""
    stages = {}
    for name in scale.bases:
        script, values = scale.base(name)
        layers = [
            (f"{scale.file}: bases.{name}", values),
            (f"--config stages.{name}", overrides.get(name, {})),
        ]
        folder = f"{runs}/{scale.name}/{name}"
        config: dict[str, Any] = {
            "recipe": None, "scale": scale.name, "stage": name, "script": script, "runs": runs, "output": folder,
            "system": scale.system.model_dump(), "public_data": scale.public_data.model_dump(), "inputs": {},
            "settings": settings_of(script, layers, name, scale),
            "paper": {"settings": {}, "cite": {}}, "why": scale.why,
        }  # fmt: skip
        threads, resources = resources_of(scale, script, name)
        stages[name] = Stage(None, name, script, folder, "model", config, [], threads, resources, fingerprint(script))
    return stages


def ancestors(stages: Iterable[Stage], by_folder: dict[str, Stage]) -> list[Stage]:
    """The stages and everything that they need, in the order of `by_folder`."""
    needed: set[str] = set()
    todo = [stage.folder for stage in stages]
    while todo:
        folder = todo.pop()
        if folder not in needed:
            needed.add(folder)
            todo += by_folder[folder].parents
    return [stage for folder, stage in by_folder.items() if folder in needed]


def resolve(
    recipe: Recipe, scale: Scale, overrides: dict[str, dict[str, Any]] | None = None, runs: str = "runs"
) -> list[Stage]:
    """Every stage of a recipe at a scale, parents first; bases and stages of a used recipe only as needed."""
    overrides = overrides or {}
    known = resolve_bases(scale, overrides, runs)
    by_folder = {stage.folder: stage for stage in known.values()}
    if recipe.used:
        for stage in resolve(recipe.used, scale, overrides, runs):
            known[stage.name] = by_folder[stage.folder] = stage
    own: list[Stage] = []
    for name, definition in recipe.stages.items():
        script, where = str(definition.script), f"{recipe.file}: stages.{name}"
        settings = settings_class(script, where)
        kind = kind_of(settings)
        inputs: dict[str, Any] = {}
        for role, named in definition.inputs().items():
            for parent in [named] if isinstance(named, str) else named:
                if parent not in known:
                    later = "a later stage" if parent in recipe.stages else "no stage"
                    raise InputError(f"{where}.{role}: `{parent}` is {later}; {nearest(parent, known)}")
            if isinstance(named, str):
                inputs[role] = known[named].folder
            else:
                inputs[role] = {parent: known[parent].folder for parent in named}
        if settings.payload == "report":
            shown = ancestors(own, by_folder)
            inputs["stages"] = {stage.name: stage.folder for stage in sorted(shown, key=lambda stage: stage in own)}
        folder = f"{runs}/{scale.name}/{recipe.name}/{name}"
        layers = [(f"{where}.settings", definition.settings)]
        layers += [(f"{scale.file}: kinds.{kind}", scale.kinds.get(kind, {}))] if kind else []
        for alias in recipe.lineage[name]:  # the models of `like` first, each with what it changes
            layers += [(f"{where}.settings", recipe.changes.get(alias, {}))]
            layers += [(f"{scale.file}: stages.{alias}", scale.stages.get(alias, {}))]
        layers += [(f"--config stages.{alias}", overrides.get(alias, {})) for alias in recipe.lineage[name]]
        config = {
            "recipe": recipe.name, "scale": scale.name, "stage": name, "script": script, "runs": runs,
            "output": folder, "system": scale.system.model_dump(),
            "public_data": scale.public_data.model_dump(), "inputs": inputs,
            "settings": settings_of(script, layers, name, scale),
            "paper": {"settings": definition.settings, "cite": definition.cite}, "why": scale.why,
            "labels": recipe.labels.get(name, {}),
        }  # fmt: skip
        parents = [
            folder for named in inputs.values() for folder in ([named] if isinstance(named, str) else named.values())
        ]
        threads, resources = resources_of(scale, script, *recipe.lineage[name])
        stage = Stage(
            recipe.name, name, script, folder, settings.payload, config, list(dict.fromkeys(parents)), threads,
            resources, fingerprint(script),
        )  # fmt: skip
        own.append(stage)
        known[name] = by_folder[folder] = stage
    return ancestors(own, by_folder)


@dataclass(frozen=True)
class Workspace:
    """All recipes at one scale: what the Snakefile makes rules of."""

    scale: Scale
    stages: dict[str, list[Stage]]
    errors: dict[str, InputError]

    def rules(self) -> list[Stage]:
        """Each stage once, parents first; every base of the scale even if no recipe uses it."""
        return list({stage.folder: stage for stages in self.stages.values() for stage in stages}.values())

    def priorities(self) -> dict[str, int]:
        """How many stages wait for each, by folder: what most wait for runs first, side branches fill free cores."""
        waiting: Counter[str] = Counter()
        by_folder = {stage.folder: stage for stage in self.rules()}
        for stage in by_folder.values():
            waiting.update(found.folder for found in ancestors([stage], by_folder))
        return waiting

    def targets(self, recipe: str) -> list[Stage]:
        """What `recipe_<name>` asks for: the report, or everything if the recipe makes none."""
        own = [stage for stage in self.stages[recipe] if stage.recipe == recipe]
        return [stage for stage in own if stage.payload == "report"] or own


def load_workspace(configuration: dict[str, Any]) -> Workspace:
    """`--config` (scale, runs, stages, report_to) -> every recipe resolved; a broken recipe is kept as its error."""
    allowed = ("scale", "runs", "stages", "report_to")
    for key in configuration:
        if key not in allowed:
            raise InputError(f"--config: unknown key `{key}`; {nearest(key, allowed)}")
    overrides = configuration.get("stages", {})
    if not isinstance(overrides, dict):
        raise InputError(f"--config stages: found {overrides!r}, allowed: {{stage: {{setting: value}}}}")
    runs = str(configuration.get("runs", "runs")).rstrip("/")
    scale = load_scale(str(configuration.get("scale", "tiny")))
    if "report_to" in configuration:
        tracker = configuration["report_to"]
        if tracker not in get_args(Tracker):
            raise InputError(f"--config report_to: found {tracker!r}; {nearest(tracker, get_args(Tracker))}")
        system = System.model_validate(scale.system.model_dump() | {"report_to": tracker})
        scale = scale.model_copy(update={"system": system})
    stages: dict[str, list[Stage]] = {"": list(resolve_bases(scale, overrides, runs).values())}
    errors: dict[str, InputError] = {}
    rules: dict[str, str] = {}
    for name in available("recipes"):
        try:
            found = resolve(load_recipe(recipe_file(name)), scale, overrides, runs)
            for stage in found:
                if rules.setdefault(stage.rule_name, stage.folder) != stage.folder:
                    raise InputError(f"{recipe_file(name)}: {stage.rule_name} is already the rule of {stage.folder}")
            stages[name] = found
        except InputError as error:
            errors[name] = error
    names = {name for found in stages.values() for stage in found for name in (stage.name, stage.rule_name)}
    for name in overrides:
        if name not in names and not errors:
            raise InputError(f"--config stages: unknown stage `{name}`; {nearest(name, names)}")
    return Workspace(scale, stages, errors)


def read_configuration(text: str) -> dict[str, Any]:
    """What `--config` says, given as JSON."""
    try:
        configuration = json.loads(text)
    except (ValueError, RecursionError):
        configuration = None
    if not isinstance(configuration, dict):
        raise InputError(f"CONFIGURATION: found {text[:80]!r}, allowed: a mapping as JSON, such as '{{}}'")
    return configuration


def write_config(manifest: str, key: str, configuration: str) -> None:
    """Write the config.json of the stage that a manifest belongs to, unless its recipe or code has changed since."""
    stages = {stage.manifest_path: stage for stage in load_workspace(read_configuration(configuration)).rules()}
    stage = stages.get(manifest)
    if stage is None or stage.key != key:
        raise InputError(
            f"{Path(manifest).parent}: its recipe or code was edited during the run; give the command again"
        )
    Path(stage.folder).mkdir(parents=True, exist_ok=True)
    text = json.dumps(stage.config, indent=2, ensure_ascii=False)
    Path(stage.folder, "config.json").write_text(text + "\n", encoding="utf-8")
