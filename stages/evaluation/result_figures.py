"""Results as figures: accuracy by checkpoint, against tokens, against the thinking budget. Needs no torch."""

from collections.abc import Sequence

from stages.evaluation import figures
from stages.evaluation.results import Cell, Row, lines


def overview(results: Sequence[Row], columns: Sequence[str]) -> str:
    """pass@1 on the pooled reasoning questions by checkpoint, as a figure; nothing where it was not measured."""
    cells = {line.metric: line.cells for line in lines(results) if line.benchmark == "reasoning"}.get("pass@1", {})
    points = [as_interval(name, cells[name]) for name in columns if name in cells]
    return figures.interval_chart(points) if points else ""


def as_interval(name: str, cell: Cell) -> figures.Interval:
    """A cell as figures draw it."""
    low, high = (cell.value if end is None else end for end in (cell.low, cell.high))
    return figures.Interval(name, cell.value, low, high, cell.seeds if len(cell.seeds) > 1 else ())


def strip(cell: Cell) -> str:
    """Each of several seeds as a dot beside the interval; empty where there are none."""
    found = as_interval(cell.metric, cell)
    return figures.seed_strip(found, [cell.write(value) for _, value in found.seeds]) if found.seeds else ""


def token_efficiency(results: Sequence[Row], columns: Sequence[str]) -> str:
    """pass@1 against mean tokens on the pooled reasoning questions (Kimi k1.5 Fig. 7), as a figure."""
    found = {line.metric: line.cells for line in lines(results) if line.benchmark == "reasoning"}
    tokens, accuracy = found.get("mean_tokens", {}), found.get("pass@1", {})
    names = [name for name in columns if name in tokens and name in accuracy]
    points = [(name, tokens[name].value, accuracy[name].value) for name in names]
    lengths = {name: dict(tokens[name].seeds) for name in names}
    seeds = [
        (seed, lengths[name][seed], own)
        for name in names
        for seed, own in accuracy[name].seeds
        if seed in lengths[name]
    ]
    return figures.scatter_chart(points, "mean tokens", "pass@1", seeds) if points else ""


def budget_curve(results: Sequence[Row]) -> str:
    """pass@1 by thinking budget, between that without a limit and that without thinking (Qwen3 Fig. 2), as a figure."""
    results = [row for row in results if row.get("seed") is None]
    cut = [row for row in results if row["benchmark"] == "budget" and row["metric"] == "pass@1"]
    names = {row["checkpoint"] for row in cut}
    whole = [
        row
        for row in results
        if row["checkpoint"] in names and row["benchmark"] == "reasoning" and row["metric"] == "pass@1" and row["mode"]
    ]
    labels = {"thinking": "no budget", "non_thinking": "not thinking"}
    points = [(str(row["budget"]), row["value"], row["low"], row["high"]) for row in cut]
    levels = [(labels[row["mode"]], row["value"]) for row in whole]
    return figures.ladder_chart(points, levels, "tokens of thinking") if cut else ""
