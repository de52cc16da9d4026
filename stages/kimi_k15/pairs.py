"""What long2short makes of several answers to one question (Kimi k1.5 s.2.4)."""

Answer = tuple[str, int, bool]
"""(text, tokens, whether it is correct)"""


def shortest_correct(completions: list[Answer]) -> Answer | None:
    """The correct completion with the fewest tokens, the first of several; None if none is correct."""
    return min((answer for answer in completions if answer[2]), key=lambda answer: answer[1], default=None)


def dpo_pair(completions: list[Answer], ratio: float = 1.5) -> list[tuple[Answer, Answer]]:
    """The (chosen, rejected) pairs of one question's completions: Kimi k1.5 s.2.4.

    Chosen is the shortest correct one; rejected are wrong ones that are longer, and correct ones at least `ratio`
    times as long.
    """
    chosen = shortest_correct(completions)
    if chosen is None:
        return []
    tokens = chosen[1]
    return [
        (chosen, answer)
        for answer in completions
        if answer[1] > tokens and (not answer[2] or answer[1] / tokens >= ratio)
    ]
