"""TRL's GRPO trainer, set up to the papers' objective: a stage's settings become its arguments."""

from pathlib import Path

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl.models import unwrap_model_for_generation
from trl.models.utils import disable_gradient_checkpointing
from trl.trainer import grpo_trainer

from data.chat import Template, render_prompt
from stages.core.adapters import RefreshReference, adapter_weights, is_adapted
from stages.core.callbacks import common_arguments, last_tenth, logged_means, micro_batches, train, watch
from stages.core.checkpoint import Run
from stages.core.drawing import draw_rows
from stages.core.engine import Completion
from stages.core.errors import InputError
from stages.core.generation import sample_completions
from stages.core.repetition import RepetitionStopping
from stages.core.rewards import RULES, BatchReward, Reward, self_test, tries
from stages.core.rollouts import check_gap, sample_with_vllm
from stages.core.settings import GRPO
from stages.core.sharding import cut_references, hand_out
from stages.core.vllm_engine import importance_arguments, vllm_arguments

cut_references(grpo_trainer)

GAP_ROWS = 16
"""Completions of a rollout that are scored to compare sampler and trainer, where TRL itself scores none."""


class CompletionLengthCallback(TrainerCallback):
    """R1-Zero's longer completions in the last part of the run (v2 s.2.1)."""

    def __init__(self, length: int, from_step: int) -> None:
        self.length, self.from_step = length, from_step

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step >= self.from_step:
            self.trainer.max_completion_length = self.length


class PolicyTrainer(GRPOTrainer):
    """TRL's GRPO, with less padding: sequences of like length are run together and no wider than they are.

    TRL pads a rollout to its longest member and keeps that width everywhere. The mathematics is the same.
    The reference model is saved with each checkpoint: refreshed during the run, it cannot be had from the parent.
    """

    logp_gap_limit = 0.02
    """Mean difference between the sampler's and the trainer's log-probs, in nats a token, above which a run stops."""

    REFERENCE = "reference_model.pt"

    def _generate_single_turn(self, prompt_ids, images, multimodal_fields, num_generations, has_tool_images=False):
        if images is not None:
            return super()._generate_single_turn(
                prompt_ids, images, multimodal_fields, num_generations, has_tool_images
            )
        return self.sample(prompt_ids, self.max_completion_length, copies=num_generations)

    def sample(
        self,
        prompt_ids: list[list[int]],
        max_new_tokens: int,
        stopping: RepetitionStopping | None = None,
        copies: int = 1,
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Ids and log-probs of the policy's continuation of each prompt; see `sample_completions`.

        copies: how often each prompt stands in `prompt_ids`, one behind the other.
        """
        if self.use_vllm:
            return sample_with_vllm(self, prompt_ids, max_new_tokens, stopping, copies)
        if self.is_fsdp_enabled:  # processes that need different numbers of steps would wait for each other
            raise InputError(
                "engine `transformers` samples from whole models: with `fsdp2` choose `vllm`, or use `ddp`"
            )
        padded = self._tokenizer.pad({"input_ids": prompt_ids}, padding_side="left", return_tensors="pt")
        with unwrap_model_for_generation(self.model_wrapped, self.accelerator) as policy:
            training = policy.training
            policy.eval()
            completions, logps = sample_completions(
                policy,
                padded["input_ids"].to(self.accelerator.device),
                padded["attention_mask"].to(self.accelerator.device),
                max_new_tokens,
                self.args.temperature,
                self.args.top_p,
                self.eos_token_ids,
                stopping,
            )
            policy.train(training)
        return completions, logps

    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        sampled = output.get("sampling_per_token_logps")
        if sampled is not None:
            trained = output.get("old_per_token_logps")
            rows = slice(None) if trained is not None else slice(GAP_ROWS)
            if trained is None:
                trained = self._log_probs(output, rows)
            mask = self._sampled_now(output)[rows]
            check_gap(self, (trained - sampled[rows]).abs()[mask], self.logp_gap_limit)
        return output

    def _log_probs(self, output, rows: slice) -> torch.Tensor:
        """(rows, T) the trainer's log-probs of completions that TRL has not scored."""
        names = (("prompt_ids", "completion_ids"), ("prompt_mask", "completion_mask"))
        ids, mask = (torch.cat([output[name][rows] for name in pair], dim=1) for pair in names)
        with torch.no_grad(), disable_gradient_checkpointing(self.model, self.args.gradient_checkpointing_kwargs):
            return self._get_per_token_logps_and_entropies(self.model, ids, mask, output["completion_ids"].shape[1])[0]

    def _sampled_now(self, output) -> torch.Tensor:
        """(B, T) true for the tokens that the policy as it is now has sampled."""
        return output["completion_mask"].bool()

    def _get_per_token_logps_and_entropies(
        self, model, input_ids, attention_mask, logits_to_keep, batch_size=None, **kwargs
    ):
        if any(value is not None for name, value in kwargs.items() if not name.startswith("compute_")):  # images
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, batch_size, **kwargs
            )
        prompt_width = input_ids.shape[1] - logits_to_keep
        size = max(1, (batch_size or len(input_ids)) // 2)
        by_length = attention_mask.sum(dim=1).argsort()
        logps, entropies, auxiliaries = [], [], []
        for rows in by_length.split(size):
            used = attention_mask[rows].any(dim=0).nonzero()
            left = min(int(used[0]), prompt_width - 1)
            right = max(int(used[-1]) + 1, prompt_width + 1)
            part = super()._get_per_token_logps_and_entropies(
                model, input_ids[rows, left:right], attention_mask[rows, left:right], right - prompt_width, **kwargs
            )
            widen = (0, logits_to_keep - part[0].shape[1])
            logps.append(torch.nn.functional.pad(part[0], widen))
            entropies.append(None if part[1] is None else torch.nn.functional.pad(part[1], widen))
            auxiliaries.append(part[2])
        order = by_length.argsort()
        return (
            torch.cat(logps)[order],
            None if entropies[0] is None else torch.cat(entropies)[order],
            None if auxiliaries[0] is None else torch.stack(auxiliaries).mean(),
        )

    def _checkpoint_folder(self, trial) -> Path:
        """The folder of the checkpoint that is being saved, made where it is missing."""
        folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _reference_weights(self) -> dict | None:
        """The weights of the reference model, or of the adapter that is the reference; None without a reference.

        Where the model lies in shards, all processes must ask.
        """
        if self.ref_model is not None and self.is_fsdp_enabled:
            return self.accelerator.get_state_dict(self.ref_model)
        if self.ref_model is not None:
            return self.accelerator.unwrap_model(self.ref_model).state_dict()
        return adapter_weights(self.accelerator.unwrap_model(self.model), "ref") or None

    def _save_checkpoint(self, model, trial):
        reference = self._reference_weights()
        if reference is not None and self.is_world_process_zero():
            torch.save(reference, self._checkpoint_folder(trial) / self.REFERENCE)
        super()._save_checkpoint(model, trial)

    def _load_from_checkpoint(self, resume_from_checkpoint, model=None):
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        saved = Path(resume_from_checkpoint) / self.REFERENCE
        if saved.exists() and self.ref_model is not None and self.is_fsdp_enabled:
            hand_out(self.ref_model, torch.load(saved) if self.is_world_process_zero() else {})
        elif saved.exists():
            whole = self.ref_model is not None  # an adapter's weights are a part of its model's
            reference = self.accelerator.unwrap_model(self.ref_model if whole else self.model)
            reference.load_state_dict(torch.load(saved), strict=whole)


def policy_trainer(
    run: Run,
    model,
    tokenizer,
    rows: list[dict],
    extra_rewards: dict[str, BatchReward] | None = None,
    shuffle: bool = True,
) -> PolicyTrainer:
    """A GRPO trainer with the paper's objective: every choice that TRL would make by default is set here.

    rows: prompts (data set rows); with shuffle=False they are taken in their order.
    extra_rewards: rewards that need more than a completion and its row (reward models), by recipe name.
    """
    settings: GRPO = run.settings
    rules = [name for name in settings.rewards if name in RULES]
    rows = with_room(run, model, tokenizer, rows, settings.template, settings.max_completion_length)
    report_self_test(run, rules, rows, tokenizer, settings.template)

    rewards: dict[str, BatchReward] = {name: each(RULES[name]) for name in rules} | (extra_rewards or {})
    weights = [settings.rewards[name] for name in rewards]
    measures = {"language": each(RULES["language"]), "tries": each(tries)}
    measured = {name: measure for name, measure in measures.items() if name not in rewards}
    sequences = settings.prompts_per_step * settings.group_size
    batches = micro_batches(sequences, settings.micro_batch_size)
    config = GRPOConfig(
        **common_arguments(run),
        **vllm_arguments(run.system),
        **importance_arguments(run.system),
        max_steps=settings.steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.learning_rate_schedule,
        max_grad_norm=settings.max_gradient_norm,
        **batches,
        steps_per_generation=batches["gradient_accumulation_steps"] * settings.steps_per_rollout,
        num_iterations=settings.inner_epochs,
        num_generations=settings.group_size,
        max_completion_length=settings.max_completion_length,
        temperature=settings.temperature,
        top_p=1.0,
        top_k=0,
        beta=settings.kl_coefficient,
        # TRL multiplies k3 by the ratio by default; DeepSeekMath and R1 print it without.
        use_bias_correction_kl=False,
        epsilon=settings.clip_epsilon,
        loss_type=settings.loss_aggregation,
        scale_rewards=settings.advantage_scaling,
        reward_weights=weights + [0.0] * len(measured),
        sync_ref_model=settings.kl_coefficient > 0 and not is_adapted(model),
        ref_model_sync_steps=settings.reference_refresh_steps,
        ref_model_mixup_alpha=1.0,
        shuffle_dataset=shuffle,
        save_strategy="steps",
        # Only where a rollout is used up does a resumed run go on exactly as an uninterrupted one.
        save_steps=settings.steps_per_rollout * settings.inner_epochs * settings.save_every_rollouts,
    )
    lengthen = CompletionLengthCallback(settings.extended_completion_length, settings.extended_from_step)
    trainer = PolicyTrainer(
        model=model,
        reward_funcs=[
            reward_function(name, function, settings.template, tokenizer)
            for name, function in (rewards | measured).items()
        ],
        args=config,
        train_dataset=prompt_dataset(tokenizer, rows, settings.template),
        processing_class=tokenizer,
        callbacks=[lengthen],
    )
    lengthen.trainer = trainer
    if settings.kl_coefficient > 0 and trainer.is_deepspeed_enabled:
        raise InputError(
            f"{run.stage}: DeepSpeed cannot save the reference model of its KL term: choose accelerate `fsdp2` or "
            "`ddp`, or kl_coefficient 0"
        )
    trainer.logp_gap_limit = run.system.logp_gap_limit
    if settings.kl_coefficient > 0 and is_adapted(model):
        trainer.add_callback(RefreshReference(settings.reference_refresh_steps))
    watch(trainer, run)
    return trainer


def report_self_test(run: Run, names: list[str], rows: list[dict], tokenizer, template: Template) -> None:
    """The reward self-test, reported; an InputError where a reward cannot tell gold from wrong."""
    scores = self_test(names, rows, tokenizer, template)
    run.metrics.say("reward self-test passed: " + ", ".join(f"{key} {score:.2f}" for key, score in scores.items()))


def with_room(run: Run, model, tokenizer, rows: list[dict], template: Template, max_new_tokens: int) -> list[dict]:
    """The rows whose prompt leaves room for a completion in the model's context; says how many others there are.

    Raises InputError where none does.
    """
    context = model.config.max_position_embeddings
    if run.system.engine == "vllm":
        context = min(context, run.system.vllm.max_model_length or context)
    texts = [render_prompt(tokenizer, row["prompt"], template) for row in rows]
    different = list(dict.fromkeys(texts))
    lengths = dict(zip(different, map(len, tokenizer(different)["input_ids"]), strict=True))
    kept = [row for row, text in zip(rows, texts, strict=True) if lengths[text] + max_new_tokens <= context]
    if not kept:
        raise InputError(
            f"{run.stage}: completions of {max_new_tokens} tokens leave no room for a prompt in a context of {context}"
        )
    if len(kept) < len(rows):
        run.metrics.say(f"{len(rows) - len(kept)} of {len(rows)} prompts are left out: no room in {context} tokens")
    return kept


def prompt_dataset(tokenizer, rows: list[dict], template: Template) -> Dataset:
    """Rows as TRL takes them: the rendered prompt, and the row for the rewards."""
    return Dataset.from_dict(
        {"prompt": [render_prompt(tokenizer, row["prompt"], template) for row in rows], "row": rows}
    )


def train_on_reasoning(run: Run) -> None:
    """GRPO on reasoning prompts with rule rewards: R1-Zero and the first RL stage, which differ in settings alone.

    The prompts are the rows of the input `data`; without that input they are drawn from the mixture of the settings.
    """
    policy, tokenizer = run.load_model(), run.load_tokenizer()
    if "data" in run.config["inputs"]:
        prompts = run.load_rows().to_list()
    else:
        prompts = draw_rows(run, run.settings.tasks, run.settings.prompts, "train", run.settings.seed)
    trainer = policy_trainer(run, policy, tokenizer, prompts)
    headline = train_policy(run, trainer)
    run.save_model(trainer, tokenizer, run.settings.template, headline)


def train_policy(run: Run, trainer: PolicyTrainer) -> dict[str, float]:
    """Run the RL stage; returns the means of the last tenth of the generating steps."""
    train(trainer, run)
    tail = last_tenth(trainer, "reward")
    parts = [name for name in tail[-1] if name.startswith("rewards/") and name.endswith("/mean")]
    means = logged_means(tail, ["reward", "completions/mean_length", *parts])
    return {name.removesuffix("/mean"): value for name, value in means.items()}


def each(reward: Reward) -> BatchReward:
    """A reward of one completion as a reward of many."""
    return lambda completions, rows: [reward(c, row) for c, row in zip(completions, rows, strict=True)]


def reward_function(name: str, reward: BatchReward, template: Template, tokenizer):
    """Our reward as TRL calls it."""
    ends = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|endoftext|>")}

    def call(completions: list[str], completion_ids: list[list[int]], row: list[dict], **_) -> list[float | None]:
        answers = [
            Completion(text, len(ids), bool(ids) and ids[-1] in ends, template)
            for text, ids in zip(completions, completion_ids, strict=True)
        ]
        return reward(answers, row)

    call.__name__ = name
    return call
