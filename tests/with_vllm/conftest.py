"""A base that writes something, pretrained by its own stage, and stages run as a recipe runs them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
collect_ignore_glob = ["test_*.py"] if importlib.util.find_spec("vllm") is None else []
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


class Stages:
    """The stages of the smoke scale, each with its config, in a folder of their own."""

    def __init__(self, runs: Path) -> None:
        from stages.core.pipeline.workspace import load_workspace

        self.runs = runs
        self.known = {
            stage.rule_name: stage.config
            for stage in load_workspace({"scale": "smoke", "runs": str(runs)}).rules()
        }  # fmt: skip

    def config(self, rule: str, system: dict | None = None, inputs: dict | None = None, **settings) -> dict:
        """A stage's config, changed."""
        config = json.loads(json.dumps(self.known[rule]))
        config["system"] |= system or {}
        config["inputs"] |= inputs or {}
        config["settings"] |= settings
        return config

    def run(self, config: dict, code: str | None = None, **environment: str) -> subprocess.CompletedProcess:
        """The stage as a process; `code` is run in its place, with the config's file as its argument."""
        folder = Path(config["output"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        program = ["-m", f"stages.{config['script']}"] if code is None else ["-c", code]
        command = [sys.executable, *program, str(folder / "config.json")]
        return subprocess.run(
            command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=600
        )

    def complete(self, config: dict) -> Path:
        """The folder of a stage that must succeed."""
        process = self.run(config)
        assert process.returncode == 0, (process.stdout + process.stderr)[-4000:]
        return Path(config["output"])


def metrics(folder: Path, name: str) -> dict[int, float]:
    """Step -> a metric that a stage has logged."""
    rows = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return {row["step"]: row[name] for row in rows if name in row}


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


@pytest.fixture(scope="session")
def stages(tmp_path_factory) -> Stages:
    return Stages(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def base(stages) -> Path:
    """The folder of the smoke scale's base."""
    return stages.complete(stages.config("base"))


VLLM = {"engine": "vllm", "logp_gap_limit": 1e-4}
"""In float32 the sampler and the trainer differ by rounding only."""


@pytest.fixture(scope="session")
def zero(stages, base) -> Path:
    """R1-Zero, its rollouts sampled by vLLM in the trainer's process; 4 rollouts of 2 steps each."""
    return stages.complete(stages.config("r1_r1_zero", VLLM, max_completion_length=24))
