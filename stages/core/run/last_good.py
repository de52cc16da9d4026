"""The last checkpoint that was saved while no guard saw a fault, kept beside the trainer's own newest one."""

import os
import shutil
from pathlib import Path

from stages.core.run.manifest import remove
from stages.core.run.stage import Run

LAST_GOOD = "last_good"
"""Where in a stage's folder the last checkpoint lies that was saved while no guard saw a fault."""


def last_good(run: Run) -> Path | None:
    """The folder of that checkpoint."""
    return next((run.folder / LAST_GOOD).glob("checkpoint-[0-9]*"), None)


def keep_last_good(run: Run, checkpoint: Path) -> None:
    """Keep a checkpoint where no later one takes its place: by links, which need no room while it stays."""
    kept = run.folder / LAST_GOOD / checkpoint.name
    draft = kept.with_name(f".{kept.name}.partial")
    remove(draft)
    try:
        shutil.copytree(checkpoint, draft, copy_function=link_or_copy)
    except (OSError, shutil.Error) as error:
        run.metrics.say(f"{kept} could not be kept: {error}")
        remove(draft)
        return
    remove(kept)
    draft.rename(kept)
    for other in kept.parent.iterdir():
        if other != kept:
            remove(other)


def link_or_copy(source: str, target: str) -> None:
    """A second name for a file; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
