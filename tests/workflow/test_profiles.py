"""The cluster profiles, without a cluster: what they ask for, and that a killed pod's stage resumes."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = {"PYTHONPATH": "profiles/kubernetes"}


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_a_dry_run_needs_no_cluster(profile, tmp_path):
    command = [
        sys.executable, "-m", "snakemake", "-n", "recipe_r1", "--workflow-profile", f"profiles/{profile}", "--nolock",
        "--config", "scale=smoke", f"runs={tmp_path}",
    ]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    environment |= PLUGIN | {"HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert f"workflow specific profile profiles/{profile}" in done.stderr
    assert "profiles/default" not in done.stderr  # it would hold every job down to the cores of this machine


def test_what_reruns_is_the_same_on_a_cluster():
    profiles = {name: yaml.safe_load((ROOT / f"profiles/{name}/profile.yaml").read_text())
                for name in ("default", "slurm", "kubernetes")}  # fmt: skip
    for key in ("rerun-triggers", "ignore-incomplete", "keep-going"):
        assert len({str(profile[key]) for profile in profiles.values()}) == 1


def resources(workflow, **stages: dict) -> None:
    """Give the scale of the copied workflow these resources."""
    scale = workflow.read("recipes/scales/tiny.yaml")
    workflow.write("recipes/scales/tiny.yaml", scale | {"resources": {"default": {"threads": 1}} | stages})


def submitted(workflow, *arguments: str) -> str:
    """What would be submitted for the base: the words of the call of sbatch that come from Snakemake's executor."""
    programs = workflow.folder / "programs"
    programs.mkdir()
    texts = {
        "sbatch": f'printf "%s\\n" "$*" >>{programs}/calls; exit 1', "sinfo": "echo PARTITION; echo 'main*'",
        "squeue": "", "scontrol": "", "sacct": "exit 1", "sacctmgr": "exit 1", "sshare": "exit 1",
    }  # fmt: skip
    for name, text in texts.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    command = ["base", "--workflow-profile", "profiles/slurm", "--retries", "0", *arguments]
    done = workflow.snakemake(*command, PATH=f"{programs}:{os.environ['PATH']}")
    assert done.returncode != 0 and (programs / "calls").exists(), done.stdout
    return (programs / "calls").read_text()


def test_resources_of_a_scale_reach_sbatch(workflow):
    base = {"threads": 96, "mem_mb": 64000, "runtime": 1440, "gpu": 8, "nodes": 2, "constraint": "h100",
            "slurm_partition": "big", "slurm_extra": "--signal=TERM@300 --exclusive"}  # fmt: skip
    resources(workflow, base=base)
    call = submitted(workflow)
    wanted = ("--cpus-per-task=96", "--mem 64000", "-t 1440", "--gpus=8", "--nodes=2", "-C h100", "-p big",
              "--signal=TERM@300 --exclusive")  # fmt: skip
    for words in wanted:
        assert f" {words} " in call, words


def test_a_stage_without_resources_gets_those_of_the_profile(workflow):
    call = submitted(workflow, "--config", "stages={base: {seed: 5}}")
    for words in ("--cpus-per-task=1", "-t 240", "-p main", "--signal=TERM@120"):
        assert f" {words} " in call, words
    assert "--gpus" not in call
    assert "{base: {seed: 5}}" in call  # --config reaches the job


class Cluster(ThreadingHTTPServer):
    """As much of a Kubernetes API as the executor uses; a pod is a process on this machine."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.jobs: dict[str, dict] = {}
        self.pods: dict[str, subprocess.Popen] = {}

    def run(self, job: dict) -> None:
        """Start the container of a job."""
        container = job["spec"]["template"]["spec"]["containers"][0]
        environment = os.environ | {"FAKE_STEP_SECONDS": "0.3"}
        self.pods[job["metadata"]["name"]] = subprocess.Popen(
            [*container["command"], *container["args"]], cwd="/", env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.jobs[job["metadata"]["name"]] = job

    def status(self, name: str) -> dict:
        """The status of a job, from its process."""
        code = self.pods[name].poll()
        return {} if code is None else {"succeeded" if code == 0 else "failed": 1}


class Answers(BaseHTTPRequestHandler):
    """One request: secrets and deletions are accepted and forgotten, jobs run."""

    def answer(self, content: dict) -> None:
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):  # noqa: N802
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/jobs"):
            self.server.run(content)
        self.answer(content)

    def do_GET(self):  # noqa: N802
        found = re.search(r"/jobs/([^/]+)/status", self.path)
        self.answer({"status": self.server.status(found[1])} if found else {"items": []})

    def do_DELETE(self):  # noqa: N802
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer({})

    def log_message(self, *arguments):
        pass


@pytest.fixture
def cluster(tmp_path):
    """The cluster, and a kubeconfig that names it."""
    server = Cluster()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "users": [{"name": "test", "user": {"token": "none"}}],
    }  # fmt: skip
    server.config = tmp_path / "kubeconfig"
    server.config.write_text(yaml.safe_dump(config))
    yield server
    server.shutdown()
    for process in server.pods.values():
        process.kill()


def test_stages_run_as_jobs_of_kubernetes_and_a_killed_pod_resumes(workflow, cluster):
    resources(workflow, r1_zero={"threads": 4, "mem_mb": 9000, "gpu": 2})
    environment = os.environ | PLUGIN | {"KUBECONFIG": str(cluster.config), "NO_PROXY": "127.0.0.1"}
    arguments = ["recipe_r1", "--workflow-profile", "profiles/kubernetes", "--seconds-between-status-checks", "1"]
    log = workflow.folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            workflow.command(*arguments), cwd=workflow.folder, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    stage = workflow.folder / "runs/tiny/r1/r1_zero"
    deadline = time.monotonic() + 120
    while not (stage / "trainer/checkpoint-3/trainer_state.json").exists():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    killed = list(cluster.pods)[-1]
    os.killpg(cluster.pods[killed].pid, signal.SIGKILL)
    assert process.wait(timeout=240) == 0, log.read_text()

    assert json.loads((stage / "manifest.json").read_text())["resumed"][0]["step"] >= 3
    assert (workflow.folder / "runs/tiny/r1/report/manifest.json").exists()
    assert len(cluster.jobs) == 7  # six stages, one of them twice
    unconfined = {"seccompProfile": {"type": "Unconfined"}, "appArmorProfile": {"type": "Unconfined"}}
    for job in cluster.jobs.values():  # or the sandbox of programs is refused
        assert job["spec"]["template"]["spec"]["containers"][0]["securityContext"] == unconfined
    pod = cluster.jobs[killed]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert {"name": "reasoning-recipes", "mountPath": "/app/runs"} in container["volumeMounts"]
    assert pod["volumes"][1]["persistentVolumeClaim"] == {"claimName": "reasoning-recipes"}
    requests = {"cpu": "3800m", "memory": "9000M", "nvidia.com/gpu": "2"}
    assert requests.items() <= container["resources"]["requests"].items()
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "2"  # without a limit Kubernetes refuses the pod
    first = next(iter(cluster.jobs.values()))["spec"]["template"]["spec"]["containers"][0]
    assert "nvidia.com/gpu" not in first["resources"]["requests"]
