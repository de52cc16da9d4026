"""What ran beside what: the time of stages, from their manifests, as bars of text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

WIDTH = 32
"""Characters of a bar."""


@dataclass(frozen=True)
class Span:
    """When a stage ran, in seconds since the epoch, and on how many threads."""

    start: float
    end: float
    threads: int


def span_of(manifest: dict[str, Any]) -> Span:
    """The last run of a complete stage, as if it had been one: the seconds of interrupted ones count."""
    end = datetime.fromisoformat(manifest["finished"]).timestamp()
    return Span(end - manifest["seconds"], end, int(manifest["hardware"].get("threads") or 1))  # None: by hand


def at_work(spans: Sequence[Span], until: float = math.inf) -> float:
    """Seconds before a moment in which some stage ran; what lies between two runs of Snakemake is none of them."""
    seconds, reached = 0.0, -math.inf
    for span in sorted(spans, key=lambda span: span.start):
        seconds += max(0.0, min(span.end, until) - max(span.start, reached))
        reached = max(reached, span.end)
    return seconds


def most_threads(spans: Sequence[Span]) -> int:
    """The most threads that ran at once."""
    return max(sum(other.threads for other in spans if other.start <= span.start < other.end) for span in spans)


def occupied(spans: Sequence[Span]) -> float:
    """The share of the time of `most_threads` cores, while some stage ran, in which a stage had a thread there."""
    had = sum(span.threads * (span.end - span.start) for span in spans)
    return had / (most_threads(spans) * at_work(spans) or 1.0)


def bars(spans: Sequence[Span]) -> list[str]:
    """Each stage's place in the time in which some stage ran: `=` for a thread, `#` for two or more."""
    whole = at_work(spans) or 1.0
    drawn = []
    for span in spans:
        first = min(int(WIDTH * at_work(spans, span.start) / whole), WIDTH - 1)
        last = max(first + 1, round(WIDTH * at_work(spans, span.end) / whole))
        drawn.append(("." * first + ("#" if span.threads > 1 else "=") * (last - first)).ljust(WIDTH, "."))
    return drawn
