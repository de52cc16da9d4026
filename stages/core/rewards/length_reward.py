"""The length reward of Kimi k1.5 (s.2.3.3)."""

from data.text.completion import Completion
from data.text.row import Row
from stages.core.rewards.rules import BatchReward, accuracy


def length_rewards(lengths: list[int], correct: list[bool]) -> list[float]:
    """The length reward of each of one prompt's samples, in [-0.5, 0.5]: Kimi k1.5 s.2.3.3.

    lambda = 0.5 - (length - min) / (max - min), min and max over all samples, right and wrong; a right answer gets
    lambda, a wrong one min(0, lambda). All 0 where the lengths are equal. lengths: in tokens.
    """
    if len(lengths) != len(correct):
        raise ValueError(f"{len(lengths)} lengths but {len(correct)} verdicts")
    shortest, longest = min(lengths, default=0), max(lengths, default=0)
    if shortest == longest:
        return [0.0] * len(lengths)
    scores = [0.5 - (length - shortest) / (longest - shortest) for length in lengths]
    return [score if right else min(0.0, score) for score, right in zip(scores, correct, strict=True)]


def length_reward(group_size: int) -> BatchReward:
    """`length_rewards` of each prompt's samples, which lie one behind the other, `group_size` of them."""

    def reward(completions: list[Completion], rows: list[Row]) -> list[float | None]:
        found: list[float | None] = []
        for start in range(0, len(completions), group_size):
            group = completions[start : start + group_size]
            correct = [bool(accuracy(c, row)) for c, row in zip(group, rows[start:], strict=False)]
            found += length_rewards([c.tokens for c in group], correct)
        return found

    return reward
