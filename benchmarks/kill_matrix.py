"""Whether an interrupted stage ends as one that nobody disturbed: each kind of stage, by each signal, at each moment.

    python -m benchmarks.kill_matrix --scale smoke --recipe r1 kimi_k15 qwen3

Snakemake makes the stages once, undisturbed. Then each is started by hand, as its rule does, in a folder of its own, is
sent a signal at the moment that its folder shows, and the same command is given again. Digests of weights and data, and
results.json, must be those of the undisturbed run. `not hit`: the stage was done before the moment was seen. Exit code
1 where something differs or a command fails (its folder and log.txt are kept), 2 for bad input.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from data.errors import InputError, run_command
from stages.core.pipeline.workspace import Stage, load_workspace

ROOT = Path(__file__).resolve().parents[1]
KINDS = {
    "pretraining": "base.pretraining",
    "sft": "r1.cold_start_sft",
    "grpo": "r1.r1_zero",
    "reward model": "r1.helpful_reward_model",
    "sampling": "r1.cold_start_data",
    "distillation": "r1.distillation",
    "evaluation": "evaluation.evaluate",
    "mirror descent": "kimi_k15.policy_mirror_descent",
    "dpo": "kimi_k15.long2short_dpo",
    "prompt curation": "kimi_k15.prompt_curation",
    "on-policy distillation": "qwen3.on_policy_distillation",
    "evaluation of modes": "evaluation.evaluate_modes",
}
"""Kind of stage -> the script that stands for it; of several stages the shortest, or first."""
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT": signal.SIGINT}
TRIES = 5
"""How often a moment is waited for that was missed: some last a millisecond."""
LOOK = 0.0005
"""Seconds between two looks at a stage's folder."""
LONGEST = 3600
"""Seconds after which a command counts as hung."""


@dataclass(frozen=True)
class Undisturbed:
    """A stage as it ends when nobody disturbs it."""

    stage: Stage

    @property
    def manifest(self) -> dict:
        return json.loads(Path(self.stage.manifest_path).read_text(encoding="utf-8"))

    @property
    def rows(self) -> int:
        """How many rows of metrics it writes."""
        return rows_of(Path(self.stage.folder))


def rows_of(folder: Path) -> int:
    """The whole rows in a stage's metrics.jsonl so far."""
    file = folder / "metrics.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def made(folder: Path) -> tuple[str, bytes]:
    """What must be equal: the digest of a complete stage's payload, and the results.json beside its folder."""
    digest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["digest"]
    results = folder.parent / "results.json"
    return digest, results.read_bytes() if results.exists() else b""


# -- the moments


def has_started(folder: Path, whole: Undisturbed) -> bool:
    """The stage has read its config."""
    return folder.exists()


def is_half_done(folder: Path, whole: Undisturbed) -> bool:
    """Half of its rows of metrics are written."""
    return rows_of(folder) >= max(1, whole.rows // 2)


def saves_state(folder: Path, whole: Undisturbed) -> bool:
    """A checkpoint of the trainer, or a part of what is sampled, is being written."""
    state = folder / "trainer"
    checkpoints = any(not (made / "trainer_state.json").exists() for made in state.glob("checkpoint-*"))
    return checkpoints or any(state.glob("parts/*/*/.*"))


def saves_payload(folder: Path, whole: Undisturbed) -> bool:
    """Weights or data are being written."""
    return (folder / f".{whole.stage.payload}.partial").exists()


Moment = Callable[[Path, Undisturbed], bool]
MOMENTS: dict[str, Moment] = {
    "start": has_started,
    "middle": is_half_done,
    "checkpoint": saves_state,
    "payload": saves_payload,
}


# -- one case


def verdict(whole: Undisturbed, sign: signal.Signals, moment: Moment, folder: Path) -> str:
    """`equal`, `differs`, `not hit`, or the exit code that a command should not have had; see the module's text."""
    for _ in range(TRIES):
        shutil.rmtree(folder.parent, ignore_errors=True)
        code = interrupted(whole, sign, moment, folder)
        if code is not None:
            break
    else:
        return "not hit"
    if code not in (0, 143, -sign, 128 + sign):
        return f"exit {code}"
    if code and (code := start(whole, folder).wait(timeout=LONGEST)):
        return f"again: exit {code}"
    return "equal" if made(folder) == expected(whole) else "differs"


def expected(whole: Undisturbed) -> tuple[str, bytes]:
    """`made` of the undisturbed run; a results.json lies there beside every stage and counts for the evaluation."""
    digest, results = made(Path(whole.stage.folder))
    return digest, results if whole.stage.script.startswith("evaluation.") else b""


def interrupted(whole: Undisturbed, sign: signal.Signals, moment: Moment, folder: Path) -> int | None:
    """Exit code of a run that gets a signal at a moment; None where it was done before."""
    process = start(whole, folder)
    try:
        while process.poll() is None:
            if moment(folder, whole):
                with contextlib.suppress(ProcessLookupError):  # it was done just now
                    os.killpg(process.pid, sign)
                return process.wait(timeout=LONGEST)
            time.sleep(LOOK)
        if process.returncode:
            raise InputError(f"{folder.parent / 'log.txt'}: the stage ended with {process.returncode} by itself")
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def start(whole: Undisturbed, folder: Path, setting: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen:
    """The command of a stage, its output in `folder`, with the threads that the undisturbed run had.

    setting: what else is set in its environment.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    config = folder.parent / "config.json"
    config.write_text(json.dumps(whole.stage.config | {"output": str(folder)}), encoding="utf-8")
    threads = whole.manifest["hardware"]["threads"]
    environment = os.environ | ({"OMP_NUM_THREADS": threads} if threads else {}) | setting
    with (folder.parent / "log.txt").open("a", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"stages.{whole.stage.script}", str(config)], cwd=ROOT, stdout=log, stderr=log,
            env=environment, start_new_session=True,
        )  # fmt: skip


# -- all of them


def undisturbed(scale: str, runs: str, recipes: list[str], kinds: list[str]) -> dict[str, Undisturbed]:
    """Kind -> a stage of it, made by Snakemake unless it is there."""
    workspace = load_workspace({"scale": scale, "runs": runs})
    for recipe in recipes:
        if recipe in workspace.errors:
            raise workspace.errors[recipe]
        if recipe not in workspace.stages:
            raise InputError(f"--recipe: there is no {recipe}; allowed: {', '.join(filter(None, workspace.stages))}")
    stages = [stage for recipe in recipes for stage in workspace.stages[recipe]]
    found = {kind: [stage for stage in stages if stage.script == KINDS[kind]] for kind in kinds}
    chosen = {kind: Undisturbed(min(of_kind, key=steps_of)) for kind, of_kind in found.items() if of_kind}
    if not chosen:
        raise InputError(f"--kinds: {', '.join(recipes)} has no stage of the kinds {', '.join(kinds)}")
    rules = [whole.stage.rule_name for whole in chosen.values()]
    command = [sys.executable, "-m", "snakemake", *rules, "--nolock", "--config", f"scale={scale}", f"runs={runs}"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise InputError(f"{runs}: the undisturbed run failed")
    return chosen


def steps_of(stage: Stage) -> int:
    """How many steps a stage takes, as far as its settings say so: the shorter of two bases is the one to interrupt."""
    return stage.config["settings"].get("steps", 0)


def matrix(
    wholes: dict[str, Undisturbed], signals: list[str], moments: list[str], cases: Path
) -> Iterator[tuple[str, str, str, str]]:
    """(kind, signal, moment, verdict) of each case; the folders of those that are equal are removed."""
    for kind, whole in wholes.items():
        for sign in signals:
            for moment in moments:
                case = cases / f"{kind}_{sign}_{moment}".replace(" ", "_")
                found = verdict(whole, SIGNALS[sign], MOMENTS[moment], case / whole.stage.name)
                if found in ("equal", "not hit"):
                    shutil.rmtree(case)
                yield kind, sign, moment, found


def add_stages(parser: argparse.ArgumentParser, runs: str) -> None:
    """The options that `undisturbed` needs."""
    parser.add_argument("--scale", default="smoke")
    parser.add_argument("--recipe", nargs="+", default=["r1"])
    parser.add_argument("--runs", default=runs, help="where the undisturbed stages are, or are made")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="those that the recipes have")


def arguments_of(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_stages(parser, "runs/kill_matrix")
    parser.add_argument("--signals", nargs="+", choices=SIGNALS, default=list(SIGNALS))
    parser.add_argument("--moments", nargs="+", choices=MOMENTS, default=list(MOMENTS))
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    arguments = arguments_of(argv)
    found: list[str] = []
    wholes = undisturbed(arguments.scale, arguments.runs, arguments.recipe, arguments.kinds)
    print(f"\n{'kind':<24}{'signal':<8}{'moment':<12}verdict", flush=True)
    cases = Path(arguments.runs, arguments.scale, "cases")
    for kind, sign, moment, case in matrix(wholes, arguments.signals, arguments.moments, cases):
        print(f"{kind:<24}{sign:<8}{moment:<12}{case}", flush=True)
        found.append(case)
    print(f"{found.count('equal')} of {len(found)} are equal, {found.count('not hit')} were not hit")
    return 0 if set(found) <= {"equal", "not hit"} else 1


if __name__ == "__main__":
    sys.exit(run_command(main))
