"""Weights in shards over the processes of a stage (torch's FSDP2), those of frozen models too."""

import os
from datetime import timedelta
from typing import Any

import torch

from stages.core.run.processes import is_main, local_rank, world_size


def shards() -> bool:
    """Whether this stage trains with its weights in shards."""
    return world_size() > 1 and os.environ.get("ACCELERATE_USE_FSDP") == "true"


def join_processes() -> None:
    """From here on one process of each node reads weights that are loaded, and the others have zeros.

    They get theirs from the main process when the weights are cut into shards.
    """
    from accelerate import PartialState

    PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(minutes=30))  # the trainers' own


def give_back_zeros(model) -> None:
    """In a process that has zeros for weights: their memory, which the processes of a node would hold many times."""
    if local_rank() and os.environ.get("FSDP_CPU_RAM_EFFICIENT_LOADING") == "true":
        for parameter in model.parameters():
            parameter.data = torch.empty_like(parameter)


def in_shards(model, precision=None):
    """A frozen model with the main process's weights in shards; each layer is gathered while it runs.

    precision: torch's `MixedPrecisionPolicy`; None runs in the weights' own. All processes must run it equally often.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    weights = model.state_dict() if is_main() else {}
    options = {"mp_policy": precision or MixedPrecisionPolicy(), "reshard_after_forward": True}
    for layer in [module for module in model.modules() if type(module).__name__ in model._no_split_modules]:
        fully_shard(layer, **options)
    fully_shard(model, **options)
    hand_out(model, weights)
    return model.eval().requires_grad_(False)


def hand_out(model, weights: dict) -> None:
    """Give each process its shards of the whole weights, which the main process alone has; the others pass {}."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict

    whole = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    set_model_state_dict(model, weights, options=whole)


def cut_references(trainers: Any) -> None:
    """Have one of TRL's trainers (its module) cut its reference model into shards by `in_shards`.

    TRL cuts it as one piece, which is whole on each GPU when it runs, and out of what each process has read, which
    is zeros for all but one of a node.
    """
    trainers.prepare_fsdp = lambda model, accelerator: in_shards(
        model, accelerator.state.fsdp_plugin.mixed_precision_policy
    )


def largest(count: int) -> int:
    """The largest `count` of all processes; all of them must ask."""
    if world_size() == 1:
        return count
    counts = torch.tensor(count, device="cuda" if torch.cuda.is_available() else "cpu")
    torch.distributed.all_reduce(counts, torch.distributed.ReduceOp.MAX)
    return int(counts)
