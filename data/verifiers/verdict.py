"""The noun of what a verifier says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, what of it was read, and why in one short sentence."""

    right: bool
    read: str | None
    """What was judged, as the verifier read it; None where it found nothing to judge."""
    reason: str
