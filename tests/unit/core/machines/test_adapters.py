"""Low-rank adapters: only they are trained, they are merged, the reference follows, a kill is survived."""

import json
import os
from functools import partial

import pytest
import torch
from transformers import AutoModelForCausalLM

from data.errors import InputError
from data.text.chat import render_completion, render_prompt
from data.world.families import rows
from stages.core.machines.adapters import copy_adapter, load_weights, merged, save_adapted, with_adapter
from stages.core.machines.weights import load_model, load_tokenizer, save_model
from stages.core.pipeline.system import Lora
from stages.core.run.stage import Run
from stages.core.training.callbacks import train
from stages.core.training.grpo import policy_trainer
from stages.core.training.objectives import grpo_terms
from stages.core.training.supervised import fitting, sft_trainer, train_supervised

LORA = Lora(r=4, alpha=8.0)
IDS = torch.tensor([[5, 6, 7, 8, 9]])
RL = {
    "template": "chat", "rewards": {"accuracy": 1.0}, "learning_rate": 1e-2, "learning_rate_schedule": "constant",
    "max_gradient_norm": 1.0, "kl_coefficient": 0.1, "clip_epsilon": 10.0, "temperature": 1.0, "group_size": 4,
    "prompts_per_step": 2, "steps_per_rollout": 1, "inner_epochs": 1, "steps": 4, "reference_refresh_steps": 2,
    "max_completion_length": 6, "extended_completion_length": 6, "extended_from_step": 4,
    "loss_aggregation": "grpo", "advantage_scaling": "group", "tasks": {"arithmetic": 1.0}, "prompts": 8,
    "micro_batch_size": 8,
}  # fmt: skip
SFT = {
    "epochs": 2, "learning_rate": 1e-2, "final_learning_rate": 1e-3, "warmup_fraction": 0.0, "batch_size": 4,
    "max_length": 64, "micro_batch_size": 4,
}  # fmt: skip


@pytest.fixture
def parent(tmp_path, model, tokenizer):
    """A finished base that stages can start from."""
    run = Run({
        "recipe": None, "scale": "small", "stage": "base", "script": "base.pretraining", "runs": str(tmp_path),
        "output": str(tmp_path / "base"), "system": {}, "public_data": {}, "inputs": {}, "paper": {}, "why": {},
        "settings": {"hidden_size": 32, "layers": 2, "heads": 2, "key_value_heads": 1, "feed_forward_size": 64,
                     "vocabulary_size": 1120, "mixture": {"arithmetic": 1}, "steps": 1, "batch_size": 1,
                     "matrix_learning_rate": 0.1, "learning_rate": 0.1, "max_length": 8},
    })  # fmt: skip
    save_model(run, model, tokenizer, "chat", {})
    return run.folder


def child(parent, script, settings, save="merged"):
    """A run of a stage on that base, with adapters."""
    return Run({
        "recipe": "mine", "scale": "small", "stage": script, "script": script, "runs": str(parent.parent),
        "output": str(parent.parent / "mine" / f"{script}_{save}"), "inputs": {"from": str(parent)},
        "system": {"lora": {"r": 4, "alpha": 8.0, "save": save}}, "public_data": {},
        "settings": settings, "paper": {}, "why": {},
    })  # fmt: skip


def logits(model):
    with torch.no_grad():
        return model.eval()(IDS).logits


def weights(folder):
    return load_weights(folder / "model", AutoModelForCausalLM, dtype=torch.float32).state_dict()


def examples(tokenizer):
    return [
        {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("", row["answer"]),
        }
        for row in rows({"arithmetic": 1.0}, 8, "train", 1)
    ]


def test_a_fresh_adapter_changes_nothing_and_is_all_that_is_trained(model):
    before = logits(model)
    adapted = with_adapter(model, LORA, 0)
    assert torch.allclose(logits(adapted), before, atol=1e-6)
    trained = [name for name, parameter in adapted.named_parameters() if parameter.requires_grad]
    assert trained and all(".default." in name for name in trained)
    assert with_adapter(model, None, 0) is model


def test_merging_keeps_what_the_adapter_computes_and_drops_the_reference(model):
    adapted = with_adapter(model, LORA, 0)
    adapted.add_adapter("ref", adapted.peft_config["default"])
    torch.manual_seed(1)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1 if ".default." in name else 1.0)
    computed = logits(adapted)
    plain = merged(adapted)
    assert torch.allclose(logits(plain), computed, atol=1e-4)
    assert not any("lora" in name for name in plain.state_dict())


def test_the_reference_adapter_becomes_the_trained_one(model):
    adapted = with_adapter(model, LORA, 0)
    adapted.add_adapter("ref", adapted.peft_config["default"])
    parameters = dict(adapted.named_parameters())
    name = next(name for name in parameters if ".lora_B.default." in name)
    parameters[name].data.fill_(0.5)
    assert not torch.equal(parameters[name], parameters[name.replace(".default.", ".ref.")])
    copy_adapter(adapted, "default", "ref")
    assert torch.equal(parameters[name], parameters[name.replace(".default.", ".ref.")])


def test_an_adapter_saved_alone_is_its_parent_and_what_was_trained(model, model_folder, tmp_path):
    adapted = with_adapter(model, LORA, 0)
    torch.nn.init.normal_(dict(adapted.named_parameters())[_first_b(adapted)], std=0.1)
    computed = logits(adapted)
    save_adapted(adapted, tmp_path / "adapter", model_folder)
    assert not list((tmp_path / "adapter").glob("model*.safetensors"))
    found = load_weights(tmp_path / "adapter", AutoModelForCausalLM, dtype=torch.float32)
    assert torch.allclose(logits(found), computed, atol=1e-4)


def _first_b(model):
    return next(name for name, _ in model.named_parameters() if ".lora_B.default." in name)


@pytest.mark.parametrize("save", ["merged", "adapter"])
def test_sft_with_an_adapter_trains_and_saves(parent, tokenizer, save):
    run = child(parent, "r1.cold_start_sft", SFT, save)
    trainer = sft_trainer(run, load_model(run), tokenizer, fitting(run, tokenizer, examples(tokenizer), 64))
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)
    before, after = weights(parent), weights(run.folder)
    moved = {name for name in before if not torch.allclose(before[name], after[name], atol=1e-6)}
    assert moved and not any("embed" in name or "norm" in name for name in moved)  # linear layers only
    alone = (run.folder / "model" / "adapter_config.json").exists()
    assert alone == (save == "adapter")
    losses = [json.loads(line)["loss"] for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]


def rl(run, steps=None):
    """A GRPO run whose reward likes short completions."""
    model, tokenizer, settings = load_model(run), load_tokenizer(run), run.settings
    prompts = rows(run.settings.tasks, run.settings.prompts, "train", 0)
    short = {"accuracy": lambda completions, batch: [-float(len(c.text)) for c in completions]}
    trainer = policy_trainer(
        run, model, tokenizer, prompts, short,
        partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient),
        refresh_reference_every=settings.reference_refresh_steps,
    )  # fmt: skip
    if steps:
        trainer.args.max_steps = steps
    return trainer


def adapter_of(trainer, adapter):
    return {n: p.detach().clone() for n, p in trainer.model.named_parameters() if f".{adapter}." in n}


def test_rl_with_an_adapter_refreshes_its_reference_and_resumes_with_it(parent):
    run = child(parent, "r1.r1_zero", RL)
    trainer = rl(run, steps=3)
    trainer.train()
    assert trainer.ref_model is None
    trained, reference = adapter_of(trainer, "default"), adapter_of(trainer, "ref")
    differs = [n for n in trained if not torch.equal(trained[n], reference[n.replace(".default.", ".ref.")])]
    assert differs  # refreshed after step 2, trained once more since
    assert any(value.abs().max() > 0 for name, value in reference.items() if "lora_B" in name)  # no longer the base

    resumed = child(parent, "r1.r1_zero", RL)
    again = rl(resumed)
    train(again, resumed)
    assert resumed.metrics.first_step == 3 and again.state.global_step == 4
    whole = rl(child(parent, "r1.r1_zero", RL))
    whole.train()
    for adapter in ("default", "ref"):
        found = adapter_of(again, adapter)
        for name, value in adapter_of(whole, adapter).items():
            assert torch.allclose(value, found[name], atol=1e-5), name


def test_a_reference_that_would_run_code_is_refused(parent, tmp_path):
    class RunsCode:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    run = child(parent, "r1.r1_zero", RL)
    rl(run, steps=1).train()
    torch.save(RunsCode(), run.trainer_folder / "checkpoint-1" / "reference_model.pt")
    with pytest.raises(InputError, match="checkpoint-1 holds more than numbers"):
        train(rl(child(parent, "r1.r1_zero", RL)), child(parent, "r1.r1_zero", RL))
    assert not (tmp_path / "ran").exists()
