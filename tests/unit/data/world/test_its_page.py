"""docs/tiny_world.md: what it says the world prints, is what it prints; the author's rates are those of the code."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from data.world import corpus
from data.world.general import answers

PAGE = Path("docs/tiny_world.md").read_text(encoding="utf-8")
EXAMPLES, DOCUMENTS, SIZES = range(3)


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


@pytest.mark.parametrize("name", re.findall(r"^\| `([A-Z_]+(?:\.\w+)?)`", PAGE, re.MULTILINE))
def test_the_rates_of_the_corpus(name):
    value = corpus
    for part in name.split("."):
        value = getattr(value, part)
    rates = [rate for _, rate in value] if isinstance(value, tuple) else [value]
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
    said = [float(number) for number in row.split("|")[2].split(",")]
    if len(said) > len(rates):  # a row for two constants
        rates.append(getattr(corpus, re.findall(r"`([A-Z_]+)`", row)[1]))
    assert said == rates


@pytest.mark.parametrize("name", ["RIGHT", "IN_LANGUAGE", "IN_FORMAT"])
def test_the_rates_of_general_answers(name):
    assert re.search(rf"{getattr(answers, name):.2f}\s\(`{name}`", PAGE)


def test_the_styles_of_general_answers():
    said = ", ".join(f"{style} {share}" for style, share in answers.STYLES.items())
    assert said in " ".join(PAGE.split())
