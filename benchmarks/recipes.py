"""Whole recipes of an older commit and of this code, from nothing and in turns: seconds and their ratios.

    python -m benchmarks.recipes --commit f45c80b --recipe r1 kimi_k15 qwen3 --runs runs/beside

Each side runs `snakemake recipe_NAME` in its own tree, with this environment's packages and a folder of its own, so
bases are made again for each recipe; seconds are of the whole command. Prints for each recipe the rate of a matmul
(`benchmarks.limit`, GFLOP/s, mean of before and after), the whole and, from the manifests, each stage that both have.
Where the rates differ the machine was not the same for both. A run that has ended is not run again: the same command
goes on after a stop. For idle cores. An older commit may need a package of its own (f45c80b: `math-verify` 0.9.0). Exit
code 2 for bad input.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.before import ROOT, checked_out
from benchmarks.limit import matmul_rate
from data.errors import InputError, run_command
from stages.core.run.manifest import read_json

SIDES = ("before", "here")


class Took(NamedTuple):
    """Seconds of a run, and the machine's matmul rate in GFLOP/s."""

    seconds: float
    rate: float


def run(tree: Path, recipe: str, scale: str, folder: Path) -> Took:
    """What a recipe takes from nothing, or its run that has ended took; InputError where it fails."""
    kept = folder / "took.json"
    if kept.exists():
        return Took(**read_json(kept, "delete it to run again"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "snakemake", f"recipe_{recipe}", "--config", f"scale={scale}", f"runs={folder}"]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    rate, started = matmul_rate(), time.monotonic()
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, cwd=tree, env=environment, stdout=log, stderr=log, check=False)
    seconds = time.monotonic() - started
    if done.returncode:
        raise InputError(f"recipe_{recipe} of {tree} ended with exit code {done.returncode}: see {log.name}")
    took = Took(seconds, (rate + matmul_rate()) / 2e9)
    kept.write_text(json.dumps(took._asdict()), encoding="utf-8")
    return took


def stages(folder: Path) -> dict[str, float]:
    """Seconds of each stage of a run, by its folder."""
    files = sorted(folder.rglob("manifest.json"))
    found = {Path(*file.parent.relative_to(folder).parts[1:]): read_json(file, "a stage writes it") for file in files}
    return {str(name): manifest["seconds"] for name, manifest in found.items()}


def row(name: str, before: float, here: float) -> str:
    """A row of the table."""
    return f"| {name} | {before:.0f} | {here:.0f} | {before / here:.2f} |"


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--recipe", nargs="+", required=True)
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/beside")
    arguments = parser.parse_args()
    with checked_out(arguments.commit) as tree:
        for recipe in arguments.recipe:
            folders = [arguments.runs.absolute() / recipe / side for side in SIDES]
            whole = [run(of, recipe, arguments.scale, folder) for of, folder in zip((tree, ROOT), folders, strict=True)]
            print(f"| {recipe}: seconds | {arguments.commit} | here | ratio |\n|---|---:|---:|---:|", flush=True)
            print(row("matmul rate", *(took.rate for took in whole)), flush=True)
            print(row("whole", *(took.seconds for took in whole)), flush=True)
            before, here = map(stages, folders)
            for name in sorted(before.keys() & here.keys(), key=lambda name: -before[name]):
                print(row(name, before[name], here[name]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
