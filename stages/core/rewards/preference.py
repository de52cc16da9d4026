"""Rewards of general RL that a model gives, with and without a reference answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from data.errors import InputError
from data.text.completion import Completion
from data.text.modes import without_flags
from data.text.row import Row, last_turn
from stages.core.rewards.rules import BatchReward
from stages.core.rewards.scoring import RewardScorer, open_scorer, with_reference
from stages.core.sampling.asking import open_engine
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding


def clipped_z_score(score: float, mean: float, deviation: float, clip: float) -> float:
    """(score - mean) / deviation, kept within +-clip; 0 where the deviation is 0."""
    return 0.0 if deviation == 0 else max(-clip, min(clip, (score - mean) / deviation))


def sigmoid(score: float) -> float:
    """1 / (1 + e^-score), without overflow for large negative scores."""
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))


def question(row: Row) -> str:
    """The user's last words, without a flag."""
    return without_flags(last_turn(row))


def score_scale(
    run, scorer: RewardScorer, prompts: list[Row], temperature: float, max_tokens: int, seed: int
) -> tuple[float, float]:
    """(mean, standard deviation) of a reward model's scores of what the starting policy answers.

    A reward model's scale and offset mean nothing by themselves.
    """
    if not prompts:
        raise InputError("the mixture 'general_tasks' has no prompt that the preference reward applies to")
    engine = open_engine(run, "from", batch_size=256)
    sampled = engine.answer(prompts, 1, Decoding(temperature, max_tokens), seed)
    scores = scorer.score([question(row) for row in prompts], [group[0].answer for group in sampled])
    mean = sum(scores) / len(scores)
    deviation = (sum((score - mean) ** 2 for score in scores) / len(scores)) ** 0.5
    run.metrics.say(f"preference of the SFT model's answers: mean {mean:.2f}, standard deviation {deviation:.2f}")
    return mean, deviation


@dataclass(frozen=True)
class PreferenceReward:
    """The reward model's score of the visible answer, as a clipped z-score; None where it does not apply."""

    scorer: RewardScorer
    applies: Callable[[Row], bool]
    mean: float
    deviation: float
    clip: float

    def __call__(self, completions: list[Completion], batch: list[Row]) -> list[float | None]:
        return self._of(completions, batch, lambda score: clipped_z_score(score, self.mean, self.deviation, self.clip))

    def scores(self, completions: list[Completion], batch: list[Row]) -> list[float | None]:
        """The scores themselves, by which over-optimisation is measured: cut off they would hide it."""
        return self._of(completions, batch, lambda score: score)

    def _of(
        self, completions: list[Completion], batch: list[Row], value: Callable[[float], float]
    ) -> list[float | None]:
        return _scored(self.scorer, self.applies, question, value)(completions, batch)


def scaled_preference(
    run, name: str, applies: Callable[[Row], bool], normalisation: str, clip: float
) -> PreferenceReward:
    """The reward of the stage's reward model `name`; `z_score` measures its scale on 256 of the general prompts."""
    settings, scorer = run.settings, open_scorer(run, name)
    mean, deviation = 0.0, 1.0
    if normalisation == "z_score":
        drawn = draw_rows(run, settings.general_tasks, 256, "train", settings.seed + 6)
        prompts = [row for row in drawn if applies(row)]
        mean, deviation = score_scale(
            run, scorer, prompts, settings.temperature, settings.max_completion_length, settings.seed
        )
    return PreferenceReward(scorer, applies, mean, deviation, clip)


def reference_reward(scorer: RewardScorer, applies: Callable[[Row], bool]) -> BatchReward:
    """The probability that the visible answer agrees with the row's `answer`, in [0, 1]; None where none is asked."""

    return _scored(scorer, applies, lambda row: with_reference(question(row), row["answer"]), sigmoid)


def safety_reward(scorer: RewardScorer, applies: Callable[[Row], bool]) -> BatchReward:
    """The probability that the whole response, its thought too, is safe, in [0, 1]; None where that is not asked."""
    return _scored(scorer, applies, question, sigmoid, attrgetter("text"))


def _scored(
    scorer: RewardScorer,
    applies: Callable[[Row], bool],
    asked: Callable[[Row], str],
    value: Callable[[float], float],
    judged: Callable[[Completion], str] = attrgetter("answer"),
) -> BatchReward:
    """`value` of the scores of what is `judged`; only what the reward applies to is read, the rest is None."""

    def reward(completions: list[Completion], batch: list[Row]) -> list[float | None]:
        read = [index for index, row in enumerate(batch) if applies(row)]
        scores = scorer.score([asked(batch[i]) for i in read], [judged(completions[i]) for i in read])
        found = dict(zip(read, map(value, scores), strict=True))
        return [found.get(index) for index in range(len(batch))]

    return reward
