"""A claim as figures: its effects, each a whisker for the interval and a dot a seed; its curves; its reliability."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Protocol

from stages.core.allowed.claims import Claim, Correlation, Curve, Series
from stages.core.run.ledger import ShownFigure, ShownLine, ShownTest
from stages.evaluation.claims import Curves, Evidence
from stages.evaluation.estimators import reliability
from stages.evaluation.figures import ticks, write
from stages.evaluation.held_out_figures import DRAWN, OVER_OPTIMISED, PREFIX, Point, against_root
from stages.evaluation.results import in_unit
from stages.evaluation.settings import CALIBRATION, CONFIDENCE, MAJORITY

WIDTH, ROW, LEFT, RIGHT, TOP = 640, 74, 20, 20, 6
STYLE = (
    "svg{font-family:system-ui,sans-serif}text{font-size:12px;fill:#5f6b76}.label{fill:#1c2126;font-size:13px}"
    ".axis{stroke:#dfe3e7}.bound{stroke:#b3382c;stroke-dasharray:4 3}.whisker{stroke:#1f5fa8;stroke-width:2.5;"
    "opacity:.55}.dot{fill:#1f5fa8}.seed{fill:none;stroke:#1f5fa8}.back{fill:#fff}"
)
"""Of a figure that stands alone; in a page the page's own style holds."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""One a name, then again from the first: Okabe and Ito's, which most eyes tell apart, on white and on black."""
DIGITS = 6
"""Of a kept number behind the point: more would differ from machine to machine."""


class Drawable(Evidence, Protocol):
    """What was measured, and how far runs came."""

    def distances(self, stage: str) -> Curves:
        """KL from a stage's start on general prompts, along its run; empty where it was not measured."""


# -- what is drawn


def drawn(claim: Claim, evidence: Drawable) -> list[ShownFigure]:
    """What a claim's tests are of: each curve, and the reliability of the checkpoints whose calibration is tested."""
    curves: dict[str, dict[str, None]] = {}
    sides: dict[Series, None] = {}
    for test in claim.effects():
        if isinstance(test, Curve | Correlation):
            for metric in test.metrics():
                curves.setdefault(metric, {}).update(dict.fromkeys(test.stages()))
        else:
            calibrated = [side for side in test.sides() if side.metric in CALIBRATION]
            sides |= {side.model_copy(update={"metric": CONFIDENCE}): None for side in calibrated}
    found = [curves_of(metric, list(stages), evidence) for metric, stages in curves.items()]
    return [*found, reliability_of(list(sides), evidence)] if sides else found


def curves_of(metric: str, stages: Sequence[str], evidence: Drawable) -> ShownFigure:
    """A metric along the runs of some stages, a line a seed: against updates, or √KL where over-optimisation shows."""
    name = metric.removeprefix(PREFIX)
    distances = {stage: evidence.distances(stage) for stage in stages} if name in OVER_OPTIMISED else {}
    rooted = bool(distances) and all(distances.values())
    lines = [
        ShownLine(name=stage, points=rounded(against_root(distances[stage][seed], found) if rooted else sorted(found)))
        for stage in stages
        for seed, found in evidence.curves(stage, metric).items()
    ]
    return ShownFigure(across="√KL" if rooted else "updates", up=DRAWN.get(name, metric), lines=lines)


def reliability_of(sides: Sequence[Series], evidence: Drawable) -> ShownFigure:
    """How often answers of a confidence are right, a line a checkpoint, over the answers of all of its seeds."""
    lines = []
    for side in sides:
        sure, right = (evidence.answers(side.model_copy(update={"metric": name})) for name in (CONFIDENCE, MAJORITY))
        answers = [
            (confidence, right[seed][question][0])
            for seed, values in sure.items()
            for question, (confidence, _) in values.items()
        ]
        bins = reliability(*zip(*answers, strict=True))
        points = rounded((found.confidence, found.accuracy) for found in bins)
        lines.append(ShownLine(name=side.whose, points=points, counts=[found.answers for found in bins]))
    return ShownFigure(across="confidence", up="accuracy", lines=lines, diagonal=True)


def rounded(points: Iterable[Point]) -> list[Point]:
    """Points as they are kept."""
    return [(round(across, DIGITS), round(up, DIGITS)) for across, up in points]


# -- how


def span(test: ShownTest) -> tuple[float, float]:
    """What the axis of a test must show: its interval, its seeds, its bounds and 0; never of no width."""
    return padded([0.0, test.low, test.high, *test.by_seed.values(), *bounds(test)])


def padded(shown: Sequence[float]) -> tuple[float, float]:
    """From a little below the least to a little above the greatest."""
    low, high = min(shown), max(shown)
    pad = (high - low) * 0.06 or 1.0
    return low - pad, high + pad


def bounds(test: ShownTest) -> list[float]:
    """Where the lines stand that the interval must not touch."""
    return [-test.limit, test.limit] if test.bound == "within" else [test.limit]


def effects_chart(tests: Sequence[ShownTest], alone: bool = False) -> str:
    """A row a test, each on an axis of its own. alone: with its style inside, for an image of a document."""
    parts = []
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
    return image(parts, TOP + ROW * len(tests), alone)


def lines_chart(figure: ShownFigure, alone: bool = False) -> str:
    """Lines of one name in one colour, dots by the number of answers behind them. alone: as of `effects_chart`."""
    height, left, top, bottom = 300, 52, 26, 40
    points = [point for line in figure.lines for point in line.points]
    spans = [(0.0, 1.0)] * 2 if figure.diagonal else [padded(values) for values in zip(*points, strict=True)]
    most = max((count for line in figure.lines for count in line.counts), default=0)
    names = dict.fromkeys(line.name for line in figure.lines)
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}

    def place(across: float, up: float) -> tuple[str, str]:
        (first, last), (low, high) = spans
        x = left + (WIDTH - left - RIGHT) * (across - first) / (last - first)
        return f"{x:.1f}", f"{height - bottom - (height - top - bottom) * (up - low) / (high - low):.1f}"

    (first, last), (low, high) = spans
    parts = []
    for tick in ticks(low, high, 5):
        _, y = place(first, tick)
        parts.append(f'<line class="axis" x1="{left}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 6}" y="{y}" dy="3.5" text-anchor="end">{write(tick)}</text>')
    for tick in ticks(first, last, 6):
        x, _ = place(tick, low)
        parts.append(f'<text x="{x}" y="{height - bottom + 16}" text-anchor="middle">{write(tick)}</text>')
    axes = f"{html.escape(figure.across)}; upwards: {html.escape(figure.up)}"
    parts.append(f'<text class="label" x="{WIDTH - RIGHT}" y="{height - 6}" text-anchor="end">{axes}</text>')
    if figure.diagonal:
        (x1, y1), (x2, y2) = place(0, 0), place(1, 1)
        parts.append(f'<line class="axis" x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}"/>')
    for line in figure.lines:
        places, colour = [place(*point) for point in line.points], colours[line.name]
        joined = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{joined}"/>')
        sizes = [2 + 5 * math.sqrt(count / most) for count in line.counts] or [2.0] * len(places)
        dots = zip(places, sizes, strict=True)
        parts += [f'<circle fill="{colour}" cx="{x}" cy="{y}" r="{size:.1f}"/>' for (x, y), size in dots]
    told = "".join(f'<tspan dx="14" fill="{colour}">{html.escape(name)}</tspan>' for name, colour in colours.items())
    return image([*parts, f'<text class="label" x="{left - 14}" y="16">{told}</text>'], height, alone)


def image(parts: Sequence[str], height: int, alone: bool) -> str:
    """SVG of these parts; alone: with its style and its ground."""
    size = f'viewBox="0 0 {WIDTH} {height}"'
    head = f'xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" {size}' if alone else f'class="wide" {size}'
    ground = f'<style>{STYLE}</style><rect class="back" width="{WIDTH}" height="{height}"/>' if alone else ""
    return f'<svg {head} role="img">{ground}{"".join(parts)}</svg>'
