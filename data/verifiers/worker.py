"""Jobs that may hang, crash or fill the memory: each runs in a forked child of a small server process.

The caller talks to the server in lines of JSON, one job at a time; the server kills the child when its time is up.
`program` runs Python programs.

What a child may not do: take more than SECONDS of wall or CPU time, more than MEMORY bytes, write a file of more than
MAX_FILE bytes; a program's output is read up to MAX_OUTPUT bytes. Programs moreover run under an audit hook that
refuses to open files for writing, to delete or rename, to start processes, to send signals, to use sockets. All this
guards against accidents of a policy. It does not hold an attacker: files can be read, and hooks can be got around. For
code that nobody trusts, run the whole stage in a container without network.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

SECONDS = 4.0
MEMORY = 1 << 30
MAX_OUTPUT = 1 << 20
MAX_FILE = 1 << 25
_START_SECONDS = 60.0
"""For the first answer."""

_FORBIDDEN = (
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown"),
    *("os.chdir", "os.utime", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn"),
    *("os.kill", "os.killpg", "pty.spawn", "subprocess.Popen", "signal.pthread_kill", "syslog.openlog"),
)
_FORBIDDEN_MODULES = ("socket.", "shutil.", "urllib.", "ftplib.", "smtplib.", "tempfile.")


class Worker:
    """The caller's side: a server process of one kind, started at the first job, replaced when it died."""

    def __init__(self, kind: str):
        self.kind = kind
        self._process: subprocess.Popen | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def ask(self, job: dict) -> dict:
        """The answer to one job: what the child reports, or {"error": why} for one that failed or was stopped.

        Raises RuntimeError where the server dies twice on the job.
        """
        with self._lock:
            for _ in range(2):
                answer = self._attempt(json.dumps(job | {"seconds": SECONDS}).encode() + b"\n")
                if answer is not None:
                    return answer
        raise RuntimeError(f"the {self.kind} worker does not answer")

    def _attempt(self, line: bytes) -> dict | None:
        fresh = self._process is None or self._process.poll() is not None or self._owner != os.getpid()
        if fresh:  # a fork of the caller shares no server with it: their lines would mix
            self._process, self._owner = _start(self.kind), os.getpid()
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            answer = _read_line(self._process.stdout, SECONDS + 5 + (_START_SECONDS if fresh else 0))
        except OSError:
            answer = None
        if answer is None:
            self._process.kill()
            self._process.wait()
            self._process = None
            return None
        return json.loads(answer)


def _start(kind: str) -> subprocess.Popen:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-I", __file__, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=threads, cwd="/"
    )


def _read_line(pipe: IO[bytes], patience: float) -> bytes | None:
    """One line; None where it does not come in time."""
    received, deadline = b"", time.monotonic() + patience
    while not received.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(pipe.fileno(), 1 << 16) if ready else b""
        if not chunk:
            return None
        received += chunk
    return received


# -- the server


def _serve(work: Callable[[dict], dict]) -> None:
    """work(job) runs in the child; its dict is the answer."""
    for line in sys.stdin.buffer:
        job = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _child(work, job, write)
        os.close(write)
        answer = _collect(read, job["seconds"])
        os.close(read)
        try:
            os.killpg(child, signal.SIGKILL)  # with whatever it has started
        except ProcessLookupError:
            os.kill(child, signal.SIGKILL)  # it has no group of its own yet
        os.waitpid(child, 0)
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()


def _collect(pipe: int, seconds: float) -> bytes:
    """The child's report, one line of JSON."""
    received, deadline = b"", time.monotonic() + seconds
    while len(received) <= 8 * MAX_OUTPUT:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return b'{"error": "out of time"}'
        chunk = os.read(pipe, 1 << 16)
        if not chunk:
            break
        received += chunk
    try:
        report = json.loads(received)
    except ValueError:
        report = None
    return json.dumps(report if isinstance(report, dict) else {"error": "no report"}).encode()


def _child(work: Callable[[dict], dict], job: dict, report: int) -> None:
    try:
        os.setsid()
        _limit(job["seconds"])
        answer = json.dumps(work(job))
    except BaseException as error:  # whatever a job raises, it has failed
        answer = json.dumps({"error": type(error).__name__})
    data = answer.encode()
    while data:
        data = data[os.write(report, data) :]
    os._exit(0)


def _limit(seconds: float) -> None:
    import resource

    whole = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE, MAX_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# -- programs


def _program_work(job: dict) -> dict:
    """job: `code`, and one of `stdin` (a text), `call` [name, arguments], `expression`, `statement`.

    The answer is {"output": text}, {"value": the value's repr} or {"passed": True}.
    """
    null, feed = os.open(os.devnull, os.O_RDWR), os.memfd_create("stdin") if "stdin" in job else None
    if feed is not None:
        _write_all(feed, job["stdin"].encode())
    out = os.memfd_create("stdout") if feed is not None else null
    return _run(job, feed, out, null)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.lseek(descriptor, 0, os.SEEK_SET)


def _run(job: dict, feed: int | None, out: int, null: int) -> dict:
    os.dup2(null if feed is None else feed, 0)
    os.dup2(out, 1)
    os.dup2(null, 2)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(descriptor, mode, closefd=False) for descriptor, mode in enumerate(("r", "w", "w"))
    )
    code = compile(job["code"], "<answer>", "exec")
    space: dict = {"__name__": "__main__" if feed is not None else "answer"}
    sys.addaudithook(_refuse)
    try:
        exec(code, space)
    except SystemExit as end:
        if feed is None or end.code not in (None, 0):
            raise
    if feed is not None:
        sys.stdout.flush()
        written = os.pread(out, MAX_OUTPUT + 1, 0)
        if len(written) > MAX_OUTPUT:
            return {"error": "too much output"}
        return {"output": written.decode(errors="replace")}
    if "call" in job:
        name, arguments = job["call"]
        function = space[name] if name in space else getattr(space["Solution"](), name)
        return {"value": repr(_plain(function(*arguments)))}
    if "expression" in job:
        return {"value": repr(_plain(eval(compile(job["expression"], "<test>", "eval"), space)))}
    exec(compile(job["statement"], "<test>", "exec"), space)
    return {"passed": True}


def _plain(value: object) -> object:
    """The value in types whose repr can be read back: an object with an equality of its own is none of them."""
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            made = [_plain(item) for item in value]
            return made if kind is list else tuple(made) if kind is tuple else set(made)
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    raise TypeError(f"a test cannot read a {type(value).__name__}")


def _refuse(event: str, arguments: tuple) -> None:
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    opens_for_writing = event == "open" and not isinstance(arguments[0], int) and (arguments[2] or 0) & writes
    if opens_for_writing or event in _FORBIDDEN or event.startswith(_FORBIDDEN_MODULES):
        raise PermissionError(f"not allowed here: {event}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(_program_work)
