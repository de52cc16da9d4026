"""Recipe and scale files: what they may say, and one sentence for whatever else they say. Imports no torch."""

import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from data.errors import InputError
from stages.core.pipeline.scripts import BASES, all_scripts, base_scripts
from stages.core.pipeline.settings import KINDS, Mixture, Settings
from stages.core.pipeline.system import Lora, PublicData, System, Vllm
from stages.core.pipeline.variants import Axes, Variant, axes_of_seeds, matching, variants

RECIPES = Path("recipes")
STUDIES = RECIPES / "studies"
SCALES = RECIPES / "scales"
SINGLE_ROLES = ("from", "data", "sampler", "teacher")
LIST_ROLES = ("reward_models", "checkpoints")


class Paper(BaseModel):
    """What a recipe follows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    version: str
    url: str


class Definition(BaseModel):
    """A stage as a recipe file writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    script: str | None = None
    like: str | None = None
    from_: str | None = Field(None, alias="from")
    data: str | None = None
    sampler: str | None = None
    teacher: str | None = None
    reward_models: list[str] | None = None
    checkpoints: list[str] | None = None
    arms: Axes = {}
    settings: dict[str, Any] = {}
    cite: dict[str, str] = {}

    def inputs(self) -> dict[str, str | list[str]]:
        """Role -> the stage (or stages) named for it."""
        found = {"from": self.from_} | {role: getattr(self, role) for role in (*SINGLE_ROLES[1:], *LIST_ROLES)}
        return {role: named for role, named in found.items() if named}


class RecipeFile(BaseModel):
    """A recipe file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper: Paper | None = None
    use: str | None = None
    seeds: list[int] = []
    stages: dict[str, Definition] = Field(min_length=1)


class Scale(BaseModel):
    """A scale file: on what, how large, how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    system: System = System()
    public_data: PublicData = PublicData()
    bases: dict[str, dict[str, Any]] = Field(min_length=1)
    mixtures: dict[str, Mixture] = {}
    kinds: dict[str, dict[str, Any]] = {}
    stages: dict[str, dict[str, Any]] = {}
    why: dict[str, str] = {}
    resources: dict[str, dict[str, int | str]] = {}

    @property
    def file(self) -> str:
        """For error messages."""
        return str(SCALES / f"{self.name}.yaml")

    def base(self, name: str) -> tuple[str, dict[str, Any]]:
        """What makes a base (`base.pretraining`, or `base.pretrained` for a published one), and its settings."""
        settings = dict(self.bases[name])
        return settings.pop("script", f"{BASES}.pretraining"), settings


@dataclass(frozen=True)
class Recipe:
    """A recipe with `like` filled in.

    lineage: the names under which a scale may override each stage.
    changes: what a stage with `like` says otherwise than its model; no override of the model may undo it.
    labels: seed and arms of each stage that is made several times.
    """

    name: str
    file: str
    paper: Paper | None
    used: "Recipe | None"
    stages: dict[str, Definition]
    lineage: dict[str, tuple[str, ...]]
    changes: dict[str, dict[str, Any]]
    labels: dict[str, dict[str, str]]


def nearest(name: Any, allowed: Iterable[str]) -> str:
    """The end of an error sentence: the closest allowed name, or all of them."""
    names = sorted(allowed)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"allowed: {', '.join(names) or 'none'}"


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML in which a key given twice is an error, where PyYAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse duplicates before the merge keys are filled in."""
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen and key.value != "<<":
                problem = f"the key `{key.value}` is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, kind: str) -> dict[str, Any]:
    """The mapping in a YAML file, or one sentence."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), UniqueKeyLoader)
    except FileNotFoundError:
        names = available("scales" if kind == "scale" else "recipes")
        raise InputError(f"there is no {kind} `{path.stem}` ({path}); {nearest(path.stem, names)}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InputError(f"{path}: {where}{error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {type(content).__name__}, a {kind} file is a mapping")
    return content


def checked(model: type[BaseModel], content: dict[str, Any], file: Any, keys: dict[tuple[str, ...], Iterable[str]]):
    """`content` as `model`, or one sentence about the first thing that is wrong."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # A mistyped key is also a missing one: name the typo.
        first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        path = tuple(str(part) for part in first["loc"])
        where = f"{file}: {'.'.join(path[:-1])}" if len(path) > 1 else f"{file}"
        if first["type"] == "extra_forbidden":
            allowed = keys["stages", "*"] if len(path) == 3 and path[0] == "stages" else keys.get(path[:-1], [])
            raise InputError(f"{where}: unknown key `{path[-1]}`; {nearest(path[-1], allowed)}") from None
        if first["type"] == "missing":
            raise InputError(f"{where}: `{path[-1]}` is missing") from None
        raise InputError(f"{where}: `{path[-1]}` is {first['input']!r}: {first['msg'].lower()}") from None


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a file may use."""
    return [field.alias or name for name, field in model.model_fields.items()]


@functools.cache
def adapter(settings: type[Settings], field: str) -> TypeAdapter:
    """Checks one setting of a class."""
    return TypeAdapter(settings.model_fields[field].rebuild_annotation())


def settings_class(script: str, where: str) -> type[Settings]:
    """The class of a script's settings; one sentence for a script that is not there."""
    if script not in all_scripts():
        raise InputError(f"{where}: unknown script `{script}`; {nearest(script, all_scripts())}")
    return all_scripts()[script]


def check_settings(settings: type[Settings], values: Any, where: str, name: str) -> None:
    """Refuse unknown settings and wrong types where they are written, before anything is merged.

    name: of the script or kind that has these settings.
    """
    if not isinstance(values, dict):
        raise InputError(f"{where}: found {values!r}, settings are a mapping")
    fields = settings.model_fields
    for field, value in values.items():
        if field not in fields:
            raise InputError(f"{where}: unknown setting `{field}` of {name}; {nearest(field, fields)}")
        try:
            adapter(settings, field).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            part = "".join(f"[{step}]" for step in first["loc"] if step != "[key]")
            raise InputError(f"{where}: `{field}{part}` is {first['input']!r}: {first['msg'].lower()}") from None


def available(kind: Literal["recipes", "scales"]) -> list[str]:
    """The names of the recipe or scale files."""
    folders = [SCALES] if kind == "scales" else [RECIPES, STUDIES]
    return sorted(path.stem for folder in folders for path in folder.glob("*.yaml"))


def recipe_file(name: str) -> Path:
    """Where a recipe lies: among the papers', or among the studies."""
    study = STUDIES / f"{name}.yaml"
    return study if study.exists() else RECIPES / f"{name}.yaml"


def read_scale(name: str, users: tuple[str, ...] = ()) -> dict[str, Any]:
    """The content of a scale file over that of the scale that it uses, bases and mixtures as a whole."""
    path = SCALES / f"{name}.yaml"
    content = read_yaml(path, "scale")
    used = content.pop("use", None)
    if used is None:
        return content
    if used in (*users, name):
        raise InputError(f"{path}: `use` names {used}, which uses this scale")
    merged = read_scale(str(used), (*users, name))
    for key, value in content.items():
        merged[key] = over(merged.get(key), value, depth=1 if key in ("bases", "mixtures") else 2)
    return merged


def with_mixtures(settings: type[Settings], values: Any, scale: Scale, where: str) -> Any:
    """The values with each name of one of the scale's mixtures replaced by that mixture."""
    if not isinstance(values, dict):
        return values
    named = {
        field: value
        for field, value in values.items()
        if isinstance(value, str)
        and field in settings.model_fields
        and settings.model_fields[field].annotation == Mixture
    }
    for field, name in named.items():
        if name not in scale.mixtures:
            raise InputError(f"{where}: `{field}` names the mixture `{name}`; {nearest(name, scale.mixtures)}")
    return values | {field: scale.mixtures[name] for field, name in named.items()}


def over(below: Any, value: Any, depth: int) -> Any:
    """`value` over `below`, mappings entry by entry down to `depth`; anything else replaces what is below."""
    if depth == 0 or not (isinstance(value, dict) and isinstance(below, dict)):
        return value
    return below | {entry: over(below.get(entry), found, depth - 1) for entry, found in value.items()}


def load_scale(name: str) -> Scale:
    """A scale file, checked on its own; its stage overrides are checked where a recipe has the stage."""
    path = SCALES / f"{name}.yaml"
    content = read_scale(name)
    keys = ["use", *(key for key in keys_of(Scale) if key != "name")]
    if "name" in content:
        raise InputError(f"{path}: unknown key `name`; {nearest('name', keys)}")
    nested = {
        ("system",): keys_of(System),
        ("system", "lora"): keys_of(Lora),
        ("system", "vllm"): keys_of(Vllm),
        ("public_data",): keys_of(PublicData),
    }
    scale = checked(Scale, content | {"name": name}, path, {(): keys, ("stages", "*"): []} | nested)
    for kind, values in scale.kinds.items():
        if kind not in KINDS:
            raise InputError(f"{path}: kinds: unknown kind `{kind}`; {nearest(kind, KINDS)}")
        where = f"{path}: kinds.{kind}"
        check_settings(KINDS[kind], with_mixtures(KINDS[kind], values, scale, where), where, kind)
    for base in scale.bases:
        script, settings = scale.base(base)
        if script not in base_scripts():
            raise InputError(f"{path}: bases.{base}: `script` is {script!r}; {nearest(script, base_scripts())}")
        where, known = f"{path}: bases.{base}", all_scripts()[script]
        check_settings(known, with_mixtures(known, settings, scale, where), where, script)
    fields = {field for settings in all_scripts().values() for field in settings.model_fields}
    for field in scale.why:
        if field not in fields:
            raise InputError(f"{path}: why: unknown setting `{field}`; {nearest(field, fields)}")
    for name_, values in scale.resources.items():
        threads = values.get("threads", 1)
        if not isinstance(threads, int) or threads < 1:
            raise InputError(f"{path}: resources.{name_}: `threads` is {threads!r}, allowed: a whole number from 1")
    return scale


def load_recipe(path: str | Path) -> Recipe:
    """A recipe file, checked: keys, scripts, settings, citations, order."""
    path = Path(path)
    keys = {(): keys_of(RecipeFile), ("paper",): keys_of(Paper), ("stages", "*"): keys_of(Definition)}
    file = checked(RecipeFile, read_yaml(path, "recipe"), path, keys)
    if file.use == path.stem:
        raise InputError(f"{path}: `use` names the recipe itself")
    used = load_recipe(recipe_file(file.use)) if file.use else None
    definitions: dict[str, Definition] = dict(used.stages) if used else {}
    lineages: dict[str, tuple[str, ...]] = dict(used.lineage) if used else {}
    own: dict[str, Definition] = {}
    changes = dict(used.changes) if used else {}
    changes |= {name: written.settings for name, written in file.stages.items() if written.like}
    for name, written in file.stages.items():
        where = f"{path}: stages.{name}"
        if not name.isidentifier():
            raise InputError(f"{where}: a stage's name is made of letters, digits and underscores")
        # A scale may name a stage alone or, where recipes differ, as its rule: kimi_k15_evaluation.
        lineage: tuple[str, ...] = (name, f"{path.stem}_{name}")
        if written.like:
            if written.like not in definitions:
                raise InputError(f"{where}: `like` names `{written.like}`; {nearest(written.like, definitions)}")
            model = definitions[written.like]
            merged = {"settings": model.settings | written.settings, "cite": model.cite | written.cite}
            given = {key: getattr(written, key) for key in written.model_fields_set - {"like", "settings", "cite"}}
            written = model.model_copy(update=given | merged | {"like": None})
            lineage = tuple(dict.fromkeys((*lineages[file.stages[name].like], *lineage)))
        if written.script is None:
            raise InputError(f"{where}: `script` is missing; {nearest(f'{path.stem}.{name}', all_scripts())}")
        settings = settings_class(written.script, where)
        check_settings(settings, written.settings, f"{where}.settings", written.script)
        for field in written.cite:
            if field not in settings.model_fields:
                hint = nearest(field, settings.model_fields)
                raise InputError(f"{where}.cite: unknown setting `{field}` of {written.script}; {hint}")
        own[name] = definitions[name] = written
        lineages[name] = lineage
    return with_variants(
        Recipe(path.stem, str(path), file.paper, used, own, {name: lineages[name] for name in own}, changes, {}),
        file.seeds,
    )


def with_variants(recipe: Recipe, seeds: list[int]) -> Recipe:
    """The recipe with a stage for each seed and arm in the place of each that it writes once."""
    made: dict[str, list[Variant]] = {}
    axes: dict[str, Axes] = {}
    stages: dict[str, Definition] = {}
    lineage, changes, labels = {}, dict(recipe.changes), {}
    for name, written in recipe.stages.items():
        where = f"{recipe.file}: stages.{name}"
        settings = settings_class(str(written.script), where)
        for axis, arms in written.arms.items():
            if axis == "seed" or not arms:
                raise InputError(f"{where}.arms.{axis}: an axis has another name than `seed`, and an arm at least")
            for arm, changed in arms.items():
                check_settings(settings, changed, f"{where}.arms.{axis}.{arm}", str(written.script))
        axes[name] = {}
        if not settings.collects:
            for named in written.inputs().values():
                for parent in [named] if isinstance(named, str) else named:
                    # What a parent's arm changes is the parent's: here the arm is but a label.
                    axes[name] |= {
                        axis: dict.fromkeys(arms, {}) if axis != "seed" else arms
                        for axis, arms in axes.get(parent, {}).items()
                    }
            axes[name] |= written.arms | axes_of_seeds(seeds)
        made[name] = variants(name, axes[name])
        for variant in made[name]:
            roles: dict[str, Any] = {}
            for role, named in written.inputs().items():
                if isinstance(named, str):
                    roles[role] = matching(named, made, variant.labels)[0]
                else:
                    roles[role] = [found for each in named for found in matching(each, made, variant.labels)]
            if "from" in roles:
                roles["from_"] = roles.pop("from")
            stages[variant.name] = written.model_copy(
                update=roles | {"settings": written.settings | variant.settings, "arms": {}}
            )
            # A scale may speak of one arm: kimi_k15_objective_slow.
            arms = [f"{recipe.name}_{label}" for axis, label in variant.labels.items() if axis != "seed"]
            own = [variant.name] if variant.labels else []
            lineage[variant.name] = tuple(dict.fromkeys((*recipe.lineage[name], *arms, *own)))
            if variant.labels:
                labels[variant.name] = variant.labels
                changes[variant.name] = variant.settings
    return replace(recipe, stages=stages, lineage=lineage, changes=changes, labels=labels)


def citation_gaps(recipe: Recipe) -> list[str]:
    """What a recipe that follows a paper leaves uncited, or cites wrongly; a recipe without one may cite nothing."""
    gaps = []
    for name, stage in recipe.stages.items() if recipe.paper else ():
        settings = settings_class(str(stage.script), f"{recipe.file}: stages.{name}")
        for field in settings.model_fields.keys() - settings.run_fields:
            citation = stage.cite.get(field)
            if citation is None:
                gaps.append(f"{name}.{field}: no citation")
            elif (citation == "undisclosed") == (field in stage.settings):
                gaps.append(f"{name}.{field}: cited as {citation!r}, value {stage.settings.get(field)!r}")
        gaps += [f"{name}.{field} is not of the paper" for field in settings.run_fields & stage.settings.keys()]
    return gaps
