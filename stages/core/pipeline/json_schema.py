"""JSON schemas of recipe and scale files, from the classes, so that an editor completes and checks them.

`python -m stages.core.pipeline.json_schema` writes them beside the files, which name theirs in their first line.
"""

import json
from pathlib import Path
from typing import Any

from stages.core.allowed.mixtures import Mixture
from stages.core.pipeline.recipe import Definition, RecipeFile
from stages.core.pipeline.scale import OTHER_RESOURCE, RESOURCES, Scale
from stages.core.pipeline.schema import RECIPES, SCALES
from stages.core.pipeline.scripts import BASES, all_scripts, base_scripts
from stages.core.pipeline.settings import KINDS, Settings

Schema = dict[str, Any]

FILES = {"recipe": RECIPES / "recipe.schema.json", "scale": SCALES / "scale.schema.json"}
_MIXTURE: Schema = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def settings_schema(settings: type[Settings], named_mixtures: bool) -> Schema:
    """Any part of a class's settings; with named_mixtures a mixture may be the name of one of the scale's."""
    properties = settings.model_json_schema()["properties"]
    for name, field in settings.model_fields.items():
        if named_mixtures and field.annotation == Mixture:
            kept = {key: properties[name][key] for key in ("description", "default") if key in properties[name]}
            properties[name] = {"anyOf": [_MIXTURE, {"type": "string"}]} | kept
    return {"type": "object", "properties": properties, "additionalProperties": False}


def parts() -> dict[str, Schema]:
    """What settings are made of that are no plain values: an optimizer's numbers."""
    return {
        name: schema
        for settings in all_scripts().values()
        for name, schema in settings.model_json_schema().get("$defs", {}).items()
    }


def recipe_schema() -> Schema:
    """What a recipe file may say: settings and citations of a stage by its script."""
    whole = RecipeFile.model_json_schema(by_alias=True)
    definition = Definition.model_json_schema(by_alias=True)
    definition["properties"]["script"] = {"enum": list(all_scripts()), "description": "The stage's script."}
    definition["allOf"] = [
        {
            "if": {"properties": {"script": {"const": script}}, "required": ["script"]},
            "then": {
                "properties": {
                    "settings": settings_schema(settings, named_mixtures=False),
                    "cite": {"propertyNames": {"enum": list(settings.model_fields)}},
                }
            },
        }
        for script, settings in all_scripts().items()
    ]
    whole["$defs"] |= parts() | {"Definition": definition}
    return {"$schema": _DRAFT} | whole


def scale_schema() -> Schema:
    """What a scale file may say: settings by kind and by stage, bases by their script."""
    whole = Scale.model_json_schema()
    fields: dict[str, list[Schema]] = {}
    for settings in all_scripts().values():
        for name, described in settings_schema(settings, named_mixtures=True)["properties"].items():
            if described not in fields.setdefault(name, []):
                fields[name].append(described)
    any_stage = {
        "type": "object",
        "properties": {name: forms[0] if len(forms) == 1 else {"anyOf": forms} for name, forms in fields.items()},
        "additionalProperties": False,
    }
    bases = []
    for script in base_scripts():
        base = settings_schema(all_scripts()[script], named_mixtures=True)
        base["properties"]["script"] = {"const": script}
        bases.append(base | {"required": [] if script == f"{BASES}.pretraining" else ["script"]})
    resources = {
        "type": "object",
        "properties": {name: value.json_schema() for name, value in RESOURCES.items()},
        "additionalProperties": OTHER_RESOURCE.json_schema(),
    }
    properties = whole["properties"] | {
        "use": {"type": "string", "description": "The scale whose values hold where this file says nothing."},
        "mixtures": {"type": "object", "additionalProperties": _MIXTURE},
        "kinds": {
            "type": "object",
            "properties": {name: settings_schema(kind, named_mixtures=True) for name, kind in KINDS.items()},
            "additionalProperties": False,
        },
        "bases": {"type": "object", "additionalProperties": {"anyOf": bases}},
        "stages": {"type": "object", "additionalProperties": any_stage},
        "resources": {"type": "object", "additionalProperties": resources},
        "why": {"type": "object", "propertyNames": {"enum": sorted(fields)}},
    }
    del properties["name"]
    return {"$schema": _DRAFT, "$defs": whole["$defs"] | parts(), "type": "object", "properties": properties} | {
        "additionalProperties": False,
        "description": whole.get("description", ""),
    }


def schemas() -> dict[Path, str]:
    """File -> its content."""
    made = {"recipe": recipe_schema(), "scale": scale_schema()}
    return {FILES[name]: json.dumps(schema, indent=1, ensure_ascii=False) + "\n" for name, schema in made.items()}


if __name__ == "__main__":
    for file, text in schemas().items():
        file.write_text(text, encoding="utf-8")
        print(file)
