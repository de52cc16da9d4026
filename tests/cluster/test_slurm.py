"""R1 at the smoke scale on a real Slurm of one node; jobs are killed on the way. `make test-slurm`; not part of pytest.

pytest leaves this folder out unless it is named: it needs root, and writes /etc/slurm/slurm.conf while it runs.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLURM = Path(__file__).with_name("slurm.sh")
QUICK = [
    "--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2", "--latency-wait", "5",
]  # fmt: skip


STARTED: list[subprocess.Popen] = []


@pytest.fixture(scope="module")
def slurm():
    """Slurm, while the tests run."""
    subprocess.run([SLURM, "start"], check=True)
    yield
    for process in STARTED:
        process.kill()
    subprocess.run([SLURM, "stop"], check=True)


def snakemake(runs: Path, log: Path, *arguments: str) -> subprocess.Popen:
    """The recipe on Slurm; what Snakemake prints goes to a file."""
    command = [
        sys.executable, "-m", "snakemake", "recipe_r1", "--workflow-profile", "profiles/slurm", "--nolock", *QUICK,
        *arguments, "--config", "scale=smoke", f"runs={runs}",
    ]  # fmt: skip
    with log.open("w") as file:
        STARTED.append(subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT))
    return STARTED[-1]


def jobs(rule: str = "") -> list[str]:
    """The ids of the waiting and running jobs of a rule, or of all; the plugin puts the rule into the comment."""
    listed = subprocess.run(["squeue", "--noheader", "--format=%i %k"], capture_output=True, text=True, check=True)
    found = [line.split() for line in listed.stdout.splitlines()]
    return [number for number, comment in found if comment == f"rule_{rule}" or not rule]


def job_at_a_checkpoint(process: subprocess.Popen, log: Path, stage: Path) -> str:
    """Wait until a stage has saved something; its job."""
    deadline = time.monotonic() + 600
    while not list(stage.glob("trainer/checkpoint-*/trainer_state.json")):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.1)
    return jobs(f"r1_{stage.name}")[0]


def nothing_left() -> None:
    """The queue is empty, at the latest when the last job has cleaned up."""
    deadline = time.monotonic() + 60
    while jobs():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def resumed_at(stage: Path) -> int:
    """The step at which a finished stage went on."""
    (resumed,) = json.loads((stage / "manifest.json").read_text())["resumed"]
    assert f"resuming {stage.name} at step {resumed['step']}" in (stage / "log.txt").read_text()
    return resumed["step"]


def test_killed_jobs_resume_with_the_same_command(slurm, tmp_path):
    """scancel, then the same command; and a kill without warning, after which Slurm gets the job a second time."""
    runs, log = tmp_path / "runs", tmp_path / "log.txt"
    zero, reasoning = runs / "smoke/r1/r1_zero", runs / "smoke/r1/reasoning_rl"

    first = snakemake(runs, log, "--retries", "0")
    subprocess.run(["scancel", job_at_a_checkpoint(first, log, zero)], check=True)
    assert first.wait(timeout=900) != 0
    nothing_left()
    assert not (zero / "manifest.json").exists(), "the job ended before it was killed"
    said = (zero / "log.txt").read_text()
    assert "asked to stop: saving after this step" in said and "stopped; the same command goes on" in said

    second = snakemake(runs, log)
    job = job_at_a_checkpoint(second, log, reasoning)
    subprocess.run(["scancel", "--signal=KILL", "--full", job], check=True)
    assert second.wait(timeout=1800) == 0, log.read_text()[-4000:]
    nothing_left()
    assert resumed_at(zero) > 0
    assert resumed_at(reasoning) > 0

    recipe = {folder.name for folder in (runs / "smoke/r1").iterdir() if folder.is_dir()}
    assert len(recipe) == 13 and all((runs / "smoke/r1" / name / "manifest.json").exists() for name in recipe)
    assert (runs / "smoke/r1/report/report.html").exists()
