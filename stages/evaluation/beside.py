"""A run's results beside the papers': what stands beside what, what stands apart, and the printed summary.

A published number stands beside this run's on the same data set, or apart from all of this run's. Needs no torch.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from stages.evaluation.by_question import ByQuestion, difference_of
from stages.evaluation.published import (
    FIG_2_BUDGETS,
    KIMI_FIG_7,
    KIMI_TABLE_2,
    KIMI_TABLE_3,
    LECTURE,
    QWEN3_FIG_2,
    QWEN3_TABLE_21,
    QWEN3_TABLE_22,
    R1_TABLE_3,
    R1_TABLE_6,
    R1_TABLE_14,
    TABLE_21_HOURS,
    TABLE_21_METHODS,
    TABLE_21_STAGES,
    PaperTable,
    Published,
    TokenPoint,
)
from stages.evaluation.results import LEADING, Cell, Row, lines, order_columns
from stages.evaluation.seeds import about_seeds

TABLES = (R1_TABLE_3, R1_TABLE_14, R1_TABLE_6, KIMI_TABLE_2, KIMI_TABLE_3, *QWEN3_TABLE_22, QWEN3_TABLE_21)
OWN = {
    ("reasoning", "pass@1"), ("math", "pass@1"), ("code", "pass@1"), ("stem", "pass@1"), ("chinese", "pass@1"),
    ("instruction_following", "followed"), ("general", "win_rate"), ("safety", "unsafe_refused"),
    ("think_follow", "followed"), ("length_control", "length_score"),
}  # fmt: skip
"""What a run shows of its own by a paper's stages: benchmark and metric."""


class Shape(NamedTuple):
    """One row by stage, of a paper, of this run or of both: its values, and `↑`, `↓` or `≈` from stage to stage."""

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


def step(before: Cell | None, after: Cell | None) -> str:
    """`↑` or `↓` where the difference, question by question and seed by seed, has an interval without 0, else `≈`.

    Nothing where a value is missing, or where the two have no question or no seed in common.
    """
    if before is None or after is None:
        return ""
    first, second = dict(before.answers), dict(after.answers)
    common = [seed for seed in first if seed in second]
    if not common and None in first.keys() | second.keys():  # one for all seeds beside each of the other's
        pairs = list(first.values()), list(second.values())
    else:
        pairs = [first[seed] for seed in common], [second[seed] for seed in common]
    found = difference_of(*pairs) if all(pairs) else None
    if found is None:
        return ""
    return "↑" if found.low > 0 else "↓" if found.high < 0 else "≈"


def shape(rows: Iterable[Row], table: PaperTable, by_question: ByQuestion | None = None) -> list[Shape]:
    """The rows of a paper's table whose data set this run asked too, in as many of its stages as a step needs.

    A checkpoint that was measured in one mode alone stands in for the table's mode. The papers print no intervals:
    their steps of less than a point count as level.
    """
    cells = _cells(rows, by_question)
    result = []
    for published in table.rows:
        ours = _by_stage(cells.get((published.data_set, published.metric), {}), table)
        if sum(cell is not None for cell in ours) >= _least(table):
            result.append(_shape(published.name, table, ours, published.values))
    return result


def own_shape(rows: Iterable[Row], table: PaperTable, by_question: ByQuestion | None = None) -> list[Shape]:
    """This run's own benchmarks by the stages of a table, beside no number of it; empty below two stages."""
    result = []
    for (benchmark, metric), cells in _cells(rows, by_question).items():
        ours = _by_stage(cells, table)
        if (benchmark, metric) in OWN and sum(cell is not None for cell in ours) >= 2:
            result.append(_shape(f"{benchmark} {metric}".replace("_", " "), table, ours, (None,) * len(ours)))
    return result


def _cells(rows: Iterable[Row], by_question: ByQuestion | None = None) -> dict[tuple[str, str], dict[str, Cell]]:
    return {(line.benchmark, line.metric): line.cells for line in lines(rows, None, by_question)}


def _by_stage(found: Mapping[str, Cell], table: PaperTable) -> tuple[Cell | None, ...]:
    return tuple(found.get(f"{stage} ({table.mode})", found.get(str(stage))) for stage in table.stages)


def _least(table: PaperTable) -> int:
    """Stages that a run must have to be set beside a table: two make a step, and of some tables one is ours."""
    return min(2, sum(stage is not None for stage in table.stages))


def _shape(name: str, table: PaperTable, ours: Sequence[Cell | None], paper: Sequence[float | None]) -> Shape:
    neighbours = list(zip(table.stages, table.stages[1:], strict=False))
    made = [table.steps and None not in pair for pair in neighbours]
    our_steps = tuple(step(a, b) if of else "" for a, b, of in zip(ours, ours[1:], made, strict=False))
    paper_steps = tuple(_paper_step(a, b) if of else "" for a, b, of in zip(paper, paper[1:], made, strict=False))
    return Shape(name, tuple(ours), our_steps, tuple(paper), paper_steps)


def _paper_step(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    change = after - before
    return "≈" if abs(change) < 1 else "↑" if change > 0 else "↓"


class Beside(NamedTuple):
    """A paper's table and a run: rows of the same data set, the run's own by stage, the rest of the paper's table."""

    table: PaperTable
    same: list[Shape]
    own: list[Shape]
    apart: list[Shape]


def beside_paper(rows: Iterable[Row], by_question: ByQuestion | None = None) -> list[Beside]:
    """The papers' tables whose stages a run has measured; by_question: what the steps from stage to stage are of.

    Those of Qwen3 where checkpoints were measured in two modes, else the others': stages of one name are in both. What
    a run shows of its own by the same stages is shown once.
    """
    rows = list(rows)
    modes = any(row.get("mode") for row in rows)
    measured = set(order_columns(rows))
    result: list[Beside] = []
    for table in TABLES:
        stages = [s for s in table.stages if s is not None and {s, f"{s} ({table.mode})"} & measured]
        if (table.mode is not None) != modes or len(stages) < _least(table):
            continue
        same = shape(rows, table, by_question)
        known = {found.name for found in same}
        nobody = (None,) * len(table.stages)
        apart = [_shape(row.name, table, nobody, row.values) for row in table.rows if row.name not in known]
        shown = [other.table.stages for other in result if other.own and other.table.mode == table.mode]
        own = [] if table.stages in shown else own_shape(rows, table, by_question)
        result.append(Beside(table, same, own, apart))
    return result


def lecture_tables(settings: Iterable[Mapping[str, Any]]) -> list[Beside]:
    """What the lecture shows of the methods that the stages of a run use; settings: those of each stage."""
    used = {name for each in settings for name in each}
    return [
        Beside(table, [], [], [_shape(row.name, table, (None,) * len(row.values), row.values) for row in table.rows])
        for names, table in LECTURE
        if names & used
    ]


def token_points(rows: Iterable[Row]) -> list[tuple[TokenPoint, Cell | None, Cell | None]]:
    """Kimi's Fig. 7 where a run has one of its stages: the point, and this run's pass@1 and tokens on that data set."""
    rows = list(rows)
    cells, measured = _cells(rows), {row["checkpoint"] for row in rows}
    return [
        (point, *(cells.get((point.data_set, metric), {}).get(point.stage) for metric in ("pass@1", "mean_tokens")))
        for point in KIMI_FIG_7
        if point.stage in measured
    ]


def budget_points(rows: Iterable[Row]) -> list[tuple[Published, tuple[Cell | None, ...]]]:
    """Qwen3's Fig. 2 where a run tried budgets: the paper's row, and this run's cells on that data set, if it has any.

    Cells stand under the paper's budgets, the last under no thinking.
    """
    rows = list(rows)
    names = {row["checkpoint"] for row in rows if row.get("budget") is not None}
    cells = _cells(rows)

    def of(data_set: str | None, metric: str, mode: str) -> Cell | None:
        found = cells.get((data_set, metric), {})
        return next((found[f"{name} ({mode})"] for name in names if f"{name} ({mode})" in found), None)

    return [
        (
            published,
            (
                *(of(published.data_set, f"pass@1 at {budget}", "thinking") for budget in FIG_2_BUDGETS),
                of(published.data_set, "pass@1", "non_thinking"),
            ),
        )
        for published in QWEN3_FIG_2
        if names
    ]


def strong_to_weak(results: Sequence[Row], seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Off-policy distillation, RL and on-policy distillation of one student (Qwen3 Table 21), with their seconds.

    seconds: by stage. `times`, `hours_times`: the compute of RL as a multiple of on-policy distillation's, here and in
    the paper.
    """
    least, least_hours = seconds.get(TABLE_21_STAGES[-1]), TABLE_21_HOURS[-1]
    measured = [line for line in lines(results) if line.benchmark == "reasoning"]
    found = []
    for name, method, hours in zip(TABLE_21_STAGES, TABLE_21_METHODS, TABLE_21_HOURS, strict=True):
        cells = {
            line.metric: line.cells[f"{name} (thinking)"] for line in measured if f"{name} (thinking)" in line.cells
        }
        if cells:
            shown = [(metric, cell) for metric, cell in cells.items() if metric.startswith("pass@")]
            other = hours is not None and name != TABLE_21_STAGES[-1]
            found.append(
                {
                    "method": method,
                    "cells": shown,
                    "seconds": seconds.get(name),
                    "times": seconds[name] / least if other and least and name in seconds else None,
                    "hours": hours,
                    "hours_times": hours / least_hours if other else None,
                }
            )
    return found


def number(value: float | None) -> str:
    """A published value as it is written: percent to a tenth, a rating whole."""
    return "" if value is None else f"{value:.0f}" if value >= 1000 else f"{value:.1f}"


def summary_table(results: Iterable[Row], by_question: ByQuestion | None = None) -> str:
    """The results as text for a terminal: the leading metrics with intervals, then the papers' tables.

    Checkpoints stand in the order in which the rows name them, eight of them in 120 columns; those that do not think
    have a table of their own. Shares are in percent. Each of several seeds is a dot.
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
    console.print(about_seeds(rows), highlight=False)
    if any(cell.strip for line in lines(rows) for cell in line.cells.values()):
        console.print("A dot is a seed, between the lowest and the highest of seeds and interval", highlight=False)
    papers = beside_paper(rows, by_question)
    for found in papers:
        heads = ("The same data sets here and in", found.same), ("Apart, not measured here:", found.apart)
        for head, shapes in heads:
            if shapes:
                console.print(f"{head} {found.table.source}", highlight=False)
                console.print(_beside(found.table, shapes))
    if any(found.table.steps for found in papers):
        console.print(
            "↑ ↓ against the stage to the left, here by the same questions; ≈ no clear change, in a paper under a point"
        )
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _table(title: str | None, *columns: str) -> Any:
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
        written = ["" if cell is None else f"{cell.text}\n{cell.interval}\n{cell.strip}".rstrip() for cell in cells]
        repeated = index > 0 and shown[index - 1].benchmark == line.benchmark
        benchmark = "" if repeated else line.benchmark.replace("_", "\n")
        table.add_row(benchmark, line.metric.replace("_", "\n"), *written)
    return table


def _beside(paper: PaperTable, shapes: Sequence[Shape]) -> Any:
    stages = ["" if stage is None else f"\n{stage}" for stage in paper.stages]
    table = _table(None, "benchmark", *map("".join, zip(paper.labels, stages, strict=True)))
    for row in shapes:
        if any(row.ours):
            ours = ["" if cell is None else cell.text for cell in row.ours]
            table.add_row(f"{row.name}, here", *_with_steps(ours, row.our_steps))
        name = f"{row.name}, paper" if any(row.ours) else row.name
        table.add_row(name, *_with_steps([number(value) for value in row.paper], row.paper_steps))
    return table


def _with_steps(values: Sequence[str], steps: Sequence[str]) -> list[str]:
    return [values[0], *(f"{step} {value}".strip() for step, value in zip(steps, values[1:], strict=True))]
