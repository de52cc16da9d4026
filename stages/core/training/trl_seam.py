"""The one door to TRL's private parts: what our trainers need that TRL does not offer.

A method (grpo.py, mirror_descent.py, on_policy_distillation.py) is written in hooks, which are ours: `loss`,
`advantages`, `examples`, `rolled_out`, `sampled_now`, `save_state`, `load_state`. Everything else here is plumbing and
changes no mathematics: log-probs are computed without padding and repeated prompts (log_probs.py), and not at all where
the sampler knows them.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from trl import DistillationTrainer, GRPOTrainer
from trl.models.utils import _ForwardRedirection
from trl.trainer import grpo_trainer

from stages.core.machines.adapters import without_adapter
from stages.core.machines.reference import load_reference, reference_weights
from stages.core.machines.sharding import cut_references
from stages.core.sampling.engine import Decoding
from stages.core.sampling.repetition import RepetitionStopping
from stages.core.training.log_probs import completion_log_probs, in_trimmed_halves, shares_prompts
from stages.core.training.rollout_samples import sample_with_transformers, sample_with_vllm
from stages.core.training.rollout_scores import GAP_ROWS, check_gap, compare_sampler, score_rollout

RELIED_ON: dict[type, dict[str, str]] = {
    GRPOTrainer: {
        "_generate_single_turn": "asks for ids and log-probs of a rollout: our own sampler writes them",
        "_generate_and_score_completions": "a rollout with its rewards: ours chooses prompts, compares samplers",
        "_calculate_rewards": "the rewards of all processes, of which our advantages are made",
        "_get_per_token_logps_and_entropies": "log-probs of a batch: ours pads less, and scores rollouts later",
        "_compute_loss": "the objective: ours is written out",
        "_save_checkpoint": "reference model, rest of a rollout, prompt sampler and replay buffer are saved beside it",
        "_load_from_checkpoint": "and restored with it",
        "_get_output_dir": "where a checkpoint lies",
        "_run_epoch": "the Trainer's, of all stages: not called once all steps are taken (callbacks.py)",
    },
    DistillationTrainer: {
        "_generate_single_turn": "asks for ids: our own sampler writes them, and keeps their log-probs",
        "_generate_and_score_completions": "a rollout: ours compares sampler and trainer, and counts the modes",
        "_compute_loss": "the divergence over a micro-batch: ours gives it parts of like length",
    },
}
"""The private methods of the pinned TRL that are overridden or called, and what for; a test holds TRL to them."""

RELIED_ON_ATTRIBUTES = (
    "_buffered_inputs", "_last_loaded_step", "_metrics", "_step", "_tokenizer", "current_gradient_accumulation_steps",
    "eos_token_ids", "ref_model", "reward_weights", "vllm_generation",
)  # fmt: skip
"""Attributes of its trainers that are read or written here and in rollout_samples.py."""

TOKENS = ("prompt", "generated", "trained")
"""What a manifest counts."""

LENGTH_GROUPS = 8
"""A micro-batch of distillation is run in so many parts of like length, each no wider than its longest sequence."""

cut_references(grpo_trainer)


class Sampler:
    """What both trainers share: our sampler in the place of TRL's, and the gate between sampler and trainer."""

    # Of the trainers that it is mixed into.
    use_vllm: bool
    is_fsdp_enabled: bool
    model_wrapped: Any
    accelerator: Any
    args: Any
    eos_token_ids: list[int]
    _tokenizer: Any
    _metrics: Any
    model: Any
    state: Any

    logp_gap_limit = 0.02
    """Mean difference between the sampler's and the trainer's log-probs, in nats a token, above which a run stops."""

    sampling_processes = 1
    """In how many processes `transformers` samples a large rollout on a CPU."""

    generated = 0  # tokens that were sampled for the next rollout

    def log_value(self, name: str, value: float) -> None:
        """Log a number of this rollout or update."""
        self._metrics["train" if self.model.training else "eval"][name].append(value)

    def log_tokens(self, prompts: Tensor, prompt_mask: Tensor, trained: Tensor) -> None:
        """Log the tokens of a rollout, by their names in a manifest and of all processes.

        prompts, prompt_mask: (B, P), of which each prompt counts once; trained: () of which a loss is.
        """
        once = prompts.masked_fill(prompt_mask == 0, -1).unique(dim=0).ge(0).sum()
        counts = torch.stack([once, torch.tensor(self.generated, device=once.device), trained])
        counts = self.accelerator.reduce(counts, reduction="sum")
        for name, count in zip(TOKENS, counts.tolist(), strict=True):
            self.log_value(f"tokens/{name}", count)
        self.generated = 0

    def count_tokens(self) -> dict[str, int]:
        """All tokens that were logged, those before a resumption too."""
        return {name: int(sum(row.get(f"tokens/{name}", 0) for row in self.state.log_history)) for name in TOKENS}

    def get_train_dataloader(self):
        loader = super().get_train_dataloader()  # type: ignore[misc]
        loader.device = None  # rows in Python, through which accelerate would look for tensors
        return loader

    def sample(
        self,
        prompt_ids: list[list[int]],
        max_new_tokens: int,
        stopping: RepetitionStopping | None = None,
        copies: int = 1,
        decoding: Decoding | None = None,
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Ids and log-probs of the policy's continuation of each prompt; see `sample_completions`.

        copies: how often each prompt stands in `prompt_ids`, one behind the other; decoding: another than the rollouts'
        (`max_new_tokens` holds for it, too).
        """
        drawn = decoding or Decoding(self.args.temperature, max_new_tokens, self.args.top_p)
        drawn = replace(drawn, max_tokens=max_new_tokens)
        if self.use_vllm:
            return sample_with_vllm(self, prompt_ids, drawn, stopping, copies)
        return sample_with_transformers(self, prompt_ids, drawn, stopping)


class PolicyTrainer(Sampler, GRPOTrainer):
    """TRL's GRPO trainer as a frame for any objective on rollouts; a method fills in the hooks.

    The reference model is saved with each checkpoint: refreshed during the run, it cannot be had from the parent. So is
    a rollout that is not used up, as after a signal.
    """

    REFERENCE = "reference_model.pt"

    _scored_later = False  # while TRL makes a rollout, whose log-probs we find once it is complete

    # -- the hooks

    def loss(self, logps: Tensor, entropies: Tensor, mask: Tensor, inputs: dict) -> Tensor:
        """() the loss of a micro-batch. logps, entropies, mask: (B, T) of the policy, over the completions' tokens."""
        raise NotImplementedError

    def advantages(self, rewards: Tensor, output: dict) -> Tensor:
        """(B,) from the weighted rewards (N,) of the samples of all processes, of which B are this one's."""
        raise NotImplementedError

    def examples(self, drawn: list[dict]) -> list[dict]:
        """What the next rollout is of; by default what the loader has drawn."""
        return drawn

    def rolled_out(self, examples: list[dict], output: dict) -> None:
        """After a rollout, its advantages known."""

    def sampled_now(self, output: dict) -> Tensor:
        """(B, T) true for the tokens that the policy as it is now has sampled."""
        return output["completion_mask"].bool()

    def save_state(self, folder: Path) -> None:
        """Beside a checkpoint: what else a resumed run needs."""

    def load_state(self, folder: Path) -> None:
        """What `save_state` has written."""

    # -- rollouts

    def own(self, of_all: Tensor, count: int) -> Tensor:
        """The `count` samples of this process out of those of all."""
        return of_all[self.accelerator.process_index * count :][:count]

    def _generate_single_turn(self, prompt_ids, images, multimodal_fields, num_generations, has_tool_images=False):
        if images is not None:
            return super()._generate_single_turn(
                prompt_ids, images, multimodal_fields, num_generations, has_tool_images
            )
        completions, logps = self.sample(prompt_ids, self.max_completion_length, copies=num_generations)
        self.generated += sum(map(len, completions))
        return completions, logps

    def _calculate_rewards(self, *args, **kwargs):
        self.scores = super()._calculate_rewards(*args, **kwargs)  # (N, rewards), NaN where one does not apply
        return self.scores

    def _generate_and_score_completions(self, inputs):
        examples = self.examples(inputs)
        self._scored_later = not self.use_vllm  # whose log-probs TRL itself weighs against the trainer's
        output = super()._generate_and_score_completions(examples)
        if self._scored_later:
            self._scored_later = False
            output |= score_rollout(self, output)
        elif "sampling_per_token_logps" in output:
            compare_sampler(self, output, output.get("old_per_token_logps"))
        trained = (output["completion_mask"] * output.get("tool_mask", 1)).sum() * self.num_iterations
        self.log_tokens(output["prompt_ids"], output["prompt_mask"], trained)
        weighted = (self.scores * self.reward_weights.to(self.scores.device).unsqueeze(0)).nansum(dim=1)
        output["advantages"] = self.advantages(weighted, output)
        self.rolled_out(examples, output)
        return output

    def of_update(self, name: str) -> Tensor:
        """(U,) what the micro-batches of the update that is being computed have under `name`, this process's own."""
        count = self.current_gradient_accumulation_steps
        first = self._step % self.args.steps_per_generation // count * count
        return torch.cat([batch[name] for batch in self._buffered_inputs[first : first + count]])

    def _get_per_token_logps_and_entropies(
        self, model, input_ids, attention_mask, logits_to_keep, batch_size=None, compute_entropy=False, **kwargs
    ):
        if self._scored_later:
            return None, None, None
        given = (input_ids, attention_mask, logits_to_keep)

        def stock(*given):
            return super(PolicyTrainer, self)._get_per_token_logps_and_entropies(
                model, *given, compute_entropy=compute_entropy, **kwargs
            )

        if any(value is not None and value is not False for value in kwargs.values()):  # images, a router's loss
            return stock(*given, batch_size)
        policy = self.accelerator.unwrap_model(model)
        if self.is_fsdp_enabled or self.is_deepspeed_enabled or not shares_prompts(without_adapter(policy)):
            return *in_trimmed_halves(stock, *given, batch_size), None
        with self.accelerator.autocast():  # and through DDP, which sums the gradients of the processes
            whole = (*given, self.temperature, compute_entropy, batch_size)
            found = _ForwardRedirection()(model, policy, completion_log_probs, without_adapter(policy), *whole)
        return *found, None

    def _compute_loss(self, model, inputs):
        mask = inputs["completion_mask"] * inputs.get("tool_mask", 1)
        logps, entropies, _ = self._get_per_token_logps_and_entropies(
            model,
            torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1),
            torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1),
            inputs["completion_ids"].size(1),
            compute_entropy=True,
        )
        return self.loss(logps, entropies, mask, inputs)

    def log_mean(self, name: str, total: Tensor, count: Tensor) -> None:
        """Log total / count over all processes, 0 where nothing is counted."""
        totals = self.accelerator.reduce(torch.stack([total, count.float()]), reduction="sum")
        self.log_value(name, (totals[0] / totals[1].clamp(min=1.0)).item())

    # -- checkpoints

    def _checkpoint_folder(self, trial) -> Path:
        """The folder of the checkpoint that is being saved, made where it is missing."""
        folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _save_checkpoint(self, model, trial):
        folder, reference = self._checkpoint_folder(trial), reference_weights(self)
        if reference is not None and self.is_world_process_zero():
            torch.save(reference, folder / self.REFERENCE)
        if self._step % (self.args.steps_per_generation * self.num_iterations):
            torch.save({"step": self._step, "batches": self._buffered_inputs}, self._rollout_file(folder))
        self.save_state(folder)
        self.accelerator.wait_for_everyone()  # the checkpoint is complete once the main process is done
        super()._save_checkpoint(model, trial)

    def _rollout_file(self, folder: Path) -> Path:
        """Of this process, one of so many: what is left of its part of a rollout."""
        return folder / f"rollout_{self.accelerator.process_index}_of_{self.accelerator.num_processes}.pt"

    def _load_from_checkpoint(self, resume_from_checkpoint, model=None):
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if (saved := Path(resume_from_checkpoint) / self.REFERENCE).exists():
            load_reference(self, saved)
        if (left := self._rollout_file(Path(resume_from_checkpoint))).exists():
            rollout = torch.load(left, map_location=self.args.device, weights_only=True)  # never `cpu:0`
            self._step, self._buffered_inputs = rollout["step"], rollout["batches"]
        self.load_state(Path(resume_from_checkpoint))


class StudentTrainer(Sampler, DistillationTrainer):
    """TRL's distillation with our sampler and less padding."""

    def rolled_out(self, examples: list[dict], output: dict) -> None:
        """After a rollout."""

    def _generate_single_turn(self, prompt_ids, images, multimodal_fields, has_tool_images=False):
        if images is not None:
            return super()._generate_single_turn(prompt_ids, images, multimodal_fields, has_tool_images)
        completions, self.sampled_logps = self.sample(prompt_ids, self.max_completion_length)
        self.generated += sum(map(len, completions))
        return completions

    def _generate_and_score_completions(self, inputs):
        output = super()._generate_and_score_completions(inputs)
        self._compare_with_sampler(output)
        self.log_tokens(output["prompt_ids"], output["prompt_mask"], output["completion_mask"].sum())
        self.rolled_out(inputs, output)
        return output

    def texts(self, output: dict) -> list[str]:
        """The completions of a rollout."""
        masks = output["completion_mask"].bool()
        ids = [row[mask].tolist() for row, mask in zip(output["completion_ids"], masks, strict=True)]
        return self._tokenizer.batch_decode(ids, skip_special_tokens=True)

    def _compare_with_sampler(self, output) -> None:
        """The gate of the RL stages on the first completions of a rollout: TRL's distillation has no log-probs.

        One at a time: the logits of many long ones would need more memory than the loss, which TRL takes in parts.
        """
        gaps = []
        for row, sampled in enumerate(self.sampled_logps[:GAP_ROWS]):
            ids, mask = output["completion_ids"][row : row + 1], output["completion_mask"][row : row + 1]
            with torch.no_grad():
                logits = self.model(
                    torch.cat([output["prompt_ids"][row : row + 1], ids], dim=1),
                    attention_mask=torch.cat([output["prompt_mask"][row : row + 1], mask], dim=1),
                    logits_to_keep=ids.shape[1] + 1,
                ).logits[:, :-1]  # (1, T, V)
            logps = (logits.float() / self.args.temperature).log_softmax(dim=-1).gather(2, ids[..., None])[..., 0]
            gaps.append((logps[mask.bool()] - torch.tensor(sampled, device=ids.device)).abs())
        check_gap(self, torch.cat(gaps), self.logp_gap_limit)

    def _compute_loss(self, unwrapped_student, inputs, num_items_in_batch):
        if num_items_in_batch is None:  # a mean over this very batch: it cannot be summed over parts
            return super()._compute_loss(unwrapped_student, inputs, num_items_in_batch)
        lengths = inputs["prompt_mask"].sum(dim=1) + inputs["completion_mask"].sum(dim=1)
        size = -(-len(lengths) // LENGTH_GROUPS)
        parts = []
        for rows in lengths.argsort().split(size):
            names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")
            part = {name: inputs[name][rows] for name in names}
            prompt, completion = (int(part[name].sum(dim=1).max()) for name in ("prompt_mask", "completion_mask"))
            part |= {name: part[name][:, -prompt:] for name in ("prompt_ids", "prompt_mask")}
            part |= {name: part[name][:, :completion] for name in ("completion_ids", "completion_mask")}
            parts.append(super()._compute_loss(unwrapped_student, part, num_items_in_batch))
        return tuple(sum(values) for values in zip(*parts, strict=True))
