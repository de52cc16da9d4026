"""What an older commit made of the answers and attacks that the tests hold today: the tables of docs/reliability.md.

    python -m benchmarks.before --commit 9745efd mathematics attacks

The commit is checked out into a temporary worktree; `judge.py` asks its verifiers. Attacks escaped from the older code
reward: there it runs in a bubblewrap of its own, as nobody, without network, with nothing to write to but a small /tmp,
and with limits on time, memory and processes. An older verifier of mathematics may need a package of its own
(9745efd: `math-verify` 0.9.0).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from data.errors import InputError, run_command
from data.sandbox.command import as_nobody, found, missing_program
from tests.attacks import ATTACKS
from tests.unit.data.verifiers.math_cases import CASES
from tests.unit.data.verifiers.test_attacks import CALL, HONEST, JUDGED, MAIN, SECRET, STDIN
from tests.unit.data.verifiers.test_free_form import row

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {"AS": 6 << 30, "CPU": 1800, "NPROC": 1024, "FSIZE": 32 << 20}
"""Of the older code reward's processes, by the names of `resource.RLIMIT_`."""
SLOW = 15.0
"""Seconds for a verdict that hurt a trainer; the older code gives a program 4, and starts its server again after 9."""
LONGEST = 3600
"""Seconds for all answers of a kind, or all tests of an attack."""
FLOAT = row("", tests=[{"kind": "call", "function": "f", "input": [7], "output": 4711.5}])
AFTER = row("", tests=[
    {"kind": "stdin", "input": "7\n", "output": "21\n"}, {"kind": "call", "function": "f", "input": [7], "output": 21},
    {"kind": "assert", "code": "assert {f(7)} == {21}"},
])  # fmt: skip
"""What an honest program is asked after each attack."""


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The tree of a commit, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # nobody reads it
        tree, git = Path(folder, "tree"), ["git", "-C", str(ROOT), "worktree"]
        made = subprocess.run([*git, "add", "--detach", tree, commit], capture_output=True, text=True, check=False)
        if made.returncode:
            raise InputError(f"--commit: {commit} cannot be checked out: {made.stderr.strip()}")
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", tree], check=False)


def judged(tree: Path, jobs: list[dict], shut_in: bool = False, **environment: str) -> list[dict]:
    """What the verifiers of a tree say to each job; fewer where they have not answered all."""
    packages = os.path.realpath(sys.prefix)
    command = [f"{packages}/bin/python", "-P", "-c", Path(__file__).with_name("judge.py").read_text(encoding="utf-8")]
    if shut_in:
        if missing := missing_program():
            raise InputError(f"attacks: {missing} is missing: install it by `make sandbox`")
        bubble = ["--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", "--dev", "/dev"]
        bubble += ["--proc", "/proc", "--size", str(64 << 20), "--tmpfs", "/tmp", "--chdir", "/"]
        seen = [str(tree), packages, os.path.realpath(sys.base_prefix)]
        shown = [argument for path in seen for argument in ("--ro-bind", path, path)]  # one may lie in /tmp
        command = [*as_nobody(seen), found("bwrap"), *bubble, *shown, "--", *command]
    environment |= {"PYTHONPATH": str(tree), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, input="".join(f"{json.dumps(job)}\n" for job in jobs), text=True, env=environment, check=False,
            capture_output=True, timeout=LONGEST, preexec_fn=limit if shut_in else None,
        )  # fmt: skip
        said = done.stdout
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode()
    return [json.loads(line) for line in said.splitlines() if line.endswith("}")]


def limit() -> None:
    """Runs in the child."""
    for name, most in LIMITS.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def of_kind(tree: Path, kind: str) -> str:
    """How many answers of a kind are judged right, as a row of the table."""
    wanted = [
        (row(gold), answer, right)
        for gold, equal, other in CASES[kind]
        for right, answers in ((True, [gold, *equal]), (False, other))
        for answer in answers
    ]
    known = {"row": row("\\frac12"), "answer": "\\frac{2}{4}"}
    first, *said = judged(tree, [known, *({"row": asked, "answer": answer} for asked, answer, _ in wanted)]) or [{}]
    if not first.get("right") or len(said) < len(wanted):
        raise InputError("--commit: its verifier of mathematics does not answer; does it lack a package (see --help)?")
    right = sum(found.get("right") is right for found, (*_, right) in zip(said, wanted, strict=True))
    return f"| {kind} | {right} of {len(wanted)} |"


def of_attack(tree: Path, name: str) -> str:
    """By which kinds of tests an attack earns, and what it does to the trainer, as a row of the table."""
    ways = ["stdin", "call", "call of a float"]
    cases = [STDIN, CALL, FLOAT, *JUDGED[: {"wastes": 1, "gives": 2}.get(name.split()[0])]]
    jobs = [{"row": case | {"verifier": "code_tests"}, "answer": ATTACKS[name] + MAIN} for case in cases]
    jobs += [{"row": AFTER | {"verifier": "code_tests"}, "answer": HONEST.format(3)}]
    said = judged(tree, jobs, shut_in=True, SECRET=SECRET)
    earned = [found.get("right", False) for found in said[: len(cases)]]
    told = [way for way, right in zip(ways, earned, strict=False) if right]
    if kinds := sum(earned[len(ways) :]):
        told.append(f"{kinds} kind{'s' * (kinds > 1)} of assert")
    hurt = [found["error"] for found in said if "error" in found]
    hurt += [f"{found['seconds']:.0f} s" for found in said if found["seconds"] > SLOW]
    if len(said) < len(jobs):
        hurt.append("no more verdicts")
    elif not said[-1].get("right"):
        hurt.append("later verdicts")
    told = [f"**earned** in {', '.join(told)}"] if told else []
    told += [f"**trainer hurt**: {', '.join(dict.fromkeys(hurt))}"] if hurt else []
    return f"| {name} | {'; '.join(told) or 'refused'} |"


TABLES: dict[str, tuple[Callable[[Path, str], str], list[str], str]] = {
    "mathematics": (of_kind, list(CASES), "| kind | right verdicts before |\n| --- | ---: |"),
    "attacks": (of_attack, list(ATTACKS), "| attack | before |\n| --- | --- |"),
}


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commit", required=True)
    parser.add_argument("tables", nargs="+", choices=TABLES)
    arguments = parser.parse_args()
    with checked_out(arguments.commit) as tree, ThreadPoolExecutor(2) as pool:
        for table in arguments.tables:
            make, names, head = TABLES[table]
            print(head, flush=True)
            for line in pool.map(lambda name, make=make: make(tree, name), names):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
