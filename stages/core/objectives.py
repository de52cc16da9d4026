"""Pure pieces of objectives that TRL does not have."""

import math

import torch
from torch import Tensor


def clipped_z_score(score: float, mean: float, deviation: float, clip: float) -> float:
    """(score - mean) / deviation, kept within +-clip; 0 where the deviation is 0."""
    return 0.0 if deviation == 0 else max(-clip, min(clip, (score - mean) / deviation))


def sigmoid(score: float) -> float:
    """1 / (1 + e^-score), without overflow for large negative scores."""
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))


def centred_rewards(rewards: Tensor, group_size: int, counted: Tensor | None = None) -> Tensor:
    """r - mean r of each group, no division by its deviation: Kimi k1.5 s.2.3.2, Eq. 3.

    rewards: (B,), groups contiguous; counted: (B,) bool, samples that are no members of their group (0 in the result).
    """
    grouped, members = _groups(rewards, group_size, counted)
    mean = (grouped * members).sum(1, keepdim=True) / members.sum(1, keepdim=True).clamp(min=1)
    return ((grouped - mean) * members).flatten()


def best_of_group(rewards: Tensor, group_size: int, counted: Tensor | None = None) -> Tensor:
    """1 for each sample with the best reward of its group where that is positive, else 0: what ReST fits (s.3.5).

    rewards, counted and the result: (B,), as in `centred_rewards`.
    """
    grouped, members = _groups(rewards, group_size, counted)
    best = grouped.masked_fill(members == 0, -torch.inf).max(1, keepdim=True).values
    return (((grouped == best) & (best > 0)) * members).flatten()


def mirror_descent_terms(
    logps: Tensor, reference_logps: Tensor, mask: Tensor, advantages: Tensor, tau: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """-a logp + tau/2 (logp - logp_ref)^2 of each sample -> ((B,) losses, (B,) detached measures).

    logps, reference_logps, mask: (B, T); advantages: (B,). logp is the *sum* over the tokens of the mask, in nats:
    no 1/|o|, no clip (Kimi k1.5 s.2.3.2, Eq. 3). With tau 0 and `best_of_group` for a it is ReST. For a trainer that
    shuffles samples into micro-batches: the advantages are taken while the groups are still whole.
    """
    outside = mask == 0
    logp = logps.masked_fill(outside, 0.0).sum(dim=1)
    log_ratio = logp - reference_logps.detach().masked_fill(outside, 0.0).sum(dim=1)
    regulariser = tau / 2 * log_ratio**2
    terms = regulariser - advantages.detach() * logp
    measures = {"log_ratio": log_ratio.abs(), "regulariser": regulariser, "logp": logp, "advantage": advantages.abs()}
    return terms, {name: values.detach() for name, values in measures.items()}


def mirror_descent_loss(
    logps: Tensor,
    reference_logps: Tensor,
    mask: Tensor,
    rewards: Tensor,
    group_size: int,
    tau: float,
    counted: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mean over samples of -(r - mean r) logp + tau/2 (logp - logp_ref)^2: Kimi k1.5 s.2.3.2, Eq. 3 as a loss.

    logps, reference_logps, mask (response tokens, 0/1): (B, T); rewards: (B,), groups contiguous. A sample outside
    `counted` (B,) bool is neither in the mean nor in its group's baseline; one without a token in its mask is in both.
    -> (scalar, means over the counted samples of |log ratio|, the regulariser, logp and |advantage|, detached).
    """
    advantages = centred_rewards(rewards, group_size, counted)
    terms, measures = mirror_descent_terms(logps, reference_logps, mask, advantages, tau)
    return _mean(terms, counted), {name: _mean(values, counted) for name, values in measures.items()}


def rest_loss(
    logps: Tensor, mask: Tensor, rewards: Tensor, group_size: int, counted: Tensor | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """-logp summed over the best samples of the groups / number of samples: ReST, no negative gradient (s.3.5).

    Shapes, `counted` and the divisor as in `mirror_descent_loss`, so that the two compare.
    -> (scalar, detached means over the counted samples of logp and of who was chosen).
    """
    chosen = best_of_group(rewards, group_size, counted).to(logps.dtype)
    terms, measures = mirror_descent_terms(logps, logps, mask, chosen, 0.0)
    return _mean(terms, counted), {"logp": _mean(measures["logp"], counted), "chosen": _mean(chosen, counted)}


def _groups(rewards: Tensor, group_size: int, counted: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rewards and membership (0/1) as (groups, group_size)."""
    if len(rewards) % group_size:
        raise ValueError(f"{len(rewards)} rewards are no whole groups of {group_size}")
    members = torch.ones_like(rewards) if counted is None else counted.to(rewards.dtype)
    return rewards.masked_fill(members == 0, 0.0).view(-1, group_size), members.view(-1, group_size)


def _mean(values: Tensor, counted: Tensor | None) -> Tensor:
    """Mean over the counted samples, 0 if there is none."""
    if counted is None:
        return values.mean()
    return values.masked_fill(~counted, 0.0).sum() / counted.sum().clamp(min=1)
