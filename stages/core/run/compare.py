"""Whether two folders of runs hold the same weights and data: `python -m stages.core.run.compare RUNS OTHER`.

The proof of a change that must alter no result: run a scale before it and after it, then compare. Reports are left out,
since they tell when they were made. Exit code 1 where a stage differs or is in one folder alone, 2 for bad input.
"""

import argparse
import sys
from pathlib import Path

from data.errors import InputError, run_command
from stages.core.run.manifest import read_manifest


def digests(runs: Path) -> dict[str, str]:
    """Stage folder, relative to the runs -> digest of its payload."""
    files = sorted(runs.rglob("manifest.json"))
    if not files:
        raise InputError(f"{runs}: no manifest.json is below it")
    found = {}
    for file in files:
        manifest = read_manifest(file.parent)
        if not manifest.get("digest"):
            raise InputError(f"{file}: `digest` is missing")
        if manifest.get("payload") != "report":
            found[str(file.parent.relative_to(runs))] = manifest["digest"]
    return found


def compared(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    """Stage -> `same`, `differs`, or in which of the two it is missing."""
    return {
        stage: "missing in the first" if stage not in one
        else "missing in the second" if stage not in other
        else "same" if one[stage] == other[stage] else "differs"
        for stage in sorted(one.keys() | other.keys())
    }  # fmt: skip


def compare(argv: list[str] | None) -> int:
    """Compare, print; 1 where a stage differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, metavar="RUNS")
    parser.add_argument("other", type=Path, metavar="OTHER")
    arguments = parser.parse_args(argv)
    verdicts = compared(digests(arguments.runs), digests(arguments.other))
    for stage, verdict in verdicts.items():
        print(f"{stage:<50} {verdict}")
    same = sum(verdict == "same" for verdict in verdicts.values())
    print(f"{same} of {len(verdicts)} stages are the same")
    return 0 if same == len(verdicts) else 1


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    return run_command(lambda: compare(argv))


if __name__ == "__main__":
    sys.exit(main())
