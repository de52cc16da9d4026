"""The rewards by rule: pure functions of a completion and its row. None: the reward does not apply to the row."""

from collections.abc import Callable, Mapping
from typing import Any

from data.errors import InputError
from data.text.chat import has_format
from data.text.completion import Completion
from data.text.language import language_consistency
from data.text.modes import follows_mode, mode_of
from data.text.row import REASONING_DOMAINS, Row
from data.world.families import GENERAL, verify
from data.world.general.length_control import LENGTH_ASKED, length_score
from data.world.preference import follows_instruction
from data.world.weak import weakly_right

Reward = Callable[[Completion, Row], float | None]
BatchReward = Callable[[list[Completion], list[Row]], list[float | None]]


def accuracy(completion: Completion, row: Row) -> float | None:
    """1 if the final answer is right, else 0 (v2 s.2.2, B.3.1); reasoning prompts only."""
    if row["domain"] not in REASONING_DOMAINS:
        return None
    return float(verify(completion.parsed, row))


def weak_accuracy(completion: Completion, row: Row) -> float | None:
    """1 if a weak verifier takes the completion for right, else 0: what a policy over-optimises (lecture, slide 16)."""
    if row["domain"] not in REASONING_DOMAINS:
        return None
    return float(weakly_right(completion.text, completion.parsed, row))


def format(completion: Completion, row: Row) -> float:
    """1 if the thinking sits between its tags and an answer follows, else 0 (v2 s.2.2)."""
    needs_thinking = row["domain"] in REASONING_DOMAINS
    return float(has_format(completion.text, completion.template, needs_thinking))


def language(completion: Completion, row: Row) -> float:
    """Share of the words of the CoT that are in the target language, in [0, 1] (v2 Eq. 7).

    A CoT without words earns 0: 1 would pay for thinking in formulas only. The equation leaves out responses whose CoT
    is empty on purpose (trivial prompts of the general domain): there the words of the answer count.
    """
    text = completion.thinking
    if not text and row["domain"] not in REASONING_DOMAINS:
        text = completion.answer
    return language_consistency(text or "", row["language"]) or 0.0


def mode(completion: Completion, row: Row) -> float:
    """1 if the response thinks, or does not, as the last flag of its prompt asks, else 0 (Qwen3 s.4.4)."""
    return float(follows_mode(completion.text, mode_of(row["prompt"])))


def instruction(completion: Completion, row: Row) -> float | None:
    """1 if the visible answer obeys all instructions of its prompt, else 0 (Qwen3 s.4.4); None where there are none."""
    if row["verifier"] == "instructions":
        return float(verify(completion.parsed, row))
    followed = follows_instruction(completion.answer, row) if row["task"] in GENERAL else None
    return None if followed is None else float(followed)


def length_asked(completion: Completion, row: Row) -> float | None:
    """How near the visible answer is to the length asked for, in [0, 1]; None where none is asked for."""
    return length_score(completion.answer, row) if row["task"] in LENGTH_ASKED else None


RULES: dict[str, Reward] = {
    "accuracy": accuracy,
    "weak_accuracy": weak_accuracy,
    "format": format,
    "language": language,
    "mode": mode,
    "instruction": instruction,
    "length_asked": length_asked,
}
"""The rule rewards by the name that a recipe gives them."""


def tries(completion: Completion, row: Row) -> float | None:
    """How many sums a search tried: a measure, not a reward."""
    return float((completion.thinking or completion.text).count("=")) if row["task"] == "pair_search" else None


def per_completion(reward: Reward) -> BatchReward:
    """A reward of one completion as a reward of many."""
    return lambda completions, rows: [reward(c, row) for c, row in zip(completions, rows, strict=True)]


def weighted(weights: Mapping[Any, float], **rewards: Any) -> dict[str, BatchReward]:
    """Those of a stage's rewards that its recipe gives a weight, in the order of the stage's page.

    rewards: by the recipe's name for them; the rules are rewards of one completion. A recipe may leave one out, which
    is an ablation; one that the page does not have is an InputError.
    """
    if strange := weights.keys() - rewards.keys():
        raise InputError(f"rewards: `{min(strange)}` is none of this stage's; allowed: {', '.join(sorted(rewards))}")
    return {
        name: per_completion(reward) if name in RULES else reward for name, reward in rewards.items() if name in weights
    }
