"""The objectives that the stages train, written out, with the advantages that they weigh: pure functions.

All `*_terms` have one signature: log-probs of the policy and of what it is held against, (B, T) in nats; mask (B, T),
1 for the tokens that count; advantages (B,); then the objective's own numbers. They return the (B,) losses of the
samples and detached (B,) measures. Letters: B samples, G of one prompt (contiguous), T tokens.
"""

import torch
from torch import Tensor

EPSILON = 1e-4
"""What is added to the deviation of a group's rewards, as in TRL and on slide 33 of the lecture; papers print none."""


def group_advantages(rewards: Tensor, group_size: int, scaling: str = "group") -> Tensor:
    """(B,) A = (r - mean r) / (std r + 1e-4), mean and deviation of the group: R1 v2 Eq. 3.

    rewards: (B,), groups contiguous; NaN is a sample that no reward applies to: no member of its group, advantage 0.
    scaling: `group`; `batch`, by the deviation over all samples; `none` (Dr. GRPO). The deviation is the unbiased
    one, as in TRL: R1, DeepSeekMath and Qwen3 do not say which.
    """
    grouped = _whole_groups(rewards, group_size)
    centred = grouped - torch.nanmean(grouped, dim=1, keepdim=True)
    if scaling == "group":
        centred = centred / (_deviation(grouped, dim=1) + EPSILON)
    elif scaling == "batch":
        centred = centred / (_deviation(rewards, dim=0) + EPSILON)
    elif scaling != "none":
        raise ValueError(f"scaling is {scaling!r}: group, batch or none are allowed")
    return centred.flatten().nan_to_num(nan=0.0)


def grpo_terms(
    logps: Tensor,
    old_logps: Tensor,
    reference_logps: Tensor | None,
    mask: Tensor,
    advantages: Tensor,
    clip_epsilon: float,
    kl_coefficient: float,
    aggregation: str = "grpo",
    importance: Tensor | None = None,
    entropies: Tensor | None = None,
    entropy_coefficient: float = 0.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """-min(rho A, clip(rho) A) + beta k3 over the tokens of each sample -> ((B,) losses, (B,) measures): R1 v2 Eq. 1-2.

    rho = pi / pi_old of a token, clipped to 1 +- clip_epsilon; k3 = pi_ref / pi - log(pi_ref / pi) - 1, printed without
    the ratio; reference_logps: None where kl_coefficient is 0. importance: (B, T) or (B, 1), trainer over sampler where
    another program has sampled (vLLM), a weight of the tokens' gain; None is 1. entropies: (B, T) of the policy, nats;
    entropy_coefficient times a token's is taken off its loss, which holds the entropy up (Qwen3 s.4.2); 0: no bonus.
    aggregation: `grpo` takes the mean over a sample's own tokens, so that each answer counts once, however long; `dapo`
    and `dr_grpo` the sum, which `normaliser` divides. The measures are sums over a sample's tokens.
    """
    advantages = advantages.unsqueeze(1)
    ratio = torch.exp(logps - old_logps)
    losses = -torch.min(ratio * advantages, torch.clamp(ratio, 1 - clip_epsilon, 1 + clip_epsilon) * advantages)
    if importance is not None:
        losses = losses * importance
    low = (ratio < 1 - clip_epsilon) & (advantages < 0)
    high = (ratio > 1 + clip_epsilon) & (advantages > 0)
    measures = {"clipped_low": low.float(), "clipped_high": high.float()}
    if kl_coefficient:
        gap = torch.exp(reference_logps - logps) - (reference_logps - logps) - 1
        losses = losses + kl_coefficient * gap
        measures["kl"] = gap
    if entropy_coefficient:
        if entropies is None:
            raise ValueError("an entropy coefficient needs the entropies")
        losses = losses - entropy_coefficient * entropies
    tokens = mask.sum(-1)
    terms = (losses * mask).sum(-1)
    if aggregation == "grpo":
        terms = terms / tokens.clamp(min=1.0)
    totals = {name: (values.detach() * mask).sum(-1) for name, values in measures.items()}
    return terms, totals | {"tokens": tokens}


def normaliser(aggregation: str, samples: int, max_tokens: int, step_tokens: Tensor | float) -> Tensor | float:
    """What the sum of `grpo_terms` over a micro-batch is divided by.

    `grpo`: samples, those of the micro-batch. `dr_grpo`: samples times max_tokens, a constant (arXiv 2503.20783).
    `dapo`: step_tokens, the tokens of a micro-batch's share of its step (arXiv 2503.14476 Eq. 8).
    """
    if aggregation == "dapo":
        return step_tokens
    return samples * (max_tokens if aggregation == "dr_grpo" else 1)


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
    members = torch.ones_like(rewards) if counted is None else counted.to(rewards.dtype)
    return _whole_groups(rewards.masked_fill(members == 0, 0.0), group_size), members.view(-1, group_size)


def _whole_groups(rewards: Tensor, group_size: int) -> Tensor:
    """(B,) -> (B / G, G)."""
    if len(rewards) % group_size:
        raise ValueError(f"{len(rewards)} rewards are no whole groups of {group_size}")
    return rewards.view(-1, group_size)


def _deviation(values: Tensor, dim: int) -> Tensor:
    """The unbiased standard deviation along `dim`, kept, NaN left out."""
    variance = torch.nanmean((values - torch.nanmean(values, dim=dim, keepdim=True)) ** 2, dim=dim, keepdim=True)
    count = torch.sum(~torch.isnan(values), dim=dim, keepdim=True)
    return torch.sqrt(variance * (count / (count - 1)))


def _mean(values: Tensor, counted: Tensor | None) -> Tensor:
    """Mean over the counted samples, 0 if there is none."""
    if counted is None:
        return values.mean()
    return values.masked_fill(~counted, 0.0).sum() / counted.sum().clamp(min=1)
