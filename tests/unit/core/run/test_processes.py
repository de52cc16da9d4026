"""Two processes under `accelerate launch` (gloo) learn what one learns: losses and weights, SFT and GRPO."""

import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file

from data.errors import InputError
from data.text.chat import render_completion, render_prompt
from data.world.families import rows
from stages.core.machines.sharding import largest
from stages.core.machines.weights import save_model
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.workspace import load_workspace
from stages.core.run import processes
from stages.core.run.stage import Run
from stages.core.training.callbacks import micro_batches
from tests.settings import MIRROR_DESCENT

SFT = {
    "epochs": 1, "learning_rate": 1e-3, "final_learning_rate": 1e-4, "warmup_fraction": 0.0, "batch_size": 8,
    "max_length": 96, "micro_batch_size": 8,
}  # fmt: skip
RL = {
    "template": "chat", "rewards": {"accuracy": 1.0}, "learning_rate": 1e-3,
    "learning_rate_schedule": "constant", "max_gradient_norm": 1.0, "kl_coefficient": 0.05, "clip_epsilon": 0.2,
    "temperature": 1.0, "group_size": 4, "prompts_per_step": 4, "steps_per_rollout": 1, "inner_epochs": 2, "steps": 4,
    "reference_refresh_steps": 2, "max_completion_length": 12, "loss_aggregation": "grpo",
    "advantage_scaling": "group", "tasks": {"logic": 1.0}, "prompts": 16, "micro_batch_size": 16,
}  # fmt: skip
ZERO = RL | {"extended_completion_length": 12, "extended_from_step": 1}

DPO = {
    "beta": 0.1, "epochs": 1, "learning_rate": 1e-4, "learning_rate_schedule": "linear", "batch_size": 8,
    "max_length": 64, "micro_batch_size": 8,
}  # fmt: skip
OPD = {
    "divergence": "reverse_kl", "temperature": 1.0, "learning_rate": 1e-3, "learning_rate_schedule": "constant",
    "max_gradient_norm": 1.0, "prompts_per_step": 8, "steps": 3, "max_completion_length": 12,
    "non_thinking_fraction": 0.5, "tasks": {"logic": 1.0}, "prompts": 24, "micro_batch_size": 8,
}  # fmt: skip


def config_of(tmp_path, stage, script, settings, inputs, count, nodes=1, accelerate="cpu"):
    return {
        "recipe": "mine", "scale": "small", "stage": stage, "script": script, "runs": str(tmp_path),
        "output": str(tmp_path / f"{stage}_{count}"), "inputs": inputs, "settings": settings, "paper": {}, "why": {},
        "system": {"processes": count, "nodes": nodes, "accelerate": accelerate}, "public_data": {},
    }  # fmt: skip


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, model_folder):
    """A finished base, a teacher, a reward model, and a finished data stage."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    tmp_path = tmp_path_factory.mktemp("inputs")
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    base = Run(config_of(tmp_path, "base", "base.pretrained", {"model": "x"}, {}, 1))
    save_model(base, AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32), tokenizer, "chat", {})
    others = {}
    for name, kind, more in (
        ("teacher", AutoModelForCausalLM, {}),
        ("reward", AutoModelForSequenceClassification, {"num_labels": 1, "pad_token_id": tokenizer.pad_token_id}),
    ):
        torch.manual_seed(len(others))
        model = kind.from_pretrained(model_folder, dtype=torch.float32, **more)
        for parameter in model.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        other = Run(config_of(tmp_path, name, "base.pretrained", {"model": "x"}, {}, 1))
        save_model(other, model, tokenizer, "chat", {})
        others[name] = str(other.folder)
    examples = [
        row
        | {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("so " * (number % 7), row["answer"]),
        }
        for number, row in enumerate(rows({"arithmetic": 1.0}, 32, "train", 1))
    ]
    pairs = [{"prompt": row["prompt_text"], "chosen": row["answer"], "rejected": row["completion"]} for row in examples]
    folders = {}
    for name, count in (("data", 32), ("thirty", 30), ("twenty_six", 26)):
        data = Run(config_of(tmp_path / name, "code_tests", "kimi_k15.code_tests", {
            "cases": 1, "valid_cases": 1, "submissions": 1, "agreeing": 1, "passing": 1, "tasks": {"expression": 1},
            "problems": 1, "planted_wrong": 0.0}, {}, 1))  # fmt: skip
        tables = {"rows": Dataset.from_list(examples[:count]), "pairs": Dataset.from_list(pairs[:count])}
        data.save_data(tables, {})
        folders[name] = str(data.folder)
    return {"from": str(base.folder)} | folders | others


def start(config, **environment):
    """The stage in its processes, as Snakemake starts it; its folder."""
    folder = Path(config["output"])
    path = folder.with_suffix(".json")
    path.write_text(json.dumps(config))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""} | environment
    command = [sys.executable, "-m", "tests.fixed_rollouts", str(path)]
    return folder, subprocess.Popen(
        command, env=environment, text=True, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def metrics_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def finish(config):
    """The stage run to its end -> (rows of its metrics, weights, everything that it printed)."""
    folder, process = start(config)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return metrics_of(folder), load_file(folder / "model" / "model.safetensors"), said


def same_weights(one, other, start, tolerance):
    """Both moved from the start, and to the same place."""
    moved = max((one[name] - start[name]).abs().max().item() for name in start)
    apart = max((one[name] - other[name]).abs().max().item() for name in one)
    assert moved > 100 * tolerance and apart < tolerance, (moved, apart)


WAYS = pytest.mark.parametrize("accelerate", ["cpu", "cpu_fsdp2"], ids=["whole", "shards"])
"""A whole model in each process, or its weights in shards."""


@pytest.mark.slow
@WAYS
def test_sft_in_two_processes_is_sft_in_one(tmp_path, inputs, accelerate):
    one, single, _ = finish(config_of(tmp_path, "sft", "r1.cold_start_sft", SFT, inputs, 1))
    config = config_of(tmp_path, "sft", "r1.cold_start_sft", SFT, inputs, 2, accelerate=accelerate)
    two, double, said = finish(config)
    assert [row["step"] for row in two] == [1, 2, 3, 4]  # one process writes
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], abs=1e-4)
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 1e-5)
    assert said.count("done in") == 1


@pytest.mark.slow
@WAYS
def test_grpo_in_two_processes_is_grpo_in_one(tmp_path, inputs, accelerate):
    only = {"from": inputs["from"]}
    one, single, _ = finish(config_of(tmp_path, "rl", "r1.r1_zero", ZERO, only, 1))
    config = config_of(tmp_path, "rl", "r1.r1_zero", ZERO, only, 2, accelerate=accelerate)
    two, double, _ = finish(config)
    for name in ("reward", "loss", "kl", "grad_norm"):
        values = [row[name] for row in one if name in row]
        assert values and [row[name] for row in two if name in row] == pytest.approx(values, abs=1e-4), name
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 1e-5)


@pytest.mark.slow
@WAYS
def test_processes_share_the_held_out_questions(tmp_path, inputs, accelerate):
    """Five questions of two processes, one of which asks one again that does not count."""
    only = {"from": inputs["from"]}
    settings = ZERO | {"held_out_every": 2, "held_out_questions": 5, "held_out_samples": 2}
    found = []
    for count, profile in ((1, "cpu"), (2, accelerate)):
        rows, _, _ = finish(config_of(tmp_path, "rl", "r1.r1_zero", settings, only, count, accelerate=profile))
        measured = [
            {key: row[key] for key in row if key.startswith("held_out/")} | {"step": row["step"]} for row in rows
        ]
        found.append([row for row in measured if row.pop("held_out/seconds", None)])
    assert found[0] == found[1] and [row["step"] for row in found[0]] == [0, 2, 4]
    assert all(row["held_out/generated"] == 10 * row["held_out/tokens"] for row in found[0])


@pytest.mark.slow
@WAYS
def test_distillation_in_two_processes_is_distillation_in_one(tmp_path, inputs, accelerate):
    """The teacher's weights lie in shards, too."""
    both = {"from": inputs["from"], "teacher": inputs["teacher"]}
    one, single, _ = finish(config_of(tmp_path, "opd", "qwen3.on_policy_distillation", OPD, both, 1))
    config = config_of(tmp_path, "opd", "qwen3.on_policy_distillation", OPD, both, 2, accelerate=accelerate)
    two, double, _ = finish(config)
    for name in ("loss", "grad_norm"):
        values = [row[name] for row in one if name in row]
        assert min(values) > 1e-3 and [row[name] for row in two if name in row] == pytest.approx(values, abs=1e-4), name
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 1e-5)


@pytest.mark.slow
def test_dpo_in_shards_is_dpo_in_one_process(tmp_path, inputs):
    one, single, _ = finish(config_of(tmp_path, "dpo", "kimi_k15.long2short_dpo", DPO, inputs, 1))
    config = config_of(tmp_path, "dpo", "kimi_k15.long2short_dpo", DPO, inputs, 2, accelerate="cpu_fsdp2")
    two, double, _ = finish(config)
    assert one[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)  # the reference is the policy's start
    for name in ("loss", "rewards/margins"):
        assert [row[name] for row in two] == pytest.approx([row[name] for row in one], abs=1e-4), name
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("rows", ["thirty", "twenty_six"])
@pytest.mark.parametrize(
    ("script", "settings", "tolerance"),
    [("r1.cold_start_sft", SFT, 4e-6), ("kimi_k15.long2short_dpo", DPO, 2e-6)],
    ids=["sft", "dpo"],
)
def test_a_last_batch_that_is_not_full_is_learned_once(tmp_path, inputs, script, settings, tolerance, rows):
    """Of 30 rows the second process has two in the last update, of 26 none: nothing is learned a second time."""
    uneven = {"from": inputs["from"], "data": inputs[rows]}
    one, single, _ = finish(config_of(tmp_path, "last", script, settings, uneven, 1))
    two, double, _ = finish(config_of(tmp_path, "last", script, settings, uneven, 2))
    assert len(two) == len(one) == 4
    for name in ("loss", "grad_norm"):
        assert [row[name] for row in two] == pytest.approx([row[name] for row in one], rel=1e-3), name
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("script", ["r1.helpful_reward_model", "r1.safety_reward_model"])
def test_reward_models_learn_the_same_in_one_process_in_micro_batches_and_in_shards(tmp_path, inputs, script):
    """They score what was held out before their shards are put together again."""
    stages = load_workspace({"scale": "smoke"}).rules()
    settings = next(stage.config["settings"] for stage in stages if stage.script == script)
    settings |= {"learning_rate": 1e-4, "examples": 84}  # the second of two processes has few rows in the last update
    found = {}
    for name, count, micro in (("whole", 1, 32), ("micro", 1, 8), ("shards", 2, 16)):
        changed = settings | {"batch_size": 32, "micro_batch_size": micro}
        config = config_of(tmp_path, name, script, changed, inputs, count, accelerate="cpu_fsdp2")
        metrics, weights, _ = finish(config)
        manifest = json.loads((Path(config["output"]) / "manifest.json").read_text())
        found[name] = [row["loss"] for row in metrics], weights, manifest["headline"]["held_out_accuracy"]
    start = load_file(f"{inputs['from']}/model/model.safetensors")
    losses, whole, accuracy = found.pop("whole")
    for other, weights, measured in found.values():
        assert other == pytest.approx(losses, abs=1e-5)
        same_weights(whole, weights, {name: start[name] for name in start.keys() & whole.keys()}, 5e-7)
        assert measured == accuracy


@pytest.mark.slow
def test_a_reward_model_in_shards_scores_as_a_whole_one(tmp_path, inputs):
    """However many texts each process has."""
    models = {"from": inputs["from"], "reward_models": {"helpful": inputs["reward"]}}
    general = RL | {"rewards": {"accuracy": 1.0}, "general_fraction": 0.5, "preference_steps": 2, "helpful_clip": 3.0}
    general |= {"helpful_normalisation": "none", "general_tasks": {"facts": 1.0}}
    whole = config_of(tmp_path, "whole", "r1.general_rl", general, models, 1)
    parts = config_of(tmp_path, "parts", "r1.general_rl", general, models, 2, accelerate="cpu_fsdp2")
    said = {}
    for config in (whole, parts):
        folder, process = start(config)
        printed = process.communicate()[0]
        assert process.returncode == 0, printed
        said[folder.name] = [json.loads(file.read_text()) for file in sorted(folder.glob("scores_*.json"))]
    ((first,), (same, second)) = said["whole_1"], said["parts_2"]
    assert first == pytest.approx(same, abs=1e-5) and second[0] == pytest.approx(first[0], abs=1e-5)
    assert len(second) == 2 and abs(second[1] - second[0]) > 1e-3


@pytest.mark.slow
def test_grpo_in_shards_that_is_killed_goes_on_as_if_it_had_not_been(tmp_path, inputs):
    """With its optimizer and its reference model."""
    only = {"from": inputs["from"]}
    one, single, _ = finish(config_of(tmp_path, "rl", "r1.r1_zero", ZERO | {"steps": 12}, only, 1))
    config = config_of(tmp_path, "rl", "r1.r1_zero", ZERO | {"steps": 12}, only, 2, accelerate="cpu_fsdp2")
    folder, process = start(config)
    while process.poll() is None and not list(folder.glob("trainer/checkpoint-4/trainer_state.json")):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    two, double, said = finish(config)
    assert "resuming rl at step" in said
    values = [row["kl"] for row in one if "kl" in row]
    assert [row["kl"] for row in two if "kl" in row] == pytest.approx(values, abs=1e-4)
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 2e-5)


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    """A finished data stage with prompts of known difficulty."""
    tmp_path = tmp_path_factory.mktemp("prompts")
    prompts = [row | {"pass_rate": 0.5} for row in rows({"logic": 1.0}, 16, "train", 1)]
    data = Run(config_of(tmp_path, "prompts", "kimi_k15.code_tests", {
        "cases": 1, "valid_cases": 1, "submissions": 1, "agreeing": 1, "passing": 1, "tasks": {"expression": 1},
        "problems": 1, "planted_wrong": 0.0}, {}, 1))  # fmt: skip
    data.save_data({"rows": Dataset.from_list(prompts)}, {})
    return str(data.folder)


MIRROR = MIRROR_DESCENT | {
    "updates_per_iteration": 2, "iterations": 3, "max_gradient_norm": 1.0, "max_completion_length": 12,
    "length_weight": 0.5, "segment_tokens": 6, "micro_batch_size": 8,
}  # fmt: skip


@pytest.mark.slow
def test_mirror_descent_in_two_processes_finishes_with_a_buffer_each(tmp_path, inputs, curated):
    """Its own loop over prompts and rollouts: both processes draw, and what both solved decides the next draw."""
    settings = MIRROR | {
        "objective": "mirror_descent", "length_from_iteration": 1, "prompt_choice": "prioritised",
        "hard_pass_rate": 0.5, "keep_every_iterations": 0,
    }  # fmt: skip
    both = {"from": inputs["from"], "data": curated}
    metrics, weights, _ = finish(config_of(tmp_path, "pmd", "kimi_k15.policy_mirror_descent", settings, both, 2))
    assert metrics[-1]["step"] == 6
    start = load_file(f"{inputs['from']}/model/model.safetensors")
    assert max((weights[name] - start[name]).abs().max().item() for name in start) > 1e-4


@pytest.mark.slow
def test_mirror_descent_beside_fillers_in_two_processes_is_that_in_one(tmp_path, inputs, curated):
    """One update on given samples, of which some are not done: a sample weighs alike in either."""
    settings = MIRROR | {"iterations": 1, "updates_per_iteration": 1, "segment_tokens": 9, "micro_batch_size": 4}
    settings |= {"learning_rate": 1.0, "adam": {"epsilon": 1e3}, "prompts_per_iteration": 8, "repetition_ngram": 8}
    both = {"from": inputs["from"], "data": curated}
    one, single, _ = finish(config_of(tmp_path, "pmd", "kimi_k15.long2short_rl", settings, both, 1))
    two, double, _ = finish(config_of(tmp_path, "pmd", "kimi_k15.long2short_rl", settings, both, 2))
    assert 0 < one[0]["rollouts/trained"] < 32  # there are fillers
    assert two[0]["grad_norm"] == pytest.approx(one[0]["grad_norm"], rel=1e-4)
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 5e-7)


@pytest.mark.slow
def test_sft_on_two_nodes_is_sft_in_one_process(tmp_path, inputs):
    """Two launchers that meet at an address, as on two machines with one disk."""
    one, single, _ = finish(config_of(tmp_path, "sft", "r1.cold_start_sft", SFT, inputs, 1))
    config = config_of(tmp_path, "nodes", "r1.cold_start_sft", SFT, inputs, 2, nodes=2)
    with socket.socket() as free:
        free.bind(("", 0))
        meet = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    folder, first = start(config, NODE_RANK="0", **meet)
    _, second = start(config, NODE_RANK="1", **meet)
    said = [node.communicate()[0] for node in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    two, double = metrics_of(folder), load_file(folder / "model" / "model.safetensors")
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], abs=1e-4)
    same_weights(single, double, load_file(f"{inputs['from']}/model/model.safetensors"), 1e-5)
    assert [text.count("done in") for text in said] == [1, 0]  # the first node writes


@pytest.mark.slow
@WAYS
def test_two_processes_that_are_told_to_stop_save_and_resume(tmp_path, inputs, accelerate):
    config = config_of(tmp_path, "sft", "r1.cold_start_sft", SFT | {"epochs": 60}, inputs, 2, accelerate=accelerate)
    folder, process = start(config)
    while process.poll() is None and not list(folder.glob("trainer/checkpoint-*/trainer_state.json")):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    said = process.communicate()[0]
    assert process.returncode == 143, said
    assert said.count("asked to stop: saving after this step") == said.count("stopped; the same command goes on") == 1
    assert "Traceback" not in said
    steps = len(metrics_of(folder))
    assert 0 < steps < 240 and (folder / f"trainer/checkpoint-{steps}/trainer_state.json").exists()
    metrics, _, said = finish(config)
    assert f"resuming sft at step {steps}" in said
    assert [row["step"] for row in metrics] == list(range(1, 241))


@pytest.mark.slow
def test_what_ends_one_of_two_processes_is_said_and_ends_the_stage(tmp_path, inputs):
    config = config_of(tmp_path, "sft", "r1.cold_start_sft", SFT | {"batch_size": 3}, inputs, 2)
    _, process = start(config)
    said = process.communicate()[0]
    assert process.returncode == 2 and "Traceback" not in said
    # Whichever is first says it; the launcher stops the other.
    assert re.search(r"error( \(process 1\))?: a batch of 3 cannot be cut into micro-batches", said), said


def test_the_end_of_a_stage_says_all_and_gives_its_code():
    script = """
import atexit
from stages.core.run.processes import end_process
atexit.register(print, "last")
print("first", end=" ")
end_process(3)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "first last\n")


def test_what_is_launched_and_what_is_not(monkeypatch):
    system = {"processes": 2, "accelerate": "cpu"}
    assert processes.trains_in_several(all_scripts()["r1.cold_start_sft"], system)
    assert not any(
        processes.trains_in_several(all_scripts()[script], system)
        for script in ("base.pretraining", "base.pretrained", "kimi_k15.merge", "evaluation.evaluate")
    )
    assert not processes.trains_in_several(all_scripts()["r1.cold_start_sft"], {"processes": 1})
    assert processes.launch_arguments(system, "stages.r1.cold_start_sft", "c.json")[-3:] == [
        "-m", "stages.r1.cold_start_sft", "c.json",
    ]  # fmt: skip
    with pytest.raises(InputError, match="there is no profiles/accelerate/fdsp2.yaml; did you mean `fsdp2`?"):
        processes.launch_arguments({"processes": 2, "accelerate": "fdsp2"}, "m", "c.json")
    monkeypatch.setenv("RANK", "0")
    assert processes.launch({"script": "r1.cold_start_sft", "system": system}, "c.json") is None


def test_several_nodes(monkeypatch):
    system = {"processes": 16, "nodes": 2, "accelerate": "fsdp2"}
    for name in ("SLURM_JOB_ID", "SLURM_NODEID", "NODE_RANK", "RANK"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="system.nodes is 2: run it on Slurm, or start it on each node yourself"):
        processes.on_every_node(2, "stages.r1.r1_zero", "c.json")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    command = processes.on_every_node(2, "stages.r1.r1_zero", "c.json")
    assert command[:3] == ["srun", "--nodes=2", "--ntasks=2"] and command[-2:] == ["stages.r1.r1_zero", "c.json"]
    monkeypatch.setenv("MASTER_ADDR", "node1")
    with pytest.raises(InputError, match="needs MASTER_PORT and NODE_RANK"):
        processes.launch_arguments(system, "stages.r1.r1_zero", "c.json")
    monkeypatch.setenv("MASTER_PORT", "29501")
    monkeypatch.setenv("SLURM_NODEID", "1")
    found = " ".join(processes.launch_arguments(system, "stages.r1.r1_zero", "c.json"))
    for words in ("--num_processes 16", "--num_machines 2", "--machine_rank 1", "--main_process_ip node1"):
        assert words in found
    with pytest.raises(InputError, match="16 cannot be divided among 3 nodes"):
        processes.launch_arguments(system | {"nodes": 3}, "m", "c.json")


@pytest.mark.parametrize(
    ("threads", "nodes", "each"), [("96", 1, "6"), ("96", 2, "12"), ("4", 1, "1"), (None, 1, None)]
)
def test_the_processes_of_a_node_share_the_threads_of_the_stage(monkeypatch, threads, nodes, each):
    for name, value in (("OMP_NUM_THREADS", threads), ("MASTER_ADDR", "a"), ("MASTER_PORT", "1"), ("NODE_RANK", "0")):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    found = processes.launch_arguments({"processes": 16, "nodes": nodes}, "m", "c.json")
    option = "--num_cpu_threads_per_process"
    assert (found[found.index(option) + 1] if option in found else None) == each


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
    assert [largest(count) for count in (0, 1, 7)] == [0, 1, 7]
