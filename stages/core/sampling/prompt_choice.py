"""Which prompts the next iteration takes: the sampling strategies of Kimi k1.5 (s.2.3.4)."""

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

from data.errors import InputError
from stages.core.pipeline.settings import MirrorDescent

Strategy = Literal["uniform", "easy_to_hard", "curriculum", "prioritised", "curriculum_prioritised"]


def chosen_as(settings: MirrorDescent) -> "Callable[[list[float]], PromptSampler]":
    """Pass rates of the prompts -> what draws them, as the settings of a stage say."""
    return partial(
        PromptSampler,
        strategy=settings.prompt_choice,
        seed=settings.seed,
        total_iterations=settings.iterations,
        prompts_per_iteration=settings.prompts_per_iteration,
        warm_up_fraction=settings.warm_up_fraction,
        hard_threshold=settings.hard_pass_rate,
    )


class PromptSampler:
    """Draws the prompts of one iteration after another; a prompt's group of samples is the caller's.

    uniform: every prompt alike. easy_to_hard: a window that slides from the highest pass rates to the lowest.
    curriculum: uniform for `warm_up_fraction` of the iterations, then hard prompts only (pass rate <= hard_threshold).
    prioritised: in proportion to 1 - s, s the tracked success rate. curriculum_prioritised: the curriculum, and
    prioritised among the hard prompts once the warm-up is over.
    Where there are fewer hard prompts than an iteration takes, the next hardest join them.
    """

    def __init__(
        self,
        pass_rates: list[float],
        strategy: Strategy,
        seed: int,
        total_iterations: int,
        prompts_per_iteration: int,
        warm_up_fraction: float = 0.0,
        hard_threshold: float = 1.0,
        momentum: float = 0.0,
    ) -> None:
        """pass_rates: difficulty of each prompt in [0, 1], the first s as well. momentum: the share that the old s
        keeps when a new success rate comes in."""
        if prompts_per_iteration > len(pass_rates):
            raise InputError(f"an iteration takes {prompts_per_iteration} prompts but there are {len(pass_rates)}")
        if strategy not in get_args(Strategy):
            raise InputError(f"sampling strategy '{strategy}', where {', '.join(get_args(Strategy))} are allowed")
        self.strategy, self.momentum = strategy, momentum
        self.total, self.count = total_iterations, prompts_per_iteration
        self.warm_up = round(warm_up_fraction * total_iterations)
        self.success = list(pass_rates)
        self.iteration = 0
        self._rng = random.Random(seed)
        indices = list(range(len(pass_rates)))
        random.Random(seed).shuffle(indices)  # equal pass rates come in no order of the data
        self._easy_first = sorted(indices, key=lambda index: -pass_rates[index])
        hard = sum(rate <= hard_threshold for rate in pass_rates)
        self._hard = self._easy_first[-max(hard, prompts_per_iteration) :]

    def draw(self) -> list[int]:
        """Distinct indices of the next iteration's prompts; past the last iteration the last phase goes on."""
        warm = self.iteration < self.warm_up and self.strategy.startswith("curriculum")
        pool = self._pool(warm)
        self.iteration += 1
        if warm or not self.strategy.endswith("prioritised"):
            return self._rng.sample(pool, self.count)
        return self._prioritised(pool)

    def update(self, index: int, success_rate: float) -> None:
        """Tell a prompt's success rate in this iteration: s = momentum s + (1 - momentum) success_rate."""
        self.success[index] = self.momentum * self.success[index] + (1 - self.momentum) * success_rate

    def state(self) -> dict:
        """All that `draw` depends on and the settings do not give, fit for JSON."""
        return {"iteration": self.iteration, "success": list(self.success), "rng": self._rng.getstate()}

    def restore(self, state: dict) -> None:
        """Go on where a sampler with the same settings was when its `state` was taken."""
        if len(state["success"]) != len(self.success):
            raise InputError(f"the saved sampler has {len(state['success'])} prompts, this one {len(self.success)}")
        self.iteration, self.success = state["iteration"], list(state["success"])
        version, internal, gauss = state["rng"]
        self._rng.setstate((version, tuple(internal), gauss))

    def _pool(self, warm: bool) -> list[int]:
        if self.strategy.startswith("curriculum") and not warm:
            return self._hard
        if self.strategy != "easy_to_hard":
            return self._easy_first
        prompts = len(self._easy_first)
        width = max(self.count, math.ceil(prompts / self.total))
        start = round(min(1.0, self.iteration / max(1, self.total - 1)) * (prompts - width))
        return self._easy_first[start : start + width]

    def _prioritised(self, pool: list[int]) -> list[int]:
        """One after another without replacement, each in proportion to 1 - s; solved prompts (s = 1) come last.

        The largest log(u) / weight are such a draw (Efraimidis and Spirakis 2006).
        """
        keys = {}
        for index in pool:
            weight, luck = 1 - self.success[index], 1 - self._rng.random()
            keys[index] = (True, math.log(luck) / weight) if weight > 0 else (False, luck)
        return sorted(pool, key=keys.__getitem__, reverse=True)[: self.count]
