"""The server that makes jobs, as the caller has it: a process, a socket for requests, jobs that wait."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import NamedTuple

from data.sandbox.command import ENVIRONMENT, server_command

SPARE_JOBS = 4
"""Jobs that wait for their driver: they are made while others run."""
DYING_JOBS = 4
"""Killed jobs that are not waited for: the kernel clears them away while the next one runs."""
START_SECONDS = 60.0
"""For the first message: Python may lie on a cold disk."""
_dying: deque[int] = deque()


def kill(handle: int) -> None:
    """SIGKILL to the process of a handle, which takes all of its namespace along."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)


def bury(left: int = 0) -> None:
    """Wait for killed processes until no more than so many are not known to be gone."""
    with contextlib.suppress(IndexError):  # another thread has taken the last one
        while len(_dying) > left:
            handle = _dying.popleft()
            readable(handle, START_SECONDS)
            os.close(handle)


def readable(descriptor: int, seconds: float) -> bool:
    """Wait until there is something to read, at most so long."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Job(NamedTuple):
    """The descriptors of a job that is shut in and waits for its driver."""

    write: int
    read: int
    process: int

    def end(self) -> None:
        """Kill it with all of its threads: none runs on. What the kernel then clears away takes a few milliseconds."""
        kill(self.process)
        os.close(self.write)
        os.close(self.read)
        _dying.append(self.process)
        bury(DYING_JOBS)


class Broken(Exception):
    """The server does not give a job; says why."""


class Server:
    """A running server. Raises Broken where it cannot be started."""

    def __init__(self, sandboxed: bool, proc: bool = True):
        self.sandboxed, self.closed = sandboxed, False
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(START_SECONDS)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed with this server
        self._handle: int | None = None
        source = Path(__file__).with_name("inside.py").read_bytes()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    server_command(theirs.fileno(), sandboxed, proc), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                    stderr=self._said, env=ENVIRONMENT, cwd="/", pass_fds=[theirs.fileno()], start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                self._control.close()
                raise Broken(str(error)) from None
        try:
            with self._process.stdin as program:  # type: ignore[union-attr]  # a pipe, which holds it whole
                program.write(source)
            (self._handle,) = self._receive(1)
            for _ in range(SPARE_JOBS):
                self._control.send(b"j")
        except OSError as error:
            raise self._broken(str(error)) from None

    def job(self) -> Job:
        """A job that is ready for its driver. Raises Broken."""
        with self._lock:
            try:
                self._control.send(b"j")
                handles = self._receive(3)
            except OSError as error:
                raise self._broken(str(error)) from None
        said = os.read(handles[1], 200) if readable(handles[1], START_SECONDS) else b""
        if said != b"+" or len(handles) < 3:
            for handle in handles:
                os.close(handle)
            raise Broken(said.decode(errors="replace").lstrip("-") or "a job ended before it began")
        return Job(*handles)

    def _receive(self, count: int) -> list[int]:
        said, handles, _, _ = socket.recv_fds(self._control, 1, count, socket.MSG_CMSG_CLOEXEC)
        if not said:
            raise OSError("it ended")
        return handles

    def _broken(self, error: str) -> Broken:
        """The error with what the server or bubblewrap said last."""
        self.close()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return Broken(lines[-1] if lines else error)

    def close(self) -> None:
        """End it with all of its jobs, and wait for that."""
        self.closed = True
        self._control.close()  # at which it ends by itself
        if self._handle is not None:
            kill(self._handle)
            _dying.append(self._handle)
            self._handle = None
            bury()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def forget(self) -> None:
        """In a fork of the caller: let go of the server, which stays the caller's."""
        self._control.close()
        if self._handle is not None:
            os.close(self._handle)
