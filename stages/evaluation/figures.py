"""Small SVG figures to stand inside an HTML page; colours come from the page's CSS (`curve`, `faint`, `axis`)."""

import html
import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 300, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 22


class Interval(NamedTuple):
    """A value with its interval; seeds: (seed, its own value), where it is a mean over several."""

    label: str
    value: float
    low: float
    high: float
    seeds: Sequence[tuple[int, float]] = ()


def write(value: float) -> str:
    """A number for an axis: short, without trailing zeros."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3 or abs(value) >= 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return f"{value:.4g}"


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers inside [low, high], some `about` of them, at least two where the range is not empty."""
    if not high > low:
        return [low]
    for wanted in (about, 2 * about, 4 * about):
        size = 10 ** math.floor(math.log10((high - low) / wanted))
        size *= next(factor for factor in (1, 2, 5, 10) if factor * size * wanted >= (high - low) * 0.999)
        found = [index * size for index in range(math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9) + 1)]
        if len(found) >= 2:
            break
    return found


def smooth(values: Sequence[float], window: int) -> list[float]:
    """Centred moving average over `window` values (fewer at the ends)."""
    half = window // 2
    parts = [values[max(0, index - half) : index + half + 1] for index in range(len(values))]
    return [sum(part) / len(part) for part in parts]


def thin(points: Sequence[tuple[float, float]], most: int = 400) -> list[tuple[float, float]]:
    """At most about `most` points, each the mean of its bin, so that long runs stay light."""
    size = math.ceil(len(points) / most) or 1
    bins = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in bins]


def line_chart(points: Sequence[tuple[float, float]], title: str, x_label: str = "step") -> str:
    """A curve: every point faint, their moving average strong, first and last smoothed value in the caption."""
    points = thin(points)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    strong = smooth(ys, max(1, len(ys) // 12))
    low, high = min(ys), max(ys)
    if high == low:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    span = (xs[-1] - xs[0]) or 1

    def place(x: float, y: float) -> str:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (x - xs[0]) / span
        return f"{across:.1f},{HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - low) / (high - low):.1f}"

    parts = []
    for tick in ticks(low, high):
        y = place(xs[0], tick).split(",")[1]
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y}" dy="3.5" text-anchor="end">{write(tick)}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 7}">{write(xs[0])}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 7}" text-anchor="end">{x_label} {write(xs[-1])}</text>')
    if len(points) == 1:
        x, y = place(xs[0], ys[0]).split(",")
        parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>')
    else:
        parts.append(f'<polyline class="faint" points="{" ".join(map(place, xs, ys))}"/>')
        parts.append(f'<polyline class="curve" points="{" ".join(map(place, xs, strong))}"/>')
    name = html.escape(title)
    caption = f"<b>{name}</b> <span>{write(strong[0])} → {write(strong[-1])}</span>"
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{"".join(parts)}</svg>'
    return f"<figure><figcaption>{caption}</figcaption>{picture}</figure>"


def lines_chart(lines: Sequence[tuple[str, Sequence[tuple[float, float]]]], title: str, x_label: str = "step") -> str:
    """(label, points) on one pair of axes, the later the stronger; a label stands at the end of its line."""
    ends = 44  # what labels need on the right
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    low, high = min(ys), max(ys)
    if high == low:
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    first, last = min(xs), max(xs)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - ends) * (x - first) / ((last - first) or 1)
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - low) / (high - low)

    parts = []
    for tick in ticks(low, high):
        y = f"{place(first, tick)[1]:.1f}"
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - ends}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y}" dy="3.5" text-anchor="end">{write(tick)}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 7}">{write(first)}</text>')
    parts.append(f'<text x="{WIDTH - ends}" y="{HEIGHT - 7}" text-anchor="end">{x_label} {write(last)}</text>')
    places = [[place(x, y) for x, y in points] for _, points in lines]
    labels = apart([found[-1][1] for found in places], 10, HEIGHT - BOTTOM)
    for number, ((label, _), found, y) in enumerate(zip(lines, places, labels, strict=True)):
        strength = f"{0.35 + 0.65 * (number + 1) / len(lines):.2f}"
        drawn = " ".join(f"{across:.1f},{up:.1f}" for across, up in found)
        parts.append(f'<polyline class="curve" opacity="{strength}" points="{drawn}"/>')
        parts.append(f'<text x="{WIDTH - ends + 4}" y="{y:.1f}" dy="3.5">{html.escape(label)}</text>')
    name = html.escape(title)
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{"".join(parts)}</svg>'
    return f"<figure><figcaption><b>{name}</b></figcaption>{picture}</figure>"


def apart(places: Sequence[float], gap: float, most: float) -> list[float]:
    """Places along a line, moved until `gap` is between any two and all are at `most` or below, in their order."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    for before, index in zip([None, *order], order, strict=False):
        if before is not None:
            moved[index] = max(moved[index], moved[before] + gap)
    limit = most
    for index in reversed(order):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - gap
    return moved


def interval_chart(values: Sequence[Interval], maximum: float = 1.0) -> str:
    """From top to bottom a dot on its interval, and each seed's beside it, on one axis from 0 to `maximum`."""
    row, right = 26, 60
    left = max(150, 10 + max(round(6.6 * len(found.label)) for found in values))
    width, height = 490 + left, row * len(values) + 30

    def x(value: float) -> float:
        return left + (width - left - right) * min(max(value / maximum, 0), 1)

    parts = []
    for tick in ticks(0, maximum, 5):
        at = f"{x(tick):.1f}"
        parts.append(f'<line class="axis" x1="{at}" x2="{at}" y1="4" y2="{height - 26}"/>')
        parts.append(f'<text x="{at}" y="{height - 10}" text-anchor="middle">{100 * tick:.0f}</text>')
    for index, (label, value, low, high, seeds) in enumerate(values):
        y = 16 + row * index
        name = html.escape(label.replace("_", " "))
        parts.append(f'<text class="label" x="{left - 10}" y="{y + 4}" text-anchor="end">{name}</text>')
        parts.append(f'<line class="whisker" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="dot" cx="{x(value):.1f}" cy="{y}" r="4.5"/>')
        parts += [seed_dot(x(own), y + 8, seed, f"{100 * own:.1f}") for seed, own in seeds]
        end = x(max([high, *(own for _, own in seeds)]))
        parts.append(f'<text class="label" x="{end + 8:.1f}" y="{y + 4}">{100 * value:.1f}</text>')
    return f'<svg class="wide" viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def seed_dot(x: float, y: float, seed: int, told: str) -> str:
    """A single seed's value, small, which says on pointing which it is."""
    title = f"<title>seed {seed}: {html.escape(told)}</title>"
    return f'<circle class="seed" cx="{x:.1f}" cy="{y:.1f}" r="2.5">{title}</circle>'


def seed_strip(cell: Interval, told: Sequence[str]) -> str:
    """The interval as a line and each seed as a dot, between the lowest and the highest of them; told: in words."""
    width, height, pad = 96, 12, 5
    values = [cell.low, cell.high, *(own for _, own in cell.seeds)]
    low, high = min(values), max(values)

    def x(value: float) -> float:
        return pad + (width - 2 * pad) * ((value - low) / (high - low) if high > low else 0.5)

    parts = [f'<line class="whisker" x1="{x(cell.low):.1f}" x2="{x(cell.high):.1f}" y1="6" y2="6"/>']
    parts += [seed_dot(x(own), 6, seed, text) for (seed, own), text in zip(cell.seeds, told, strict=True)]
    return f'<svg class="strip" viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def scatter_chart(
    points: Sequence[tuple[str, float, float]],
    x_label: str,
    y_label: str,
    seeds: Sequence[tuple[int, float, float]] = (),
) -> str:
    """(label, x, y), y a share: dots with their names on two axes that begin at 0.

    seeds: (seed, x, y) of single seeds, small and without names.
    """
    width, height, left, bottom = 640, 340, 44, 40
    most = max(x for _, x, _ in [*points, *seeds]) * 1.25 or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (width - left - 10) * x / most, 10 + (height - bottom - 10) * (1 - y)

    parts = []
    for tick in ticks(0, 1, 5):
        y = f"{place(0, tick)[1]:.1f}"
        parts.append(f'<line class="axis" x1="{left}" x2="{width - 10}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 6}" y="{y}" dy="3.5" text-anchor="end">{100 * tick:.0f}</text>')
    for tick in ticks(0, most, 6):
        x = f"{place(tick, 0)[0]:.1f}"
        parts.append(f'<text x="{x}" y="{height - bottom + 16}" text-anchor="middle">{write(tick)}</text>')
    names = f"{html.escape(x_label)}; upwards: {html.escape(y_label)}"
    parts.append(f'<text class="label" x="{width - 10}" y="{height - 6}" text-anchor="end">{names}</text>')
    parts += [seed_dot(*place(across, up), seed, f"{100 * up:.1f}") for seed, across, up in seeds]
    for label, across, up in points:
        x, y = place(across, up)
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>')
        name = html.escape(label.replace("_", " "))
        parts.append(f'<text class="label" x="{x + 8:.1f}" y="{y + 4:.1f}">{name}</text>')
    return f'<svg class="wide" viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def ladder_chart(
    points: Sequence[tuple[str, float, float, float]], levels: Sequence[tuple[str, float]], x_label: str
) -> str:
    """(label, share, low, high) at equal distances along x: a curve on its intervals; `levels`: lines right across."""
    width, height, left, right, bottom = 640, 300, 44, 110, 40
    apart = (width - left - right) / max(len(points), 1)

    def y(share: float) -> str:
        return f"{10 + (height - bottom - 10) * (1 - share):.1f}"

    parts = []
    for tick in ticks(0, 1, 5):
        parts.append(f'<line class="axis" x1="{left}" x2="{width - right}" y1="{y(tick)}" y2="{y(tick)}"/>')
        parts.append(f'<text x="{left - 6}" y="{y(tick)}" dy="3.5" text-anchor="end">{100 * tick:.0f}</text>')
    for label, share in levels:
        parts.append(f'<line class="faint" x1="{left}" x2="{width - right}" y1="{y(share)}" y2="{y(share)}"/>')
        name = html.escape(f"{label} {100 * share:.1f}")
        parts.append(f'<text class="label" x="{width - right + 6}" y="{y(share)}" dy="4">{name}</text>')
    places = [left + apart * (index + 0.5) for index in range(len(points))]
    line = " ".join(f"{x:.1f},{y(share)}" for x, (_, share, _, _) in zip(places, points, strict=True))
    parts.append(f'<polyline class="curve" points="{line}"/>')
    for x, (label, share, low, high) in zip(places, points, strict=True):
        parts.append(f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{y(low)}" y2="{y(high)}"/>')
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y(share)}" r="4.5"/>')
        parts.append(f'<text class="label" x="{x + 7:.1f}" y="{y(share)}" dy="14">{100 * share:.1f}</text>')
        parts.append(f'<text x="{x:.1f}" y="{height - bottom + 16}" text-anchor="middle">{html.escape(label)}</text>')
    name = html.escape(x_label)
    parts.append(f'<text class="label" x="{width - right}" y="{height - 6}" text-anchor="end">{name}</text>')
    return f'<svg class="wide" viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def sparkline(values: Sequence[float | None], label: str) -> str:
    """A shape without an axis, from its own least to its own greatest value; None leaves a gap."""
    width, height, pad = 96, 26, 4
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    low, high = min(value for _, value in known), max(value for _, value in known)
    across = (width - 2 * pad) / max(len(values) - 1, 1)
    places = [
        (
            pad + across * index,
            height - pad - (height - 2 * pad) * ((value - low) / (high - low) if high > low else 0.5),
        )
        for index, value in known
    ]
    dots = "".join(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in places)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    name = html.escape(label)
    svg = f'<svg class="spark" viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
    return f'{svg}<polyline class="curve" points="{line}"/>{dots}</svg>'
