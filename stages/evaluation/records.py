"""What finished stages left behind, read back from their folders: manifests, configs, metrics, tables. No torch."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from data.errors import InputError
from stages.core.pipeline.guards import Guards, Warned, warnings
from stages.core.pipeline.schema import checked, keys_of
from stages.core.run.last_good import LAST_GOOD
from stages.core.run.manifest import read_json, read_manifest
from stages.core.run.tables import read_parquet
from stages.evaluation.by_question import COLUMNS, ByQuestion


class Result(BaseModel):
    """What tables and figures rely on in a row of results."""

    model_config = ConfigDict(extra="allow", strict=True)

    checkpoint: str
    stage: str | None = None
    arm: str | None = None
    seed: int | None = None
    seeds: list[int] | None = None
    benchmark: str
    metric: str
    mode: str | None = None
    budget: int | None = None
    value: float
    low: float
    high: float
    n: int
    k: int | None = None


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

    @property
    def of_all_seeds(self) -> str:
        """What all seeds of the stage are called, without this one's."""
        return self.name.removesuffix(f"_{(self.config.get('labels') or {}).get('seed')}")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics.jsonl, none if there is no file; lines that are no rows, as a kill may leave, are not."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("step", 0), int | float):
            rows.append(row)
    return rows


def read_results(path: Path) -> list[dict[str, Any]]:
    """The rows of a results.json, each checked."""
    rows = read_json(path, "run the recipe first")
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: found {str(rows)[:80]!r}, allowed: a list of rows")
    return check_results(rows, path)


def check_results(rows: list[Any], path: Path) -> list[dict[str, Any]]:
    """The rows, if each has what a table shows."""
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"{path}: row {number} is {str(row)[:80]!r}, allowed: an object")
        checked(Result, row, f"{path}: row {number}", {})
    return rows


def read_stage(name: str, folder: str | Path) -> StageRecord:
    """A stage's record from its folder; the config is that of the result, a later run may have left its config.json."""
    folder = Path(folder)
    manifest, path = read_manifest(folder), folder / "config.json"
    config = manifest.get("config") or (read_json(path, name) if path.exists() else {})
    return StageRecord(name, str(folder), manifest, config, read_metrics(folder / "metrics.jsonl"))


def warned(stages: Iterable[StageRecord]) -> list[tuple[str, Warned, str]]:
    """(stage, warning, the last checkpoint before it where it was kept) for all that the guards saw."""
    found = []
    for stage in stages:
        guards = (stage.config.get("settings") or {}).get("guards")
        if guards is not None:
            limits = checked(Guards, guards, f"{stage.folder}/manifest.json: guards", {(): keys_of(Guards)})
            kept = ", ".join(str(path) for path in Path(stage.folder, LAST_GOOD).glob("checkpoint-[0-9]*"))
            found += [(stage.name, warning, kept) for warning in warnings(stage.metrics, limits)]
    return found


def read_table(stages: Sequence[StageRecord], table: str) -> list[dict[str, Any]]:
    """A parquet table of the last evaluation as rows; empty where there is no evaluation or no such table."""
    path = table_of(stages, table)
    rows = read_parquet(path).to_pylist() if path else []
    return check_results(rows, path) if path and table == "rows" else rows


def read_by_question(stages: Sequence[StageRecord]) -> ByQuestion:
    """The values of single questions of the last evaluation."""
    path = table_of(stages, "questions")
    return ByQuestion.read(read_parquet(path, COLUMNS)) if path else ByQuestion()


def table_of(stages: Sequence[StageRecord], table: str) -> Path | None:
    """Where a table of the last evaluation lies; None where there is none."""
    for stage in reversed(stages):
        path = Path(stage.folder) / "data" / f"{table}.parquet"
        if stage.script.startswith("evaluation.evaluate") and path.exists():
            return path
    return None


def series(metrics: Iterable[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """(step, value) of each row that has a finite number under `key`."""
    points = []
    for index, row in enumerate(metrics):
        value = row.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            points.append((float(row.get("step", index)), float(value)))
    return points
