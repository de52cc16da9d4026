"""A session with a job: messages to a driver that runs shut in, replies that come back as untrusted data."""

import json
import marshal
import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal

from data.sandbox.availability import new_job
from data.sandbox.server import Job

MAX_REPLY = 4 << 20
"""Bytes of a reply, as JSON."""
PATIENCE = 4.0
"""Wall time a reply may take, as a multiple of its CPU time: a job that sleeps is not waited for longer."""

Reason = Literal["time", "memory", "output", "died"]


class SandboxFailure(Exception):
    """The job gave no reply. `reason`: it took too long, took too much memory, wrote no reply or too much, or ended."""

    def __init__(self, reason: Reason):
        super().__init__(reason)
        self.reason = reason


@contextmanager
def open_session(script: str) -> Iterator["Session"]:
    """A job that runs `script` as its `__main__`: the source of a driver, ours, that needs the standard library alone.

    The driver reads messages from descriptor 3 and writes replies to descriptor 4, a line of JSON each; 0, 1 and 2 are
    /dev/null. It is one process, which may have threads but starts no other, and writes nowhere but below /tmp, where
    it starts. At the end of the block it is killed. Raises InputError where no job can be had.
    """
    job = new_job()
    try:
        yield Session(job, _compiled(script))
    finally:
        job.end()


class Session:
    """What `open_session` gives."""

    def __init__(self, job: Job, code: bytes):
        self._job = job
        self._clock = _cpu_clock(job.process)
        self._outgoing = memoryview(len(code).to_bytes(8, "big") + code)
        self._received = bytearray()
        os.set_blocking(job.write, False)
        self._push()

    def send(self, message: dict) -> None:
        """A message to the driver; what the pipe does not take goes out while the reply is waited for."""
        self._outgoing = memoryview(bytes(self._outgoing) + json.dumps(message).encode() + b"\n")
        self._push()

    def receive(self, seconds: float) -> dict:
        """The driver's next reply, an object of JSON; anything in it may be the work of the program.

        seconds: CPU time that the job may take for it, with all of its threads; of wall time PATIENCE times as much.
        Raises SandboxFailure, whatever the job does.
        """
        spent, started = self._cpu_seconds(), time.monotonic()
        while (end := self._received.find(b"\n")) < 0 and len(self._received) <= MAX_REPLY:
            cpu = seconds - (self._cpu_seconds() - spent)
            wall = seconds * PATIENCE - (time.monotonic() - started)
            if cpu <= 0 or wall <= 0:
                raise SandboxFailure("time")
            self._wait(min(max(cpu, 0.01), wall))
        if not 0 <= end <= MAX_REPLY:
            raise SandboxFailure("output")
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return _reply(line)

    def _wait(self, seconds: float) -> None:
        """Read and write what can be, after waiting for it at most so long."""
        poll = select.poll()
        poll.register(self._job.read, select.POLLIN)
        if self._outgoing:
            poll.register(self._job.write, select.POLLOUT)
        ready = dict(poll.poll(seconds * 1000))
        if self._job.write in ready:
            self._push()
        if self._job.read in ready:
            chunk = os.read(self._job.read, 1 << 16)
            if not chunk:
                raise SandboxFailure("died")
            self._received += chunk

    def _push(self) -> None:
        try:
            while self._outgoing:
                self._outgoing = self._outgoing[os.write(self._job.write, self._outgoing) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # it is told where the reply is missing
            self._outgoing = memoryview(b"")

    def _cpu_seconds(self) -> float:
        try:
            return time.clock_gettime(self._clock)
        except OSError:  # it has ended: what it wrote is still read
            return 0.0


def _reply(line: bytes) -> dict:
    """The object that a line says; SandboxFailure for every other line."""
    if line.endswith(b"!memory"):  # behind what the driver had begun to write
        raise SandboxFailure("memory")
    try:
        reply = json.loads(line.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError, MemoryError):
        raise SandboxFailure("output") from None
    if not isinstance(reply, dict):
        raise SandboxFailure("output")
    return reply


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


@lru_cache(maxsize=16)
def _compiled(script: str) -> bytes:
    return marshal.dumps(compile(script, "<driver>", "exec"))


def _cpu_clock(handle: int) -> int:
    """Linux's clock of the CPU time that a process has taken."""
    lines = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
    process = next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))
    return (~process << 3) | 2
