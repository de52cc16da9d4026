"""Kimi k1.5's policy optimisation inside TRL's GRPO trainer: its own loss, its own choice of prompts, partial rollouts.

One iteration is one generation of TRL's: the policy of that moment is the reference, the optimizer starts empty, and
several updates follow, so that the squared log-ratio is live.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate.utils import gather_object
from torch import Tensor
from trl import GRPOConfig

from data.errors import InputError
from data.text.completion import Completion
from data.text.row import Row
from stages.core.machines.weights import without_dropout
from stages.core.pipeline.settings import MirrorDescent
from stages.core.rewards.of_stage import weights_of
from stages.core.rewards.rules import RULES, BatchReward, accuracy, per_completion, tries
from stages.core.run.manifest import write_atomically
from stages.core.run.processes import is_main, rank, world_size
from stages.core.run.stage import Run
from stages.core.run.tables import need_columns
from stages.core.sampling.drawing import with_room
from stages.core.sampling.partial_rollouts import Group, Reason, Rollout, RolloutBuffer, segment_mask
from stages.core.sampling.prompt_choice import PromptSampler
from stages.core.sampling.repetition import RepetitionStopping, repeats
from stages.core.sampling.vllm_engine import shared, vllm_arguments
from stages.core.training.callbacks import common_arguments, micro_batches, watch
from stages.core.training.grpo import (
    Objective,
    policy_arguments,
    prompt_dataset,
    report_self_test,
    reward_function,
)
from stages.core.training.held_out import measure_held_out
from stages.core.training.trl_seam import PolicyTrainer


class MirrorDescentTrainer(PolicyTrainer):
    """Which prompts come next depends on what the policy solved, so TRL's loader only counts the steps.

    Of several processes each has its share of an iteration's prompts and a replay buffer of its own; what all of them
    solved decides the next draw, which is the same in all.
    """

    SAMPLER, BUFFER = "prompt_sampler.json", f"replay_buffer_{rank()}.json"

    def __init__(self, *args, run_settings: MirrorDescent, prompt_sampler: PromptSampler, **kwargs):
        os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # rollout_func: TRL's way in for rollouts made elsewhere
        super().__init__(*args, rollout_func=lambda prompts, trainer: trainer.rollouts, **kwargs)
        self.run_settings, self.prompt_sampler = run_settings, prompt_sampler
        self.prompts = run_settings.prompts_per_iteration // world_size()
        self.buffer = RolloutBuffer()

    def examples(self, drawn: list[dict]) -> list[dict]:
        settings = self.run_settings
        self.groups = self._iterate()
        self.group_counts = [True] * len(self.groups)
        while len(self.groups) < self.prompts:  # TRL wants full batches: a filler counts for nothing
            self.groups.append(self.groups[0])
            self.group_counts.append(False)
        rollouts = [rollout for group in self.groups for rollout in group.rollouts]
        samples = [count for count in self.group_counts for _ in range(settings.group_size)]
        examples = [self.train_dataset[group.index] for group in self.groups for _ in group.rollouts]
        self.rollouts = {
            "prompt_ids": self._tokenizer([example["prompt"] for example in examples])["input_ids"],
            "completion_ids": [rollout.ids for rollout in rollouts],
            "logprobs": [rollout.logps for rollout in rollouts],
            "env_mask": [
                segment_mask(rollout, settings.keep_earlier_segments) if count else [0] * len(rollout.ids)
                for rollout, count in zip(rollouts, samples, strict=True)
            ],
        }
        self.reasons = [rollout.reason for rollout in rollouts]
        # Where in each the tokens begin that this policy has written.
        self.written_from = [r.segments[-1] if id(r) in self._fresh else len(r.ids) for r in rollouts]
        return examples

    def advantages(self, rewards: Tensor, output: dict) -> Tensor:
        group_size = self.run_settings.group_size
        samples = [count for count in self.group_counts for _ in range(group_size)]
        output["counted"] = torch.tensor(samples, device=rewards.device)
        own = self.own(rewards, len(samples))
        return self.advantages_of(own, group_size, output["counted"]).float()

    def rolled_out(self, examples: list[dict], output: dict) -> None:
        group_size = self.run_settings.group_size
        accuracies = self.own(self.scores[:, 0], len(examples))
        rates = accuracies.view(-1, group_size).mean(dim=1).tolist()
        solved = [
            (group.index, rate)
            for group, rate, count in zip(self.groups, rates, self.group_counts, strict=True)
            if count
        ]
        for index, rate in gather_object(solved):
            self.prompt_sampler.update(index, rate)
        metrics = self._metrics["train"]
        metrics["rollouts/trained"].append(float(sum(self.group_counts) * group_size))
        metrics["rollouts/held"].append(float(self.buffer.held * group_size))
        metrics["rollouts/repeats"].append(self.reasons.count("repeat") / len(self.reasons))
        metrics["prompt/pass_rate"].append(sum(example["row"]["pass_rate"] for example in examples) / len(examples))

    def _iterate(self) -> list[Group]:
        """Draw prompts, write one segment of every open rollout, take the groups that are complete."""
        settings = self.run_settings
        while True:
            missing = self.prompts - (self.buffer.held - len(self.buffer.pending()))
            drawn = self.prompt_sampler.draw()[rank() :: world_size()][: max(0, missing)]
            self.buffer.add(
                [
                    Group(self.train_dataset[index]["row"], [Rollout() for _ in range(settings.group_size)], index)
                    for index in drawn
                ]
            )
            self._write_segments([(g.index, r) for g in self.buffer.pending() for r in g.rollouts if not r.done])
            if groups := self.buffer.take_complete(self.prompts):
                return groups

    def _write_segments(self, open_rollouts: list[tuple[int, Rollout]]) -> None:
        settings = self.run_settings
        self._fresh = {id(rollout) for _, rollout in open_rollouts}
        prompts = self._tokenizer([self.train_dataset[index]["prompt"] for index, _ in open_rollouts])["input_ids"]
        written = [prompt + rollout.ids for prompt, (_, rollout) in zip(prompts, open_rollouts, strict=True)]
        stopping = RepetitionStopping(0, settings.repetition_ngram, settings.repetition_times)
        limit = min(settings.segment_tokens, settings.max_completion_length)
        segments, logps = self.sample(written, limit, stopping)
        self.generated += sum(map(len, segments))
        for (_, rollout), ids, values in zip(open_rollouts, segments, logps, strict=True):
            room = settings.max_completion_length - len(rollout.ids)
            ids, values = ids[:room], values[:room]
            whole = rollout.ids + ids
            reason: Reason | None = None
            if ids[-1] in self.eos_token_ids:
                reason = "stop"
            elif repeats(whole, settings.repetition_ngram, settings.repetition_times):
                reason = "repeat"
            elif len(whole) >= settings.max_completion_length:
                reason = "length"
            rollout.extend(ids, values, reason)

    def sampled_now(self, output: dict) -> Tensor:
        counted = (output["completion_mask"] * output["tool_mask"]).bool()
        places = torch.arange(counted.shape[1], device=counted.device)
        return counted & (places >= torch.tensor(self.written_from, device=counted.device)[:, None])

    def loss(self, logps: Tensor, entropies: Tensor, mask: Tensor, inputs: dict) -> Tensor:
        reference = inputs.get("old_per_token_logps", logps.detach())  # the policy of the iteration's start
        terms, measures = self.objective(logps, reference, mask, inputs["advantages"])
        counted = inputs["counted"]
        for name in ("log_ratio", "regulariser"):
            self.log_mean(name, (measures[name] * counted).sum(), counted.sum())
        self.log_mean("entropy", (entropies * mask).sum(), mask.sum())
        # A sample weighs alike wherever it lies: all micro-batches divide by the count of the whole update, which is a
        # mean over the processes, since their gradients are averaged.
        count = self.accelerator.reduce(self.of_update("counted").sum().float(), "mean").clamp(min=1)
        return (terms * counted).sum() / count

    def save_state(self, folder: Path) -> None:
        if is_main():
            write_atomically(folder / self.SAMPLER, json.dumps(self.prompt_sampler.state()))
        self.buffer.save(folder / self.BUFFER)

    def load_state(self, folder: Path) -> None:
        self.prompt_sampler.restore(json.loads((folder / self.SAMPLER).read_text(encoding="utf-8")))
        self.buffer = RolloutBuffer.load(folder / self.BUFFER)


def mirror_descent_trainer(
    run: Run,
    model,
    tokenizer,
    rows: list[Row],
    choice: Callable[[list[float]], PromptSampler],
    length: BatchReward,
    objective: Objective,
    advantages: Callable[[Tensor, int, Tensor], Tensor],
    length_from_iteration: int = 0,
) -> MirrorDescentTrainer:
    """A trainer on curated prompts: correctness and length are rewarded, a repetition costs its penalty.

    choice: pass rates of the prompts -> which of them come when; length: the length reward, 0 before its iteration;
    objective: `mirror_descent_terms` with tau; advantages: of rewards (B,), a group's size and who counts (B,).
    """
    settings: MirrorDescent = run.settings
    if world_size() > 1 and run.system.engine == "vllm" and shared(run.system.vllm):
        raise InputError(
            f"{run.stage}: processes continue rollouts each at its own pace, so they cannot share a vLLM: "
            "`mode: colocate` and `tensor_parallel_size: 1` are needed"
        )
    rows = with_room(run, model, tokenizer, rows, "chat", settings.max_completion_length)
    report_self_test(run, ["accuracy"], rows, tokenizer, "chat")

    updates = settings.updates_per_iteration * settings.inner_epochs
    first_step_with_length = length_from_iteration * updates

    def length_after_warm_up(completions: list[Completion], rows: list[Row]) -> list[float | None]:
        warm = trainer.state.global_step < first_step_with_length
        return [0.0] * len(completions) if warm or not settings.length_weight else length(completions, rows)

    def repetition(completions: list[Completion], rows: list[Row]) -> list[float | None]:
        return [-float(reason == "repeat") for reason in trainer.reasons]

    rewards = {"accuracy": per_completion(accuracy), "length": length_after_warm_up, "repetition": repetition}
    measures = {name: per_completion(RULES[name]) for name in ("format", "language")} | {"tries": per_completion(tries)}
    if settings.prompts_per_iteration % world_size():
        raise InputError(
            f"prompts_per_iteration is {settings.prompts_per_iteration}: {world_size()} processes need a multiple"
        )
    samples = settings.prompts_per_iteration * settings.group_size
    update = samples // settings.updates_per_iteration
    batches = micro_batches(update, settings.micro_batch_size)
    config = GRPOConfig(
        **common_arguments(run),
        **vllm_arguments(run.system),
        # The loss holds for samples of any policy (s.2.3.2): nothing to correct, and nothing that TRL should weigh.
        vllm_importance_sampling_correction=False,
        max_steps=settings.iterations * updates,
        **policy_arguments(settings),
        **batches,
        steps_per_generation=batches["gradient_accumulation_steps"] * settings.updates_per_iteration,
        num_iterations=settings.inner_epochs,
        beta=0.0,
        scale_rewards="none",
        reward_weights=[weights_of(settings)[name] for name in rewards] + [0.0] * len(measures),
        save_strategy="steps",
        save_steps=updates * settings.save_every_iterations,
    )
    need_columns(rows, ("pass_rate",), run.stage)
    trainer = MirrorDescentTrainer(
        model=without_dropout(model),
        reward_funcs=[reward_function(name, call, "chat", tokenizer) for name, call in (rewards | measures).items()],
        args=config,
        train_dataset=prompt_dataset(tokenizer, rows, "chat"),
        processing_class=tokenizer,
        run_settings=settings,
        prompt_sampler=choice([row["pass_rate"] for row in rows]),
    )
    trainer.objective, trainer.advantages_of = objective, advantages
    trainer.logp_gap_limit = run.system.logp_gap_limit
    trainer.sampling_processes = run.system.sampling_processes
    watch(trainer, run)
    measure_held_out(run, trainer, tokenizer, "chat")
    return trainer
