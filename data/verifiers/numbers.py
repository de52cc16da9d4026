"""Comparing answers by value."""

import re

_NUMBER = re.compile(r"(?:[a-z]\s*=\s*)?([+-]?\d+)(?:\.0+)?")


def same_number(gold: str, answer: str) -> bool:
    """Whether an answer is the number `gold`, perhaps as `x=7`, `07` or `7.0`.

    An expression is not an answer: `3+4` is wrong for 7, or a policy could answer by repeating the question.
    """
    found = _NUMBER.fullmatch(answer.strip())
    return found is not None and int(found[1]) == int(gold)
