"""A session with a job: messages to a driver that runs shut in, replies that come back as untrusted data."""

import contextlib
import gc
import json
import marshal
import os
import select
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from data.sandbox.availability import new_job
from data.sandbox.server import Job

MAX_REPLY = 4 << 20
"""Bytes of a reply, as JSON."""
PATIENCE = 10.0
"""Wall time that a reply may take on a busy machine, as a multiple of its CPU time."""
QUEUES_ARE_COUNTED = Path("/proc/self/schedstat").exists()
"""Whether the kernel counts for how long a process is ready and another one runs."""

Reason = Literal["time", "memory", "output", "died"]


class SandboxFailure(Exception):
    """The job gave no reply. `reason`: it took too long, took too much memory, wrote no reply or too much, or ended."""

    def __init__(self, reason: Reason):
        super().__init__(reason)
        self.reason = reason


@contextlib.contextmanager
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
        self._process = _number(job.process)
        self._clock = (~self._process << 3) | 2  # Linux's clock of a process's CPU time
        self._last_times = 0.0, 0.0
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

        seconds: CPU time that the job may take for it, with all of its threads, and time that it may sleep; while it
        waits for a processor neither runs, so that a verdict does not depend on what else the machine does.
        Raises SandboxFailure, whatever the job does.
        """
        began, started = self._times(), time.monotonic()
        while (end := self._received.find(b"\n")) < 0 and len(self._received) <= MAX_REPLY:
            cpu, queued = (now - then for now, then in zip(self._times(), began, strict=True))
            wall = time.monotonic() - started
            asleep = wall - cpu - queued if QUEUES_ARE_COUNTED else 0.0
            left = min(seconds - cpu, seconds - asleep, seconds * PATIENCE - wall)
            if left <= 0:
                raise SandboxFailure("time")
            self._wait(max(left, 0.01))
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

    def _times(self) -> tuple[float, float]:
        """CPU seconds of the job so far, and seconds that it has waited for a processor."""
        with contextlib.suppress(OSError, IndexError):  # it has ended: what it wrote is still read
            queued = int(Path(f"/proc/{self._process}/schedstat").read_text().split()[1]) if QUEUES_ARE_COUNTED else 0
            self._last_times = time.clock_gettime(self._clock), queued / 1e9
        return self._last_times


def _reply(line: bytes) -> dict:
    """The object that a line says; SandboxFailure for every other line."""
    if line.endswith(b"!memory"):  # behind what the driver had begun to write
        raise SandboxFailure("memory")
    collects = gc.isenabled()
    gc.disable()  # a million small lists, which are no garbage, would be looked through again and again
    try:
        reply = json.loads(line.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError, MemoryError):
        raise SandboxFailure("output") from None
    finally:
        if collects:
            gc.enable()
    if not isinstance(reply, dict):
        raise SandboxFailure("output")
    return reply


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


@lru_cache(maxsize=16)
def _compiled(script: str) -> bytes:
    return marshal.dumps(compile(script, "<driver>", "exec"))


def _number(handle: int) -> int:
    """The number of the process of a handle."""
    lines = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))
