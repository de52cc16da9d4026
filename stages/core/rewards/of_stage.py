"""What one completion earns in an RL stage, reward by reward and weighed as its recipe weighs them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from data.errors import InputError
from data.text.chat import Template
from data.text.completion import Completion
from data.text.row import Row
from stages.core.pipeline.settings import GRPO, MirrorDescent
from stages.core.rewards.rules import RULES, BatchReward, per_completion

OF_A_GROUP = {
    "length": "it compares the samples of a prompt: one completion has none beside it",
    "repetition": "it is the sampler's, which ends a rollout that goes round in circles",
}
"""Rewards that one completion by itself does not have, and why."""


def weights_of(settings: GRPO | MirrorDescent) -> dict[str, float]:
    """Reward -> its weight."""
    if isinstance(settings, GRPO):
        return settings.rewards
    return {
        "accuracy": settings.accuracy_weight,
        "length": settings.length_weight,
        "repetition": settings.repetition_penalty,
    }


@dataclass(frozen=True)
class StageRewards:
    """The rewards of a stage: those that can be computed here, and why the others cannot."""

    weights: dict[str, float]
    template: Template
    rewards: dict[str, BatchReward]
    absent: dict[str, str]

    def of(self, completion: Completion, row: Row) -> dict[str, Any]:
        """`rewards` by name, null where one does not apply or is not here; `reward`, their weighted sum without those.

        `left_out` says of each null why.
        """
        found = {name: reward([completion], [row])[0] for name, reward in self.rewards.items()}
        rewards = {name: found.get(name) for name in self.weights}
        left_out = {
            name: self.absent.get(name, f"it does not apply to a prompt of the domain {row['domain']}")
            for name, value in rewards.items()
            if value is None
        }
        total = sum(self.weights[name] * value for name, value in rewards.items() if value is not None)
        return {"rewards": rewards, "reward": total} | ({"left_out": left_out} if left_out else {})


def stage_rewards(settings: Any, models: dict[str, Callable[[], BatchReward]]) -> StageRewards:
    """The rewards of a stage with such settings.

    models: opens a reward that a model gives, or raises an InputError where its checkpoint is not there.
    """
    weights, absent = weights_of(settings), {}
    rewards: dict[str, BatchReward] = {}
    for name in weights:
        if name in RULES:
            rewards[name] = per_completion(RULES[name])
        elif name in models:
            try:
                rewards[name] = models[name]()
            except InputError as error:
                absent[name] = str(error)
        else:
            absent[name] = OF_A_GROUP[name]
    return StageRewards(weights, getattr(settings, "template", "chat"), rewards, absent)
