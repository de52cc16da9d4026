"""The ledger's plan: which studies' kept results still hold, and what running the others would cost.

A study's results are kept in a file of the repository (`docs/ledger/SCALE/STUDY.json`), without weights, so a run need
not be there for its verdicts to count. They hold while their digest is that of the plan: of the settings, inputs and
code of every stage behind the study's evaluation, of the claims' tests, and of the code that decides. Imports no torch.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from data.errors import InputError
from stages.core.allowed.folder import folder_named
from stages.core.pipeline.fingerprint import digest, fingerprint
from stages.core.pipeline.overview import clock, read_manifest
from stages.core.pipeline.schema import STUDIES, checked, recipe_file
from stages.core.pipeline.scripts import ROOT
from stages.core.pipeline.studies import Planned, Study
from stages.core.pipeline.workspace import Stage, Workspace
from stages.core.run.manifest import read_json
from stages.core.run.staleness import Verdict

DECIDES = "evaluation.claims"
"""The module that makes verdicts of what was measured."""
TARGET, PREFIX = "ledger", "claim_"


class Made(BaseModel):
    """A stage behind kept results: what decided its own, and how long it took."""

    model_config = ConfigDict(extra="forbid")

    config: str
    code: str
    seconds: float
    script: str


class ShownTest(BaseModel):
    """A test and what came out, in the metric's unit."""

    model_config = ConfigDict(extra="forbid")

    test: str
    metric: str
    bound: Literal["above", "below", "within"]
    limit: float
    value: float
    low: float
    high: float
    by_seed: dict[str, float]
    questions: int | None
    holds: bool


class ShownLine(BaseModel):
    """A line of a figure, by name; counts: how many answers are behind each point, where that is to be seen."""

    model_config = ConfigDict(extra="forbid")

    name: str
    points: list[tuple[float, float]]
    counts: list[int] = []


class ShownFigure(BaseModel):
    """Lines, and what the axes show; diagonal: both are shares, and where they are equal is drawn, too."""

    model_config = ConfigDict(extra="forbid")

    across: str
    up: str
    lines: list[ShownLine]
    diagonal: bool = False


class ShownClaim(BaseModel):
    """A claim, its verdict, and what its tests are of, drawn."""

    model_config = ConfigDict(extra="forbid")

    statement: str
    source: str
    checkpoints: int
    verdict: str
    reason: str
    tests: list[ShownTest]
    figures: list[ShownFigure] = []


class Kept(BaseModel):
    """A study's results as they are kept. digest: of the plan that made them; finished: when its evaluation was."""

    model_config = ConfigDict(extra="forbid")

    study: str
    scale: str
    seeds: list[str]
    digest: str
    commit: str | None
    changed: bool | None
    machine: str
    finished: str
    claims: dict[str, ShownClaim]
    stages: dict[str, Made]


@dataclass(frozen=True)
class Entry:
    """What the ledger has of a study.

    digest: of what its results would be made of now; kept: those that it has, of whatever plan; error: why the file
    cannot be read.
    """

    study: Study
    file: Path
    digest: str
    kept: Kept | None
    error: InputError | None = None

    @property
    def holds(self) -> bool:
        """Whether the kept results are those of the plan."""
        return self.kept is not None and self.kept.digest == self.digest

    @property
    def state(self) -> str:
        """In a few words."""
        return "holds" if self.holds else "of older code or settings" if self.kept else "not run"


def ledger_folder(configuration: Mapping[str, Any]) -> Path:
    """Where results are kept: `--config ledger=FOLDER`, or docs/ledger beside the Snakefile."""
    if "ledger" in configuration:
        return Path(folder_named(configuration["ledger"], "ledger"))
    return Path("docs/ledger") if Path.cwd() == ROOT else ROOT / "docs" / "ledger"


def read_kept(file: Path) -> Kept:
    """A file of kept results."""
    return checked(Kept, read_json(file, "delete it, and `snakemake ledger` makes it anew"), file, {})


def plan_of(study: Study, marks: Mapping[str, str]) -> str:
    """The digest that kept results must have to hold. marks: stage folder -> its mark (staleness.py)."""
    plan = Path(marks[study.evaluation.folder]).name if study.evaluation else ""
    tests = {
        name: claim.model_dump(mode="json", include={"tests", "cannot"}, exclude_none=True)
        for name, claim in study.claims.items()
    }
    return digest(json.dumps([plan, tests, fingerprint(DECIDES)], sort_keys=True))[:16]


def entries(workspace: Workspace, marks: Mapping[str, str], folder: Path) -> dict[str, Entry]:
    """Study -> what the ledger has of it."""
    found = {}
    for name, study in workspace.studies.items():
        file, kept, error = folder / workspace.scale.name / f"{name}.json", None, None
        try:
            kept = read_kept(file) if file.exists() else None
        except InputError as problem:
            error = problem
        found[name] = Entry(study, file, plan_of(study, marks), kept, error)
    return found


def asked(ledger: Mapping[str, Entry], targets: Iterable[str]) -> list[Entry]:
    """The studies that targets ask for."""
    targets = set(targets)
    return [
        entry
        for entry in ledger.values()
        if TARGET in targets or any(f"{PREFIX}{claim}" in targets for claim in entry.study.claims)
    ]


def missing(wanted: Iterable[Entry]) -> list[str]:
    """The folders of the evaluations that must be there first: those of studies whose kept results do not hold."""
    return [entry.study.evaluation.folder for entry in wanted if not entry.holds and entry.study.evaluation]


def check_ledger(workspace: Workspace, ledger: Mapping[str, Entry], targets: Iterable[str]) -> None:
    """InputError where a target asks for a study that is broken, or whose kept results cannot be read."""
    for entry in asked(ledger, targets):
        if entry.error:
            raise entry.error
    for name, error in workspace.errors.items():
        if TARGET in set(targets) and recipe_file(name).parent == STUDIES:
            raise error


def complete(folder: str, verdicts: Mapping[str, Verdict], marks: Mapping[str, str]) -> bool:
    """Whether a stage's result is that of the plan; where its parents are gone, its mark alone can say."""
    holds = verdicts[folder].holds
    return Path(marks[folder]).exists() if holds is None else holds


def to_run(entry: Entry, verdicts: Mapping[str, Verdict], marks: Mapping[str, str]) -> list[Planned]:
    """The stages that must run before a study's verdicts can be made anew, parents first."""
    wanted = set(missing([entry]))
    found = []
    for stage in reversed(entry.study.needed()):
        if stage.folder in wanted and not complete(stage.folder, verdicts, marks):
            found.append(stage)
            wanted.update(stage.parents)
    return found[::-1]


def known_seconds(stages: Iterable[Stage], ledger: Iterable[Entry]) -> tuple[dict[str, float], dict[str, float]]:
    """By rule how long a stage took the last time, here or as kept; by script the mean over those."""
    by_rule: dict[str, float] = {}
    scripts: dict[str, list[float]] = {}
    for entry in ledger:
        for rule, made in (entry.kept.stages if entry.kept else {}).items():
            by_rule[rule] = made.seconds
            scripts.setdefault(made.script, []).append(made.seconds)
    for stage in stages:
        manifest = read_manifest(stage)
        if manifest and isinstance(manifest.get("seconds"), int | float):
            by_rule[stage.rule_name] = manifest["seconds"]
            scripts.setdefault(stage.script, []).append(manifest["seconds"])
    return by_rule, {script: sum(found) / len(found) for script, found in scripts.items()}


def forecast(
    workspace: Workspace,
    ledger: Mapping[str, Entry],
    targets: Iterable[str],
    verdicts: Mapping[str, Verdict],
    marks: Mapping[str, str],
) -> list[str]:
    """Before anything runs: of each study that is asked for its state, the stages to run, and how long they took.

    A stage that several studies need counts for the first.
    """
    wanted = asked(ledger, targets)
    by_rule, by_script = known_seconds(workspace.rules(), ledger.values())
    counted, whole, timed = set[str](), 0.0, False
    lines = [f"{'study':<28} {'claims':>6} {'stages to run':>14} {'about':>9}   kept results"]
    for entry in wanted:
        new = [stage for stage in to_run(entry, verdicts, marks) if stage.folder not in counted]
        counted |= {stage.folder for stage in new}
        seconds = [by_rule.get(f"{stage.recipe}_{stage.name}", by_script.get(stage.script)) for stage in new]
        total = sum(found for found in seconds if found is not None)
        untimed = seconds.count(None)
        about = clock(total) if untimed < len(seconds) or not seconds else "?"
        note = f" ({untimed} never timed)" if untimed and untimed < len(seconds) else ""
        lines.append(
            f"{entry.study.name:<28} {len(entry.study.claims):>6} {len(new):>14} {about:>9}   {entry.state}{note}"
        )
        timed, whole = timed or about != "?", whole + total
    lines.append(f"{'all, one after the other':<28} {'':>6} {len(counted):>14} {clock(whole) if timed else '?':>9}")
    return lines
