"""What recipe and scale files have in common: where they lie, their names, and the check of settings."""

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from data.errors import InputError
from stages.core.allowed.sentences import complaint, nearest, shown
from stages.core.allowed.yaml_file import read_mapping
from stages.core.pipeline.scripts import ROOT, all_scripts
from stages.core.pipeline.settings import Settings

RECIPES = Path("recipes") if Path.cwd() == ROOT else ROOT / "recipes"  # in messages: the shorter one
STUDIES = RECIPES / "studies"
SCALES = RECIPES / "scales"


def available(kind: Literal["recipes", "scales"]) -> list[str]:
    """The names of the recipe or scale files; hidden files are an editor's."""
    folders = [SCALES] if kind == "scales" else [RECIPES, STUDIES]
    found = {path.stem for folder in folders for path in folder.glob("*.yaml")}
    return sorted(name for name in found if not name.startswith("."))


def recipe_file(name: str) -> Path:
    """Where a recipe lies: among the papers', or among the studies; InputError where it lies in neither or in both."""
    files = [path for path in (RECIPES / f"{name}.yaml", STUDIES / f"{name}.yaml") if path.exists()]
    if not files or name not in available("recipes"):
        file = RECIPES / f"{name}.yaml"
        raise InputError(f"there is no recipe `{name}` ({file}); {nearest(name, available('recipes'))}")
    if len(files) > 1:
        raise InputError(f"{files[1]}: {files[0]} has the same name; one of them needs another one")
    return files[0]


def scale_file(name: str) -> Path:
    """Where a scale lies; InputError where there is none of this name."""
    if name not in available("scales"):
        file = SCALES / f"{name}.yaml"
        raise InputError(f"there is no scale `{name}` ({file}); {nearest(name, available('scales'))}")
    return SCALES / f"{name}.yaml"


def read_yaml(path: Path, kind: Literal["recipe", "scale"]) -> dict[str, Any]:
    """The mapping in a recipe or scale file, or one sentence; the file's name must do for folders and rules."""
    if not re.fullmatch(r"\w[\w.-]*", path.stem):
        raise InputError(f"{path}: a {kind}'s file is named with letters, digits, `_`, `-` and `.`")
    return read_mapping(path, kind)


def checked(model: type[BaseModel], content: dict[str, Any], file: Any, keys: Mapping[tuple[str, ...], Iterable[str]]):
    """`content` as `model`, or one sentence about the first thing that is wrong.

    keys: place -> the keys that are allowed there; `*` stands for any name.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        wrong = complaint(error)
        path = wrong.place
        where = f"{file}: {'.'.join(path[:-1])}" if len(path) > 1 else f"{file}"
        if wrong.kind == "extra_forbidden":
            raise InputError(
                f"{where}: unknown key `{path[-1]}`; {nearest(path[-1], allowed(keys, path[:-1]))}"
            ) from None
        if wrong.kind == "missing":
            raise InputError(f"{where}: `{path[-1]}` is missing") from None
        where = f"{file}: {'.'.join(path)}" if wrong.fields else where
        raise InputError(f"{where}: {wrong.of(path[-1] if path else 'it')}") from None


def allowed(keys: Mapping[tuple[str, ...], Iterable[str]], place: tuple[str, ...]) -> Iterable[str]:
    """The keys that are allowed at a place."""

    def fits(pattern: tuple[str, ...]) -> bool:
        return len(pattern) == len(place) and all(
            part in ("*", found) for part, found in zip(pattern, place, strict=True)
        )

    return next((found for pattern, found in keys.items() if fits(pattern)), [])


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
        raise InputError(f"{where}: found {shown(values)}, settings are a mapping")
    fields = settings.model_fields
    for field, value in values.items():
        if field not in fields:
            raise InputError(f"{where}: unknown setting `{field}` of {name}; {nearest(field, fields)}")
        try:
            adapter(settings, field).validate_python(value)
        except ValidationError as error:
            wrong = complaint(error)
            raise InputError(f"{where}: {wrong.of(field + ''.join(f'[{part}]' for part in wrong.place))}") from None
