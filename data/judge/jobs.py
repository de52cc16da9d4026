"""A program's tests as one job: the program in one sandbox, the code of tests in another, this process between them.

A test is one of
  {"kind": "stdin", "input": text}: the program reads and prints,
  {"kind": "call", "function": name, "input": [arguments]}: a function (or a method of `Solution`),
  {"kind": "assert", "code": statements}: code about what the program defines.
What a test expects of an output or of a value does not come here: see data.judge.compare.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.judge.plain import Refused, encode
from data.sandbox.session import SandboxFailure, Session, open_session

TEST_SECONDS = 4.0
"""CPU time of one reply, loading the program included (data.sandbox.session bounds the wall time too)."""
TOTAL_SECONDS = 60.0
"""Wall time of all tests of one program."""

REFUSED = "refused: "
"""How the reason of a failure begins where a value could not be judged."""
_SHOWN = 300


@dataclass(frozen=True)
class Reply:
    """What a program made of a test: an `output` (text), a `value` (plain data as text), or a failure."""

    output: str | None = None
    value: str | None = None
    failure: str | None = None
    """Why it has neither; None for a test of kind assert that held."""
    settled: bool = True
    """Whether the same program would fail again: false where the time of a clock on the wall ran out."""


def replies(code: str, setup: str, tests: list[dict]) -> Iterator[Reply]:
    """What a program makes of each test, in their order, each in a run of its own. Whoever has seen enough stops asking.

    Nothing is raised for what a program does; InputError where there is no sandbox.
    """
    job = _Job(code, setup, time.monotonic() + TOTAL_SECONDS)
    try:
        for test in tests:
            yield job.reply(test)
    finally:
        job.close()


class _Job:
    """The sandboxes of one program, opened when they are needed, and again after one has ended."""

    def __init__(self, code: str, setup: str, deadline: float):
        self.code, self.setup, self.deadline = code, setup, deadline
        self.held = ExitStack()
        self.open: dict[str, Session] = {}

    def close(self) -> None:
        self.held.close()
        self.open.clear()

    def reply(self, test: dict) -> Reply:
        """Of a test. A sandbox that ended may have had a reason of its own: it has a second try."""
        try:
            return self._attempt(test)
        except SandboxFailure as why:
            self.close()
            if why.reason != "died":
                return _given_up(why)
        try:
            return self._attempt(test)
        except SandboxFailure as why:
            self.close()
            return _given_up(why)

    def _attempt(self, test: dict) -> Reply:
        match test["kind"]:
            case "stdin":
                return self._output(test["input"])
            case "call":
                return self._value(test["function"], test["input"])
            case _:
                return self._holds(test["code"])

    def _output(self, text: str) -> Reply:
        reply = self._ask_program({"stdin": text})
        output = reply.get("output")
        return Reply(output=output) if isinstance(output, str) else Reply(failure=_why(reply))

    def _value(self, function: str, arguments: list) -> Reply:
        try:
            given = encode([arguments, {}])
        except Refused as why:
            return Reply(failure=f"{REFUSED}in the test's input, {why}")
        asked = {"do": "call", "target": function, "arguments": given, "plain": True, "fresh": True}
        reply = self._ask_program(asked)
        value = reply.get("value")
        return Reply(value=value) if isinstance(value, str) else Reply(failure=_why(reply))

    def _holds(self, code: str) -> Reply:
        """The test's code and the program answer each other until the test is done."""
        said = self._ask("runs_tests", {"setup": self.setup}, {"test": code})
        while "passed" not in said and "failed" not in said:
            said = self._ask("runs_tests", {}, self._ask_program(said))
        if "failed" in said:
            self.close()  # a test that failed has not ended the program's side of it
            return Reply(failure=said["failed"])
        return Reply()

    def _ask_program(self, message: dict) -> dict:
        reply = self._ask("runs_program", {"code": self.code, "setup": self.setup}, message)
        return {name: part for name in _PARTS if isinstance(part := reply.get(name), str | int)}

    def _ask(self, driver: str, first: dict, message: dict) -> dict:
        if time.monotonic() > self.deadline:
            raise SandboxFailure("time")
        if driver not in self.open:
            self.open[driver] = self.held.enter_context(open_session(_script(driver)))
            self.open[driver].send(first)
        self.open[driver].send(message)
        return self.open[driver].receive(TEST_SECONDS)


_PARTS = ("output", "value", "changed", "raised", "says", "arguments", "refused", "failed", "callback")
"""Of a program's reply; nothing else that it holds goes on."""
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
        return f"{REFUSED}{reply['refused']}"[:_SHOWN]
    return str(reply.get("failed") or reply.get("says") or _FAILURES["output"])[:_SHOWN]


@cache
def _script(driver: str) -> str:
    """A driver's source, with those of what it imports of this room before it."""
    folder = Path(__file__).parent
    sources = [folder.joinpath(f"{name}.py").read_text() for name in ("plain", "inside", driver)]
    return re.sub(r"^from data\..*$", "", "\n".join(sources), flags=re.MULTILINE)
