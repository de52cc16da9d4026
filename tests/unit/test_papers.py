"""docs/papers: every statement's line, setting and test exist, and what a stage says it follows is a row there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from data.text.completion import Completion
from data.world.families import rows
from data.world.written import worked_completion
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.system import PublicData
from stages.core.rewards.rules import accuracy, format, language

FOLDER = Path("docs/papers")
LEAST = {"r1": 40, "kimi_k15": 30, "qwen3": 30, "lecture": 67}
NOT_BUILT = "not built yet"
DECIDED = "decided not to be built: "
"""What stands before the reason."""


def table(name: str) -> list[list[str]]:
    """The rows of a document's table, as texts."""
    lines = [line for line in (FOLDER / f"{name}.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@cache
def names(path: str) -> set[str]:
    """What a file defines: functions, classes, methods, constants; the stages of a recipe."""
    text = Path(path).read_text(encoding="utf-8")
    if path.endswith(".yaml"):
        return set(yaml.safe_load(text)["stages"])
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def targets(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("name", LEAST)
def test_each_target_setting_and_test_exists(name):
    classes = [*all_scripts().values(), PublicData]
    fields = {field for settings in classes for field in settings.model_fields}
    for section, _, where, setting, test in table(name):
        if where in (NOT_BUILT, "-") or where.startswith(DECIDED):
            assert setting == test == "-", section
        else:
            assert targets(where), f"{name} {section}: {where}"
        for target in targets(where) + targets(test):
            path, _, thing = target.partition(":")
            assert thing in names(path), f"{name} {section}: {target}"
        for field in targets(setting):
            assert field in fields, f"{name} {section}: no setting `{field}`"


@pytest.mark.parametrize(("name", "least"), LEAST.items())
def test_enough_rows_and_the_missing_are_counted(name, least):
    found = table(name)
    assert len(found) >= least
    missing = sum(row[2] == NOT_BUILT for row in found)
    reasons = [row[2].removeprefix(DECIDED) for row in found if row[2].startswith(DECIDED)]
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert f"Not built yet: {missing} of {len(found)} rows." in text
    assert f"Decided not to be built: {len(reasons)} of {len(found)} rows" in text
    assert all(len(reason.split()) >= 3 for reason in reasons), "a decision has its reason"


def test_the_lecture_has_every_slide_once():
    assert [row[0] for row in table("lecture")] == [str(number) for number in range(1, 68)]


@pytest.mark.parametrize("name", ["r1", "kimi_k15", "qwen3"])
def test_the_sections_that_stages_follow_are_rows(name):
    """The PAPER lines of the room's docstrings name sections; each is one of the table's, or the part of one."""
    sections = " ".join(row[0] for row in table(name))
    for file in Path("stages", name).glob("*.py"):
        doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        paper = re.search(r"^PAPER(.*?)^DEVIATIONS", doc, re.DOTALL | re.MULTILINE)
        for section in re.findall(
            r"\b(?:s\.\d[\d.]*\d|[A-G]\.\d[\d.]*\d|Table \d+|Eq\. \d+)", paper[1] if paper else ""
        ):
            assert section in sections, f"{file}: {section} is no row of docs/papers/{name}.md"


def test_the_episode_is_what_the_code_writes():
    row = rows({"pair_search@en": 1.0}, 1, "train", 1)[0]
    text, _ = worked_completion(row, "r1_zero")
    completion = Completion(text, 0, True, "r1_zero")
    rewards = ", ".join(f"{rule.__name__} {rule(completion, row):.2f}" for rule in (accuracy, format, language))
    lines = [row["prompt"][0]["content"], *text.strip().splitlines(), rewards]
    assert "```\n" + "\n".join(lines) + "\n```" in (FOLDER / "r1.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("script", [name for name in all_scripts() if name != "evaluation.report"])
def test_each_stage_counts_its_departures(script):
    """CONSUMES, PRODUCES, PAPER, DEVIATIONS, in this order; departures are numbered from 1, or none."""
    doc = ast.get_docstring(
        ast.parse(Path("stages", *script.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    )
    heads = re.findall(r"^([A-Z]{5,}) ", doc or "", re.MULTILINE)
    assert heads == ["CONSUMES", "PRODUCES", "PAPER", "DEVIATIONS"]
    departures = (doc or "").split("DEVIATIONS")[1]
    numbers = re.findall(r"(?:^   |^             )(\d+) ", departures, re.MULTILINE)
    assert departures.strip() == "none" or numbers == [str(number) for number in range(1, len(numbers) + 1)] != []
