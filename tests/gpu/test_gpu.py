"""On a GPU: it samples what the CPU samples, and every stage of every paper's recipe runs on it in bfloat16."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from data.text.chat import render_prompt
from data.world.families import rows
from stages.core.sampling.engine import Decoding
from stages.core.sampling.generation import TransformersEngine

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ("r1", "kimi_k15", "qwen3")

if not torch.cuda.is_available():
    pytest.fail("these tests need a GPU that torch can use", pytrace=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of the three recipes' runs."""
    runs = tmp_path_factory.mktemp("runs")
    targets = [f"recipe_{recipe}" for recipe in RECIPES]
    command = [sys.executable, "-m", "snakemake", *targets, "--nolock", "--config", "scale=smoke-gpu", f"runs={runs}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-8000:]
    return runs / "smoke-gpu"


def test_the_gpu_writes_greedily_what_the_cpu_writes(model_folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    prompts = [render_prompt(tokenizer, row["prompt"], "chat") for row in rows({"logic": 1.0}, 32, "train", 3)]
    written = []
    for device in ("cpu", "cuda"):
        model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).to(device)
        engine = TransformersEngine(model, tokenizer, "chat", 16)
        written.append([group[0].text for group in engine.generate(prompts, 1, Decoding(0.0, 24), 0)])
    assert len(set(written[0])) > 16
    assert written[0] == written[1]


def test_every_stage_ran_on_the_gpu(finished):
    manifests = [json.loads(path.read_text()) for path in finished.rglob("manifest.json")]
    assert {manifest["recipe"] for manifest in manifests} == {*RECIPES, None}
    trained = [manifest for manifest in manifests if manifest["payload"] == "model"]
    assert trained and all(manifest["hardware"]["gpus"] for manifest in trained)


def test_whoever_samples_has_the_trainers_weights(finished):
    """Their log-probs are compared in every RL stage, which stops where they differ by more than rounding."""
    gaps = {}
    for path in finished.rglob("metrics.jsonl"):
        logged = [json.loads(line) for line in path.read_text().splitlines()]
        found = [row["sampling/logp_gap_mean"] for row in logged if row.get("sampling/logp_gap_mean") is not None]
        if found:
            gaps[path.parent.name] = max(found)
    assert {"r1_zero", "general_rl", "policy_mirror_descent", "on_policy_distillation"} <= gaps.keys()
    assert min(gaps.values()) > 0
