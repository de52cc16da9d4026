"""What a user sees around the stages: the list of recipes, the summary of a run, names for targets."""

import json
from collections.abc import Iterable
from pathlib import Path

from data.errors import InputError
from stages.core.allowed.folder import check_writable
from stages.core.allowed.sentences import nearest
from stages.core.pipeline.scale import load_scale
from stages.core.pipeline.schema import available
from stages.core.pipeline.timeline import WIDTH, at_work, bars, most_threads, occupied, span_of
from stages.core.pipeline.workspace import Stage, Workspace


def clock(seconds: float) -> str:
    """`2:05` or `1:02:05`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def headline(manifest: dict) -> str:
    """The headline figures of a stage in one line."""
    parts = []
    for name, value in manifest.get("headline", {}).items():
        parts.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return ", ".join(parts)


def read_manifest(stage: Stage) -> dict | None:
    """The manifest of a complete stage."""
    try:
        return json.loads(Path(stage.manifest_path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def stage_line(stage: Stage, reason: str = "") -> str:
    """What Snakemake prints when a stage starts; reason: why it runs, where a result is there."""
    parents = [Path(folder).name for folder in stage.parents]
    named = ", ".join(parents) if len(parents) <= 4 else f"{len(parents)} stages"
    return stage.rule_name + (f" <- {named}" if parents else "") + (f" ({reason})" if reason else "")


def overview(workspace: Workspace) -> str:
    """Recipes with their stages, and scales."""
    lines = [
        "Recipes (`snakemake recipe_NAME` runs all of it, `snakemake NAME_STAGE` up to one stage;",
        "studies: `snakemake claim_NAME` says what a run shows of a claim, `snakemake ledger` of all):",
    ]
    for name in available("recipes"):
        if name in workspace.errors:
            lines += ["", f"  {name} is broken: {workspace.errors[name]}"]
            continue
        lines += ["", f"  recipe_{name}"]
        lines += [f"    {stage.rule_name}" for stage in workspace.stages[name] if stage.recipe == name]
        lines += [f"    claim_{claim}" for claim in getattr(workspace.studies.get(name), "claims", ())]
    lines += ["", f"Bases of scale {workspace.scale.name}: {', '.join(workspace.scale.bases)}", ""]
    lines.append("Scales (`snakemake recipe_NAME --config scale=NAME`):")
    for name in available("scales"):
        try:
            lines.append(f"  {name:<14} {load_scale(name).description}")
        except InputError as error:
            lines.append(f"  {name:<14} broken: {error}")
    return "\n".join(lines)


def summary(stages: list[Stage]) -> str:
    """Time, place in the whole and headline figures of each complete stage, and where the reports are."""
    complete = [(stage, manifest) for stage in stages if (manifest := read_manifest(stage))]
    if not complete:
        return ""
    spans = [span_of(manifest) for _, manifest in complete]
    lines = ["", f"{'stage':<30} {'time':>8}   {'= one thread, # several':<{WIDTH}}   result"]
    for (stage, manifest), bar in zip(complete, bars(spans), strict=True):
        lines.append(f"{stage.rule_name:<30} {clock(manifest['seconds']):>8}   {bar}   {headline(manifest)}")
    total = sum(manifest["seconds"] for _, manifest in complete)
    lines.append(f"{'one after the other':<30} {clock(total):>8}")
    had = f"{occupied(spans):.0%} of the time of {most_threads(spans)} cores had a thread of a stage"
    lines.append(f"{'side by side':<30} {clock(at_work(spans)):>8}   {had}")
    reports = [stage.payload_path for stage, _ in complete if stage.payload == "report"]
    return "\n".join(lines + [f"report: {report}" for report in reports])


def failures(marks: dict[str, str], since: float) -> list[str]:
    """The error sentences that stages ended with since a time (in seconds since the epoch).

    marks: stage folder -> the file that is there when the stage is complete.
    """
    found = []
    for folder, mark in marks.items():
        log = Path(folder, "log.txt")
        if log.exists() and log.stat().st_mtime >= since and not Path(mark).exists():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [f"{line} ({log})" for line in lines if line.startswith("error: ")]
    return found


def asked_for(workspace: Workspace, targets: set[str], folders: Iterable[str] = ()) -> list[Stage]:
    """The stages that the named targets, and stages' folders, lead to."""
    by_folder = {stage.folder: stage for stage in workspace.rules()}
    todo = [stage for stage in by_folder.values() if stage.rule_name in targets]
    todo += [by_folder[folder] for folder in folders]
    for recipe in workspace.stages:
        if f"recipe_{recipe}" in targets:
            todo += workspace.targets(recipe)
    needed: set[str] = set()
    while todo:
        stage = todo.pop()
        if stage.folder not in needed:
            needed.add(stage.folder)
            todo += [by_folder[parent] for parent in stage.parents]
    return [stage for folder, stage in by_folder.items() if folder in needed]


def check_targets(workspace: Workspace, targets: set[str], writes: bool = True) -> None:
    """Refuse a target that belongs to a broken recipe, or to nothing, or that could not be written, before any runs.

    writes: False for a dry run.
    """
    rules = {stage.rule_name for stage in workspace.rules()} | {"help", "ledger"}
    rules |= {f"recipe_{name}" for name in workspace.stages if name}
    rules |= {f"claim_{claim}" for study in workspace.studies.values() for claim in study.claims}
    for target in sorted(targets - rules):
        for name, error in workspace.errors.items():
            if target == f"recipe_{name}" or target.startswith(
                (f"{name}_", f"{workspace.runs}/{workspace.scale.name}/{name}/")
            ):
                raise error
        if "/" not in target:
            named = rules | {f"recipe_{name}" for name in workspace.errors}
            raise InputError(f"there is no recipe or stage `{target}`; {nearest(target, named)}")
    if writes and targets - {"help"}:
        check_writable(workspace.runs)
