"""Two folders of runs side by side: what proves that a change altered no result."""

import json

import pytest

from stages.core.run.compare import main


@pytest.fixture
def folders(tmp_path):
    def write(runs: str, stage: str, digest: str, payload: str = "model") -> None:
        folder = tmp_path / runs / "smoke" / stage
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"digest": digest, "payload": payload}))

    for runs in ("one", "other"):
        write(runs, "base", "a")
        write(runs, "r1/report", runs, "report")
    return tmp_path, write


def test_equal_weights_are_the_same_whatever_the_reports_say(folders, capsys):
    root, _ = folders
    assert main([str(root / "one"), str(root / "other")]) == 0
    assert capsys.readouterr().out.endswith("1 of 1 stages are the same\n")


def test_what_differs_and_what_is_missing_is_named(folders, capsys):
    root, write = folders
    write("one", "r1/r1_zero", "b")
    write("other", "r1/r1_zero", "c")
    write("other", "r1/general_rl", "d")
    assert main([str(root / "one"), str(root / "other")]) == 1
    verdicts = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[:-1])
    assert verdicts == {
        "smoke/base": "same", "smoke/r1/r1_zero": "differs", "smoke/r1/general_rl": "missing in the first",
    }  # fmt: skip


def test_no_runs_are_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path), str(tmp_path)]) == 2
    assert "no manifest.json is below it" in capsys.readouterr().err
