"""How fast programs are judged: sandboxes a second, and programs a second beside an earlier commit, in turns.

    python -m benchmarks.sandbox [--against COMMIT]

A start is a job that is shut in, gets a driver, answers one message and is killed. Kimi k1.5 (s.2.6) starts
27 containers a second with Docker on 16 cores, 120 with its own sandbox. Programs are right answers of four kinds, each
with three tests (`check` with as many assertions in one function): every one is judged by `Program.verify`, here and in
a copy of the other commit, whose programs ran unprotected. Medians of three rounds.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEFORE = "f45c80b"
"""A commit from before programs were shut in."""
MODULES = ("data.verifiers.programs", "data.tasks.programs")
"""Where `Program` is, and where it was."""
DRIVER = """
import os
for line in open(3, "rb"):
    os.write(4, b"{}\\n")
"""
FUNCTION = "import re\ndef longest(text):\n    return max(re.findall(r'[a-z]+', text), key=len, default='')\n"
ASSERTIONS = [f"assert longest({text!r}) == {word!r}" for text, word in (("a bc", "bc"), ("", ""), ("x yz w", "yz"))]
CHECK = "def check(candidate):\n" + "".join(f"    {line}\n" for line in ASSERTIONS).replace("longest", "candidate")
PROGRAMS: dict[str, tuple[str, list[dict]]] = {
    "stdin": (
        "print(sum(map(int, input().split())))\n",
        [{"kind": "stdin", "input": f"1 {n}\n", "output": f"{n + 1}\n"} for n in range(3)],
    ),
    "call": (
        "class Solution:\n    def double(self, numbers):\n        return [2 * n for n in numbers]\n",
        [{"kind": "call", "function": "double", "input": [[n, 1]], "output": [2 * n, 2]} for n in range(3)],
    ),
    "assert": (FUNCTION, [{"kind": "assert", "code": line} for line in ASSERTIONS]),
    "check": (FUNCTION, [{"kind": "assert", "code": f"{CHECK}\ncheck(longest)"}]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", default=BEFORE, help="commit whose programs a second are compared with")
    parser.add_argument("--count", type=int, default=60, help="programs of each kind in a round")
    parser.add_argument("--judge", metavar="TREE", help=argparse.SUPPRESS)  # one round, in a process of its own
    arguments = parser.parse_args()
    if arguments.judge:
        print(json.dumps(judged(arguments.judge, arguments.count)))
        return
    cores = os.cpu_count() or 1
    print(f"starts a second: {starts(1):.0f} by one thread, {starts(cores):.0f} by {cores} ({cores} cores)", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        trees = {"ours": str(ROOT)} | ({"before": folder} if copied(arguments.against, folder) else {})
        speeds = {side: {kind: [] for kind in PROGRAMS} for side in trees}
        for _ in range(3):
            for side, tree in trees.items():
                for kind, speed in one_round(tree, arguments.count).items():
                    speeds[side][kind].append(speed)
    medians = {
        side: {kind: statistics.median(found) for kind, found in kinds.items()} for side, kinds in speeds.items()
    }
    print(f"{'programs/s':<10}" + "".join(f"{side:>9}" for side in trees) + "    ratio")
    for kind in PROGRAMS:
        shown = "".join(f"{medians[side][kind]:>9.0f}" for side in trees)
        ratio = f"{medians['ours'][kind] / medians['before'][kind]:>9.2f}" if "before" in trees else ""
        print(f"{kind:<10}{shown}{ratio}")


def starts(threads: int, count: int = 200) -> float:
    """Jobs a second that are started, asked once and ended."""
    from data.sandbox.session import open_session

    def one(_: int) -> None:
        with open_session(DRIVER) as session:
            session.send({})
            session.receive(5)

    one(0)
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        list(pool.map(one, range(count)))
        return count / (time.perf_counter() - started)


def copied(commit: str, folder: str) -> bool:
    """Put the code of a commit into a folder; False where this copy of the repository has no such commit."""
    command = ["git", "-C", str(ROOT), "archive", commit, "data", "stages"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        print(f"no {commit} to compare with: {done.stderr.decode().strip()}")
        return False
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return True


def one_round(tree: str, count: int) -> dict[str, float]:
    """Programs a second by kind, judged by the code in a tree."""
    command = [sys.executable, __file__, "--judge", tree, "--count", str(count)]
    environment = os.environ | {"PYTHONPATH": tree}
    return json.loads(subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=True).stdout)


def judged(tree: str, count: int) -> dict[str, float]:
    """Runs in the process of a round."""
    import importlib

    module = next(name for name in MODULES if Path(tree, *name.split(".")).with_suffix(".py").exists())
    program = importlib.import_module(module).Program()
    speeds = {}
    for kind, (code, tests) in PROGRAMS.items():
        row = {"info": json.dumps({"tests": tests, "setup": ""})}
        assert program.verify(code, row)  # and the server has started
        started = time.perf_counter()
        for number in range(count):
            assert program.verify(f"{code}# {number}\n", row)
        speeds[kind] = count / (time.perf_counter() - started)
    return speeds


if __name__ == "__main__":
    main()
