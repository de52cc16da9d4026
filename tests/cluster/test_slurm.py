"""The smoke scale on a real Slurm, R1 and a stage on two nodes; jobs are killed. `make test-slurm`, not part of pytest.

pytest leaves this folder out unless it is named: it needs root, and writes /etc/slurm/slurm.conf while it runs.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SLURM = Path(__file__).with_name("slurm.sh")
QUICK = [
    "--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2", "--latency-wait", "5",
]  # fmt: skip


STARTED: list[subprocess.Popen] = []


@pytest.fixture
def slurm(request):
    """Slurm, while a test runs; `request.param` nodes."""
    subprocess.run([SLURM, "start", str(request.param)], check=True)
    yield
    for process in STARTED:
        process.kill()
    subprocess.run([SLURM, "stop"], check=True)


def on_slurm(target: str, runs: Path, log: Path, *arguments: str, folder: Path = ROOT, scale: str = "smoke"):
    """Snakemake with the profile; what it prints goes to a file."""
    command = [
        sys.executable, "-m", "snakemake", target, "--workflow-profile", "profiles/slurm", "--nolock", *QUICK,
        *arguments, "--config", f"scale={scale}", f"runs={runs}",
    ]  # fmt: skip
    with log.open("w") as file:
        STARTED.append(subprocess.Popen(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT))
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


@pytest.mark.parametrize("slurm", [1], indirect=True)
def test_killed_jobs_resume_with_the_same_command(slurm, tmp_path):
    """scancel, then the same command; and a kill without warning, after which Slurm gets the job a second time."""
    runs, log = tmp_path / "runs", tmp_path / "log.txt"
    zero, reasoning = runs / "smoke/r1/r1_zero", runs / "smoke/r1/reasoning_rl"

    first = on_slurm("recipe_r1", runs, log, "--retries", "0")
    subprocess.run(["scancel", job_at_a_checkpoint(first, log, zero)], check=True)
    assert first.wait(timeout=900) != 0
    nothing_left()
    assert not (zero / "manifest.json").exists(), "the job ended before it was killed"
    said = (zero / "log.txt").read_text()
    assert "asked to stop: saving after this step" in said and "stopped; the same command goes on" in said

    second = on_slurm("recipe_r1", runs, log)
    job = job_at_a_checkpoint(second, log, reasoning)
    subprocess.run(["scancel", "--signal=KILL", "--full", job], check=True)
    assert second.wait(timeout=1800) == 0, log.read_text()[-4000:]
    nothing_left()
    assert resumed_at(zero) > 0
    assert resumed_at(reasoning) > 0

    recipe = {folder.name for folder in (runs / "smoke/r1").iterdir() if folder.is_dir()}
    assert len(recipe) == 13 and all((runs / "smoke/r1" / name / "manifest.json").exists() for name in recipe)
    assert (runs / "smoke/r1/report/report.html").exists()


@pytest.mark.parametrize("slurm", [2], indirect=True)
def test_one_stage_on_two_nodes_is_cancelled_and_resumes(slurm, tmp_path):
    """A process on each, which sample and learn together; both are told to stop, and the first saves."""
    folder = tmp_path / "repository"
    for part in ("stages", "data", "recipes", "profiles"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "Snakefile", folder)
    scale = {"description": "smoke on two nodes", "use": "smoke"}
    scale |= {"system": {"processes": 2, "nodes": 2, "accelerate": "cpu"}}
    (folder / "recipes/scales/nodes.yaml").write_text(yaml.safe_dump(scale))
    runs, log = tmp_path / "runs", tmp_path / "log.txt"
    zero = runs / "nodes/r1/r1_zero"

    first = on_slurm("r1_r1_zero", runs, log, "--retries", "0", folder=folder, scale="nodes")
    job = job_at_a_checkpoint(first, log, zero)
    used = subprocess.run(["squeue", "--noheader", "--format=%D", "--job", job], capture_output=True, text=True)
    assert used.stdout.strip() == "2"
    subprocess.run(["scancel", job], check=True)
    assert first.wait(timeout=900) != 0
    nothing_left()
    assert not (zero / "manifest.json").exists(), "the job ended before it was killed"
    said = (zero / "log.txt").read_text()
    assert said.count("asked to stop: saving after this step") == said.count("stopped; the same command goes on") == 1

    second = on_slurm("r1_r1_zero", runs, log, folder=folder, scale="nodes")
    assert second.wait(timeout=900) == 0, log.read_text()[-4000:]
    nothing_left()
    assert resumed_at(zero) > 0
    rows = [json.loads(line) for line in (zero / "metrics.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows if "held_out/seconds" not in row]
    assert steps == list(range(1, len(steps) + 1))
