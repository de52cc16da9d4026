"""A claim's effects as a figure: a whisker for the interval, a dot a seed, and where the interval must lie."""

import html
from collections.abc import Sequence

from stages.core.run.ledger import ShownTest
from stages.evaluation.results import in_unit

WIDTH, ROW, LEFT, RIGHT, TOP = 640, 74, 20, 20, 6
STYLE = (
    "svg{font-family:system-ui,sans-serif}text{font-size:12px;fill:#5f6b76}.label{fill:#1c2126;font-size:13px}"
    ".axis{stroke:#dfe3e7}.bound{stroke:#b3382c;stroke-dasharray:4 3}.whisker{stroke:#1f5fa8;stroke-width:2.5;"
    "opacity:.55}.dot{fill:#1f5fa8}.seed{fill:none;stroke:#1f5fa8}.back{fill:#fff}"
)
"""Of a figure that stands alone; in a page the page's own style holds."""


def span(test: ShownTest) -> tuple[float, float]:
    """What the axis of a test must show: its interval, its seeds, its bounds and 0; never of no width."""
    shown = [0.0, test.low, test.high, *test.by_seed.values(), *bounds(test)]
    low, high = min(shown), max(shown)
    pad = (high - low) * 0.06 or 1.0
    return low - pad, high + pad


def bounds(test: ShownTest) -> list[float]:
    """Where the lines stand that the interval must not touch."""
    return [-test.limit, test.limit] if test.bound == "within" else [test.limit]


def effects_chart(tests: Sequence[ShownTest], alone: bool = False) -> str:
    """A row a test, each on an axis of its own. alone: with its style inside, for an image of a document."""
    height = TOP + ROW * len(tests)
    parts = [f'<rect class="back" width="{WIDTH}" height="{height}"/>'] if alone else []
    for number, test in enumerate(tests):
        low, high = span(test)
        top, y = TOP + ROW * number, TOP + ROW * number + 40

        def x(value: float, low: float = low, high: float = high) -> str:
            return f"{LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low):.1f}"

        parts.append(f'<text class="label" x="{LEFT}" y="{top + 16}">{html.escape(test.test)}</text>')
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        for value in dict.fromkeys((0.0, *bounds(test))):
            kind = "bound" if value in bounds(test) else "axis"
            parts.append(f'<line class="{kind}" x1="{x(value)}" x2="{x(value)}" y1="{y - 14}" y2="{y + 10}"/>')
            name = in_unit(test.metric, value)
            parts.append(f'<text x="{x(value)}" y="{y + 24}" text-anchor="middle">{name}</text>')
        parts.append(f'<line class="whisker" x1="{x(test.low)}" x2="{x(test.high)}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="dot" cx="{x(test.value)}" cy="{y}" r="4.5"/>')
        if len(test.by_seed) > 1:
            parts += [f'<circle class="seed" cx="{x(v)}" cy="{y}" r="3"/>' for v in test.by_seed.values()]
    size = f'viewBox="0 0 {WIDTH} {height}"'
    head = f'xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" {size}' if alone else f'class="wide" {size}'
    return f'<svg {head} role="img">{f"<style>{STYLE}</style>" if alone else ""}{"".join(parts)}</svg>'
