"""What the end of a run says of its results: of how many seeds they are, pass@1 with a dot a seed. Needs no torch."""

from collections.abc import Iterable
from pathlib import Path

from data.errors import InputError
from stages.evaluation.records import read_results
from stages.evaluation.results import lines, order_columns
from stages.evaluation.seeds import about_seeds


def closing(folders: Iterable[str]) -> str:
    """Of each evaluation's folder a sentence and, where there are several seeds, a line a stage: pass@1 in percent."""
    found = []
    for folder in folders:
        try:
            rows = read_results(Path(folder).parent / "results.json")
        except InputError as error:  # someone took it away: the run is complete all the same
            found.append(str(error))
            continue
        found.append(f"{Path(folder).parent.name}: {about_seeds(rows)}")
        cells = {line.metric: line.cells for line in lines(rows) if line.benchmark == "reasoning"}.get("pass@1", {})
        if any(cell.strip for cell in cells.values()):
            for name in (name for name in order_columns(rows) if name in cells):
                cell = cells[name]
                found.append(f"  {name:<36} pass@1 {cell.text:>5}  {cell.interval:>11}  {cell.strip}".rstrip())
    return "\n".join(found)
