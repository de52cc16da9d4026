"""Programs that a model writes are not run without a sandbox, which a run learns before its first stage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.test_bad_input import refused

SENTENCE = (
    "programs that a model writes need a sandbox, and bubblewrap (bwrap) is missing: install it by `make sandbox`"
)


@pytest.fixture
def bare(tmp_path) -> dict[str, str]:
    """The environment of a machine that has no bubblewrap."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name != "bwrap":
            (folder / program.name).symlink_to(program)
    return {"PATH": str(folder)}


def ask_for_programs(workflow, **scale: object) -> None:
    """Let the RL stages of the copied workflow ask for programs."""
    written = workflow.read("recipes/scales/tiny.yaml")
    written["kinds"]["grpo"]["tasks"] = {"mbpp": 1.0}
    workflow.write("recipes/scales/tiny.yaml", written | scale)


def test_without_one_a_run_is_refused_before_it_starts_unless_it_is_allowed(workflow, bare):
    ask_for_programs(workflow)
    assert SENTENCE in refused(workflow.snakemake("r1_r1_zero", **bare))
    assert not list((workflow.folder / "runs").rglob("manifest.json"))
    assert workflow.snakemake("base", **bare).returncode == 0  # a stage that runs no program needs none

    ask_for_programs(workflow, allow_unsandboxed_code=True)
    done = workflow.snakemake("r1_r1_zero", **bare)
    assert done.returncode == 0, done.stdout
    folder = workflow.folder / "runs/tiny/r1/r1_zero"
    assert "WITHOUT a sandbox" in (folder / "log.txt").read_text()
    assert json.loads((folder / "manifest.json").read_text())["unsandboxed"] is True
    base = json.loads((workflow.folder / "runs/tiny/base/manifest.json").read_text())
    assert base["unsandboxed"] is False


def test_with_one_it_runs_and_by_hand_it_is_asked_for_again(workflow, bare):
    ask_for_programs(workflow)
    assert workflow.snakemake("r1_r1_zero").returncode == 0
    folder = workflow.folder / "runs/tiny/r1/r1_zero"
    assert json.loads((folder / "manifest.json").read_text())["unsandboxed"] is False
    done = subprocess.run(
        [sys.executable, "-m", "stages.r1.r1_zero", str(folder / "config.json")], cwd=workflow.folder,
        env=os.environ | bare, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert SENTENCE in refused(done)
    ask_for_programs(workflow, allow_unsandboxed_code=True)
    assert workflow.stale("r1_r1_zero") == set()  # it changes no result
