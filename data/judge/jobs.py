"""A program's tests as one job: the program in one sandbox, the code of tests in another, this process between them.

A test is one of
  {"kind": "stdin", "input": text}: the program reads and prints,
  {"kind": "call", "function": name, "input": [arguments]}: a function (or a method of `Solution`),
  {"kind": "assert", "code": statements}: code about what the program defines.
What a test expects of an output or a value does not come here (data.judge.compare).
"""

import re
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from data.judge.plain import Refused, encode
from data.sandbox.session import SandboxFailure, Session, open_session

TEST_SECONDS = 4.0
"""CPU time of one reply, loading the program included; a program may sleep as long (data.sandbox.session)."""
ANSWERS = 2.0
"""Wall time for all that the code of one test asks, as a multiple of TEST_SECONDS."""
INPUT = 8
"""How much larger than a reply a test's input may be: nobody means harm by it."""
QUESTIONS = 20_000
"""What the code of one test may ask of the program: an iterator that never ends is asked for ever."""
TOTAL_SECONDS = 60.0
"""Wall time of all tests of one program."""

AHEAD = 8
"""Tests that a program gets before it has answered: while one reply is looked at, it works on the next."""

_SCRIPTS = {"runs_program": "runs_program.py", "runs_tests": "runs_tests.py"}
"""The drivers: their names in full, by which the fingerprint of the code knows them."""

REFUSED = "refused: "
"""How the reason of a failure begins where a value could not be judged."""
_SHOWN = 300


@dataclass(frozen=True)
class Reply:
    """What a program made of a test: an `output` (text), a `value` (plain data as text), or a test that `held`."""

    output: str | None = None
    value: str | None = None
    held: bool = False
    """Whether the code of a test came to its end."""
    failure: str | None = None
    """Why it has none of these."""
    settled: bool = True
    """Whether the same program would fail again: false where the time of a clock on the wall ran out."""
    alone: bool = True
    """Whether no run came before in its sandbox, which may have left something behind; of a run's first call."""


def replies(code: str, setup: str, tests: list[dict], alone: bool = False) -> Generator[Reply, bool | None, None]:
    """What a program makes of each test, in their order; whoever has seen enough closes this.

    Each test is a run of its own but for calls that are made `again`, in the run of the one before. alone: each run has
    a sandbox of its own, too; to send True is to have the last test again that way. Nothing that a program does is
    raised; InputError where there is no sandbox.
    """
    job = _Job(code, setup, tests, ahead=1 if alone else AHEAD)
    try:
        for number, test in enumerate(tests):
            if alone and not test.get("again"):
                job.close()
            while (yield replace(job.reply(number), alone=job.runs == 1 or test.get("again", False))):
                job.close()
    finally:
        job.close()


class _Job:
    """The sandboxes of one program, opened when they are needed, and again after one has ended."""

    def __init__(self, code: str, setup: str, tests: list[dict], ahead: int):
        self.first = {"runs_program": {"code": code, "setup": setup}, "runs_tests": {"setup": setup}}
        self.tests, self.deadline = tests, time.monotonic() + TOTAL_SECONDS
        self.held = ExitStack()
        self.open: dict[str, Session] = {}
        self.ahead, self.sent, self.runs = ahead, 0, 0

    def close(self) -> None:
        self.held.close()
        self.open.clear()

    def reply(self, number: int) -> Reply:
        """Of one test. A sandbox that ended may have had a reason of its own: it has a second try."""
        try:
            began = time.monotonic()
            return self._attempt(number)
        except SandboxFailure as why:
            self.close()
            if why.reason != "died" or time.monotonic() - began > TEST_SECONDS:
                return _given_up(why)
        try:
            return self._attempt(number)
        except SandboxFailure as why:
            self.close()
            return _given_up(why)

    def _attempt(self, number: int) -> Reply:
        test = self.tests[number]
        program = self._session("runs_program", number)
        self.runs += not test.get("again")
        if test["kind"] == "assert":
            self.sent = number + 1
            return self._holds(test["code"], program, self._session("runs_tests", number))
        while self.sent < min(len(self.tests), number + self.ahead) and (message := _message(self.tests[self.sent])):
            program.send(message)
            self.sent += 1
        if self.sent == number:
            self.sent += 1
            return Reply(failure=f"{REFUSED}the test's input is too large")
        reply = _known(program.receive(TEST_SECONDS))
        if isinstance(made := reply.get("output" if test["kind"] == "stdin" else "value"), str):
            return Reply(output=made) if test["kind"] == "stdin" else Reply(value=made)
        return Reply(failure=_why(reply))

    def _session(self, driver: str, number: int) -> Session:
        if time.monotonic() > self.deadline:
            raise SandboxFailure("time")
        if driver not in self.open:
            self.open[driver] = self.held.enter_context(open_session(_script(driver)))
            self.open[driver].send(self.first[driver])
            if driver == "runs_program":
                self.sent, self.runs = number, 0
        return self.open[driver]

    def _holds(self, code: str, program: Session, tests: Session) -> Reply:
        """The test's code and the program answer each other until the test is done."""
        deadline = time.monotonic() + ANSWERS * TEST_SECONDS
        tests.send({"test": code})
        for _ in range(QUESTIONS):
            if {"passed", "failed"} & (said := tests.receive(TEST_SECONDS)).keys():
                break
            if time.monotonic() > deadline:
                raise SandboxFailure("time")
            program.send(said)
            tests.send(_known(program.receive(TEST_SECONDS)))
        if said.get("passed") is True:
            return Reply(held=True)
        self.close()  # a test that failed has not ended the program's side of it
        return Reply(failure=_line(said.get("failed") or f"the test asks more than {QUESTIONS} times"))


def _message(test: dict) -> dict | None:
    """What the program's driver gets for a test of kind stdin or call; None for one that it gets nothing for."""
    if test["kind"] == "stdin":
        return {"stdin": test["input"]}
    if test["kind"] != "call":
        return None
    try:
        given = encode([test["input"], test.get("named", {})], times=INPUT)
    except Refused:
        return None
    fresh = not test.get("again")
    return {"do": "call", "target": test["function"], "arguments": given, "plain": True, "fresh": fresh}


_PARTS = ("output", "value", "changed", "raised", "says", "arguments", "refused", "failed", "callback")
"""Of a program's reply; nothing else that it holds goes on."""


def _known(reply: dict) -> dict:
    return {name: part for name in _PARTS if isinstance(part := reply.get(name), str | int)}


_FAILURES = {
    "time": "it took too long",
    "memory": "it took too much memory",
    "output": "it sent no reply that can be read",
    "died": "it ended its own process",
}


def _given_up(why: SandboxFailure) -> Reply:
    return Reply(failure=_FAILURES.get(why.reason, why.reason), settled=why.reason != "time")


def _why(reply: dict) -> str:
    """Why a reply holds no value."""
    if "refused" in reply:
        return _line(f"{REFUSED}{reply['refused']}")
    return _line(reply.get("failed") or reply.get("says") or _FAILURES["output"])


def _line(said: object) -> str:
    """What a sandbox said, as a line for a log: it may say anything, and nothing."""
    return "".join(c if c.isprintable() else " " for c in str(said)[:_SHOWN]).strip() or "it failed"


@cache
def _script(driver: str) -> str:
    """A driver's source, with those of what it imports of this room before it."""
    sources = [Path(__file__).with_name(name).read_text() for name in ("plain.py", "inside.py", _SCRIPTS[driver])]
    return re.sub(r"^from data\..*$", "", "\n".join(sources), flags=re.MULTILINE)
