"""Whose is the state in `trainer/`: of a run with the same settings and inputs, or to be wiped."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stages.core.run.manifest import remove, write_atomically

CONFIG = "config.json"
"""What the state belongs to (identity and parents' digests), and its attempts."""


@dataclass
class Attempts:
    """The runs that a result takes.

    begun_with: code fingerprint of the first whose work is used (None: its version did not note it); resumed: where
    the others went on, and with which code.
    """

    begun_with: str | None
    resumed: list[dict[str, Any]] = field(default_factory=list)


def read_state(folder: Path, belongs: dict[str, Any]) -> Attempts | None:
    """The runs so far; None where there is no state, or where it does not belong to these."""
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        attempts = Attempts(found.pop("begun_with", None), found.pop("resumed"))
    except (OSError, ValueError, AttributeError, KeyError):
        return None
    return attempts if found == belongs else None


def write_state(folder: Path, belongs: dict[str, Any], attempts: Attempts) -> None:
    """Say whose the state is, all or nothing."""
    folder.mkdir(exist_ok=True)
    write_atomically(folder / CONFIG, json.dumps(belongs | asdict(attempts), indent=2))


def wipe_state(folder: Path) -> bool:
    """Whether there was any state."""
    found = folder.exists()
    remove(folder)
    return found
