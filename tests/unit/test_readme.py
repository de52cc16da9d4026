"""The README fits on a page, and what it names is there."""

import re
import sys
from pathlib import Path

from stages.core.pipeline.workspace import load_workspace

README = Path("README.md").read_text(encoding="utf-8")
DOCUMENTS = [Path("README.md"), Path("CONTRIBUTING.md"), *Path("docs").rglob("*.md")]


def test_it_fits_on_a_page():
    assert len(README.splitlines()) <= 150
    rows = [line for line in README.splitlines() if line.startswith("| ")]
    assert 3 <= len(rows) - 2 <= 12


def test_every_link_of_every_document_leads_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert target.startswith("http") or (document.parent / target).exists(), f"{document}: {target}"


def test_every_command_is_one():
    workspace = load_workspace({})
    rules = {stage.rule_name for stage in workspace.rules()} | {f"recipe_{name}" for name in workspace.stages}
    makefile = Path("Makefile").read_text(encoding="utf-8")
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"snakemake ((?:recipe|r1|kimi_k15|qwen3)_\w+)", text):
            assert target in rules or target == "recipe_mine", f"{document}: snakemake {target}"
        for target in re.findall(r"(?:^|`)make ([a-z]\w*(?:-\w+)*)", text, re.M):
            assert target.startswith("recipe_") or re.search(rf"^{target}:", makefile, re.M), (
                f"{document}: make {target}"
            )
        for module in re.findall(r"python -m ((?:stages|data|benchmarks)[\w.]*\w)", text):
            path = Path(*module.split("."))
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{document}: {module}"


def test_every_number_of_the_table_is_in_the_results():
    results = Path("docs/results.md").read_text(encoding="utf-8")
    cells = re.findall(r"\d+\.\d <sub>\d+\.\d–\d+\.\d</sub>", README)
    assert len(cells) >= 30
    for cell in cells:
        assert cell in results, cell


def test_the_episode_is_the_one_of_the_papers_page():
    episode = re.search(r"```\n(Pick two.*?)\n```", README, re.DOTALL)
    assert episode and episode[1] in Path("docs/papers/r1.md").read_text(encoding="utf-8")


def test_the_lines_of_the_terminal_are_those_of_the_code():
    stage = next(stage for stage in load_workspace({}).rules() if stage.rule_name == "r1_r1_zero")
    assert f"{stage.rule_name} <- base" in README and sys.version_info >= (3, 11)
    assert "reward self-test passed: accuracy/gold 1.00" in README
