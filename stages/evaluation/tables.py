"""Results as Markdown: `python -m stages.evaluation.tables RECIPE_FOLDER... > docs/results.md` (make results).

RECIPE_FOLDER is that of a finished run, runs/tiny/r1. Its results.json makes the tables, the manifests beside it say
which commit, seed and machine they come from and what the stages took. The same folders give the same text.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.errors import InputError, run_command
from stages.core.pipeline.overview import clock
from stages.core.run.manifest import read_manifest
from stages.evaluation.records import read_results
from stages.evaluation.results import LEADING, Cell, Row, lines, order_columns
from stages.evaluation.seeds import about_seeds

HEAD = """# Results

Made by `{command}`; not written by hand.

Shares are in percent, lengths in tokens; below each value its 95 % interval by bootstrap over what the
held-out questions are about: wordings of one content are drawn together. Where there are several seeds they are drawn
first, and the value of each stands in brackets. What the benchmarks are:
[tiny_world.md](tiny_world.md); what the tables show: [reading_results.md](reading_results.md).
"""


def recipe_tables(folder: Path) -> str:
    """The tables of one recipe's folder, and what each stage took; InputError where it is not finished."""
    rows = read_results(folder / "results.json")
    manifests = stages_of(folder)
    if "evaluation" not in manifests:
        raise InputError(f"{folder / 'evaluation' / 'manifest.json'} is missing: run the recipe first")
    evaluation = manifests["evaluation"]
    columns = order_columns(rows)
    parts = [f"## {folder.name} at {folder.parent.name}", f"{origin(evaluation, rows)} {about_seeds(rows)}"]
    thinking = [name for name in columns if not name.endswith("(non_thinking)")]
    for title, names in (("", thinking), ("Without thinking:", [name for name in columns if name not in thinking])):
        if names:
            parts += [title] * bool(title) + [leading(rows, names)]
    seconds: dict[str, list[float]] = {}
    for name, manifest in manifests.items():
        label = ((manifest.get("config") or {}).get("labels") or {}).get("seed")
        seconds.setdefault(name.removesuffix(f"_{label}"), []).append(manifest.get("seconds") or 0.0)
    took = ", ".join(f"`{name}` {' '.join(map(clock, values))}" for name, values in seconds.items())
    total = sum(map(sum, seconds.values()))
    parts.append(f"What the stages took, alone or side by side: {took}; one after the other {clock(total)}.")
    return "\n\n".join(parts) + "\n"


def stages_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Stage -> manifest, in the order in which they finished; the bases, which lie beside the recipes, included."""
    files = [*folder.glob("*/manifest.json"), *folder.parent.glob("*base/manifest.json")]
    found = {file.parent.name: read_manifest(file.parent) for file in files}
    return dict(sorted(found.items(), key=lambda item: (item[1].get("finished") or "", item[0])))


def origin(manifest: dict[str, Any], rows: Sequence[Row]) -> str:
    """Which code, which seed, when, on what; manifest: of the evaluation that the rows are of."""
    git, hardware = manifest.get("git") or {}, manifest.get("hardware") or {}
    commit = str(git.get("commit") or "unknown")[:7] + (" with changes" if git.get("dirty") else "")
    machine = f"{hardware.get('cpus')} cores ({hardware.get('machine')})" if hardware else "an unknown machine"
    seed = f"{'evaluated with ' if any(row.get('seeds') for row in rows) else ''}seed {manifest.get('seed')}"
    return f"Commit {commit}, {seed}, {(manifest.get('finished') or 'some day')[:10]}, {machine}."


def leading(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The leading metrics of each benchmark, a column a checkpoint."""
    table = [["benchmark", "metric", *(f"`{name.split(' (')[0]}`" for name in names)]]
    for line in lines(rows, LEADING):
        cells = [line.cells.get(name) for name in names]
        if any(cells):
            written = [as_text(cell) if cell else "" for cell in cells]
            table.append([line.benchmark.replace("_", " "), line.metric.replace("_", " "), *written])
    ruler = ["---"] * 2 + ["---:"] * len(names)
    return "\n".join("| " + " | ".join(row) + " |" for row in (table[0], ruler, *table[1:]))


def as_text(cell: Cell) -> str:
    """The value, its interval and, where there are several seeds, that of each."""
    return f"{cell.text} <sub>{cell.interval}</sub>" + (f" <sub>({cell.each})</sub>" if cell.each else "")


def print_tables(argv: list[str] | None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="RECIPE_FOLDER")
    folders = parser.parse_args(argv).folders
    made = [recipe_tables(folder) for folder in folders]
    shown = " ".join(f"runs/{folder.parent.name}/{folder.name}" for folder in folders)
    print("\n".join([HEAD.format(command=f"python -m stages.evaluation.tables {shown}"), *made]), end="")


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(lambda: print_tables(argv))


if __name__ == "__main__":
    sys.exit(main())
