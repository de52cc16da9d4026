"""Which results still hold: the manifest says what a result was made of, the plan what it would be made of now.

Snakemake watches one small file a stage, its mark: `.complete.` and the digest of what decides the result, of the stage
and of all of its ancestors. So another plan has another mark, a job that Snakemake starts, stops or cleans up after
touches no result, and the way back to the old plan finds the old mark. Marks are made from manifests (`renew_marks`)
whenever Snakemake plans; nothing is lost with one. Imports no torch.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.pipeline.fingerprint import digest
from stages.core.pipeline.workspace import Stage
from stages.core.run.manifest import manifest_digest, read_manifest
from stages.core.run.replacing import MARK, settle

AGE = 946684800
"""In seconds since the epoch: the time that a mark bears (the first moment of the year 2000)."""


@dataclass(frozen=True)
class Verdict:
    """What became of a stage's result.

    holds: None where nobody can say, since a parent is gone; reason: why a result that is there does not hold, in a
    few words; stale: whether what is made from it does not hold either (what is merely gone is made again if needed).
    """

    holds: bool | None
    reason: str = ""
    stale: bool = False


def marks(stages: Iterable[Stage], elsewhere: str | None = None) -> dict[str, str]:
    """Stage folder -> its mark, there or in a folder elsewhere; stages are given parents first."""
    plans: dict[str, str] = {}
    for stage in stages:
        above = [plans[parent] for parent in stage.parents]
        plans[stage.folder] = digest(json.dumps([stage.identity, stage.fingerprint, *above]))[:16]
    # A folder's digest, as its path may be longer than a file's name.
    lies = {folder: f"{elsewhere}/{digest(folder)[:16]}" if elsewhere else folder for folder in plans}
    return {folder: f"{lies[folder]}/{MARK}.{plan}" for folder, plan in plans.items()}


def verdicts(stages: Iterable[Stage]) -> dict[str, Verdict]:
    """Stage folder -> whether its result is that of the plan; stages are given parents first."""
    hashes: dict[str, str | None] = {}
    found: dict[str, Verdict] = {}
    for stage in stages:
        folder = Path(stage.folder)
        with suppress(OSError):
            settle(folder)
        try:
            manifest = read_manifest(folder)
            hashes[stage.folder] = manifest_digest(folder)
        except (InputError, OSError):
            hashes[stage.folder] = None
            found[stage.folder] = Verdict(False)
            continue
        found[stage.folder] = verdict(stage, manifest, hashes, found)
    return found


def verdict(
    stage: Stage, manifest: dict[str, Any], hashes: dict[str, str | None], above: dict[str, Verdict]
) -> Verdict:
    """Whether a complete result is that of the plan.

    hashes: parent's folder -> SHA-256 of its manifest, None where it has none; above: the parents' verdicts.
    """
    if manifest.get("config_hash") != digest(stage.identity):
        return Verdict(False, "its settings changed", stale=True)
    if manifest.get("code_fingerprint") != stage.fingerprint:
        return Verdict(False, "its code changed", stale=True)
    made_from = list((manifest.get("parents") or {}).values())  # in the order of the inputs, as the plan has them
    if len(made_from) != len(stage.parents):
        return Verdict(False, "its inputs changed", stale=True)
    for parent, made in zip(stage.parents, made_from, strict=True):
        if above[parent].stale or hashes[parent] not in (None, made):
            return Verdict(False, f"{Path(parent).name} changed", stale=True)
    if not Path(stage.payload_path).exists():
        return Verdict(False, "its payload is gone")
    if unfinished(stage):
        return Verdict(False, "a run of it was begun")
    return Verdict(None if any(hashes[parent] is None for parent in stage.parents) else True)


def unfinished(stage: Stage) -> bool:
    """Whether a run by this very plan was interrupted: someone wanted the result once more."""
    try:
        state = json.loads(Path(stage.folder, "trainer", "config.json").read_text(encoding="utf-8"))
        return state["identity"] == stage.identity
    except (OSError, ValueError, KeyError, TypeError):
        return False


def renew_marks(stages: Iterable[Stage], elsewhere: str | None = None) -> dict[str, Verdict]:
    """Lay the marks (`marks`) of the results that hold and take away those of the others; the verdicts.

    All marks are of one age: what is newer than what was compared already, and a copy of the folder may not have kept
    its times. A mark that comes while manifests are read is left: a job of another Snakemake's has just finished.
    """
    stages = list(stages)
    there = {folder: Path(mark) for folder, mark in marks(stages, elsewhere).items()}
    laid = {folder for folder, mark in there.items() if mark.exists()}
    found = verdicts(stages)
    for folder, mark in there.items():
        with suppress(OSError):  # a folder that cannot be written stays as it is
            if found[folder].holds or found[folder].holds is None and Path(folder, mark.name).exists():
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.touch()
            elif found[folder].holds is False and folder in laid:
                mark.unlink(missing_ok=True)
            if mark.exists():
                os.utime(mark, (AGE, AGE))
    return found
