"""Settings: each says what it is, each script has its class, and editors read what the classes say."""

import ast
import copy
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from stages.core.pipeline import settings as kinds
from stages.core.pipeline.json_schema import FILES, schemas
from stages.core.pipeline.schema import available, recipe_file
from stages.core.pipeline.scripts import all_scripts, kind_of
from stages.core.pipeline.settings import KINDS, trains_in_several
from stages.core.pipeline.system import Lora, PublicData, System, Vllm

CLASSES = sorted(
    {*all_scripts().values(), *KINDS.values(), Lora, PublicData, System, Vllm}, key=lambda c: (c.__module__, c.__name__)
)
FOLDERS = ("base", "r1", "kimi_k15", "qwen3", "evaluation")


@pytest.mark.parametrize("settings", CLASSES, ids=lambda c: f"{c.__module__}.{c.__name__}")
def test_every_field_says_what_it_is(settings):
    for name, field in settings.model_fields.items():
        assert field.description and field.description.endswith("."), f"{settings.__name__}.{name}"
        assert len(field.description) < 120, f"{settings.__name__}.{name}"


def test_every_script_has_its_settings_and_the_other_way_round():
    found = {
        f"{room}.{file.stem}"
        for room in FOLDERS
        for file in Path("stages", room).glob("*.py")
        if "def main(run" in file.read_text(encoding="utf-8")
    }
    assert found == set(all_scripts())
    assert len(set(all_scripts().values())) == len(all_scripts()), "two stages share a class"


def test_the_kind_of_a_class_is_what_a_scale_may_call_it():
    assert kind_of(all_scripts()["r1.r1_zero"]) == kind_of(all_scripts()["qwen3.student_rl"]) == "grpo"
    assert kind_of(all_scripts()["kimi_k15.long2short_rl"]) == "mirror_descent"
    assert kind_of(all_scripts()["kimi_k15.merge"]) is None
    assert trains_in_several(kinds.GRPO, {"processes": 2}) and not trains_in_several(kinds.Sampled, {"processes": 2})


def test_the_core_names_no_paper():
    for file in Path("stages/core").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not re.match(r"stages\.(r1|kimi_k15|qwen3)\b", node.module or ""), file


def test_the_committed_schemas_are_those_of_the_classes():
    for file, text in schemas().items():
        assert file.read_text(encoding="utf-8") == text, f"python -m stages.core.pipeline.json_schema writes {file}"


@pytest.mark.parametrize("name", available("recipes"))
def test_recipes_hold_to_their_schema(name):
    path = recipe_file(name)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema = yaml.safe_load(FILES["recipe"].read_text(encoding="utf-8"))
    jsonschema.validate(content, schema)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve() == FILES["recipe"].resolve()
    broken = copy.deepcopy(content)
    stage = next((stage for stage in broken["stages"].values() if "like" not in stage), None)
    if stage is not None:
        stage.setdefault("settings", {})["learning_rat"] = 1.0
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


@pytest.mark.parametrize("name", available("scales"))
def test_scales_hold_to_their_schema(name):
    path = Path(f"recipes/scales/{name}.yaml")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema = yaml.safe_load(FILES["scale"].read_text(encoding="utf-8"))
    jsonschema.validate(content, schema | {"required": []})
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve() == FILES["scale"].resolve()
    for part in ("kinds", "stages"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(content | {part: {"sft": {"epoch": 1}}}, schema)
