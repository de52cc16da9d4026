"""Untrusted code, run in a child process with hard limits.

A small server process forks one child a job: the job cannot hang or fill the memory of the training process, and a
fork of a small process costs a millisecond where starting Python costs twenty. It limits time, memory, files and
processes; it is a guard against accidents of a policy, not a jail for an attacker.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import IO

SECONDS = 2.0
MEMORY = 512 << 20
MAX_CODE = 2_000
_PARENT_PATIENCE = 10.0

_BUILTINS = (
    *("abs", "all", "any", "bool", "dict", "divmod", "enumerate", "filter", "float", "int", "len", "list", "map"),
    *("max", "min", "pow", "range", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip"),
)


@lru_cache(maxsize=100_000)
def passes(code: str, tests: tuple[tuple[int, int], ...]) -> bool:
    """Whether the Python expression `code` in `x` gives the expected value for every (x, expected)."""
    return len(code) <= MAX_CODE and bool(_answer({"code": code, "tests": tests}))


@lru_cache(maxsize=100_000)
def values(code: str, inputs: tuple[int, ...]) -> tuple[str, ...] | None:
    """The value of the expression at each x, as text: 6.0 and 6 are one. None where one of them fails."""
    found = _answer({"code": code, "inputs": inputs}) if len(code) <= MAX_CODE else False
    return tuple(found) if isinstance(found, list) else None


def _answer(job: dict) -> object:
    """The verdict on a job; RuntimeError where the server dies twice on it."""
    for _ in range(2):
        if (verdict := _ask(job)) is not None:
            return verdict
    raise RuntimeError("the sandbox does not answer")


_server: subprocess.Popen | None = None


def _ask(job: dict) -> object:
    """Send one job and read its verdict; a server that is gone or stuck is replaced."""
    global _server
    if _server is None or _server.poll() is not None:
        _server = subprocess.Popen(
            [sys.executable, "-I", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={}
        )
    try:
        _server.stdin.write(json.dumps(job) + "\n")
        _server.stdin.flush()
        ready, _, _ = select.select([_server.stdout], [], [], _PARENT_PATIENCE)
        line = _server.stdout.readline() if ready else ""
    except (BrokenPipeError, OSError):
        line = ""
    if not line:
        _server.kill()
        _server.wait()
        _server = None
        return None
    return json.loads(line)


def _limit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) + 1, int(SECONDS) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def _work(job: dict) -> object:
    """Runs in the forked child."""
    import builtins

    allowed = {"__builtins__": {name: getattr(builtins, name) for name in _BUILTINS}}
    code = compile(job["code"].strip(), "<completion>", "eval")
    if any("__" in name for name in _names(code)):
        return False
    if "inputs" in job:
        return [_text(eval(code, allowed | {"x": x})) for x in job["inputs"]]
    return all(eval(code, allowed | {"x": x}) == expected for x, expected in job["tests"])


def _text(value: object) -> str:
    """One text for numbers that are equal."""
    return str(int(value)) if isinstance(value, (bool, float)) and value == value // 1 else repr(value)


def _names(code: CodeType) -> Iterator[str]:
    """The names that code uses, inner functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _child(job: dict, pipe: int) -> None:
    try:
        _limit()
        verdict = json.dumps(_work(job))
    except BaseException:  # whatever the code raises, it has failed
        verdict = "false"
    os.write(pipe, verdict.encode())
    os._exit(0)


def _serve(jobs: IO[str], verdicts: IO[str]) -> None:
    for line in jobs:
        job = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _child(job, write)
        os.close(write)
        ready, _, _ = select.select([read], [], [], SECONDS)
        verdict = os.read(read, 1 << 16).decode() if ready else ""
        os.close(read)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        verdicts.write((verdict or "false") + "\n")
        verdicts.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(sys.stdin, sys.stdout)
