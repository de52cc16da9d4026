"""Marks: laid, kept and taken away while other Snakemakes work on the same folder."""

import hashlib
import json
from pathlib import Path

import pytest

from stages.core.pipeline.fingerprint import digest
from stages.core.pipeline.workspace import Stage
from stages.core.run import staleness
from stages.core.run.replacing import MARK
from stages.core.run.staleness import AGE, Verdict, marks, renew_marks


def stage(runs: Path, name: str, *parents: Stage) -> Stage:
    """A stage of a plan."""
    config = {
        "scale": "small", "stage": name, "script": "x", "settings": {}, "public_data": {}, "system": {},
        "runs": str(runs), "inputs": {"checkpoints": {parent.name: parent.folder for parent in parents}},
    }  # fmt: skip
    folders = [parent.folder for parent in parents]
    return Stage("mine", name, "x", f"{runs}/{name}", "model", config, folders, 1, {}, "code")


def complete(made: Stage) -> None:
    """Its result, and the mark that a job leaves."""
    folder = Path(made.folder)
    (folder / "model").mkdir(parents=True)
    parents = {path: hashlib.sha256(Path(path, "manifest.json").read_bytes()).hexdigest() for path in made.parents}
    manifest = {"config_hash": digest(made.identity), "code_fingerprint": "code", "parents": parents}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def chain(tmp_path: Path) -> list[Stage]:
    """Three complete stages, each made from the one before, with marks that their jobs laid."""
    first = stage(tmp_path, "first")
    second = stage(tmp_path, "second", first)
    found = [first, second, stage(tmp_path, "third", second)]
    for made in found:
        complete(made)
    for mark in marks(found).values():
        Path(mark).touch()
    return found


def ages(chain: list[Stage]) -> list[float | None]:
    """When each mark was made; None where there is none."""
    found = map(Path, marks(chain).values())
    return [mark.stat().st_mtime if mark.exists() else None for mark in found]


def test_marks_that_hold_are_of_one_age(chain):
    assert all(verdict.holds for verdict in renew_marks(chain).values())
    assert ages(chain) == [AGE] * 3


def test_marks_lie_elsewhere_whatever_the_path_of_the_results(tmp_path):
    runs, elsewhere = tmp_path / ("long" * 50) / ("longer" * 40), tmp_path / "elsewhere"
    made = stage(runs, "first")
    complete(made)
    assert renew_marks([made], str(elsewhere))[made.folder].holds
    (mark,) = map(Path, marks([made], str(elsewhere)).values())
    assert mark.stat().st_mtime == AGE and mark.is_relative_to(elsewhere) and not list(runs.rglob(f"{MARK}.*"))


def test_a_parent_that_is_gone_makes_no_mark_newer_than_what_was_made_from_it(chain):
    Path(chain[0].folder, "manifest.json").unlink()
    assert [verdict.holds for verdict in renew_marks(chain).values()] == [False, None, True]
    assert ages(chain) == [None, AGE, AGE]


def test_a_mark_that_is_laid_while_manifests_are_read_stays(chain, monkeypatch):
    last = Path(marks(chain)[chain[2].folder])
    last.unlink()

    def finishes(stages):
        last.touch()
        return {found.folder: Verdict(found is not chain[2]) for found in stages}

    monkeypatch.setattr(staleness, "verdicts", finishes)
    renew_marks(chain)
    assert last.exists()
    monkeypatch.setattr(staleness, "verdicts", lambda stages: {found.folder: Verdict(False) for found in stages})
    renew_marks(chain)
    assert ages(chain) == [None] * 3
