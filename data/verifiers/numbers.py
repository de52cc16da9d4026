"""Comparing answers by value."""

import re

from data.text.mention import stated

_NUMBER = re.compile(r"(?:[a-z]\s*=\s*)?([+-]?\d{1,400})(?:\.0+)?")


def same_number(gold: str, answer: str) -> bool:
    """Whether an answer is the number `gold`, perhaps as `x=7`, `07` or `7.0`.

    An expression is not an answer: `3+4` is wrong for 7, or a policy could answer by repeating the question.
    """
    found = canonical_number(answer)
    return found is not None and found == str(int(gold))


def canonical_number(answer: str) -> str | None:
    """The whole number that an answer is, as Python writes it; None for anything else."""
    found = _NUMBER.fullmatch(answer.strip())
    return None if found is None else str(int(found[1]))


def comes_out(answer: str, thought: str) -> bool:
    """Whether a number is the result of a step of a thought: it stands behind an equals sign."""
    return stated(f"={canonical_number(answer)}", thought)
