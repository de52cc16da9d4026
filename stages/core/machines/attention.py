"""Attention of a model on a CPU: key-value heads are read in place, and the mask is made for torch's kernel.

`transformers` copies the key-value heads for each query head of their group wherever there is a mask. The kernel of a
CPU needs no copies, forward or backward, and adds the mask to its scores: a mask of truth values it would turn into
numbers in every layer anew. Same mathematics as `sdpa` (tests/unit/core/machines/test_attention.py).
"""

from collections.abc import Callable

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import causal_mask_function, sdpa_mask

NAME = "sdpa_on_cpu"


def with_cpu_attention(model):
    """The model, its attention by `attention` here where it would run `sdpa` on a CPU; what is saved does not tell."""
    if model.config._attn_implementation == "sdpa" and not torch.cuda.is_available():
        model.set_attn_implementation(NAME)
    return model


def attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **kwargs,
) -> tuple[torch.Tensor, None]:
    """(B, Q, heads, D) what each query attends to, as an attention function of `transformers`.

    query: (B, heads, Q, D); key, value: (B, key-value heads, K, D); attention_mask: (B, 1, Q, K), added to the scores;
    without one queries are causal.
    """
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    output = scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=attention_mask,
        dropout_p=dropout,
        is_causal=causal and attention_mask is None and query.shape[2] > 1,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return output.transpose(1, 2).contiguous(), None


def additive_mask(
    q_length: int,
    kv_length: int,
    mask_function: Callable = causal_mask_function,
    attention_mask: torch.Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    **kwargs,
) -> torch.Tensor | None:
    """(B, 1, Q, K) 0 where a query sees a key, else minus infinity, as a mask function of `transformers`.

    attention_mask: (B, K) true where there is a token. A single query sees all of them: no position is compared.
    """
    alone = q_length == 1 and mask_function is causal_mask_function
    if alone and attention_mask is not None and attention_mask.shape[1] == kv_length:
        visible = None if attention_mask.all() else attention_mask[:, None, None]
    else:
        visible = sdpa_mask(
            q_length=q_length, kv_length=kv_length, mask_function=mask_function, attention_mask=attention_mask, **kwargs
        )
    if visible is None:
        return None
    return torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, -torch.inf)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, additive_mask)
