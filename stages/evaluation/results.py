"""The rows of an evaluation as tables: which metrics lead, how a value is written.

A row is a mapping with checkpoint, benchmark, mode, metric, value, low, high, n, k and, where thinking was cut, budget;
one of a stage with several seeds has its `seed`, and the row over all of them `seeds`. A table has a column for what is
made once and for all seeds of a stage together; the row of a single seed is a dot in its cell. Needs no torch.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from data.public.sources import SOURCES
from stages.evaluation.by_question import ByQuestion, Place, Sets

Row = Mapping[str, Any]

_OF_DOMAIN = {
    "math": "math", "code": "code", "stem": "stem", "logic": "stem", "general": "general", "safety": "safety",
}  # fmt: skip
_ACCURACY = (r"pass@1", r"chance")
_WHOLE = {
    "reasoning": (
        *_ACCURACY,
        r"cons@\d+",
        r"pass@\d+",
        r"format_rate",
        r"language_consistency",
        r"mean_tokens",
        r"unsupported",
        r"weak_accuracy",
    ),  # fmt: skip
    "math": _ACCURACY,
    "code": _ACCURACY,
    "stem": _ACCURACY,
    "chinese": _ACCURACY[:1],
    "levels": (),  # too many to lead
    "extrapolation": (*_ACCURACY, r"pass@1 \(\d.*\)", r"mean_tokens"),
    "transfer": (*_ACCURACY, r"pass@1 \([a-z].*\)", r"mean_tokens"),
    "instruction_following": (r"followed",),
    "general": (r"win_rate", r"reward_model_score", r"gold"),
    "safety": (r"unsafe_refused", r"safe_answered"),
    "general_held_out": (r"correct", r"chance", r"gold"),
    "safety_held_out": (r"unsafe_refused",),
    "think_follow": (r"followed",),
    "length_control": (r"length_score",),
    "budget": (r"pass@1 at \d+", r"cut at \d+", r"pass@1 \(cut\) at \d+", r"mean_tokens at \d+"),
}


def data_sets(benchmark: str) -> list[str]:
    """The data sets that a benchmark's value may be the mean of: public ones, and the world's questions."""
    found = []
    for name, source in SOURCES.items():
        of = "instruction_following" if source.verifier == "instructions" else _OF_DOMAIN[source.domain]
        found += [name] if of == benchmark else []
    return [*found, f"world_{benchmark}"]


LEADING = {
    name: (*patterns, r"cons@\d+") if name != benchmark and patterns in (_ACCURACY, _ACCURACY[:1]) else patterns
    for benchmark, patterns in _WHOLE.items()
    for name in (benchmark, *data_sets(benchmark))
}
"""Benchmark or data set -> its metrics in the leading table, as patterns in order; of an unlisted one all lead."""
BENCHMARKS = tuple(LEADING)
"""In the order of tables: each benchmark, then its data sets."""
SAMPLING = (r"greedy", r"pass@1", r"pass@1 \(T 1\)", r"cons@\d+", r"pass@\d+", r"pass@\d+ \(T 1\)")
"""The columns that tell learning from sharpening."""
_SHARE = re.compile(
    r"(pass|cons)@|greedy|win_rate|followed|unsafe_refused|safe_answered|format_rate|language_consistency"
    r"|length_score|cut|correct|chance|(over)?confidence|ece|unsupported|weak_accuracy"
)


STRIP = 9
"""Characters of a strip of dots."""


class Cell(NamedTuple):
    """One value with its 95 % interval, over n problems of k samples.

    seeds: each seed's own value, where the value is a mean over seeds; answers: by seed, or None for all seeds, the
    values of single questions, where they are known.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    k: int | None
    seeds: tuple[tuple[int, float], ...] = ()
    answers: tuple[tuple[int | None, Sets], ...] = ()

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

    @property
    def each(self) -> str:
        """The value of each of several seeds; empty where there are none."""
        return " ".join(self.write(value) for _, value in self.seeds) if len(self.seeds) > 1 else ""

    @property
    def span(self) -> tuple[float, float]:
        """From the lowest of interval and seeds to the highest."""
        values = [value for _, value in self.seeds] + [self.value]
        values += [end for end in (self.low, self.high) if end is not None]
        return min(values), max(values)

    @property
    def strip(self) -> str:
        """`·●··●···●`: each of several seeds as a dot between the ends of `span`; empty where there are none."""
        low, high = self.span
        if len(self.seeds) < 2:
            return ""
        places = {round((STRIP - 1) * (value - low) / (high - low)) if high > low else 0 for _, value in self.seeds}
        return "".join("●" if place in places else "·" for place in range(STRIP))


def in_unit(metric: str, value: float, signed: bool = False) -> str:
    """A value of a metric as tables write it; signed: a difference of two."""
    text = Cell(metric, value, None, None, None, None).text
    return f"+{text}" if signed and value > 0 else text


class Line(NamedTuple):
    """One row of a table: a metric of a benchmark, by checkpoint."""

    benchmark: str
    metric: str
    cells: dict[str, Cell]


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

    ranks = {column(row): rank(str(row["checkpoint"])) for row in rows if row.get("seed") is None}
    return sorted(ranks, key=ranks.get)


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _what(row: Row) -> tuple:
    """What a row measures, whatever its checkpoint."""
    return row["benchmark"], row["metric"], row.get("mode"), row.get("budget")


def _answers(row: Row, by_question: ByQuestion | None) -> Sets:
    return {} if by_question is None else by_question.of(Place(row["checkpoint"], *_what(row)))


def lines(
    rows: Iterable[Row],
    patterns: Mapping[str, Sequence[str]] | None = None,
    by_question: ByQuestion | None = None,
) -> list[Line]:
    """Rows -> lines in the order of BENCHMARKS and of each benchmark's patterns; without patterns, every metric.

    Rows without a finite value are left out; so are lines without a cell. by_question: what the cells' answers are of.
    """
    rows = [row for row in rows if _number(row.get("value")) is not None]
    of_seeds: dict[tuple, list[Row]] = {}
    for row in rows:
        if row.get("seed") is not None:
            of_seeds.setdefault((row["stage"], row["arm"], *_what(row)), []).append(row)
    table: dict[str, dict[str, dict[str, Cell]]] = {}
    for row in rows:
        if row.get("seed") is not None:
            continue
        single = of_seeds.get((row["stage"], row["arm"], *_what(row)), []) if row.get("seeds") else []
        seeds = tuple((each["seed"], float(each["value"])) for each in single)
        answers = tuple((each.get("seed"), _answers(each, by_question)) for each in single or [row])
        value, low, high = (_number(row.get(name)) for name in ("value", "low", "high"))
        cell = Cell(row["metric"], value or 0.0, low, high, row.get("n"), row.get("k"), seeds, answers)
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
