"""What recipe and scale files have in common: YAML, names, settings, and one sentence for whatever else they say."""

import difflib
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from data.errors import InputError
from stages.core.pipeline.scripts import ROOT, all_scripts
from stages.core.pipeline.settings import Settings

RECIPES = Path("recipes") if Path.cwd() == ROOT else ROOT / "recipes"  # in messages: the shorter one
STUDIES = RECIPES / "studies"
SCALES = RECIPES / "scales"


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


def checked(model: type[BaseModel], content: dict[str, Any], file: Any, keys: Mapping[tuple[str, ...], Iterable[str]]):
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
