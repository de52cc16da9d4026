"""Recipe and scale files: what they may say, and one sentence for whatever else they say. Imports no torch."""

import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stages.core.errors import InputError
from stages.core.settings import SETTINGS
from stages.core.settings.system import Lora, PublicData, System, Vllm

RECIPES = Path("recipes")
SCALES = RECIPES / "scales"
BASE_SCRIPTS = ("base", "pretrained")
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
    stages: dict[str, Definition] = Field(min_length=1)


class Scale(BaseModel):
    """A scale file: on what, how large, how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    system: System = System()
    public_data: PublicData = PublicData()
    bases: dict[str, dict[str, Any]] = Field(min_length=1)
    scripts: dict[str, dict[str, Any]] = {}
    stages: dict[str, dict[str, Any]] = {}
    why: dict[str, str] = {}
    resources: dict[str, dict[str, int | str]] = {}

    @property
    def file(self) -> str:
        """For error messages."""
        return str(SCALES / f"{self.name}.yaml")

    def base(self, name: str) -> tuple[str, dict[str, Any]]:
        """What makes a base (`base` pretrains one, `pretrained` takes a published one), and its settings."""
        settings = dict(self.bases[name])
        return settings.pop("script", BASE_SCRIPTS[0]), settings


@dataclass(frozen=True)
class Recipe:
    """A recipe with `like` filled in.

    lineage: the names under which a scale may override each stage.
    changes: what a stage with `like` says otherwise than its model; no override of the model may undo it.
    """

    name: str
    file: str
    paper: Paper | None
    used: "Recipe | None"
    stages: dict[str, Definition]
    lineage: dict[str, tuple[str, ...]]
    changes: dict[str, dict[str, Any]]


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
def adapter(script: str, field: str) -> TypeAdapter:
    """Checks one setting of one script."""
    return TypeAdapter(SETTINGS[script].model_fields[field].rebuild_annotation())


def check_settings(script: str, values: Any, where: str) -> None:
    """Refuse unknown settings and wrong types where they are written, before anything is merged."""
    if not isinstance(values, dict):
        raise InputError(f"{where}: found {values!r}, settings are a mapping")
    fields = SETTINGS[script].model_fields
    for field, value in values.items():
        if field not in fields:
            raise InputError(f"{where}: unknown setting `{field}` of {script}; {nearest(field, fields)}")
        try:
            adapter(script, field).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            part = "".join(f"[{step}]" for step in first["loc"] if step != "[key]")
            raise InputError(f"{where}: `{field}{part}` is {first['input']!r}: {first['msg'].lower()}") from None


def available(kind: Literal["recipes", "scales"]) -> list[str]:
    """The names of the recipe or scale files."""
    return sorted(path.stem for path in (SCALES if kind == "scales" else RECIPES).glob("*.yaml"))


def read_scale(name: str, users: tuple[str, ...] = ()) -> dict[str, Any]:
    """The content of a scale file over that of the scale that it uses: setting by setting, but bases as a whole."""
    path = SCALES / f"{name}.yaml"
    content = read_yaml(path, "scale")
    used = content.pop("use", None)
    if used is None:
        return content
    if used in (*users, name):
        raise InputError(f"{path}: `use` names {used}, which uses this scale")
    merged = read_scale(str(used), (*users, name))
    for key, value in content.items():
        merged[key] = over(merged.get(key), value, depth=1 if key == "bases" else 2)
    return merged


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
    for script, values in scale.scripts.items():
        if script not in SETTINGS:
            raise InputError(f"{path}: scripts: unknown script `{script}`; {nearest(script, SETTINGS)}")
        check_settings(script, values, f"{path}: scripts.{script}")
    for base in scale.bases:
        script, settings = scale.base(base)
        if script not in BASE_SCRIPTS:
            raise InputError(f"{path}: bases.{base}: `script` is {script!r}; {nearest(script, BASE_SCRIPTS)}")
        check_settings(script, settings, f"{path}: bases.{base}")
    fields = {field for settings in SETTINGS.values() for field in settings.model_fields}
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
    used = load_recipe(RECIPES / f"{file.use}.yaml") if file.use else None
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
            script = model.script or written.like
            merged = {
                "script": script,
                "settings": model.settings | written.settings,
                "cite": model.cite | written.cite,
            }
            given = {key: getattr(written, key) for key in written.model_fields_set - {"like", "settings", "cite"}}
            written = model.model_copy(update=given | merged | {"like": None})
            lineage = tuple(dict.fromkeys((*lineages[file.stages[name].like], *lineage)))
        script = written.script or name
        if script not in SETTINGS:
            raise InputError(f"{where}: unknown script `{script}`; {nearest(script, SETTINGS)}")
        check_settings(script, written.settings, f"{where}.settings")
        for field in written.cite:
            if field not in SETTINGS[script].model_fields:
                hint = nearest(field, SETTINGS[script].model_fields)
                raise InputError(f"{where}.cite: unknown setting `{field}` of {script}; {hint}")
        own[name] = definitions[name] = written
        lineages[name] = lineage
    return Recipe(path.stem, str(path), file.paper, used, own, {name: lineages[name] for name in own}, changes)


def citation_gaps(recipe: Recipe) -> list[str]:
    """What a recipe that follows a paper leaves uncited, or cites wrongly; a recipe without one may cite nothing."""
    gaps = []
    for name, stage in recipe.stages.items() if recipe.paper else ():
        settings = SETTINGS[stage.script or name]
        for field in settings.model_fields.keys() - settings.run_fields:
            citation = stage.cite.get(field)
            if citation is None:
                gaps.append(f"{name}.{field}: no citation")
            elif (citation == "undisclosed") == (field in stage.settings):
                gaps.append(f"{name}.{field}: cited as {citation!r}, value {stage.settings.get(field)!r}")
        gaps += [f"{name}.{field} is not of the paper" for field in settings.run_fields & stage.settings.keys()]
    return gaps
