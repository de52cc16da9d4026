"""Two processes under `accelerate launch` (gloo) learn what one learns: losses and weights, SFT and GRPO."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file

from data.chat import render_completion, render_prompt
from data.tasks import rows
from stages.core import processes
from stages.core.callbacks import micro_batches
from stages.core.checkpoint import Run
from stages.core.errors import InputError

SFT = {
    "epochs": 1, "learning_rate": 1e-3, "final_learning_rate": 1e-4, "warmup_fraction": 0.0, "batch_size": 8,
    "max_length": 96, "micro_batch_size": 8,
}  # fmt: skip
RL = {
    "template": "chat", "rewards": {"helpful": 1.0}, "learning_rate": 1e-3,
    "learning_rate_schedule": "constant", "max_gradient_norm": 1.0, "kl_coefficient": 0.05, "clip_epsilon": 0.2,
    "temperature": 1.0, "group_size": 4, "prompts_per_step": 4, "steps_per_rollout": 1, "inner_epochs": 2, "steps": 4,
    "reference_refresh_steps": 2, "max_completion_length": 12, "extended_completion_length": 12,
    "extended_from_step": 1, "loss_aggregation": "grpo", "advantage_scaling": "group", "tasks": {"logic": 1.0},
    "prompts": 16, "micro_batch_size": 16,
}  # fmt: skip


def config_of(tmp_path, stage, script, settings, inputs, count):
    return {
        "recipe": "mine", "scale": "small", "stage": stage, "script": script, "runs": str(tmp_path),
        "output": str(tmp_path / f"{stage}_{count}"), "inputs": inputs, "settings": settings, "paper": {}, "why": {},
        "system": {"processes": count, "accelerate": "cpu"}, "public_data": {},
    }  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, model_folder):
    """A finished base and a finished data stage."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tmp_path = tmp_path_factory.mktemp("inputs")
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    base = Run(config_of(tmp_path, "base", "pretrained", {"model": "x"}, {}, 1))
    base.save_model(AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32), tokenizer, "chat", {})
    data = Run(config_of(tmp_path, "code_tests", "code_tests", {
        "cases": 1, "valid_cases": 1, "submissions": 1, "agreeing": 1, "passing": 1, "tasks": {"expression": 1},
        "problems": 1, "planted_wrong": 0.0}, {}, 1))  # fmt: skip
    examples = [
        row
        | {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("so " * (number % 7), row["answer"]),
        }
        for number, row in enumerate(rows({"arithmetic": 1.0}, 32, "train", 1))
    ]
    data.save_data({"rows": Dataset.from_list(examples)}, {})
    return {"from": str(base.folder), "data": str(data.folder)}


def finish(tmp_path, stage, script, settings, inputs, count, module=None):
    """The stage run in `count` processes -> (rows of its metrics, weights, everything that it printed)."""
    config = config_of(tmp_path, stage, script, settings, inputs, count)
    path = tmp_path / f"{stage}_{count}.json"
    path.write_text(json.dumps(config))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", module or f"stages.{script}", str(path)]
    if module and count > 1:
        command = processes.launch_command(config, str(path))
        command[-2] = module
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / f"{stage}_{count}"
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return metrics, load_file(folder / "model" / "model.safetensors"), done.stdout


def same_weights(one, other, start, tolerance):
    """Both moved from the start, and to the same place."""
    moved = max((one[name] - start[name]).abs().max().item() for name in start)
    apart = max((one[name] - other[name]).abs().max().item() for name in one)
    assert moved > 100 * tolerance and apart < tolerance, (moved, apart)


@pytest.mark.slow
def test_sft_in_two_processes_is_sft_in_one(tmp_path, inputs):
    one, single, _ = finish(tmp_path, "sft", "cold_start_sft", SFT, inputs, 1)
    two, double, said = finish(tmp_path, "sft", "cold_start_sft", SFT, inputs, 2)
    assert [row["step"] for row in two] == [1, 2, 3, 4]  # one process writes
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], abs=1e-4)
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 1e-5)
    assert said.count("done in") == 1


@pytest.mark.slow
def test_grpo_in_two_processes_is_grpo_in_one(tmp_path, inputs):
    only = {"from": inputs["from"]}
    one, single, _ = finish(tmp_path, "rl", "r1_zero", RL, only, 1, "tests.fixed_rollouts")
    two, double, _ = finish(tmp_path, "rl", "r1_zero", RL, only, 2, "tests.fixed_rollouts")
    for name in ("reward", "loss", "kl", "grad_norm"):
        values = [row[name] for row in one if name in row]
        assert values and [row[name] for row in two if name in row] == pytest.approx(values, abs=1e-4), name
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 1e-5)


@pytest.mark.slow
def test_mirror_descent_in_two_processes_finishes_with_a_buffer_each(tmp_path, inputs):
    """Its own loop over prompts and rollouts: both processes draw, and what both solved decides the next draw."""
    prompts = [row | {"pass_rate": 0.5} for row in rows({"logic": 1.0}, 16, "train", 1)]
    data = Run(config_of(tmp_path, "prompts", "code_tests", {
        "cases": 1, "valid_cases": 1, "submissions": 1, "agreeing": 1, "passing": 1, "tasks": {"expression": 1},
        "problems": 1, "planted_wrong": 0.0}, {}, 1))  # fmt: skip
    data.save_data({"rows": Dataset.from_list(prompts)}, {})
    settings = {
        "objective": "mirror_descent", "tau": 0.1, "group_size": 4, "prompts_per_iteration": 4,
        "updates_per_iteration": 2, "inner_epochs": 1, "iterations": 3, "learning_rate": 1e-3,
        "learning_rate_schedule": "constant", "max_gradient_norm": 1.0, "temperature": 1.0, "max_completion_length": 12,
        "length_weight": 0.5, "length_from_iteration": 1, "sampling": "prioritised", "warm_up_fraction": 0.0,
        "hard_pass_rate": 0.5, "repetition_ngram": 4, "repetition_times": 3, "repetition_penalty": 0.5,
        "segment_tokens": 6, "keep_earlier_segments": False, "micro_batch_size": 8,
    }  # fmt: skip
    both = {"from": inputs["from"], "data": str(data.folder)}
    metrics, weights, _ = finish(tmp_path, "pmd", "policy_mirror_descent", settings, both, 2)
    assert metrics[-1]["step"] == 6
    start = load_file(f"{inputs['from']}/model/model.safetensors")
    assert max((weights[name] - start[name]).abs().max().item() for name in start) > 1e-4


def test_what_is_launched_and_what_is_not(monkeypatch):
    config = {"script": "cold_start_sft", "system": {"processes": 2, "accelerate": "cpu"}}
    monkeypatch.delenv("RANK", raising=False)
    assert processes.launch_command(config, "c.json")[-3:] == ["-m", "stages.cold_start_sft", "c.json"]
    for other in ({"script": "merge"}, {"script": "evaluation"}, {"system": {"processes": 1}}):
        assert processes.launch_command(config | other, "c.json") is None
    with pytest.raises(InputError, match="there is no profiles/accelerate/fdsp2.yaml; did you mean `fsdp2`?"):
        processes.launch_command(config | {"system": {"processes": 2, "accelerate": "fdsp2"}}, "c.json")
    monkeypatch.setenv("RANK", "0")
    assert processes.launch_command(config, "c.json") is None


@pytest.mark.parametrize(
    ("batch", "micro", "count", "found"), [(16, 4, 1, (4, 4)), (16, 4, 2, (4, 2)), (4, 8, 2, (2, 1)), (8, 8, 1, (8, 1))]
)
def test_micro_batches_make_up_the_batch(monkeypatch, batch, micro, count, found):
    monkeypatch.setenv("WORLD_SIZE", str(count))
    assert tuple(micro_batches(batch, micro).values()) == found


@pytest.mark.parametrize(("batch", "micro", "count"), [(10, 4, 1), (3, 1, 2), (1, 1, 2)])
def test_a_batch_that_cannot_be_cut_is_refused(monkeypatch, batch, micro, count):
    monkeypatch.setenv("WORLD_SIZE", str(count))
    with pytest.raises(InputError, match=f"a batch of {batch} cannot be cut into micro-batches of {micro}"):
        micro_batches(batch, micro)


def test_one_process_answers_for_itself():
    assert SimpleNamespace(yes=processes.any_process(True), no=processes.any_process(False)).__dict__ == {
        "yes": True, "no": False,
    }  # fmt: skip
