"""Merge: the plain average of the long and the short model's weights, without training.

CONSUMES     checkpoints: the chosen long-CoT model and the short model (vanilla SFT after both epochs)
PRODUCES     model/
PAPER        Kimi k1.5 s.2.4
DEVIATIONS   none
"""

from typing import TYPE_CHECKING

from data.errors import InputError
from stages.core.run.stage import Run, stage_main
from stages.kimi_k15.settings import Merge

if TYPE_CHECKING:
    from torch import Tensor


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model

    settings: Merge = run.settings
    names = list(run.config["inputs"]["checkpoints"])
    models = [load_model(run, "checkpoints", name) for name in names]
    models[0].load_state_dict(average_weights([model.state_dict() for model in models], settings.weights))
    run.metrics.say("weights of " + ", ".join(f"{w} {name}" for w, name in zip(settings.weights, names, strict=True)))
    save_model(run, models[0], load_tokenizer(run, "checkpoints", names[0]), "chat", {})


def average_weights(states: "list[dict[str, Tensor]]", weights: list[float] | None = None) -> "dict[str, Tensor]":
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
        name: (sum(share * state[name].double() for share, state in zip(shares, states, strict=True)) / sum(shares)).to(
            first[name].dtype
        )
        for name in first
    }


if __name__ == "__main__":
    stage_main(main, __doc__)
