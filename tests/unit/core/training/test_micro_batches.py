"""The gradient of one update is the same for every micro-batch size, whatever lies in the batch: every trainer.

Without padding (supervised, reward models, DPO) it is that of padded batches, and a manifest's tokens are counted.
Rows of unequal length, a last batch that is not full (supervised, reward models, DPO), prompts without a reward (GRPO),
fillers beside partial rollouts (mirror descent). With two processes: tests/unit/core/run/test_processes.py.
"""

import hashlib
from collections.abc import Callable
from functools import partial

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, TrainerCallback
from trl.trainer import utils

from data.text.chat import render_completion, render_prompt
from data.world.families import rows
from stages.core.rewards.scoring import scored_text
from stages.core.run.stage import Run
from stages.core.sampling.prompt_choice import PromptSampler
from stages.core.training import callbacks, learned_tokens, pairwise, pointwise, preference_optimisation, supervised
from stages.core.training.grpo import policy_trainer
from stages.core.training.mirror_descent import mirror_descent_trainer
from stages.core.training.objectives import best_of_group, centred_rewards, grpo_terms, mirror_descent_terms
from stages.core.training.on_policy_distillation import distillation_trainer
from stages.core.training.pairwise import pairwise_trainer
from stages.core.training.pointwise import pointwise_trainer
from stages.core.training.supervised import fitting, sft_trainer
from stages.core.training.trl_seam import Sampler
from tests.settings import MIRROR_DESCENT

EPOCH = {
    "epochs": 1, "learning_rate": 1e-3, "learning_rate_schedule": "constant", "batch_size": 8, "max_length": 128,
}  # fmt: skip
SFT = {key: EPOCH[key] for key in ("epochs", "learning_rate", "batch_size", "max_length")} | {
    "final_learning_rate": 1e-4, "warmup_fraction": 0.0,
}  # fmt: skip
VANILLA = SFT | {"examples": 14, "direct_fraction": 0.0, "short_steps": 1, "tasks": {"arithmetic": 1.0}}
REWARD = EPOCH | {"examples": 14, "tasks": {"facts": 1.0, "unsafe": 1.0}, "held_out": 8}
PAIRWISE = REWARD | {
    "judgements": 1, "judge_noise": 0.0, "min_score_difference": 0.0, "balance_lengths": False,
    "center_coefficient": 0.01,
}  # fmt: skip
RL = {
    "template": "chat", "rewards": {"accuracy": 1.0}, "learning_rate": 1e-3, "learning_rate_schedule": "constant",
    "max_gradient_norm": 1e6, "kl_coefficient": 0.05, "clip_epsilon": 0.2, "temperature": 1.0, "group_size": 4,
    "prompts_per_step": 4, "steps_per_rollout": 1, "inner_epochs": 1, "steps": 1, "reference_refresh_steps": 1,
    "max_completion_length": 12, "advantage_scaling": "group", "tasks": {"logic": 1.0}, "prompts": 4,
}  # fmt: skip
MIRROR = MIRROR_DESCENT | {
    "updates_per_iteration": 1, "iterations": 1, "max_gradient_norm": 1e6, "max_completion_length": 24,
    "length_weight": 1.0, "segment_tokens": 6,
}  # fmt: skip
OPD = {
    "divergence": "reverse_kl", "temperature": 1.0, "learning_rate": 1e-3, "learning_rate_schedule": "constant",
    "max_gradient_norm": 1e6, "prompts_per_step": 8, "steps": 1, "max_completion_length": 12, "prompts": 8,
    "non_thinking_fraction": 0.5, "tasks": {"logic": 1.0},
}  # fmt: skip
DPO = EPOCH | {"beta": 0.1}


class Gradients(TrainerCallback):
    """The gradient of each update, as one vector."""

    def __init__(self) -> None:
        self.found: list[torch.Tensor] = []

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        parts = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        self.found.append(torch.cat(parts).clone())


@pytest.fixture
def run_of(tmp_path):
    def make(script: str, settings: dict) -> Run:
        folder = tmp_path / f"{script}_{settings['micro_batch_size']}"
        return Run({
            "recipe": "mine", "scale": "test", "stage": script.partition(".")[2], "script": script, "system": {},
            "runs": str(tmp_path), "public_data": {}, "output": str(folder), "inputs": {}, "settings": settings,
        })  # fmt: skip

    return make


@pytest.fixture
def fixed_samples(monkeypatch):
    """Completions that depend on the prompt alone: 3 to 9 tokens and an end, cut at the limit."""

    def sample(trainer, prompts, limit, *_, **__):
        written, met = [], {}
        for prompt in prompts:
            number = met[tuple(prompt)] = met.get(tuple(prompt), 0) + 1
            digest = hashlib.sha256(f"{prompt} {number}".encode()).digest()
            # All samples of every other prompt go on into the next iteration.
            length = 9 if hashlib.sha256(str(prompt).encode()).digest()[0] % 2 else 2 + digest[0] % 3
            written.append([*[300 + byte for byte in digest[:length]], trainer.eos_token_ids[0]][:limit])
        logps = []
        with torch.no_grad():
            for prompt, ids in zip(prompts, written, strict=True):
                logits = trainer.model(torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1]
                logps.append(logits.log_softmax(-1).gather(-1, torch.tensor(ids)[:, None])[:, 0].tolist())
        return written, logps

    monkeypatch.setattr(Sampler, "sample", sample)


def gradients_of(trainer) -> list[torch.Tensor]:
    watched = Gradients()
    trainer.add_callback(watched)
    trainer.train()
    return watched.found


def same(found: dict[int, list[torch.Tensor]], updates: int, tolerance: float = 2e-6) -> None:
    """Every micro-batch size has the gradients of the whole batch, up to rounding."""
    whole = found.pop(max(found))
    assert len(whole) == updates
    for size, others in found.items():
        assert len(others) == updates
        for one, other in zip(whole, others, strict=True):
            assert one.norm() > 0
            assert ((one - other).norm() / one.norm()).item() < tolerance, size


def of_sizes(build: Callable[[int], object], *sizes: int) -> dict[int, list[torch.Tensor]]:
    return {size: gradients_of(build(size)) for size in sizes}


@pytest.fixture
def fresh(model_folder):
    return lambda: AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)


@pytest.fixture
def scalar(model_folder, tokenizer):
    def make():
        torch.manual_seed(0)
        options = {"dtype": torch.float32, "num_labels": 1, "pad_token_id": tokenizer.pad_token_id}
        return AutoModelForSequenceClassification.from_pretrained(model_folder, **options)

    return make


@pytest.fixture
def demonstrations(tokenizer):
    """14 examples of unequal length."""
    return [
        row
        | {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("so " * (number % 7), row["answer"]),
        }
        for number, row in enumerate(rows({"arithmetic": 1.0}, 14, "train", 1))
    ]


@pytest.fixture
def plainly(monkeypatch):
    """From here on batches keep their padding, and logits are made of all tokens."""

    def set_plain():
        for module in (supervised, pairwise, pointwise, preference_optimisation):
            monkeypatch.setattr(module, "without_padding", lambda model: model)
        monkeypatch.setattr(utils, "_use_triton", lambda device: False)
        monkeypatch.setattr(utils, "_ChunkedLogProbFunction", learned_tokens._tiles)

    return set_plain


def test_sft_and_off_policy_distillation(run_of, fresh, tokenizer, demonstrations, plainly):
    def build(size):
        run = run_of("r1.cold_start_sft", SFT | {"epochs": 2, "micro_batch_size": size})
        trainer = sft_trainer(run, fresh(), tokenizer, fitting(run, tokenizer, demonstrations, 128))
        prompts, completions = (
            sum(map(len, tokenizer([row[name] for row in demonstrations])["input_ids"]))
            for name in ("prompt_text", "completion")
        )
        assert run.tokens == {"prompt": 2 * prompts, "trained": 2 * (completions + 14)}  # with their ends
        return trainer

    found = of_sizes(build, 8, 4, 1)
    plainly()
    same(found | {0: gradients_of(build(8))}, updates=4)


@pytest.mark.parametrize("size", [8, 1])
def test_packed_examples_do_not_see_each_other(run_of, fresh, tokenizer, demonstrations, size):
    """One update on all examples: its gradient is that of the same examples in rows of their own."""
    run = run_of("kimi_k15.vanilla_sft", VANILLA | {"batch_size": 14, "micro_batch_size": 14, "packing": False})
    examples = fitting(run, tokenizer, demonstrations, 128)
    [apart] = gradients_of(sft_trainer(run, fresh(), tokenizer, examples))
    run = run_of("kimi_k15.vanilla_sft", VANILLA | {"batch_size": 8, "micro_batch_size": size, "packing": True})
    trainer = sft_trainer(run, fresh(), tokenizer, examples, packing=True)
    assert 1 < len(trainer.train_dataset) <= 8
    [packed] = gradients_of(trainer)
    assert ((apart - packed).norm() / apart.norm()).item() < 1e-5


def test_pairwise_reward_model(run_of, scalar, tokenizer, plainly):
    pairs = [{"question": f"{n}?", "chosen": "so " * (1 + n % 5), "rejected": f"{n} " * (1 + n % 3)} for n in range(14)]

    def build(size):
        run = run_of("r1.helpful_reward_model", PAIRWISE | {"micro_batch_size": size})
        trainer = pairwise_trainer(run, scalar(), tokenizer, pairs)
        texts = [
            scored_text(tokenizer, pair["question"], pair[key]) for pair in pairs for key in ("chosen", "rejected")
        ]
        assert run.tokens == {"trained": sum(map(len, tokenizer(texts)["input_ids"]))}
        return trainer

    found = of_sizes(build, 8, 4, 1)
    plainly()
    same(found | {0: gradients_of(build(8))}, updates=2)


def test_pointwise_reward_model(run_of, scalar, tokenizer, plainly):
    labelled = [{"question": f"{n}?", "response": "so " * (1 + n % 5), "label": float(n % 3 == 0)} for n in range(14)]

    def build(size):
        run = run_of("r1.safety_reward_model", REWARD | {"label_noise": 0.0, "micro_batch_size": size})
        trainer = pointwise_trainer(run, scalar(), tokenizer, labelled)
        texts = [scored_text(tokenizer, each["question"], each["response"]) for each in labelled]
        assert run.tokens == {"trained": sum(map(len, tokenizer(texts)["input_ids"]))}
        return trainer

    found = of_sizes(build, 8, 4, 1)
    plainly()
    same(found | {0: gradients_of(build(8))}, updates=2)


def test_direct_preference_optimisation(run_of, fresh, tokenizer, monkeypatch, plainly):
    from datasets import Dataset

    from stages.core.machines import weights
    from stages.kimi_k15 import long2short_dpo

    prompts = rows({"arithmetic": 1.0}, 14, "train", 1)
    pairs = Dataset.from_list([
        {"prompt": render_prompt(tokenizer, row["prompt"], "chat"), "chosen": "so " * (1 + number % 4),
         "rejected": "no " * (1 + number % 5)}
        for number, row in enumerate(prompts)
    ])  # fmt: skip
    monkeypatch.setattr(weights, "load_model", lambda run: fresh())
    monkeypatch.setattr(weights, "load_tokenizer", lambda run: tokenizer)
    monkeypatch.setattr(weights, "save_model", lambda *args: None)
    monkeypatch.setattr(Run, "load_rows", lambda run, table: pairs)

    def gradients(size, padded=False):
        watched = Gradients()

        def watch(trainer, run):
            for model in (trainer.model, trainer.ref_model):
                assert bool(model.base_model._forward_pre_hooks) != padded
            trainer.add_callback(watched)

        monkeypatch.setattr(callbacks, "watch", watch)
        run = run_of("kimi_k15.long2short_dpo", DPO | {"micro_batch_size": size})
        long2short_dpo.main(run)
        counted = {name: sum(map(len, tokenizer(list(pairs[name]))["input_ids"])) for name in pairs.column_names}
        assert run.tokens["prompt"] == counted["prompt"]
        assert run.tokens["trained"] == counted["chosen"] + counted["rejected"] + 2 * 14  # with their ends
        return watched.found

    found = {size: gradients(size) for size in (8, 4, 1)}
    plainly()
    same(found | {2: gradients(2, padded=True)}, updates=2)


@pytest.mark.parametrize("aggregation", ["grpo", "dapo", "dr_grpo"])
def test_grpo_with_prompts_that_no_reward_applies_to(run_of, fresh, tokenizer, fixed_samples, aggregation):
    prompts = rows({"logic": 1.0}, 2, "train", 0) + rows({"arithmetic": 1.0}, 2, "train", 0)

    def brief(completions, batch):
        return [None if row["task"] == "logic" else -float(c.tokens) for c, row in zip(completions, batch, strict=True)]

    def build(size):
        run = run_of("r1.small_rl", RL | {"loss_aggregation": aggregation, "micro_batch_size": size})
        objective = partial(grpo_terms, clip_epsilon=0.2, kl_coefficient=0.05, entropy_coefficient=0.02)
        return policy_trainer(run, fresh(), tokenizer, prompts, {"accuracy": brief}, objective, 1)

    same(of_sizes(build, 16, 8, 4, 2, 1), updates=1, tolerance=1e-5)


@pytest.mark.parametrize(("tau", "advantages"), [(0.1, centred_rewards), (0.0, best_of_group)], ids=["mirror", "rest"])
def test_mirror_descent_and_rest_beside_fillers(run_of, fresh, tokenizer, fixed_samples, tau, advantages):
    prompts = [row | {"pass_rate": 0.5} for row in rows({"arithmetic": 1.0, "equation": 1.0}, 12, "train", 1)]
    choice = partial(PromptSampler, strategy="uniform", seed=42, total_iterations=1, prompts_per_iteration=4)
    counts = []

    def length(completions, batch):
        return [1 / c.tokens for c in completions]

    def build(size):
        run = run_of("kimi_k15.long2short_rl", MIRROR | {"micro_batch_size": size})
        objective = partial(mirror_descent_terms, tau=tau)
        made = mirror_descent_trainer(run, fresh(), tokenizer, prompts, choice, length, objective, advantages)
        counts.append(made)
        return made

    same(of_sizes(build, 16, 4, 2, 1), updates=1, tolerance=1e-5)
    assert {tuple(made.group_counts) for made in counts} == {tuple(counts[0].group_counts)}
    assert 0 < sum(counts[0].group_counts) < 4  # there are fillers


def test_on_policy_distillation(run_of, fresh, tokenizer, fixed_samples):
    prompts = [row | {"mode": "thinking"} for row in rows({"logic": 1.0}, 8, "train", 0)]
    teacher = fresh()
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))

    def build(size):
        run = run_of("qwen3.on_policy_distillation", OPD | {"micro_batch_size": size})
        return distillation_trainer(run, fresh(), teacher, tokenizer, prompts)

    same(of_sizes(build, 8, 4, 1), updates=1, tolerance=1e-5)
