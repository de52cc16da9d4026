"""The finished parts of a computation that goes part by part: an interrupted run does not repeat them."""

import json
from pathlib import Path
from typing import Any

from stages.core.pipeline.fingerprint import digest
from stages.core.run.manifest import write_atomically


class Parts:
    """Values by the number of their part, in files of a folder; without a folder they last as long as the object."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.values: dict[int, Any] = {}
        for file in sorted(folder.glob("*.json")) if folder else []:
            try:
                self.values |= {int(part): value for part, value in json.loads(file.read_text(encoding="utf-8"))}
            except (ValueError, TypeError):  # damaged: its parts are made again
                file.unlink()

    def of(self, *call: Any) -> "Parts":
        """The parts of one call; call: all that decides their values, as JSON can hold it."""
        return Parts(self.folder / digest(json.dumps(call))[:16] if self.folder else None)

    def add(self, values: dict[int, Any]) -> None:
        """Some more parts are finished; on the disk are all of them or none. values: as JSON can hold them."""
        self.values |= values
        if self.folder and values:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / f"{min(values)}.json", json.dumps(list(values.items())))

    def files(self) -> int:
        """How many files of finished parts there are, those of all calls."""
        return sum(1 for _ in self.folder.rglob("*.json")) if self.folder else 0
