"""Recipe x scale -> one config per stage. Imports no torch."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.allowed.sentences import nearest
from stages.core.pipeline.agreement import Parent, check_layers, check_seed, check_settings_together, check_stage
from stages.core.pipeline.command_line import command_line, refuse_unknown, refuse_wasted
from stages.core.pipeline.fingerprint import digest, fingerprint
from stages.core.pipeline.layers import layers_of, resources_of, settings_of
from stages.core.pipeline.recipe import Definition, Recipe, load_recipe
from stages.core.pipeline.scale import Scale
from stages.core.pipeline.schema import available, recipe_file, settings_class
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.settings import Settings
from stages.core.pipeline.studies import Study
from stages.core.pipeline.system import CHANGES_NO_RESULT
from stages.core.pipeline.variants import Variant, told

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
    settings = {key: value for key, value in config["settings"].items() if key not in CHANGES_NO_RESULT}
    hashed = {key: config[key] for key in HASHED} | {"inputs": inputs, "system": system, "settings": settings}
    return json.dumps(hashed, sort_keys=True, ensure_ascii=False)


def resolve_bases(scale: Scale, overrides: dict[str, dict[str, Any]], runs: str = "runs") -> dict[str, Stage]:
    """The base models of a scale, by name."""
    stages = {}
    for name in scale.bases:
        script, values = scale.base(name)
        folder = f"{runs}/{scale.name}/{name}"
        known = settings_class(script, scale.file)
        layers = [
            (f"{scale.file}: bases.{name}", values, known),
            (f"--config stages.{name}", overrides.get(name, {}), known),
        ]
        settings = settings_of(script, layers, name, scale).settings
        check_base(settings, name, scale, complete=Path(folder, "manifest.json").exists())
        config: dict[str, Any] = {
            "recipe": None, "scale": scale.name, "stage": name, "script": script, "runs": runs, "output": folder,
            "system": scale.system.model_dump(), "public_data": scale.public_data.model_dump(), "inputs": {},
            "allow_unsandboxed_code": scale.allow_unsandboxed_code,
            "settings": settings.model_dump(mode="json"),
            "paper": {"settings": {}, "cite": {}}, "why": scale.why,
        }  # fmt: skip
        threads, resources = resources_of(scale, script, name)
        stages[name] = Stage(None, name, script, folder, "model", config, [], threads, resources, fingerprint(script))
    return stages


def check_base(settings: Settings, name: str, scale: Scale, complete: bool) -> None:
    """InputError where a base cannot be made of its files, or the system does not fit it.

    complete: the base is there, and its files are needed no more.
    """
    layers, context, longest = settings.adapted_layers(), settings.context(), scale.system.vllm.max_model_length
    try:
        if not complete:
            settings.check_files()
        check_settings_together(settings, {}, scale.system, scale.public_data)
        if scale.system.lora and layers:
            check_layers(scale.system.lora.target_modules, name, layers)
        if scale.system.engine == "vllm" and longest and context and longest > context:
            raise InputError(
                f"system.vllm: `max_model_length` is {longest}, allowed: at most {context}, as the base has"
            )
    except InputError as error:
        raise InputError(f"{scale.file}: bases.{name}: {error}") from None


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


def inputs_of(
    definition: Definition, recipe: Recipe, known: dict[str, Stage], where: str
) -> tuple[dict[str, Any], dict[str, dict[str, Stage]]]:
    """Role -> folder, or folders by name, as a stage's config has them; and role -> the stages by the same names.

    A stage knows its parents as the recipe writes them, whichever seed and arm it is of; what collects, each by name.
    """
    collects, variants = settings_class(str(definition.script), where).collects, recipe.variants
    inputs: dict[str, Any] = {}
    found: dict[str, dict[str, Stage]] = {}
    for role, named in definition.inputs().items():
        found[role] = {}
        for parent in [named] if isinstance(named, str) else named:
            if parent not in known:
                later = "a later stage" if parent in recipe.written or parent in recipe.stages else "no stage"
                raise InputError(f"{where}.{role}: `{parent}` is {later}; {nearest(parent, known)}")
            found[role][parent if collects else template_of(parent, variants)] = known[parent]
        folders = {name: stage.folder for name, stage in found[role].items()}
        inputs[role] = known[named].folder if isinstance(named, str) else folders
    return inputs, found


def template_of(name: str, variants: dict[str, Variant]) -> str:
    """A stage's name as its recipe writes it; a base's is its own."""
    return variants[name].template if name in variants else name


def about(stage: Stage, by_folder: dict[str, Stage]) -> Parent:
    """What a stage that reads another one must know of it; prompts that it reads may be among those that it writes."""
    settings, read = stage.config["settings"], stage.config["inputs"].get("data")
    counts = [settings.get("pairs", settings.get("prompts", settings.get("problems")))]
    if read and "pairs" not in settings:
        counts.append(about(by_folder[read], by_folder).most_rows)
    return Parent(all_scripts()[stage.script], None if None in counts else sum(counts))


def contexts_of(
    stages: list[Stage], by_folder: dict[str, Stage], contexts: dict[str, int | None], scale: Scale
) -> set[int]:
    """Tokens that the bases behind some stages can read, as far as that is known; the sampler may be set to fewer.

    contexts: of each base, by its folder.
    """
    found = {contexts[stage.folder] for stage in ancestors(stages, by_folder) if stage.recipe is None}
    if scale.system.engine == "vllm":
        found.add(scale.system.vllm.max_model_length)
    return {context for context in found if context is not None}


def resolve(
    recipe: Recipe,
    scale: Scale,
    overrides: dict[str, dict[str, Any]] | None = None,
    runs: str = "runs",
    solved: dict[tuple[str, ...], list[Stage]] | None = None,
) -> list[Stage]:
    """Every stage of a recipe at a scale, parents first; bases and stages of a used recipe only as needed.

    solved: used recipes by their name and stages, which several recipes of one call share.
    """
    overrides, solved = overrides or {}, {} if solved is None else solved
    known = resolve_bases(scale, overrides, runs)
    contexts_of_bases = {
        base.folder: all_scripts()[base.script].model_validate(base.config["settings"]).context()
        for base in known.values()
    }
    if recipe.used:
        key = (recipe.used.name, *recipe.used.stages)
        if key not in solved:
            solved[key] = resolve(recipe.used, scale, overrides, runs, solved)
        known |= {stage.name: stage for stage in solved[key]}
    by_folder = {stage.folder: stage for stage in known.values()}
    others = {name: about(stage, by_folder) for name, stage in known.items()}
    own: list[Stage] = []
    variants = recipe.variants
    for name, definition in recipe.stages.items():
        script, where = str(definition.script), f"{recipe.file}: stages.{name}"
        settings = settings_class(script, where)
        if name in scale.bases:
            raise InputError(f"{where}: the scale {scale.name} has a base of this name; a stage needs another one")
        inputs, named = inputs_of(definition, recipe, known, where)
        folder = f"{runs}/{scale.name}/{recipe.name}/{name}"
        layers = layers_of(recipe, name, definition, scale, overrides)
        written = settings_of(script, layers, name, scale)
        check_seed(written, variants[name], where)
        read = [stage for stages in named.values() for stage in stages.values()]
        contexts = contexts_of(read, by_folder, contexts_of_bases, scale)
        # Parents are spoken of as the recipe writes them, by its settings and in a sentence.
        parents_too = others | {template_of(stage.name, variants): others[stage.name] for stage in read}
        spoken = {
            role: list(dict.fromkeys(template_of(stage.name, variants) for stage in stages.values()))
            for role, stages in named.items()
        }
        check_stage(written, script, spoken, parents_too, contexts, scale, where)
        if settings.payload == "report":
            if not own:
                raise InputError(f"{where}: a report shows the stages above it, and there is none")
            shown_stages = ancestors(own, by_folder)
            inputs["stages"] = {stage.name: stage.folder for stage in sorted(shown_stages, key=lambda s: s in own)}
        config = {
            "recipe": recipe.name, "scale": scale.name, "stage": name, "script": script, "runs": runs,
            "output": folder, "system": scale.system.model_dump(),
            "public_data": scale.public_data.model_dump(), "inputs": inputs,
            "settings": written.settings.model_dump(mode="json"),
            "paper": {"settings": definition.settings, "cite": definition.cite}, "why": scale.why,
            "labels": variants[name].labels, "allow_unsandboxed_code": scale.allow_unsandboxed_code,
        }  # fmt: skip
        if settings.collects and (of_seeds := told(variants[stage.name] for stage in read if stage.name in variants)):
            config["variants"] = of_seeds
        parents = [
            folder for found in inputs.values() for folder in ([found] if isinstance(found, str) else found.values())
        ]
        threads, resources = resources_of(scale, script, *recipe.lineage[name])
        stage = Stage(
            recipe.name, name, script, folder, settings.payload, config, list(dict.fromkeys(parents)), threads,
            resources, fingerprint(script),
        )  # fmt: skip
        own.append(stage)
        known[name] = by_folder[folder] = stage
        others[name] = about(stage, by_folder)
    return ancestors(own, by_folder)


def priorities(stages: Iterable[Stage]) -> dict[str, int]:
    """By folder: first what the longest chain of stages waits for, of equals what most wait for; 0 for all others.

    So side branches run where the longest chain leaves a core free. stages: those that are asked for, parents first.
    """
    by_folder = {stage.folder: stage for stage in stages}
    waiting: Counter[str] = Counter()
    chain = dict.fromkeys(by_folder, 1)
    for stage in reversed(by_folder.values()):
        waiting.update(found.folder for found in ancestors([stage], by_folder))
        for parent in stage.parents:
            chain[parent] = max(chain[parent], chain[stage.folder] + 1)
    return Counter({folder: len(by_folder) * chain[folder] + waiting[folder] for folder in by_folder})


@dataclass(frozen=True)
class Workspace:
    """All recipes at one scale: what the Snakefile makes rules of."""

    scale: Scale
    runs: str
    stages: dict[str, list[Stage]]
    errors: dict[str, InputError]
    studies: dict[str, Study]

    def rules(self) -> list[Stage]:
        """Each stage once, parents first; every base of the scale even if no recipe uses it."""
        return list({stage.folder: stage for stages in self.stages.values() for stage in stages}.values())

    def targets(self, recipe: str) -> list[Stage]:
        """What `recipe_<name>` asks for: the report, or everything if the recipe makes none."""
        own = [stage for stage in self.stages[recipe] if stage.recipe == recipe]
        return [stage for stage in own if stage.payload == "report"] or own


def load_workspace(configuration: dict[str, Any]) -> Workspace:
    """`--config` (command_line.py) -> every recipe resolved; a broken recipe is kept as its error."""
    scale, overrides, runs, seeds = command_line(configuration)
    stages: dict[str, list[Stage]] = {"": list(resolve_bases(scale, overrides, runs).values())}
    errors: dict[str, InputError] = {}
    studies: dict[str, Study] = {}
    keys: dict[str, str] = {}
    solved: dict[tuple[str, ...], list[Stage]] = {}
    names = available("recipes")
    rules = dict.fromkeys(["help", "ledger", *(f"recipe_{name}" for name in names)], "another target")
    rules |= {base.rule_name: base.folder for base in stages[""]}
    known, planned, unread = set(scale.bases), set(scale.bases), 0
    for name in names:
        unread += 1
        try:
            if name in scale.bases:
                raise InputError(
                    f"{recipe_file(name)}: the scale {scale.name} has a base of this name; rename the file"
                )
            recipe = load_recipe(recipe_file(name), seeds=seeds)
            unread -= 1
            aliases = {alias for lineage in recipe.lineage.values() for alias in lineage}
            known |= aliases
            found = resolve(recipe, scale, overrides, runs, solved)
            for stage in found:
                if rules.setdefault(stage.rule_name, stage.folder) != stage.folder:
                    taken = rules[stage.rule_name]
                    raise InputError(f"{recipe.file}: {stage.rule_name} is already the rule of {taken}")
                if keys.setdefault(stage.folder, stage.key) != stage.key:
                    raise InputError(f"{recipe.file}: {stage.folder} is of other inputs here: name its stage anew")
            study = Study(name, recipe.file, recipe.claims, found)
            study.check()
            for claim in recipe.claims:
                if (taken := rules.setdefault(f"claim_{claim}", recipe.file)) != recipe.file:
                    raise InputError(f"{recipe.file}: claims.{claim}: claim_{claim} is already the rule of {taken}")
            stages[name] = found
            if recipe.claims:
                studies[name] = study
            planned |= aliases
        except InputError as error:
            errors[name] = error
    refuse_wasted(errors.values(), planned)
    if not unread:
        refuse_unknown("--config stages", overrides, known)
        refuse_unknown(f"{scale.file}: stages", scale.stages, known)
        refuse_unknown(f"{scale.file}: resources", scale.resources, known | {"default"})
    return Workspace(scale, runs, stages, errors, studies)
