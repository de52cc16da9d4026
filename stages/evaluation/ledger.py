"""The ledger: what the studies' runs say of their claims. `snakemake ledger` calls it; a tool, not a stage.

CONFIGURATION is what `--config` says, as JSON. Of each study whose evaluation is complete and whose kept results no
longer hold, the verdicts are made anew and kept; then the document and the page of all studies are written. `--claim
NAME` prints one claim's verdict; `--plan` prints what a whole run would cost, and writes nothing.
"""

import argparse
import csv
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import InputError, run_command
from stages.core.allowed.claims import Correlation, Curve, Gains, Series
from stages.core.pipeline.command_line import read_configuration
from stages.core.pipeline.studies import Planned, Study, settings_of_stage
from stages.core.pipeline.workspace import Workspace, load_workspace
from stages.core.run.ledger import (
    PREFIX,
    TARGET,
    Entry,
    Kept,
    Made,
    ShownClaim,
    ShownTest,
    asked,
    check_ledger,
    complete,
    entries,
    forecast,
    ledger_folder,
    missing,
    read_kept,
)
from stages.core.run.manifest import read_manifest, write_atomically
from stages.core.run.staleness import marks, verdicts
from stages.core.run.tables import read_parquet
from stages.evaluation.claim_figures import DIGITS, drawn, effects_chart, lines_chart
from stages.evaluation.claims import Answers, Curves, Outcome, Question, verdict
from stages.evaluation.held_out_figures import DISTANCE
from stages.evaluation.ledger_page import document, image_of, page, told
from stages.evaluation.records import read_metrics, series

PLACE = ("checkpoint", "benchmark", "metric", "mode", "budget")
COLUMNS = (*PLACE, "data_set", "question", "key", "value")


class Measurements:
    """What a study's stages measured, read from their folders."""

    def __init__(self, study: Study):
        assert study.evaluation is not None
        self.study = study
        self.file = Path(study.evaluation.folder, "data", "questions.parquet")
        table = read_parquet(self.file, COLUMNS)
        self.values: dict[tuple, dict[Question, tuple[float, str]]] = {}
        columns = [table[name].to_pylist() for name in COLUMNS]
        for *place, data_set, question, key, value in zip(*columns, strict=True):
            self.values.setdefault(tuple(place), {})[Question(data_set, question)] = (value, key)

    def answers(self, asked: Series) -> Answers:
        """The values of a series, by seed and question."""
        measured, found = self.study.measured(asked), {}
        for seed, stage in self.study.replicas(asked).items():
            place = (stage.name, *measured)
            if place not in self.values:
                raise InputError(f"{self.file}: {stage.name} has no value of {measured.benchmark} {measured.metric}")
            found[seed] = self.values[place]
        return found

    def curves(self, stage: str, metric: str) -> Curves:
        """What a stage measured along its run, by seed."""
        found = {}
        for seed, run in self.study.runs[stage].items():
            found[seed] = series(read_metrics(Path(run.folder, "metrics.jsonl")), metric)
            if not found[seed]:
                raise InputError(f"{run.folder}/metrics.jsonl: no value of `{metric}`")
        return found

    def distances(self, stage: str) -> Curves:
        """How far a stage came from its start on general prompts, KL in nats; empty where it did not measure that."""
        measured = settings_of_stage(next(iter(self.study.runs[stage].values()))).curves()
        return self.curves(stage, DISTANCE) if DISTANCE in measured else {}


def shown_test(found: Outcome) -> ShownTest:
    """An outcome as it is kept."""
    test, (bound, limit) = found.test, found.test.bound
    if isinstance(test, Curve | Correlation):
        metric = test.metric if isinstance(test, Curve) else "correlation"
    else:
        metric = str(test.sides()[1 if isinstance(test, Gains) else 0].metric)
    effect, by_seed, questions = found.measure
    return ShownTest(
        test=str(test), metric=metric, bound=bound, limit=limit, value=round(effect.value, DIGITS),
        low=round(effect.low, DIGITS), high=round(effect.high, DIGITS),
        by_seed={seed: round(value, DIGITS) for seed, value in by_seed.items()}, questions=questions,
        holds=found.holds,
    )  # fmt: skip


def stages_in(claim: Any) -> int:
    """How many checkpoints or runs, seeds apart, the tests of a claim speak of."""
    names: set[str] = set()
    for test in claim.effects():
        curves = isinstance(test, Curve | Correlation)
        names |= set(test.stages() if curves else [str(side.checkpoint) for side in test.sides()])
    return len(names)


def judged(study: Study) -> dict[str, ShownClaim]:
    """The verdict on each claim of a study whose runs are there."""
    evidence = Measurements(study) if study.evaluation else None
    found = {}
    for name, claim in study.claims.items():
        try:
            said = verdict(claim, evidence)
        except ValueError as error:
            raise InputError(f"{study.file}: claims.{name}: {error}") from None
        found[name] = ShownClaim(
            statement=claim.statement, source=claim.source, checkpoints=stages_in(claim), verdict=said.verdict,
            reason=said.reason, tests=[shown_test(part) for part in said.outcomes], figures=drawn(claim, evidence),
        )  # fmt: skip
    return found


def made(stage: Planned) -> Made:
    """A stage behind a study as it is kept."""
    manifest = read_manifest(Path(stage.folder))
    config, code, seconds = (manifest.get(key) for key in ("config_hash", "code_fingerprint", "seconds"))
    return Made(config=str(config)[:16], code=str(code)[:16], seconds=round(seconds or 0.0, 1), script=stage.script)


def kept_of(entry: Entry, scale: str) -> Kept:
    """A study's results, made of its runs."""
    study = entry.study
    manifest = read_manifest(Path(study.evaluation.folder)) if study.evaluation else {}
    git, hardware = manifest.get("git") or {}, manifest.get("hardware") or {}
    machine = f"{hardware.get('cpus')} cores ({hardware.get('machine')})" if hardware else "none"
    names = {stage.folder: f"{stage.recipe}_{stage.name}" if stage.recipe else stage.name for stage in study.needed()}
    return Kept(
        study=study.name, scale=scale, seeds=study.seeds, digest=entry.digest, commit=git.get("commit"),
        changed=git.get("dirty"), machine=machine, finished=str(manifest.get("finished") or "")[:10],
        claims=judged(study), stages={names[stage.folder]: made(stage) for stage in study.needed()},
    )  # fmt: skip


def rows_of(study: Study) -> str:
    """The rows of a study's evaluation as CSV."""
    if study.evaluation is None:
        return ""
    table = read_parquet(Path(study.evaluation.folder, "data", "rows.parquet"))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row.values()])
    return text.getvalue()


def collect(entry: Entry, scale: str) -> Entry:
    """Make a study's verdicts of its runs, and keep them."""
    kept = kept_of(entry, scale)
    entry.file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(entry.file.with_suffix(".csv"), rows_of(entry.study))
    write_atomically(entry.file, kept.model_dump_json(indent=1) + "\n")
    return Entry(entry.study, entry.file, entry.digest, kept)


def write_document(workspace: Workspace, ledger: Mapping[str, Entry], folder: Path) -> list[Path]:
    """docs/ledger.md with its figures, and the page; what was written."""
    others = [read_kept(file) for file in sorted(folder.glob("*/*.json")) if file.parent.name != workspace.scale.name]
    for kept in [*(entry.kept for entry in ledger.values() if entry.kept), *others]:
        for name, claim in kept.claims.items():
            images = {f"{name}.svg": effects_chart(claim.tests, alone=True)} if claim.tests else {}
            for number, figure in enumerate(claim.figures, 1):
                images[image_of(name, number)] = lines_chart(figure, alone=True)
            for file, image in images.items():
                write_atomically(folder / kept.scale / file, image + "\n")
    folder.parent.mkdir(parents=True, exist_ok=True)
    text = folder.with_name(f"{folder.name}.md")
    write_atomically(text, document(workspace.scale.name, list(ledger.values()), others, folder.name))
    html = Path(workspace.runs, workspace.scale.name, "ledger.html")
    html.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(html, page(workspace.scale.name, list(ledger.values())))
    return [text, html]


def run(argv: list[str] | None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configuration", metavar="CONFIGURATION", nargs="?", default="{}")
    parser.add_argument("--claim", metavar="NAME")
    parser.add_argument("--plan", action="store_true")
    arguments = parser.parse_args(argv)
    configuration = read_configuration(arguments.configuration)
    workspace, folder = load_workspace(configuration), ledger_folder(configuration)
    stages = workspace.rules()
    laid, standing = marks(stages), verdicts(stages)
    ledger = entries(workspace, laid, folder)
    targets = [f"{PREFIX}{arguments.claim}" if arguments.claim else TARGET]
    if not asked(ledger, targets):
        raise InputError(f"--claim: no study claims `{arguments.claim}`" if arguments.claim else "no study has a claim")
    check_ledger(workspace, ledger, targets)
    if arguments.plan:
        print("\n".join(forecast(workspace, ledger, targets, standing, laid)))
        return
    for entry in asked(ledger, targets):
        if not entry.holds and all(complete(evaluation, standing, laid) for evaluation in missing([entry])):
            ledger[entry.study.name] = collect(entry, workspace.scale.name)
    written = write_document(workspace, ledger, folder)
    print("\n".join(told(ledger.values(), arguments.claim)))
    print("\n".join(f"written: {file}" for file in written))


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(lambda: run(argv))


if __name__ == "__main__":
    sys.exit(main())
