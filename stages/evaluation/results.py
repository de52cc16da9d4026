"""The rows of an evaluation as tables: which metrics lead, how a value is written, what moved from stage to stage.

A row is a mapping with checkpoint, benchmark, mode, metric, value, low, high, n, k and, where thinking was cut, budget.
Needs no torch.
"""

import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from stages.evaluation.published import QWEN3_TABLE_22, R1_TABLE_3, PaperTable

Row = Mapping[str, Any]

BENCHMARKS = (
    "reasoning", "math", "code", "stem", "chinese", "instruction_following", "general", "safety",
    "think_follow", "length_control", "budget",
)  # fmt: skip
LEADING = {
    "reasoning": (r"pass@1", r"cons@\d+", r"pass@\d+", r"format_rate", r"language_consistency", r"mean_tokens"),
    "math": (r"pass@1",),
    "code": (r"pass@1",),
    "stem": (r"pass@1",),
    "chinese": (r"pass@1",),
    "instruction_following": (r"followed",),
    "general": (r"win_rate", r"reward_model_score", r"gold"),
    "safety": (r"unsafe_refused", r"safe_answered"),
    "think_follow": (r"followed",),
    "length_control": (r"length_score",),
    "budget": (r"pass@1 at \d+", r"cut at \d+", r"pass@1 \(cut\) at \d+", r"mean_tokens at \d+"),
}
"""Benchmark -> its metrics in the leading table, as patterns in order; of an unlisted benchmark all lead."""
SAMPLING = (r"greedy", r"pass@1", r"pass@1 \(T 1\)", r"cons@\d+", r"pass@\d+", r"pass@\d+ \(T 1\)")
"""The columns that tell learning from sharpening."""
_SHARE = re.compile(
    r"(pass|cons)@|greedy|win_rate|followed|unsafe_refused|safe_answered|format_rate|language_consistency"
    r"|length_score|cut"
)


class Cell(NamedTuple):
    """One value with its 95 % interval, over n problems of k samples."""

    metric: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    k: int | None

    def write(self, value: float | None) -> str:
        """Shares in percent, lengths in tokens to a tenth, scores to two decimals."""
        if value is None:
            return ""
        if _SHARE.match(self.metric):
            return f"{100 * value:.1f}"
        return f"{value:.1f}" if "token" in self.metric else f"{value:.2f}"

    @property
    def text(self) -> str:
        return self.write(self.value)

    @property
    def interval(self) -> str:
        return "" if self.low is None or self.high is None else f"{self.write(self.low)}–{self.write(self.high)}"


class Line(NamedTuple):
    """One row of a table: a metric of a benchmark, by checkpoint."""

    benchmark: str
    metric: str
    cells: dict[str, Cell]


class Shape(NamedTuple):
    """One row of the paper beside ours: values by stage, and per step from one stage to the next `↑`, `↓` or `≈`."""

    benchmark: str
    name: str
    ours: tuple[Cell | None, ...]
    our_steps: tuple[str, ...]
    paper: tuple[float | None, ...]
    paper_steps: tuple[str, ...]

    @property
    def values(self) -> tuple[float | None, ...]:
        return tuple(None if cell is None else cell.value for cell in self.ours)

    @property
    def agreement(self) -> tuple[int, int]:
        """(steps that go the same way, steps of the paper that we also have)."""
        pairs = [(a, b) for a, b in zip(self.our_steps, self.paper_steps, strict=True) if a and b]
        return sum(a == b for a, b in pairs), len(pairs)


def column(row: Row) -> str:
    """The table column of a row: the checkpoint, and its mode where it has several."""
    return f"{row['checkpoint']} ({row['mode']})" if row.get("mode") else str(row["checkpoint"])


def order_columns(rows: Iterable[Row], stages: Sequence[str] = ()) -> list[str]:
    """The columns in the order of `stages`; those it does not name first, as they come (a base precedes its recipe).

    `distillation_<student>` stands where `distillation` does.
    """

    def rank(checkpoint: str) -> int:
        names = [i for i, stage in enumerate(stages) if checkpoint == stage or checkpoint.startswith(f"{stage}_")]
        return max(names, key=lambda i: len(stages[i]), default=-1)

    ranks = {column(row): rank(str(row["checkpoint"])) for row in rows}
    return sorted(ranks, key=ranks.get)


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def lines(rows: Iterable[Row], patterns: Mapping[str, Sequence[str]] | None = None) -> list[Line]:
    """Rows -> lines in the order of BENCHMARKS and of each benchmark's patterns; without patterns, every metric.

    Rows without a finite value are left out; so are lines without a cell.
    """
    table: dict[str, dict[str, dict[str, Cell]]] = {}
    for row in rows:
        if (value := _number(row.get("value"))) is None:
            continue
        low, high = _number(row.get("low")), _number(row.get("high"))
        cell = Cell(row["metric"], value, low, high, row.get("n"), row.get("k"))
        budget = row.get("budget")
        metric = row["metric"] if budget is None else f"{row['metric']} at {budget}"
        table.setdefault(row["benchmark"], {}).setdefault(metric, {})[column(row)] = cell
    known = [name for name in BENCHMARKS if name in table]
    result = []
    for benchmark in known + [name for name in table if name not in known]:
        metrics = list(table[benchmark])
        if patterns is not None and benchmark in patterns:
            metrics = list(dict.fromkeys(m for p in patterns[benchmark] for m in metrics if re.fullmatch(p, m)))
        result += [Line(benchmark, metric, table[benchmark][metric]) for metric in metrics]
    return result


def step(before: Cell | None, after: Cell | None) -> str:
    """`↑` or `↓` where the intervals are apart, `≈` where they are not, nothing where a value is missing."""
    if before is None or after is None:
        return ""
    floor = after.value if after.low is None else after.low
    ceiling = after.value if after.high is None else after.high
    if floor > (before.value if before.high is None else before.high):
        return "↑"
    return "↓" if ceiling < (before.value if before.low is None else before.low) else "≈"


def shape(rows: Iterable[Row], table: PaperTable = R1_TABLE_3) -> list[Shape]:
    """A paper's table beside our nearest benchmarks; empty where fewer than two of its stages were evaluated.

    A checkpoint that was measured in one mode alone stands in for the table's mode. The papers print no intervals:
    their steps of less than a point count as level.
    """
    cells = {(line.benchmark, line.metric): line.cells for line in lines(rows)}
    result = []
    for published in table.rows:
        found = cells.get((published.benchmark, published.metric), {})
        ours = tuple(found.get(f"{stage} ({table.mode})", found.get(stage)) for stage in table.stages)
        if sum(cell is not None for cell in ours) < 2:
            continue
        steps = tuple(step(a, b) for a, b in zip(ours, ours[1:], strict=False))
        theirs = tuple(_paper_step(a, b) for a, b in zip(published.values, published.values[1:], strict=False))
        result.append(Shape(published.benchmark, published.name, ours, steps, published.values, theirs))
    return result


def _paper_step(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    change = after - before
    return "≈" if abs(change) < 1 else "↑" if change > 0 else "↓"


def beside_paper(rows: Iterable[Row]) -> list[tuple[PaperTable, list[Shape]]]:
    """The papers' tables that results can stand beside.

    Qwen3's where checkpoints were measured in two modes, else R1's: stages of one name are in both.
    """
    rows = list(rows)
    tables = QWEN3_TABLE_22 if any(row.get("mode") for row in rows) else (R1_TABLE_3,)
    return [(table, found) for table in tables if (found := shape(rows, table))]


def sampling_lines(rows: Iterable[Row]) -> dict[str, tuple[list[str], dict[str, dict[str, Cell]]]]:
    """Benchmark -> (metrics, {checkpoint: {metric: cell}}) for each benchmark that was answered greedily."""
    rows = list(rows)
    result = {}
    for benchmark in dict.fromkeys(row["benchmark"] for row in rows if row["metric"] == "greedy"):
        found = lines([row for row in rows if row["benchmark"] == benchmark], {benchmark: SAMPLING})
        by_checkpoint: dict[str, dict[str, Cell]] = {}
        for line in found:
            for name, cell in line.cells.items():
                by_checkpoint.setdefault(name, {})[line.metric] = cell
        result[benchmark] = ([line.metric for line in found], by_checkpoint)
    return result


def summary_table(results: Iterable[Row]) -> str:
    """The results as text for a terminal: the leading metrics with intervals, then the paper's table beside them.

    Checkpoints stand in the order in which the rows name them, eight of them in 120 columns; those that do not think
    have a table of their own. Shares are in percent.
    """
    from rich.console import Console

    rows = list(results)
    if not rows:
        return "no results\n"
    console = Console(file=io.StringIO(), width=1000, color_system=None)  # so that a table takes the width it needs
    plain, without = [], []
    for name in order_columns(rows):
        (without if name.endswith("(non_thinking)") else plain).append(name)
    console.print(_leading(rows, plain, "Held-out results with 95 % intervals; shares in percent"))
    if without:
        console.print(_leading(rows, without, "The same without thinking"))
    for table, shapes in beside_paper(rows):
        console.print(_beside(table, shapes))
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _table(title: str, *columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name in ("benchmark", "metric") else "right")
    return table


def _leading(rows: Sequence[Row], names: Sequence[str], title: str) -> Any:
    shown = [line for line in lines(rows, LEADING) if line.cells.keys() & set(names)]
    headers = ["\n".join(name.split(" (")[0].replace("_", " ").rsplit(" ", 1)) for name in names]
    table = _table(title, "benchmark", "metric", *headers)
    for index, line in enumerate(shown):
        cells = [line.cells.get(name) for name in names]
        written = ["" if cell is None else f"{cell.text}\n{cell.interval}" for cell in cells]
        repeated = index > 0 and shown[index - 1].benchmark == line.benchmark
        benchmark = "" if repeated else line.benchmark.replace("_", "\n")
        table.add_row(benchmark, line.metric.replace("_", "\n"), *written)
    return table


def _beside(paper: PaperTable, shapes: Sequence[Shape]) -> Any:
    headers = [f"{label}\n{stage}" for label, stage in zip(paper.labels, paper.stages, strict=True)]
    title = f"Beside {paper.source} (↑ ↓ against the stage to the left, ≈ no clear change)"
    table = _table(title, "benchmark", *headers)
    previous = None
    for row in shapes:
        if row.benchmark != previous:
            ours = ["" if cell is None else cell.text for cell in row.ours]
            table.add_row(f"{row.benchmark.replace('_', ' ')}, here", *_with_steps(ours, row.our_steps))
            previous = row.benchmark
        printed = ["" if value is None else f"{value:.1f}" for value in row.paper]
        table.add_row(f"  {row.name}", *_with_steps(printed, row.paper_steps))
    return table


def _with_steps(values: Sequence[str], steps: Sequence[str]) -> list[str]:
    return [values[0], *(f"{step} {value}".strip() for step, value in zip(steps, values[1:], strict=True))]
