"""What finished stages left behind, read back from their folders: manifests, configs, metrics, tables. No torch."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.core.pipeline.guards import Guards, Warned, warnings
from stages.core.run.last_good import LAST_GOOD


@dataclass(frozen=True)
class StageRecord:
    """What a finished stage left behind: its manifest, its resolved config, its rows of metrics."""

    name: str
    folder: str
    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    metrics: list[dict[str, Any]] = field(default_factory=list)

    @property
    def script(self) -> str:
        return self.manifest.get("script") or self.config.get("script") or self.name


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics.jsonl, none if there is no file; a last line that was cut short is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def read_stage(name: str, folder: str | Path) -> StageRecord:
    """A stage's record from its folder; config.json is preferred to the manifest's copy, which may hold less."""
    folder = Path(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.exists() else manifest.get("config", {})
    return StageRecord(name, str(folder), manifest, config, read_metrics(folder / "metrics.jsonl"))


def warned(stages: Iterable[StageRecord]) -> list[tuple[str, Warned, str]]:
    """(stage, warning, the last checkpoint before it where it was kept) for all that the guards saw."""
    found = []
    for stage in stages:
        guards = (stage.config.get("settings") or {}).get("guards")
        if guards is not None:
            kept = ", ".join(str(path) for path in Path(stage.folder, LAST_GOOD).glob("checkpoint-[0-9]*"))
            found += [(stage.name, warning, kept) for warning in warnings(stage.metrics, Guards(**guards))]
    return found


def read_table(stages: Sequence[StageRecord], table: str) -> list[dict[str, Any]]:
    """A parquet table of the last evaluation as rows; empty where there is no evaluation or no such table."""
    for stage in reversed(stages):
        path = Path(stage.folder) / "data" / f"{table}.parquet"
        if stage.script.startswith("evaluation.evaluate") and path.exists():
            import pyarrow.parquet

            return pyarrow.parquet.read_table(path).to_pylist()
    return []


def series(metrics: Iterable[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """(step, value) of each row that has a finite number under `key`."""
    points = []
    for index, row in enumerate(metrics):
        value = row.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            points.append((float(row.get("step", index)), float(value)))
    return points
