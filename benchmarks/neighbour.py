"""What a busy neighbour costs each kind of stage: seconds idle, seconds beside it, and their ratio.

    python -m benchmarks.neighbour --kinds pretraining grpo --settings "as set" default passive

The neighbour is one program that computes without a pause on every core. Snakemake makes the stages once; then each is
started by hand, as its rule does, in a folder of its own: under every setting in turn, alone and beside the neighbour.
Prints a line for each kind and setting: seconds alone, their ratio to those of the first setting that is named, seconds
beside the neighbour, and how many times longer that is than alone; medians over `--rounds`.

Two programs that share each core fairly take twice as long. More is lost where threads of OpenMP wait for one another
while they hold a core: how long they do is GOMP_SPINCOUNT, which `stages/__init__.py` sets. `default` is what libgomp
takes otherwise, `passive` what OMP_WAIT_POLICY=passive stands for.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.kill_matrix import LONGEST, Undisturbed, add_stages, start, undisturbed
from data.errors import InputError, run_command

SETTINGS: dict[str, dict[str, str]] = {
    "as set": {},
    "default": {"GOMP_SPINCOUNT": "300000"},
    "passive": {"GOMP_SPINCOUNT": "0"},
    "spin 1000": {"GOMP_SPINCOUNT": "1000"},
    "spin 10000": {"GOMP_SPINCOUNT": "10000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
"""Name -> what is set in a stage's environment."""
BUSY = """
import os, sys
while os.getppid() == int(sys.argv[1]):  # it ends with a benchmark that is killed
    for _ in range(1_000_000):
        pass
"""


@contextlib.contextmanager
def neighbour(cores: int) -> Iterator[list[subprocess.Popen]]:
    """Keeps so many cores busy, with a process for each, until the block ends."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY, str(os.getpid())]) for _ in range(cores)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def seconds_of(whole: Undisturbed, setting: Mapping[str, str], folder: Path) -> float:
    """How long the stage takes from its start to its end; InputError where it fails."""
    shutil.rmtree(folder.parent, ignore_errors=True)
    started = time.perf_counter()
    process = start(whole, folder, setting)
    try:
        code = process.wait(timeout=LONGEST)
    finally:
        process.kill()  # it has a session of its own: Ctrl-C does not reach it
    seconds = time.perf_counter() - started
    if code:
        raise InputError(f"{folder.parent / 'log.txt'}: the stage ended with {code}")
    shutil.rmtree(folder.parent)
    return seconds


def measured(
    whole: Undisturbed, settings: list[str], cores: int, rounds: int, folder: Path
) -> dict[str, tuple[float, float]]:
    """Setting -> (seconds alone, seconds beside the neighbour): medians of `rounds`, the settings in turn."""
    alone: dict[str, list[float]] = {name: [] for name in settings}
    beside: dict[str, list[float]] = {name: [] for name in settings}
    for _ in range(rounds):
        for name in settings:
            alone[name].append(seconds_of(whole, SETTINGS[name], folder))
        with neighbour(cores):
            for name in settings:
                beside[name].append(seconds_of(whole, SETTINGS[name], folder))
    return {name: (statistics.median(alone[name]), statistics.median(beside[name])) for name in settings}


def line(kind: str, name: str, alone: float, first: float, beside: float) -> str:
    """A line of the table. first: seconds alone under the setting that the others are compared with."""
    return f"{kind:<24}{name:<12}{alone:>9.1f}{alone / first:>9.2f}{beside:>9.1f}{beside / alone:>8.2f}"


def arguments_of(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_stages(parser, "runs/neighbour")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=["as set"])
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="how many the neighbour keeps busy")
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    arguments = arguments_of(argv)
    wholes = undisturbed(arguments.scale, arguments.runs, arguments.recipe, arguments.kinds)
    print(f"\n{'kind':<24}{'setting':<12}{'alone s':>9}{'ratio':>9}{'beside s':>9}{'times':>8}", flush=True)
    for kind, whole in wholes.items():
        case = Path(arguments.runs, arguments.scale, "neighbour", kind.replace(" ", "_"))
        found = measured(whole, arguments.settings, arguments.cores, arguments.rounds, case / whole.stage.name)
        first = found[arguments.settings[0]][0]
        for name, (alone, beside) in found.items():
            print(line(kind, name, alone, first, beside), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
