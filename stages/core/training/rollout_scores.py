"""The log-probs of a rollout that its updates need, and the check that whoever sampled has the trainer's weights.

What the sampler says of its tokens is what the trainer would say where both are one model in one precision. So where a
sample of each rollout shows that they are, it stands for the log-probs of the policy that the updates start from.
"""

import torch
from torch import Tensor
from trl.models.utils import disable_gradient_checkpointing

from data.errors import InputError
from stages.core.machines.reference import as_reference, reference_is_policy

GAP_ROWS = 16
"""Completions of a rollout that are scored to compare sampler and trainer."""

SAME = 1e-4
"""Nats: where no token of the sample differs by more, sampler and trainer are one model."""


def score_rollout(trainer, output: dict) -> dict[str, Tensor]:
    """(B, T) of the policy that several updates start from (`old`), and of the reference (`ref`), under TRL's names.

    Scored are only completions with tokens of an earlier policy, all where the sampler is not the same model; and by
    the reference, unless it is the policy. output: a rollout as TRL makes it, with the sampler's log-probs.
    """
    sampled = output["sampling_per_token_logps"]
    counted = (output["completion_mask"] * output.get("tool_mask", 1)).bool()
    unknown = counted.any(dim=1)
    if compare_sampler(trainer, output) <= SAME:
        unknown = (counted & ~trainer.sampled_now(output)).any(dim=1)
    updates = trainer.args.steps_per_generation * trainer.num_iterations // trainer.args.gradient_accumulation_steps
    is_reference = trainer.beta != 0 and reference_is_policy(trainer)
    found = {}
    if updates > 1 or is_reference:
        policy = sampled.clone()
        if unknown.any():
            policy[unknown] = log_probs_of(trainer, trainer.model, output, unknown.nonzero()[:, 0])
        found = {name: policy for name, needed in (("old", updates > 1), ("ref", is_reference)) if needed}
    if trainer.beta != 0 and not is_reference:
        with as_reference(trainer) as model:
            found["ref"] = log_probs_of(trainer, model, output)
    return {f"{name}_per_token_logps": values for name, values in found.items()}


def log_probs_of(trainer, model, output: dict, rows: Tensor | None = None) -> Tensor:
    """(rows, T) a model's log-probs of completions of a rollout, of all of them by default."""
    names = (("prompt_ids", "completion_ids"), ("prompt_mask", "completion_mask"))
    ids, mask = (torch.cat([output[name] for name in pair], dim=1) for pair in names)
    ids, mask = (ids, mask) if rows is None else (ids[rows], mask[rows])
    width, size = output["completion_ids"].shape[1], trainer.args.per_device_train_batch_size
    with torch.no_grad(), disable_gradient_checkpointing(trainer.model, trainer.args.gradient_checkpointing_kwargs):
        return trainer._get_per_token_logps_and_entropies(model, ids, mask, width, size)[0]


def compare_sampler(trainer, output: dict, trained: Tensor | None = None) -> float:
    """The gate on a rollout -> the largest gap; trained: (B, T) the trainer's log-probs where they are known."""
    sampled = output["sampling_per_token_logps"]
    rows = torch.arange(len(sampled), device=sampled.device)
    if trained is None:
        rows = rows[:: max(1, len(rows) // GAP_ROWS)][:GAP_ROWS]  # of as many groups as can be
        trained = log_probs_of(trainer, trainer.model, output, rows)
    gap = (trained - sampled[rows]).abs()[trainer.sampled_now(output)[rows]]
    return check_gap(trainer, gap, trainer.logp_gap_limit)


def check_gap(trainer, gap: torch.Tensor, limit: float) -> float:
    """Log the mean and the largest of a rollout's log-prob differences; an InputError where the mean is too large.

    -> the largest, 0 where there is none.

    gap: absolute differences between sampler and trainer, in nats, one each token; empty where none was sampled now.
    All processes of a run come to the same verdict. NaN on either side is too large.
    """
    accelerator = trainer.accelerator
    total = torch.stack([gap.sum().double(), torch.tensor(len(gap), device=gap.device).double()])
    total = accelerator.gather(total[None]).sum(dim=0)
    largest = accelerator.gather(gap.max()[None] if len(gap) else gap.new_zeros(1)).max().item()
    if total[1] == 0:
        return 0.0
    mean = (total[0] / total[1]).item()
    metrics = trainer._metrics["train" if trainer.model.training else "eval"]
    metrics["sampling/logp_gap_mean"].append(mean)
    metrics["sampling/logp_gap_max"].append(largest)
    if not mean <= limit:
        raise InputError(
            f"the sampler and the trainer disagree: their log-probs differ by {mean:.3g} a token, where at most "
            f"{limit} is allowed; weights or temperature are not the same on both sides"
        )
    return largest
