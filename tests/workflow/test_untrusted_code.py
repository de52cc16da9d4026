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


def test_a_run_that_lacks_one_is_refused_before_it_starts(workflow, bare):
    ask_for_programs(workflow)
    done = workflow.snakemake("recipe_r1", **bare)
    assert SENTENCE in refused(done)
    assert not list((workflow.folder / "runs").rglob("manifest.json"))
    assert workflow.snakemake("-n", "recipe_r1", **bare).returncode == 0  # as planning alone runs nothing
    assert workflow.snakemake("base", **bare).returncode == 0  # nor does this stage run a program


def test_a_stage_by_hand_is_refused_too(workflow, bare):
    assert workflow.snakemake("r1_r1_zero").returncode == 0
    config = workflow.folder / "runs/tiny/r1/r1_zero/config.json"
    settings = json.loads(config.read_text())
    settings["settings"]["tasks"] = {"mbpp": 1.0}
    config.write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "stages.r1.r1_zero", "runs/tiny/r1/r1_zero/config.json"], cwd=workflow.folder,
        env=os.environ | bare, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert SENTENCE in refused(done)


def test_a_scale_may_allow_it_which_is_repeated(workflow, bare):
    ask_for_programs(workflow, allow_unsandboxed_code=True)
    done = workflow.snakemake("r1_r1_zero", **bare)
    assert done.returncode == 0, done.stdout
    folder = workflow.folder / "runs/tiny/r1/r1_zero"
    assert "WITHOUT a sandbox" in (folder / "log.txt").read_text()
    assert json.loads((folder / "manifest.json").read_text())["unsandboxed"] is True
    base = json.loads((workflow.folder / "runs/tiny/base/manifest.json").read_text())
    assert base["unsandboxed"] is False


def test_with_one_it_runs_and_what_is_allowed_makes_nothing_run_again(workflow):
    ask_for_programs(workflow)
    assert workflow.snakemake("r1_r1_zero").returncode == 0
    manifest = workflow.folder / "runs/tiny/r1/r1_zero/manifest.json"
    assert json.loads(manifest.read_text())["unsandboxed"] is False
    made = manifest.stat().st_mtime_ns
    ask_for_programs(workflow, allow_unsandboxed_code=True)
    assert workflow.snakemake("r1_r1_zero").returncode == 0
    assert manifest.stat().st_mtime_ns == made
