"""Whose is the state in `trainer/`: of a run with the same settings and inputs, or to be wiped."""

import json
from pathlib import Path
from typing import Any

from stages.core.run.manifest import remove, write_atomically

CONFIG = "config.json"
"""What the state belongs to (identity and parents' digests), and `resumed`, where runs have gone on."""


def read_state(folder: Path, belongs: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Where interrupted runs have gone on; None where there is no state, or where it does not belong to these."""
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        resumed = found.pop("resumed")
    except (OSError, ValueError, AttributeError, KeyError):
        return None
    return resumed if found == belongs else None


def write_state(folder: Path, belongs: dict[str, Any], resumed: list[dict[str, Any]]) -> None:
    """Say whose the state is, all or nothing."""
    folder.mkdir(exist_ok=True)
    write_atomically(folder / CONFIG, json.dumps(belongs | {"resumed": resumed}, indent=2))


def wipe_state(folder: Path) -> bool:
    """Whether there was any state."""
    found = folder.exists()
    remove(folder)
    return found
