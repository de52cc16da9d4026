"""Batches without their padding, on a CPU: rows of like length lie behind each other in one long sequence.

All but the attention goes token by token, so one sequence of all tokens does for it; attention takes the rows of like
length together, a view of the sequence for each group. Same mathematics as a padded batch
(tests/unit/core/machines/test_padding.py). GPUs have kernels of their own for that.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from stages.core.machines.adapters import is_adapted

NAME = "sdpa_by_length"

LIKE = 0.85
"""A row lies in a group whose longest row it has so much of, at least; the rest of the width is padding."""

Group = tuple[list[int], int]
"""Rows of a batch, and how many of their columns are computed."""


def without_padding(model):
    """The model, which on a CPU computes right-padded batches without most of their padding; its outputs are padded."""
    backbone, runs = model.base_model, model.config._attn_implementation
    if torch.cuda.is_available() or is_adapted(model) or not runs.startswith("sdpa") or runs == NAME:
        return model
    if not attends_to_all(model):
        return model
    model.set_attn_implementation(NAME)
    backbone.register_forward_pre_hook(side_by_side, with_kwargs=True)
    backbone.register_forward_hook(padded, with_kwargs=True)
    return model


def attends_to_all(model) -> bool:
    """Whether every layer sees all tokens (no window, no recurrence) and hands on what an attention function needs."""
    layers = DynamicCache(config=model.config).layers
    return model._supports_attention_backend and all(type(layer) is DynamicLayer for layer in layers)


def by_length(lengths: list[int], like: float) -> list[list[int]]:
    """Rows of like length together, the longest first; like: the least share of a group's longest that a row has."""
    groups: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if not groups or lengths[row] < like * lengths[groups[-1][0]]:
            groups.append([])
        groups[-1].append(row)
    return groups


def groups_of(lengths: list[int]) -> list[Group]:
    """`by_length`, each group as wide as its longest row."""
    return [(rows, max(1, lengths[rows[0]])) for rows in by_length(lengths, LIKE)]


def side_by_side(backbone: torch.nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict] | None:
    """Before a forward: the ids (B, T) as (1, N), and which rows they are; None where they are not padded so."""
    ids, mask = args[0] if args else kwargs.get("input_ids"), kwargs.get("attention_mask")
    given = any(kwargs.get(name) is not None for name in ("position_ids", "past_key_values", "inputs_embeds"))
    if ids is None or mask is None or mask.dim() != 2 or given or kwargs.get("use_cache"):
        return None
    if (mask[:, 1:] > mask[:, :-1]).any():
        return None
    groups = groups_of(mask.sum(dim=1).tolist())
    places = [torch.arange(width).repeat(len(rows)) for rows, width in groups]
    own = {
        "input_ids": torch.cat([ids[rows, :width].flatten() for rows, width in groups])[None],
        "position_ids": torch.cat(places)[None],
        "attention_mask": ids.new_empty((1, 1, 1, 1)),  # one of four dimensions is made into no other
        "use_cache": False,
        "groups": groups,
        "columns": ids.shape[1],
    }
    return args[1:], kwargs | own


def padded(backbone: torch.nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> Any:
    """After a forward: the last hidden states (1, N, H) as (B, T, H) again, of no meaning behind a row's end."""
    if "groups" in kwargs:
        found: dict[int, Tensor] = {}
        for (rows, width), part in each_group(output.last_hidden_state[0], kwargs["groups"]):
            wide = torch.nn.functional.pad(part, (0, 0, 0, kwargs["columns"] - width))
            found |= zip(rows, wide.unbind(), strict=True)
        output.last_hidden_state = torch.stack([found[row] for row in range(len(found))])
    return output


def each_group(tokens: Tensor, groups: list[Group]):
    """(group, its part (rows, width, ...)) of what the tokens (N, ...) have."""
    parts = tokens.split([len(rows) * width for rows, width in groups])
    return [(group, part.unflatten(0, (-1, group[1]))) for group, part in zip(groups, parts, strict=True)]


def attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    groups: list[Group] | None = None,
    **options,
) -> tuple[Tensor, None]:
    """(1, N, heads, D) as an attention function of `transformers`; query: (1, heads, N, D), key and value alike."""
    if groups is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    found = []
    split = (each_group(states[0].transpose(0, 1), groups) for states in (query, key, value))
    for parts in zip(*split, strict=True):
        own = (part.transpose(1, 2) for _, part in parts)
        found.append(sdpa_attention_forward(module, *own, None, **options)[0].flatten(0, 1))
    return torch.cat(found)[None], None


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
