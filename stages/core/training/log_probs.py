"""Log-probs of completions on a CPU: a prompt is run once for all its completions, and padding hardly at all.

The samples of a group share their prompt, which at these lengths is up to half of what they would run through the
model. So the tokens of all prompts and completions go through it as one long sequence, for which all but the attention
does not care. Attention takes completions of like length together, behind the keys and values of their prompts. The
same log-probs and gradients as sample by sample (tests/unit/core/training/test_log_probs.py).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import AttentionInterface
from trl.kernels.chunked_logprob import ChunkedLogProbFunction

from stages.core.machines.attention import attention
from stages.core.machines.padding import attends_to_all, by_length

NAME = "sdpa_behind_prompts"

LIKE = 0.9
"""Completions lie in one group whose lengths are at least so much of the longest's: the rest is padding."""

HEAD_TOKENS = 1024
"""Tokens whose logits are computed at once: few enough for a processor's cache."""

LOGIT_CHANGES = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier", "output_multiplier")
"""What some models do to the product of hidden states and head."""


@dataclass(frozen=True)
class Group:
    """Completions of like length: their rows in the batch, how many tokens of each are run, and where they go on."""

    rows: list[int]
    width: int
    prompts: Tensor
    """(rows,) the prompt of each."""
    mask: Tensor
    """(rows, 1, width, K + width) which of its prompt's first K tokens and of its own each token sees."""


def shares_prompts(model) -> bool:
    """Whether `completion_log_probs` can take this causal model: whole, on a CPU, without gradient checkpointing.

    On a GPU there are kernels for attention without a mask and for logits of real tokens alone, which TRL uses.
    Checkpointing would run the layers again when the attention is the model's own; and every layer has to see all.
    """
    config = model.config.get_text_config()
    return (
        model.device.type == "cpu"
        and model._supports_sdpa
        and not model.is_gradient_checkpointing
        and all(getattr(config, name, None) is None for name in LOGIT_CHANGES)
        and attends_to_all(model)
    )


def completion_log_probs(
    model,
    ids: Tensor,
    mask: Tensor,
    width: int,
    temperature: float,
    with_entropy: bool = False,
    batch_size: int | None = None,
) -> tuple[Tensor, Tensor | None]:
    """(B, T) log-probs of the completions and (B, T) entropies, in nats at the temperature, 0 where there is no token.

    model: causal, not wrapped. ids, mask: (B, P + T), prompts padded on the left, completions on the right; width: T.
    batch_size: the rows that go through the model together, by default all. The entropies are None where they are not
    asked for.
    """
    size = batch_size or len(ids)
    parts = [
        _of_batch(model, *rows, width, temperature, with_entropy)
        for rows in zip(ids.split(size), mask.split(size), strict=True)
    ]
    logps, entropies = zip(*parts, strict=True)
    return torch.cat(logps), torch.cat(entropies) if with_entropy else None


def _of_batch(model, ids: Tensor, mask: Tensor, width: int, temperature: float, with_entropy: bool):
    """`completion_log_probs` of rows that go through the model together."""
    ends, used = ids[:, -width:], mask[:, -width:].bool()
    prompts, group = ids[:, :-width].masked_fill(mask[:, :-width] == 0, -1).unique(dim=0, return_inverse=True)
    before = (prompts >= 0).sum(dim=1) - 1  # (U,) tokens in front of a prompt's last, with which its completions begin
    read = torch.cat([prompts[group, -1:], ends[:, :-1]], dim=1)  # (B, T) the token that each token follows
    steps = torch.arange(width)
    groups = groups_of(used.sum(dim=1).tolist(), group, before)
    shared = to_the_left(prompts, before)
    tokens = [shared, *(read[group.rows, : group.width] for group in groups)]
    positions = [steps.new_ones(shared.shape).cumsum(dim=1) - 1]
    positions += [before[group.prompts, None] + steps[: group.width] for group in groups]
    with attention_behind_prompts(model):
        hidden = model.base_model(
            input_ids=flat(tokens)[None],
            position_ids=flat(positions)[None],
            use_cache=False,
            prompt_shape=tuple(shared.shape),
            groups=groups,
        ).last_hidden_state[0, shared.numel() :]  # (N, H)
    places = flat([torch.tensor(group.rows)[:, None] * width + steps[: group.width] for group in groups])
    real = used.flatten()[places]
    places, head = places[real], model.get_output_embeddings()
    parts = [
        ChunkedLogProbFunction.apply(
            states, head.weight, head.bias, targets, temperature, len(head.weight), None, 1.0,
            ("entropy",) if with_entropy else (),
        )
        for states, targets in zip(
            hidden[real].split(HEAD_TOKENS), ends.flatten()[places].split(HEAD_TOKENS), strict=True
        )
    ]  # fmt: skip

    def in_rows(values: tuple[Tensor, ...]) -> Tensor:
        return torch.zeros(used.numel()).index_copy(0, places, torch.cat(values)).view(used.shape)

    logps, entropies, *_ = zip(*parts, strict=True)
    return in_rows(logps), in_rows(entropies) if with_entropy else None


def flat(parts: list[Tensor]) -> Tensor:
    """(N,) what lies in all parts, one behind the other."""
    return torch.cat([part.flatten() for part in parts])


def to_the_left(prompts: Tensor, lengths: Tensor) -> Tensor:
    """(U, K) the first tokens of prompts (U, P) that are padded on the left with -1; so many count as `lengths` says.

    Where padding is on the right, causal attention needs no mask for it.
    """
    columns = (prompts < 0).sum(dim=1, keepdim=True) + torch.arange(int(lengths.max()))
    return prompts.gather(1, columns.clamp(max=prompts.shape[1] - 1))


def groups_of(lengths: list[int], prompts: Tensor, before: Tensor) -> list[Group]:
    """Completions by length, longest first; prompts: (B,) the prompt of each, before: (U,) how much of it they see."""
    groups = []
    for rows in by_length(lengths, LIKE):
        width, own = max(1, lengths[rows[0]]), prompts[rows]
        seen = torch.arange(int(before[own].max())) < before[own, None]  # (rows, K)
        causal = torch.ones(width, width, dtype=torch.bool).tril()
        mask = torch.cat([seen[:, None].expand(-1, width, -1), causal.expand(len(rows), -1, -1)], dim=2)
        groups.append(Group(rows, width, own, mask[:, None]))
    return groups


@contextmanager
def attention_behind_prompts(model) -> Iterator[None]:
    """In the block the model attends by groups; before and after it as it did."""
    own = model.config._attn_implementation
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(own)


def behind_prompts(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    prompt_shape: tuple[int, int],
    groups: list[Group],
    **options,
) -> tuple[Tensor, None]:
    """(1, N, heads, D) as an attention function of `transformers`; query: (1, heads, N, D), key and value alike.

    The N tokens are those of the prompts, (U, K) as `prompt_shape` says, then those of the groups.
    """
    shapes = [prompt_shape, *((len(group.rows), group.width) for group in groups)]

    def parts(states: Tensor) -> list[Tensor]:
        """(rows, heads, T, D) of the prompts and of each group."""
        split = states[0].transpose(0, 1).split([rows * width for rows, width in shapes])
        return [part.unflatten(0, shape).transpose(1, 2) for part, shape in zip(split, shapes, strict=True)]

    (shared, *queries), (keys, *own_keys), (values, *own_values) = parts(query), parts(key), parts(value)
    found = [attention(module, shared, keys, values, None, **options)[0]] if shared.numel() else []
    for group, asked, *own in zip(groups, queries, own_keys, own_values, strict=True):
        seen = group.mask.shape[3] - group.width
        all_keys, all_values = (
            torch.cat([of_prompts.index_select(0, group.prompts)[:, :, :seen], of_group], dim=2)
            for of_prompts, of_group in zip((keys, values), own, strict=True)
        )
        found.append(attention(module, asked, all_keys, all_values, group.mask, **options)[0])
    return torch.cat([part.flatten(0, 1) for part in found])[None], None


AttentionInterface.register(NAME, behind_prompts)


def in_trimmed_halves(
    compute: Callable[..., tuple[Tensor, Tensor | None, Tensor | None]],
    ids: Tensor,
    mask: Tensor,
    width: int,
    batch_size: int | None = None,
) -> tuple[Tensor, Tensor | None]:
    """What `completion_log_probs` finds, where prompts cannot be shared: TRL's `compute` in two parts of like length.

    compute: (ids, mask, width) -> (log-probs, entropies, whatever). Without the columns that only pad its part. With
    batch_size, each part has half as many rows.
    """
    prompt_width = ids.shape[1] - width
    by_length = mask.sum(dim=1).argsort()
    parts: list[list[Tensor | None]] = []
    for rows in by_length.split(max(1, (batch_size or len(ids)) // 2)):
        filled = mask[rows].any(dim=0).nonzero()
        left = min(int(filled[0]), prompt_width - 1)
        right = max(int(filled[-1]) + 1, prompt_width + 1)
        found = compute(ids[rows, left:right], mask[rows, left:right], right - prompt_width)[:2]
        widen = (0, width - (right - prompt_width))  # (rows, T): all parts as wide as the batch again
        parts.append([None if values is None else torch.nn.functional.pad(values, widen) for values in found])
    order = by_length.argsort()
    logps, entropies = ([part[which] for part in parts] for which in (0, 1))
    return torch.cat(logps)[order], None if entropies[0] is None else torch.cat(entropies)[order]
