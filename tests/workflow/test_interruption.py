"""A run that is killed anywhere goes on where it was, with the same command."""

import fcntl
import json
import os
import re
import signal
import subprocess
import time

import pytest

from stages.core.run.lock import LOCK
from stages.core.run.manifest import verify


def begun(workflow) -> subprocess.Popen:
    """Snakemake, in a process group of its own, that has started reasoning_rl, of two stages, which has saved some."""
    environment = os.environ | {"FAKE_STEP_SECONDS": "0.15"}
    process = subprocess.Popen(
        workflow.command("r1_report"), cwd=workflow.folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    saved = workflow.folder / "runs/tiny/r1/reasoning_rl/trainer/checkpoint-3/trainer_state.json"
    deadline = time.monotonic() + 60
    while not saved.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    return process


def interrupted(workflow, sign: signal.Signals) -> None:
    """Start the recipe, send a signal to everything once reasoning_rl has saved some steps."""
    process = begun(workflow)
    os.killpg(process.pid, sign)
    assert process.wait(timeout=60) != 0


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_same_command_resumes(complete, sign):
    (complete.folder / "stages/core/rewards/rules.py").write_text("WEIGHT = 2\n")
    assert complete.snakemake("r1_cold_start_sft").returncode == 0
    stage = complete.folder / "runs/tiny/r1/reasoning_rl"
    old = verify(stage)
    interrupted(complete, sign)
    assert verify(stage) == old
    if sign == signal.SIGKILL:
        assert complete.snakemake("--unlock").returncode == 0
    done = complete.snakemake("r1_reasoning_rl")
    assert done.returncode == 0, done.stdout
    assert "resuming reasoning_rl at step" in done.stdout
    manifest = json.loads((stage / "manifest.json").read_text())
    assert manifest["headline"]["started_at"] >= 3
    assert manifest["resumed"][0]["step"] == manifest["headline"]["started_at"]
    assert not (stage / "trainer").exists()
    rows = [json.loads(line)["step"] for line in (stage / "metrics.jsonl").read_text().splitlines()]
    assert rows == list(range(1, 9))


def test_a_stage_that_outlives_its_snakemake_is_not_written_beside(complete):
    (complete.folder / "stages/core/rewards/rules.py").write_text("WEIGHT = 2\n")
    assert complete.snakemake("r1_cold_start_sft").returncode == 0
    stage = complete.folder / "runs/tiny/r1/reasoning_rl"
    process = begun(complete)
    process.kill()  # it alone
    process.wait()
    sentence = re.compile(r"reasoning_rl is already running \(process (\d+) on \S+\): wait for it, or end it first")
    running = int(re.search(r"\d+", (stage / LOCK).read_text())[0])
    os.kill(running, signal.SIGSTOP)
    try:
        before = {path: path.read_bytes() for path in stage.rglob("*") if path.is_file()}
        assert complete.snakemake("--unlock").returncode == 0
        again = complete.snakemake("r1_reasoning_rl")
        by_hand = complete.python("-m", "stages.r1.reasoning_rl", str(stage / "config.json"))
        assert {path: path.read_bytes() for path in stage.rglob("*") if path.is_file()} == before
    finally:
        os.kill(running, signal.SIGCONT)
    for second in (again, by_hand):
        assert second.returncode == 2 and "Traceback" not in second.stdout, second.stdout
        assert int(sentence.search(second.stdout)[1]) == running, second.stdout
    with (stage / LOCK).open() as file:  # until the first is done, with whom nobody has interfered
        fcntl.flock(file, fcntl.LOCK_SH)
    manifest = verify(stage)
    assert manifest["headline"]["started_at"] == 0 and manifest["resumed"] == []
    assert complete.stale("r1_reasoning_rl") == set()


def test_a_stop_while_a_stage_is_imported_ends_it(workflow):
    script = workflow.folder / "stages/base/pretraining.py"
    script.write_text("import os, signal\n\nos.kill(os.getpid(), signal.SIGTERM)\n" + script.read_text())
    done = workflow.snakemake("r1_r1_zero")
    assert done.returncode != 0 and not list((workflow.folder / "runs").rglob("manifest.json")), done.stdout


def test_other_settings_start_afresh(complete):
    (complete.folder / "stages/core/rewards/rules.py").write_text("WEIGHT = 2\n")
    assert complete.snakemake("r1_cold_start_sft").returncode == 0
    interrupted(complete, signal.SIGINT)
    done = complete.snakemake("r1_reasoning_rl", "--config", "stages={reasoning_rl: {seed: 5}}")
    assert done.returncode == 0, done.stdout
    assert "starting afresh" in done.stdout and "resuming" not in done.stdout


def test_an_edit_during_the_run_is_refused(complete):
    """Snakemake read the recipe at its start: what is edited later must not run under the old name."""
    arguments = ["write", "runs/tiny/r1/reasoning_rl/manifest.json", "0" * 16, "{}"]
    done = complete.python("-m", "stages.core.pipeline", *arguments)
    assert done.returncode == 2 and "was edited during the run" in done.stdout
