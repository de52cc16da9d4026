"""A new result takes the place of an old one: at every moment one of the two is there, whole. Imports no torch.

What a run makes lies in drafts beside the old result. When they are complete and on the disk, the new manifest is
written as NEXT: from then on the new result counts, and whoever comes by next, perhaps after a kill or a power cut,
moves it in (`settle`). Each move is a rename, so a disk that is full cannot stop it.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.core.run.manifest import payload_path, remove, verify, write_atomically

METRICS = "metrics.jsonl"
NEXT = ".manifest.json.next"
"""The manifest of a result that is complete but not yet in its place."""
RETIRED = ".retired"
"""Where the old result lies until it is removed."""
MARK = ".complete"
"""How the names of the files begin that Snakemake watches (staleness.py)."""


def draft(folder: Path, name: str) -> Path:
    """Where a run writes what is to become `name` in the stage's folder."""
    return folder / f".{name}.partial"


def on_disk(path: Path) -> None:
    """Return when a file, or a folder with all that is in it, would survive a power cut."""
    for found in [*path.rglob("*"), path] if path.is_dir() else [path]:
        opened = os.open(found, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def replace_result(folder: Path, manifest: dict[str, Any]) -> None:
    """The drafts in a stage's folder, of its payload and its metrics, become its result, with this manifest."""
    on_disk(draft(folder, payload_path(folder, manifest["payload"]).name))
    write_atomically(folder / NEXT, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    settle(folder)


def settle(folder: Path) -> None:
    """Finish a replacement that was begun, if one was; may be called by anyone at any time."""
    try:
        begun = os.open(folder / NEXT, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return
    with alone(begun):
        if not (folder / NEXT).exists():  # another process has done it
            return
        manifest = json.loads((folder / NEXT).read_text(encoding="utf-8"))
        (folder / RETIRED).mkdir(exist_ok=True)
        for name in (payload_path(folder, manifest["payload"]).name, METRICS):
            if draft(folder, name).exists():  # otherwise it is in its place
                retire(folder, name)
                draft(folder, name).rename(folder / name)
        retire(folder, "trainer")
        for mark in folder.glob(f"{MARK}.*"):  # of the old result
            mark.unlink()
        (folder / NEXT).replace(folder / "manifest.json")
        on_disk(folder / "manifest.json")
    with suppress(OSError):  # then the next run's start removes it
        remove(folder / RETIRED)


def verified(folder: Path) -> dict[str, Any]:
    """The manifest of a stage whose payload is as it was written (`verify`), after a replacement that was cut short."""
    with suppress(OSError):  # where nothing can be written, it stays undone
        settle(folder)
    return verify(folder)


def retire(folder: Path, name: str) -> None:
    """Move what has that name out of the way."""
    if (folder / name).exists() or (folder / name).is_symlink():
        remove(folder / RETIRED / name)
        (folder / name).rename(folder / RETIRED / name)


@contextmanager
def alone(opened: int) -> Iterator[None]:
    """No other process has the open file meanwhile, where there are locks (on NFS: of what is open for writing)."""
    try:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
