"""Which test cases of a code problem are worth having: what submissions make of them decides.

outputs[case][submission] is a text; None, the output of a submission that failed, agrees with nothing.
"""

from collections import Counter
from collections.abc import Sequence

Outputs = list[list[str | None]]


def select_cases(outputs: Outputs, agree: int = 7) -> tuple[list[int], list[str]]:
    """The valid cases: those where at least `agree` submissions give one output -> (their indices, that output).

    Kimi k1.5 s.2.3.5.
    """
    kept: dict[int, str] = {}
    for case, given in enumerate(outputs):
        for output, votes in Counter(output for output in given if output is not None).most_common(1):
            if votes >= agree:
                kept[case] = output
    return list(kept), list(kept.values())


def keep_problem(outputs: Outputs, kept: list[int], expected: list[str], passed: int = 9) -> bool:
    """Whether at least `passed` submissions give the expected output on every kept case; False without a case."""
    if not kept:
        return False
    right = zip(*([o == want for o in outputs[case]] for case, want in zip(kept, expected, strict=True)), strict=True)
    return sum(map(all, right)) >= passed


def telling_cases(wrong: Outputs, expected: Sequence[str | None]) -> list[int]:
    """The cases that expose a submission of `wrong`: one that gives another output than expected, or none.

    DeepSeek-R1 v2 B.3.2: what no wrong submission fails tells nothing. A submission that is right all the same changes
    nothing: it fails no case. A case of which nothing is expected (None) tells nothing.
    """
    return [
        case
        for case, (given, want) in enumerate(zip(wrong, expected, strict=True))
        if want is not None and any(output != want for output in given)
    ]
