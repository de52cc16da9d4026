"""Progress of a stage: one row a step in metrics.jsonl, a live bar on a terminal, sparse lines in a log."""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from stages.core.pipeline.overview import clock

SHOWN = 5
"""How many values a progress line shows: the first ones that a stage passes."""


def plain(value: Any) -> Any:
    """A value as JSON can hold it: tensors and numpy scalars become numbers, NaN and infinity become null."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def shown(values: dict[str, Any]) -> str:
    """The headline values of a step in one line."""
    parts = [
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
        if value is not None
    ]
    return "  ".join(parts[:SHOWN])


class Metrics:
    """Writes metrics.jsonl and shows progress; `seconds` counts the interrupted runs that a stage resumed from."""

    def __init__(self, file: Path, stage: str, every: float = 10.0, writes: bool = True):
        self.file = file
        self.stage = stage
        self.every = every
        self.writes = writes  # of several processes, one
        self.started = time.monotonic()
        self.offset = 0.0
        self.first_step = 0
        self._open = False
        self._last_line = (time.monotonic(), 0.0)
        self._bar: Any = None
        self._task = None

    @property
    def seconds(self) -> float:
        """Time spent on this stage so far."""
        return self.offset + time.monotonic() - self.started

    def begin(self, step: int = 0) -> None:
        """Keep the rows up to `step`, the one resumed from; 0 starts afresh. The first `log` does it if nobody has."""
        self.first_step = step
        self._open = True
        if not self.writes:
            return
        kept = [row for row in self._rows() if row["step"] <= step] if step else []
        self._count_seconds(kept)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in kept), encoding="utf-8")

    def carry_on(self) -> None:
        """The seconds of an interrupted run count, whose rows are about to be written again."""
        self._count_seconds(self._rows())

    def steps_with(self, name: str) -> set[int]:
        """The steps of the rows that are written and have a value of that name."""
        return {row["step"] for row in self._rows() if name in row}

    def _count_seconds(self, rows: list[dict[str, Any]]) -> None:
        self.offset = max([self.offset, *(row["seconds"] for row in rows)])

    def _rows(self) -> list[dict[str, Any]]:
        """The rows that are written, but for one that a kill cut off."""
        rows = []
        for line in self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []:
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return rows

    def log(self, step: int, total: int | None = None, headline: dict[str, Any] | None = None, **values: Any) -> None:
        """One row, and the bar where it is due; the bar shows the headline, or else the row's first values."""
        if not self._open:
            self.begin()
        if not self.writes:
            return
        values = {name: plain(value) for name, value in values.items()}
        row = {"step": step, "seconds": round(self.seconds, 2)} | values
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if sys.stdout.isatty():
            self._show_bar(step, total, headline or values)
        else:
            self._show_line(step, total, headline or values)

    def say(self, text: str) -> None:
        """A line for the reader, above the bar if there is one."""
        if not self.writes:
            return
        if self._bar:
            self._bar.console.print(f"{self.stage}: {text}", markup=False, highlight=False)
        else:
            print(f"{self.stage}: {text}", flush=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _show_bar(self, step: int, total: int | None, values: dict[str, Any]) -> None:
        if self._bar is None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            text = TextColumn("{task.fields[values]}", markup=False)
            self._bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), text,
                                 TimeRemainingColumn())  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task(self.stage, total=total, values="")
        self._bar.update(self._task, completed=step, total=total, values=shown(values))

    def _show_line(self, step: int, total: int | None, values: dict[str, Any]) -> None:
        now = time.monotonic()
        fraction = step / total if total else 0.0
        due = now - self._last_line[0] >= self.every or fraction - self._last_line[1] >= 0.1 or step == total
        if not due:
            return
        self._last_line = (now, fraction)
        bar = ""
        if total:
            done = max(step - self.first_step, 1)
            left = (now - self.started) / done * (total - step)
            full = round(20 * min(fraction, 1.0))
            bar = f"[{'#' * full}{'.' * (20 - full)}] {step}/{total}  {clock(left)} left  "
        print(f"{self.stage}: {bar or f'step {step}  '}{shown(values)}", flush=True)
