"""The noun of what a verifier says."""

from dataclasses import dataclass

_SHOWN = 80


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, what of it was read, and why in one short sentence."""

    right: bool
    read: str | None
    """What was judged, as the verifier read it; None where it found nothing to judge."""
    reason: str


def shown(text: str) -> str:
    """A text inside of a reason: on one line and not longer than a reader wants it."""
    line = " ".join(text.split())
    return f"`{line}`" if len(line) <= _SHOWN else f"`{line[:_SHOWN]}...` ({len(text)} characters)"


def compared(right: bool, read: str, gold: str) -> Verdict:
    """The verdict of a verifier that read an answer as `read` and the gold one as `gold`."""
    if right:
        return Verdict(True, read, f"{shown(read)} is right")
    if read == gold:  # what is left out of the form that is read
        return Verdict(False, read, f"{shown(read)} is written as no right answer is")
    return Verdict(False, read, f"{shown(read)} is not {shown(gold)}")
