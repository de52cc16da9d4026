"""A run that is killed anywhere goes on where it was, with the same command."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from stages.core.run.manifest import verify


def interrupted(workflow, sign: signal.Signals) -> None:
    """Start the recipe, send a signal to everything once reasoning_rl has saved some steps."""
    environment = os.environ | {"FAKE_STEP_SECONDS": "0.15"}
    process = subprocess.Popen(
        workflow.command("r1_reasoning_rl"), cwd=workflow.folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    saved = workflow.folder / "runs/tiny/r1/reasoning_rl/trainer/checkpoint-3/trainer_state.json"
    deadline = time.monotonic() + 60
    while not saved.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, sign)
    assert process.wait(timeout=60) != 0


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
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
    command = [sys.executable, "-m", "stages.core.pipeline", *arguments]
    done = subprocess.run(command, cwd=complete.folder, text=True, capture_output=True, check=False)
    assert done.returncode == 2 and "was edited during the run" in done.stderr
