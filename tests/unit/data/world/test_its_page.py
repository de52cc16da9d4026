"""docs/tiny_world.md: what it says the world prints, is what it prints; the author's rates are those of the code."""

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from data.world.author import USUAL, CorpusAuthor
from data.world.general import answers
from stages.base import audit

PAGE = Path("docs/tiny_world.md").read_text(encoding="utf-8")
EXAMPLES, DOCUMENTS, SIZES, BEYOND = range(4)


def printed(block: int) -> list[str]:
    """The lines that a Python block of the page prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[block], {})
    return out.getvalue().splitlines()


def test_each_example_is_what_its_family_makes():
    cells = PAGE.replace("\\*", "*")
    for line in printed(EXAMPLES):
        _, shown = line.split(" | ", 1)
        assert f"| {shown} |" in cells


def test_each_family_has_its_rows():
    lines = printed(EXAMPLES)
    names = [line.split(" | ")[0] for line in lines]
    section = PAGE.split("## Splits by content")[0].splitlines()
    rows = [re.match(r"\| (?:`(\w+)`)?", line)[1] for line in section if line.startswith(("| `", "| |"))]
    assert [name for name in rows if name] == list(dict.fromkeys(names))
    assert len(rows) == len(lines)


def test_the_number_of_questions():
    *sizes, domains = printed(SIZES)
    said = " ".join(PAGE.split())
    assert all(f"`{size}`" in said for size in sizes)
    for domain, number in re.findall(r"'(\w+)': (\d+)", domains):
        assert re.search(rf"\b{number} of `{domain}`", said), domain


def test_the_documents_are_among_those_printed():
    shown = PAGE.split("print(text.replace(")[1].split("```\n")[2].splitlines()
    assert len(shown) == 7 and set(shown) <= set(printed(DOCUMENTS))


def test_the_examples_beyond_training():
    cells = PAGE.replace("\\*", "*").split("## Beyond training")[1]
    for line in printed(BEYOND):
        name, shown = line.split(" | ", 1)
        assert f"| {shown} |" in cells and f"`{name}`" in cells


def test_the_habits_of_the_author():
    """Each has its row, with the default that the code has."""
    said = {}
    for row in re.findall(r"^\| `[a-z_]+`.*", PAGE.split("| habit |")[1].split("In the chat form")[0], re.MULTILINE):
        names, values, _ = row.strip("| ").split(" | ", 2)
        names, values = re.findall(r"`(\w+)`", names), [json.loads(value) for value in values.split(", ")]
        said |= dict(zip(names, values, strict=True)) if len(names) > 1 else {names[0]: values}
    assert list(said) == list(CorpusAuthor.model_fields)
    for name, value in USUAL.model_dump().items():
        shown = said[name] if isinstance(said[name], list) else [said[name]]
        assert shown == (list(value.values()) if isinstance(value, dict) else [value]), name


def test_the_audit_is_what_the_command_prints(capsys):
    assert audit.main([]) == 0
    shown = PAGE.split("prints, for the present world:\n\n```\n")[1].split("\n```\n")[0]
    assert [line.rstrip() for line in capsys.readouterr().out.rstrip().splitlines()] == shown.splitlines()


@pytest.mark.parametrize("name", ["RIGHT", "IN_LANGUAGE", "IN_FORMAT"])
def test_the_rates_of_general_answers(name):
    assert re.search(rf"{getattr(answers, name):.2f}\s\(`{name}`", PAGE)


def test_the_styles_of_general_answers():
    said = ", ".join(f"{style} {share}" for style, share in answers.STYLES.items())
    assert said in " ".join(PAGE.split())
