"""The last good checkpoint of a run that guards watch: kept beside the trainer's own, which keeps the newest alone."""

import os
import shutil
from pathlib import Path

from stages.core.run.manifest import remove
from stages.core.run.stage import Run

LAST_GOOD = "last_good"
"""Where in a stage's folder it lies."""
CANDIDATES = 3
"""A row of metrics judges the checkpoint before it; that a reward stays the same shows one rollout later still."""


def keep(run: Run, checkpoint: Path) -> None:
    """Keep a checkpoint that looks good, and two before it: by links, which need no room while the trainer has it."""
    kept = run.folder / LAST_GOOD / checkpoint.name
    draft = kept.with_name(f".{kept.name}.partial")
    try:
        remove(draft)
        shutil.copytree(checkpoint, draft, copy_function=link_or_copy)
        remove(kept)
        draft.rename(kept)
    except (OSError, shutil.Error) as error:
        run.metrics.say(f"{kept} could not be kept: {error}")
        shutil.rmtree(draft, ignore_errors=True)
        return
    for old in _candidates(run)[:-CANDIDATES]:
        remove(old)


def last_good(run: Run, since: int) -> Path | None:
    """The newest checkpoint whose own samples and measures come before the row `since`; None where there is none."""
    return next((path for path in reversed(_candidates(run)) if _step(path) < since - 1), None)


def forget(run: Run, but: Path | None = None) -> None:
    """Remove what was kept, all or all but one, and drafts of it."""
    if but is None:
        remove(run.folder / LAST_GOOD)
        return
    for path in but.parent.iterdir():
        if path != but:
            remove(path)


def link_or_copy(source: str, target: str) -> None:
    """A second name for a file; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _candidates(run: Run) -> list[Path]:
    """The checkpoints that are kept, the earliest first."""
    return sorted((run.folder / LAST_GOOD).glob("checkpoint-[0-9]*"), key=_step)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
