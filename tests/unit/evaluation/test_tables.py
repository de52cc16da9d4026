"""Tables for documents: what results.json and the manifests say, and nothing else."""

import json

import pytest

from stages.evaluation.tables import main, recipe_tables


@pytest.fixture
def folder(tmp_path):
    recipe = tmp_path / "tiny" / "mine"
    common = {"seed": 42, "git": {"commit": "abcdef0123", "dirty": False}, "hardware": {"cpus": 2, "machine": "x86_64"}}
    for name, finished, seconds in (("rl", "2026-01-02T03:04:05", 61.0), ("evaluation", "2026-01-02T03:05:06", 4.0)):
        (recipe / name).mkdir(parents=True)
        (recipe / name / "manifest.json").write_text(json.dumps(common | {"finished": finished, "seconds": seconds}))
    row = {"recipe": "mine", "scale": "tiny", "benchmark": "reasoning", "mode": None, "metric": "pass@1"}
    row |= {"n": 9, "k": 4}
    rows = [row | {"checkpoint": "base", "value": 0.25, "low": 0.2, "high": 0.3}]
    rows.append(row | {"checkpoint": "rl", "value": 0.5, "low": 0.45, "high": 0.55})
    (recipe / "results.json").write_text(json.dumps(rows))
    return recipe


def test_a_value_its_interval_and_where_it_comes_from(folder):
    text = recipe_tables(folder)
    assert "## mine at tiny" in text
    assert "Commit abcdef0, seed 42, 2026-01-02, 2 cores (x86_64)." in text
    assert "| reasoning | pass@1 | 25.0 <sub>20.0–30.0</sub> | 50.0 <sub>45.0–55.0</sub> |" in text
    assert "`rl` 1:01, `evaluation` 0:04; one after the other 1:05." in text


def test_the_command_names_itself_and_an_unfinished_run_is_one_sentence(folder, capsys):
    assert main([str(folder)]) == 0
    assert "Made by `python -m stages.evaluation.tables runs/tiny/mine`" in capsys.readouterr().out
    (folder / "results.json").unlink()
    assert main([str(folder)]) == 2
    assert capsys.readouterr().err.startswith("error: ") and "results.json is missing" in recipe_error(folder)


def recipe_error(folder):
    with pytest.raises(Exception) as raised:
        recipe_tables(folder)
    return str(raised.value)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("results.json", b"{", "is damaged (not JSON)"),
        ("results.json", b"\xff", "is damaged (not JSON)"),
        ("results.json", b"{}", "allowed: a list of rows"),
        ("results.json", b"[3]", "row 1 is '3'"),
        ("results.json", b'[{"checkpoint": "base"}]', "row 1: `benchmark` is missing"),
        ("evaluation/manifest.json", b"[]", "is damaged"),
        ("evaluation/manifest.json", b'{"seconds": "long"}', "`seconds` is 'long'"),
        ("evaluation/manifest.json", None, "is missing"),
    ],
)
def test_what_is_broken_is_one_sentence(folder, capsys, file, content, sentence):
    path = folder / file
    path.unlink() if content is None else path.write_bytes(content)
    assert main([str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and file in error and sentence in error and error.count("\n") == 1
