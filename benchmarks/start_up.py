"""What a stage costs before it works: CPU seconds of a process of its own, and of a child that has its libraries.

    python -m benchmarks.start_up runs/tiny/r1

For the script of each stage in the folder, in turns: Python's start, its imports with those of its functions, and, in
a process before it, the config.json that its rule writes. CPU seconds hardly depend on what else the machine does. The
last column is the share of all start-up in it and the seconds of the stages' manifests. Exit code 2 for bad input.
"""

import argparse
import ast
import importlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from data.errors import InputError, run_command

ROUNDS = 3
LONGEST = 300
"""Seconds that the server may take to load the libraries."""
CONFIG = "config.json"
"""In the place of a script: what is done to write one."""


def load(script: str) -> None:
    """Import a script and what its functions import, as a run of it does; or read a recipe."""
    if script == CONFIG:
        from stages.core.pipeline.__main__ import command_line, load_recipe, recipe_file, resolve

        resolve(load_recipe(recipe_file("r1")), *command_line({})[:3])
        return
    module = importlib.import_module(f"stages.{script}")
    for function in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            imports: list[ast.stmt] = [node for node in function.body if isinstance(node, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), "imports", "exec"), {})


def seconds(script: str, warm: bool) -> float:
    """CPU seconds of a process, or of a child of the server, to its end."""
    module = ["stages.core.run.warm", __spec__.name] if warm else [__spec__.name]
    command = [sys.executable, "-m", *module, "--load", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"stages.{script} cannot be loaded: {done.stderr[-300:]}")
    return float(done.stdout)


def start() -> None:
    """Start the server and wait until it listens."""
    from stages.core.run.warm import ADDRESS
    from stages.core.run.warm_server import start_server

    start_server()
    end = time.monotonic() + LONGEST
    while not Path(os.environ.get(ADDRESS, "")).is_socket():
        if time.monotonic() > end:
            raise InputError("the server does not listen: is this Linux, without an accelerator?")
        time.sleep(0.1)


def compare(runs: Path) -> None:
    """The table."""
    from stages.core.run.manifest import read_manifest

    manifests = [read_manifest(file.parent) for file in sorted(runs.glob("*/manifest.json"))]
    if not manifests:
        raise InputError(f"{runs}: no stage is complete there")
    scripts = [manifest["script"] for manifest in manifests]
    start()
    found: dict[tuple[str, bool], list[float]] = {}
    for _ in range(ROUNDS):
        for script in dict.fromkeys([CONFIG, *scripts]):
            for warm in (False, True):
                found.setdefault((script, warm), []).append(seconds(script, warm))
    median = {case: statistics.median(times) for case, times in found.items()}
    print("| CPU seconds | process | child |\n|---|---|---|")
    for script in dict.fromkeys([CONFIG, *scripts]):
        print(f"| {script} | {median[script, False]:.2f} | {median[script, True]:.2f} |")
    work, shares = sum(manifest["seconds"] for manifest in manifests), []
    for warm in (False, True):
        all_of_it = sum(median[CONFIG, warm] + median[script, warm] for script in scripts)
        all_of_it += warm * max(median.values())  # the server's own
        shares.append(all_of_it / (all_of_it + work))
    print(f"| share of {len(scripts)} stages and the server | {shares[0]:.1%} | {shares[1]:.1%} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="?", default=Path("runs/tiny/r1"), help="a recipe's folder")
    parser.add_argument("--load", metavar="SCRIPT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load)
        print(time.process_time(), flush=True)
        os._exit(0)  # as a stage ends
    compare(arguments.runs)


if __name__ == "__main__":
    sys.exit(run_command(main))
