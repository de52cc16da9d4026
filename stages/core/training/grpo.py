"""GRPO: a stage's settings become a trainer with the paper's objective; the frame is trl_seam.py's."""

from collections.abc import Callable
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig

from data.errors import InputError
from data.text.chat import Template, render_prompt
from data.text.completion import Completion
from data.text.row import Row
from stages.core.machines.adapters import RefreshReference, is_adapted
from stages.core.machines.weights import without_dropout
from stages.core.pipeline.settings import GRPO, MirrorDescent
from stages.core.rewards.rules import RULES, BatchReward, per_completion, tries
from stages.core.rewards.self_test import self_test
from stages.core.run.stage import Run
from stages.core.sampling.drawing import with_room
from stages.core.sampling.vllm_engine import importance_arguments, vllm_arguments
from stages.core.training.callbacks import (
    adam_arguments,
    common_arguments,
    last_tenth,
    logged_means,
    micro_batches,
    train,
    watch,
)
from stages.core.training.held_out import measure_held_out
from stages.core.training.objectives import group_advantages, normaliser
from stages.core.training.trl_seam import PolicyTrainer

Objective = Callable[..., tuple[Tensor, dict[str, Tensor]]]
"""`grpo_terms`, or a relative of it, with its numbers filled in."""

LOGGED = {
    "kl": "kl",
    "clipped": "clip_ratio/region_mean",
    "clipped_low": "clip_ratio/low_mean",
    "clipped_high": "clip_ratio/high_mean",
}
"""The objective's measures under TRL's names for them."""


class GRPOPolicyTrainer(PolicyTrainer):
    """Rollouts of the policy, rewards standardised in their group, the stage's objective for the loss."""

    objective: Objective

    def advantages(self, rewards: Tensor, output: dict) -> Tensor:
        rewards[torch.isnan(self.scores).all(dim=1)] = torch.nan
        found = group_advantages(rewards, self.num_generations, self.scale_rewards)
        return self.own(found, len(output["completion_ids"]))

    def loss(self, logps: Tensor, entropies: Tensor, mask: Tensor, inputs: dict) -> Tensor:
        old_logps = inputs.get("old_per_token_logps")
        weighed = self.use_vllm and self.vllm_importance_sampling_correction
        terms, measures = self.objective(
            logps,
            logps.detach() if old_logps is None else old_logps,
            inputs.get("ref_per_token_logps"),
            mask,
            inputs["advantages"],
            aggregation=self.loss_type,
            importance=inputs["importance_sampling_ratio"] if weighed else None,
            entropies=entropies,
        )
        tokens = measures.pop("tokens").sum()
        self.log_mean("entropy", (entropies * mask).sum(), tokens)
        measures["clipped"] = measures["clipped_low"] + measures["clipped_high"]
        for name, values in measures.items():
            self.log_mean(LOGGED[name], values.sum(), tokens)
        # The tokens of one update: TRL counts those of the whole rollout, over all processes.
        accumulated = self.current_gradient_accumulation_steps
        rollout_tokens = inputs["num_items_in_batch"].clamp(min=1.0) / self.accelerator.num_processes
        update_tokens = rollout_tokens * accumulated / self.args.steps_per_generation
        loss = terms.sum() / normaliser(self.loss_type, len(terms), self.max_completion_length, update_tokens)
        return loss if self.loss_type == "dapo" else loss / accumulated


def policy_trainer(
    run: Run,
    model,
    tokenizer,
    rows: list[Row],
    rewards: dict[str, BatchReward],
    objective: Objective,
    refresh_reference_every: int,
    shuffle: bool = True,
    longest: int | None = None,
    trainer_class: type = GRPOPolicyTrainer,
) -> PolicyTrainer:
    """A GRPO trainer with the paper's objective: every choice that TRL would make by default is set here.

    rows: prompts; with shuffle=False they are taken in their order. rewards: what the recipe weighs, by its name
    (`weighted` in rewards/rules.py). objective: `grpo_terms` with the paper's numbers. refresh_reference_every: updates
    after which the reference becomes the policy of that moment. longest: tokens that a completion may have in the end,
    where their limit grows.
    """
    settings: GRPO = run.settings
    longest = max(longest or 0, settings.max_completion_length)
    rows = with_room(run, model, tokenizer, rows, settings.template, longest)
    if len(rows) < settings.prompts_per_step * settings.steps_per_rollout:
        raise InputError(
            f"{run.stage}: {len(rows)} prompts, where one rollout takes {settings.prompts_per_step} x "
            f"{settings.steps_per_rollout} (prompts_per_step x steps_per_rollout)"
        )
    report_self_test(run, [name for name in rewards if name in RULES], rows, tokenizer, settings.template)

    weights = [settings.rewards[name] for name in rewards]
    measures = {"language": per_completion(RULES["language"]), "tries": per_completion(tries)}
    measured = {name: measure for name, measure in measures.items() if name not in rewards}
    sequences = settings.prompts_per_step * settings.group_size
    batches = micro_batches(sequences, settings.micro_batch_size)
    config = GRPOConfig(
        **common_arguments(run),
        **vllm_arguments(run.system),
        **importance_arguments(run.system),
        max_steps=settings.steps,
        **policy_arguments(settings),
        **batches,
        steps_per_generation=batches["gradient_accumulation_steps"] * settings.steps_per_rollout,
        num_iterations=settings.inner_epochs,
        beta=settings.kl_coefficient,
        # TRL multiplies k3 by the ratio by default; DeepSeekMath and R1 print it without.
        use_bias_correction_kl=False,
        epsilon=settings.clip_epsilon,
        loss_type=settings.loss_aggregation,
        scale_rewards=settings.advantage_scaling,
        reward_weights=weights + [0.0] * len(measured),
        sync_ref_model=settings.kl_coefficient > 0 and not is_adapted(model),
        ref_model_sync_steps=refresh_reference_every,
        ref_model_mixup_alpha=1.0,
        shuffle_dataset=shuffle,
        save_strategy="steps",
        # Where a rollout is used up: nothing of it has to be saved.
        save_steps=settings.steps_per_rollout * settings.inner_epochs * settings.save_every_rollouts,
    )
    trainer = trainer_class(
        model=without_dropout(model),
        reward_funcs=[
            reward_function(name, function, settings.template, tokenizer)
            for name, function in (rewards | measured).items()
        ],
        args=config,
        train_dataset=prompt_dataset(tokenizer, rows, settings.template),
        processing_class=tokenizer,
    )
    if settings.kl_coefficient > 0 and trainer.is_deepspeed_enabled:
        raise InputError(
            f"{run.stage}: DeepSpeed cannot save the reference model of its KL term: choose accelerate `fsdp2` or "
            "`ddp`, or kl_coefficient 0"
        )
    trainer.objective = objective
    trainer.logp_gap_limit = run.system.logp_gap_limit
    trainer.sampling_processes = run.system.sampling_processes
    if settings.kl_coefficient > 0 and is_adapted(model):
        trainer.add_callback(RefreshReference(refresh_reference_every))
    watch(trainer, run)
    measure_held_out(run, trainer, tokenizer, settings.template, rewards)
    return trainer


def policy_arguments(settings: GRPO | MirrorDescent) -> dict[str, Any]:
    """How a policy learns and samples, as TRL's arguments: from the policy itself, nothing cut off."""
    return {
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.learning_rate_schedule,
        "max_grad_norm": settings.max_gradient_norm,
        **adam_arguments(settings.adam),
        "num_generations": settings.group_size,
        "max_completion_length": settings.max_completion_length,
        "temperature": settings.temperature,
        "top_p": 1.0,
        "top_k": 0,
    }


def report_self_test(run: Run, names: list[str], rows: list[Row], tokenizer, template: Template) -> None:
    """The reward self-test, reported; an InputError where a reward cannot tell gold from wrong."""
    scores = self_test(names, rows, tokenizer, template)
    run.metrics.say("reward self-test passed: " + ", ".join(f"{key} {score:.2f}" for key, score in scores.items()))


def prompt_dataset(tokenizer, rows: list[Row], template: Template) -> Dataset:
    """Rows as TRL takes them: the rendered prompt, and the row for the rewards."""
    return Dataset.from_dict(
        {"prompt": [render_prompt(tokenizer, row["prompt"], template) for row in rows], "row": rows}
    )


def train_policy(run: Run, trainer: PolicyTrainer) -> dict[str, float]:
    """Run the RL stage; returns the means of the last tenth of the generating steps."""
    train(trainer, run)
    run.tokens.update(trainer.count_tokens())
    tail = last_tenth(trainer, "reward")
    parts = [name for name in tail[-1] if name.startswith("rewards/") and name.endswith("/mean")]
    means = logged_means(tail, ["reward", "completions/mean_length", *parts])
    return {name.removesuffix("/mean"): value for name, value in means.items()}


def reward_function(name: str, reward: BatchReward, template: Template, tokenizer):
    """Our reward as TRL calls it."""
    ends = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|endoftext|>")}

    def call(completions: list[str], completion_ids: list[list[int]], row: list[Row], **_) -> list[float | None]:
        answers = [
            Completion(text, len(ids), bool(ids) and ids[-1] in ends, template)
            for text, ids in zip(completions, completion_ids, strict=True)
        ]
        return reward(answers, row)

    call.__name__ = name
    return call
