"""Guards of reinforcement learning: their limits, which a scale may set, and what they see in a stage's metrics.

A guard warns where one and the same fault shows in `patience` values in a row. Pure: the same rows give the same
warnings, in the log of a run, in one that resumes it and in the report.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from stages.core.allowed.values import GroupSize, NotNegative, Part, Rate, Share, no_repetition

GuardName = Literal["entropy", "length", "kl", "reward", "cut"]

_SAME_REWARD = 1e-9
_NO_KL = 1e-6


class Guards(BaseModel):
    """What is warned of; no limit changes a result, unless it stops the stage."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    patience: GroupSize = 8
    """Values in a row that show a fault before it is warned of; of rewards and lengths there is one a rollout."""
    min_entropy: NotNegative = 0.01
    """Entropy, in nats a token, below which the policy has collapsed; 0 for never."""
    min_length: Part = 0.2
    """Share of their first mean length below which completions have collapsed; 0 for never."""
    max_kl: Rate = 1.0
    """KL to the reference, in nats a token, above which it has exploded."""
    cut: Share = 1.0
    """Share of completions cut off at the longest length from which on it counts as all of them."""
    stop_on: Annotated[list[GuardName], AfterValidator(no_repetition)] = []
    """The guards whose warning stops the stage."""


@dataclass(frozen=True)
class Warned:
    """A warning: which guard, at which update, since which, and why."""

    guard: GuardName
    step: int
    since: int
    reason: str

    def told(self) -> str:
        """Steps and reason, to stand in a sentence."""
        return f"step {self.step}: {self.reason} (since step {self.since})"


class Lookout:
    """Reads a stage's metrics row by row.

    active: the warnings whose fault still shows.
    """

    def __init__(self, guards: Guards) -> None:
        self.guards = guards
        self.active: dict[GuardName, Warned] = {}
        self._faulty: dict[GuardName, list[int]] = {}  # the steps of each guard's streak
        self._first_lengths: list[float] = []
        self._length = 1.0
        self._reward = (0, math.nan)  # the last one and its step

    @property
    def calm(self) -> bool:
        """Whether no guard sees a fault, not even in one value."""
        return not self._faulty

    def see(self, row: Mapping[str, Any]) -> list[Warned]:
        """The warnings that a row brings. A row lacks what its update did not measure, which then says nothing."""
        found: list[Warned] = []
        for guard, fault in self._faults(row).items():
            if fault is None:
                self._faulty.pop(guard, None)
                self.active.pop(guard, None)
                continue
            streak = self._faulty.setdefault(guard, [self._reward[0]] if guard == "reward" else [])
            streak.append(int(row.get("step", 0)))
            if len(streak) == self.guards.patience:
                self.active[guard] = Warned(guard, streak[-1], streak[0], fault)
                found.append(self.active[guard])
        if row.get("reward") is not None:
            self._reward = (int(row.get("step", 0)), row["reward"])
        return found

    def _faults(self, row: Mapping[str, Any]) -> dict[GuardName, str | None]:
        """What each guard that the row has a value for says against it; None where all is well."""
        guards, found = self.guards, dict[GuardName, str | None]()
        if (length := row.get("completions/mean_length")) is not None:
            self._length = max(length, 1.0)
            found["length"] = self._shrunk(length)
        if (entropy := row.get("entropy")) is not None:
            low = f"the policy has become certain: its entropy is {entropy:.2g} nats a token"
            found["entropy"] = low if entropy < guards.min_entropy else None
        if (kl := self._kl(row)) is not None:
            high = f"the policy has left the reference: the KL is {kl:.3g} nats a token"
            found["kl"] = high if kl > guards.max_kl else None
        if (reward := row.get("reward")) is not None:
            constant = f"the mean reward stays at {reward:.3g}: rewards that are all alike teach nothing"
            found["reward"] = constant if abs(reward - self._reward[1]) <= _SAME_REWARD else None
        if (cut := row.get("completions/clipped_ratio")) is not None:
            ends = f"{cut:.0%} of the completions are cut off at the longest length: no answer is read to its end"
            found["cut"] = ends if cut >= guards.cut else None
        return found

    def _shrunk(self, length: float) -> str | None:
        """Against a mean length that is a small share of the first ones, of which there are `patience`."""
        if len(self._first_lengths) < self.guards.patience:
            self._first_lengths.append(length)
            return None
        first = sum(self._first_lengths) / len(self._first_lengths)
        if length >= self.guards.min_length * first:
            return None
        return f"completions have shrunk from {first:.3g} to {length:.3g} tokens"

    def _kl(self, row: Mapping[str, Any]) -> float | None:
        """Nats a token; None also where the policy is the reference still, which says nothing of how far it goes.

        Mirror descent logs the absolute log-ratio of whole answers.
        """
        kl = row.get("kl")
        if kl is None and row.get("log_ratio") is not None:
            kl = row["log_ratio"] / self._length
        return None if kl is None or kl < _NO_KL else kl


def warnings(history: Iterable[Mapping[str, Any]], guards: Guards) -> list[Warned]:
    """All warnings of a stage's metrics, in the order of their rows."""
    lookout = Lookout(guards)
    return [warned for row in history for warned in lookout.see(row)]
