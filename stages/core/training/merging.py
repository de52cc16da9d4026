"""Model merging (Kimi k1.5 s.2.4)."""

from torch import Tensor, float64

from data.errors import InputError


def average_weights(states: list[dict[str, Tensor]], weights: list[float] | None = None) -> dict[str, Tensor]:
    """The mean of each tensor over the state dicts, accumulated in float64, in the first one's data type.

    weights: one each state, in any unit (they are divided by their sum); equal by default.
    """
    if not states:
        raise InputError("no weights to average")
    shares = [1.0] * len(states) if weights is None else weights
    if len(shares) != len(states) or sum(shares) <= 0:
        raise InputError(f"weights {shares} for {len(states)} models, where one each and a positive sum are needed")
    first = states[0]
    for number, state in enumerate(states[1:], start=2):
        if alone := first.keys() ^ state.keys():
            raise InputError(f"models 1 and {number} cannot be averaged: only one of them has '{min(alone)}'")
        for name, tensor in state.items():
            if tensor.shape != first[name].shape:
                raise InputError(
                    f"models 1 and {number} cannot be averaged: '{name}' is {tuple(first[name].shape)} in one and "
                    f"{tuple(tensor.shape)} in the other"
                )
    return {
        name: (
            sum(share * state[name].to(float64) for share, state in zip(shares, states, strict=True)) / sum(shares)
        ).to(first[name].dtype)
        for name in first
    }
