"""An old result stays until its replacement is complete, whatever becomes of the run that was to replace it."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest

from stages.core.run.manifest import verify

STAGE = "runs/tiny/r1/reasoning_rl"
OTHER = "stages={r1_reasoning_rl: {seed: 5}}"
BAD = "stages={r1_reasoning_rl: {seed: 666}}"
"""Settings that nobody knows to be wrong but the stage (conftest.py)."""


def state(workflow) -> dict:
    """The manifest of the stage, whose payload is whole; its metrics beside it."""
    return verify(workflow.folder / STAGE) | {"metrics": (workflow.folder / STAGE / "metrics.jsonl").read_text()}


def refused(done) -> str:
    """The sentence that a run ends with."""
    assert done.returncode == 2 and "Traceback" not in done.stdout, done.stdout
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("target", ["r1_reasoning_rl", "recipe_r1"])
def test_a_stage_that_refuses_costs_nothing(complete, target):
    old = state(complete)
    for _ in range(2):  # what failed is not taken for done
        sentence = refused(complete.snakemake(target, "--config", BAD))
        assert sentence.startswith("error: reasoning_rl: seed is 666, allowed: another")
        assert state(complete) == old
    assert complete.stale(target, "--config", BAD) >= {"r1_reasoning_rl"}
    assert complete.stale(target) == set()  # the old result is that of the old settings
    assert complete.stale("recipe_r1", "--config", OTHER) == {"r1_reasoning_rl", "r1_report"}
    assert complete.snakemake("recipe_r1", "--config", OTHER).returncode == 0
    assert state(complete)["run_id"] != old["run_id"] and complete.stale("recipe_r1", "--config", OTHER) == set()
    assert complete.stale("recipe_r1") == {"r1_reasoning_rl", "r1_report"}


@pytest.mark.parametrize("force", [["-f"], ["--forcerun", "r1_reasoning_rl"], ["-F"]])
def test_a_forced_run_that_is_killed_costs_nothing(complete, force):
    old = state(complete)
    process = subprocess.Popen(
        complete.command("r1_reasoning_rl", *force), cwd=complete.folder, start_new_session=True,
        env=os.environ | {"FAKE_STEP_SECONDS": "0.1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    begun = complete.folder / ("runs/tiny/base" if force == ["-F"] else STAGE) / "trainer/checkpoint-2"
    deadline = time.monotonic() + 60
    while not begun.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    assert state(complete) == old
    assert complete.snakemake("--unlock").returncode == 0
    done = complete.snakemake("r1_reasoning_rl", *force)
    assert done.returncode == 0 and "resuming" in done.stdout, done.stdout
    assert state(complete)["run_id"] != old["run_id"]
    assert [json.loads(row)["step"] for row in state(complete)["metrics"].splitlines()] == list(range(1, 9))


def test_what_no_job_watches_any_more_is_found_again(complete):
    """Marks are lost, or came with a copy that kept no times, or are those of runs before there were marks."""
    for mark in (complete.folder / "runs").rglob(".complete.*"):
        mark.unlink()
    shutil.rmtree(complete.folder / ".snakemake")
    assert complete.stale() == set()
    shutil.copytree(complete.folder / "runs", complete.folder / "copied", copy_function=shutil.copyfile)
    assert complete.stale("recipe_r1", "--config", "runs=copied") == set()
    assert complete.stale("recipe_r1", "--config", "runs=copied", OTHER) == {"r1_reasoning_rl", "r1_report"}


def test_a_dry_run_writes_nothing_and_needs_no_right_to(complete):
    """Snakemake's own notes (`.snakemake`) lie in the working directory, not among the results."""
    runs = complete.folder / "runs"
    for mark in runs.rglob(".complete.*"):
        mark.unlink()
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    assert complete.stale() == set()
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before
    bubble = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(runs), str(runs), "--chdir", str(complete.folder)]
    absolute = f"runs={runs}"
    for arguments, wanted in (
        (["--config", absolute], set()), (["--config", absolute, OTHER], {"r1_reasoning_rl", "r1_report"}),
    ):  # fmt: skip
        done = subprocess.run(
            [*bubble, *complete.command("-n", "recipe_r1", *arguments)], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0 and complete.named(done.stdout) == wanted, done.stdout
        assert "double '/'" not in done.stdout
    done = subprocess.run([*bubble, *complete.command("recipe_r1")], text=True, check=False, capture_output=True)
    assert done.returncode == 2 and "runs cannot be written to" in done.stderr


def test_a_result_that_was_made_by_hand_counts(complete):
    command = ["-m", "stages.r1.reasoning_rl", f"{complete.folder / STAGE}/config.json"]
    done = subprocess.run(
        [complete.command()[0], *command], cwd="/", env=os.environ | {"PYTHONPATH": str(complete.folder)}, text=True,
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert complete.stale() == {"r1_report"}


def test_a_full_disk_is_one_sentence(complete):
    old = state(complete)
    limit = 200_000  # bytes a file: the payload is larger, all that Snakemake writes is smaller
    done = subprocess.run(
        complete.command("r1_reasoning_rl", "--config", OTHER), cwd=complete.folder, text=True, check=False,
        env=os.environ | {"FAKE_SIZE": "100000"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert "the file is larger than is allowed here" in refused(done)
    assert state(complete) == old and not (complete.folder / STAGE / ".model.partial").exists()
    done = complete.snakemake("r1_reasoning_rl", "--config", OTHER)
    assert done.returncode == 0 and "resuming reasoning_rl at step 8" in done.stdout, done.stdout
