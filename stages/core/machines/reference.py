"""The reference of an RL trainer of TRL's: a model of its own, or the adapter `ref` beside the one that is trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from stages.core.machines.adapters import adapter_weights
from stages.core.machines.sharding import hand_out


@contextmanager
def as_reference(trainer) -> Iterator[Any]:
    """In the block, the model that is the reference: with an adapter, the trained one in another's clothes."""
    if trainer.ref_model is not None:
        yield trainer.ref_model
        return
    from trl.trainer.utils import use_adapter

    with use_adapter(trainer.accelerator.unwrap_model(trainer.model), "ref"):
        yield trainer.model


def reference_is_policy(trainer) -> bool:
    """Whether both have the same weights now, as after a refresh; not asked of weights in shards."""
    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:  # whose parameters may be empty: all alike
        return False
    policy = trainer.accelerator.unwrap_model(trainer.model)
    if trainer.ref_model is None:
        pairs = zip(*(adapter_weights(policy, name).values() for name in ("default", "ref")), strict=True)
    else:
        pairs = zip(policy.parameters(), trainer.accelerator.unwrap_model(trainer.ref_model).parameters(), strict=True)
    return all(one.dtype == other.dtype and torch.equal(one, other) for one, other in pairs)


def reference_weights(trainer) -> dict | None:
    """The weights of the reference model, or of the adapter that is the reference; None without a reference.

    Where the model lies in shards, all processes must ask.
    """
    if trainer.ref_model is not None and trainer.is_fsdp_enabled:
        return trainer.accelerator.get_state_dict(trainer.ref_model)
    if trainer.ref_model is not None:
        return trainer.accelerator.unwrap_model(trainer.ref_model).state_dict()
    return adapter_weights(trainer.accelerator.unwrap_model(trainer.model), "ref") or None


def load_reference(trainer, file: Path) -> None:
    """What `reference_weights` has said, read from a file."""
    if trainer.ref_model is not None and trainer.is_fsdp_enabled:
        hand_out(trainer.ref_model, torch.load(file, weights_only=True) if trainer.is_world_process_zero() else {})
        return
    whole = trainer.ref_model is not None  # an adapter's weights are a part of its model's
    reference = trainer.accelerator.unwrap_model(trainer.ref_model if whole else trainer.model)
    reference.load_state_dict(torch.load(file, weights_only=True), strict=whole)
