"""Whole stages with vLLM: whoever samples has the trainer's weights, and a sampler that has not stops the run."""

import json
from pathlib import Path

import pytest

from stages.core.run.stage import Run
from tests.with_vllm.conftest import VLLM, manifest, metrics

GAP = "sampling/logp_gap_mean"


def weights(folder: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(folder / "model" / "model.safetensors")


def moved(before: Path, after: Path) -> float:
    """The largest change of a weight."""
    old, new = weights(before), weights(after)
    assert old.keys() == new.keys()
    return max((new[name] - old[name]).abs().max().item() for name in old)


def trained_with_its_own_samples(stages, config: dict, base: Path, rollouts: int) -> Path:
    """The folder of a stage that moved its weights and whose sampler had them at every rollout."""
    folder = stages.complete(config)
    gaps = metrics(folder, GAP)
    assert len(gaps) == rollouts and all(gap < 1e-4 for gap in gaps.values()), gaps
    assert moved(base, folder) > one_step(config)
    return folder


def one_step(config: dict) -> float:
    """A quarter of the first update: Adam moves a weight that has a gradient by its learning rate, others by nothing.

    All updates together move none by more than a few rates: 3.5 of them where a schedule falls to zero in six.
    """
    return config["settings"]["learning_rate"] / 4


def visible(before: Path, after: Path) -> float:
    """Mean difference of the two models' log-probs, nats a token: the gap of a sampler that kept the old weights."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from data.text.chat import render_prompt
    from data.world.families import rows

    tokenizer = AutoTokenizer.from_pretrained(before / "model")
    found = []
    with torch.no_grad():
        texts = [render_prompt(tokenizer, row["prompt"], "r1_zero") for row in rows({"logic": 1.0}, 8, "train", 1)]
        for text in texts:
            ids = tokenizer([text], return_tensors="pt")["input_ids"]
            logps = [
                AutoModelForCausalLM.from_pretrained(folder / "model")(ids).logits.log_softmax(-1)[0, :-1]
                for folder in (before, after)
            ]
            one, other = (table.gather(1, ids[0, 1:, None]) for table in logps)
            found.append((one - other).abs().mean())
    return torch.stack(found).mean().item()


def test_r1_zero_samples_with_the_weights_it_trains(zero, base):
    gaps = metrics(zero, GAP)
    assert sorted(gaps) == [1, 3, 5, 7]  # one a rollout, which is logged with its first step
    assert all(gap < 1e-4 for gap in gaps.values()), gaps
    # A sampler left behind would show: the weights have moved by far more than the gap allows.
    assert moved(base, zero) > one_step(json.loads((zero / "config.json").read_text()))
    assert visible(base, zero) > 1e-3  # ten times the limit
    print(f"gap {max(gaps.values()):.1e}, weights moved {moved(base, zero):.1e}, log-probs {visible(base, zero):.2f}")


def test_without_the_plugin_r1_zero_stops(stages, base):
    config = stages.config("r1_r1_zero", VLLM)
    config["output"] += "_without_plugin"
    process = stages.run(config, VLLM_PLUGINS="")
    output = process.stdout + process.stderr
    assert process.returncode != 0 and not (Path(config["output"]) / "manifest.json").exists()
    assert "the sampler and the trainer disagree" in output or "weight_loader" in output, output[-3000:]


def test_a_sampler_that_keeps_its_weights_stops_the_run(stages, base):
    """The gate itself: the weights are never handed over."""
    config = stages.config("r1_r1_zero", VLLM)
    config["output"] += "_stale"
    code = (
        "import sys, stages.core.run.stage as checkpoint\n"
        "run = checkpoint.Run(checkpoint.load_config(sys.argv[1]))\n"
        "from trl.generation.vllm_generation import VLLMGeneration\n"
        "VLLMGeneration.sync_weights = lambda self: None\n"
        "from stages.r1.r1_zero import main\n"
        "main(run)\n"
    )
    process = stages.run(config, code)
    assert process.returncode != 0 and "the sampler and the trainer disagree" in process.stderr, process.stderr[-3000:]
    assert list(metrics(Path(config["output"]), GAP)) == [1]  # the first rollout is right: both have the base's weights


def test_longer_completions_reach_vllm(zero):
    """The last rollout may write 64 tokens, those before it 24."""
    longest = metrics(zero, "completions/max_length")
    assert max(longest[step] for step in (1, 3, 5)) <= 24 < longest[7] <= 64


def test_cold_start_data_from_that_model(stages, zero):
    folder = stages.complete(stages.config("r1_cold_start_data", VLLM))
    about = manifest(folder)
    assert about["counts"]["total"] == 1600 and about["rows"]["rows"] > 0
    assert about["tokens"]["generated"] > 1600
    assert about["config"]["system"]["engine"] == "vllm"


@pytest.fixture(scope="module")
def curated(stages) -> Path:
    """Prompts with a pass rate, as `prompt_curation` leaves them."""
    from datasets import Dataset

    from data.world.families import rows

    run = Run(stages.config("kimi_k15_prompt_curation") | {"inputs": {}})
    prompts = [row | {"pass_rate": 0.5} for row in rows({"equation": 1.0, "logic": 1.0}, 40, "train", 1)]
    run.save_data({"rows": Dataset.from_list(prompts)}, {"rows": len(prompts)})
    return run.folder


def test_mirror_descent_samples_with_the_weights_it_trains(stages, base, curated):
    """Partial rollouts: a segment is continued by later weights, only the newest is compared."""
    config = stages.config("kimi_k15_policy_mirror_descent", VLLM, {"from": str(base), "data": str(curated)})
    trained_with_its_own_samples(stages, config, base, rollouts=3)


def test_on_policy_distillation_samples_with_the_weights_it_trains(stages, base, zero):
    config = stages.config("qwen3_on_policy_distillation", VLLM, {"from": str(base), "teacher": str(zero)})
    folder = trained_with_its_own_samples(stages, config, base, rollouts=4)
    assert json.loads((folder / "config.json").read_text())["system"]["engine"] == "vllm"
