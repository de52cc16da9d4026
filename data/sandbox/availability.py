"""Whether this machine has a sandbox, and what it lacks; the one server of this process.

Without a sandbox nothing runs, unless `allow_unsandboxed` was called: a stage does, from `allow_unsandboxed_code` of
its scale. Then a job is a plain child process with limits on time, memory and files, and where the kernel can do it the
filter of system calls: it reads whatever this user can read.
"""

import atexit
import logging
import os
import threading
from pathlib import Path

from data.errors import InputError
from data.sandbox.command import missing_program
from data.sandbox.seccomp import filter_program
from data.sandbox.server import Broken, Job, Server

UNSANDBOXED = "programs that a model writes run WITHOUT a sandbox (allow_unsandboxed_code): they read all that we can"
_NEEDED = "programs that a model writes need a sandbox"
_INSTALL = "install it by `make sandbox` or `apt-get install bubblewrap`"
_OTHERWISE = "or let the scale say `allow_unsandboxed_code: true`, and trust every program that a model writes"
SYSCTL = Path("/proc/sys")
_KERNEL = (
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
)
"""Settings below it, the value that refuses user namespaces, and the command that allows them."""
_CONTAINER = (
    "this container refuses namespaces; Docker allows them by `--security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined`, Kubernetes by `seccompProfile: {type: Unconfined}` and "
    "`appArmorProfile: {type: Unconfined}` in the container's securityContext"
)

_lock = threading.Lock()
_server: Server | None = None
_plain_allowed = False


def allow_unsandboxed(allowed: bool) -> None:
    """Whether jobs of this process may be plain child processes where there is no sandbox; at first they may not."""
    global _plain_allowed
    _plain_allowed = allowed
    if not allowed and _server is not None and not _server.sandboxed:
        close()


def require_sandbox() -> None:
    """Raise InputError, which says what to install or to set, where jobs cannot run. Starts a server to know."""
    _running()


def unsandboxed() -> bool:
    """Whether jobs of this process run without a sandbox."""
    return _server is not None and not _server.sandboxed


def new_job() -> Job:
    """A job that waits for its driver. Raises InputError where the server cannot be started, or dies at once again."""
    for _ in range(2):
        try:
            return _running().job()
        except Broken as error:
            why = error
    raise InputError(_refusal(str(why)))


def close() -> None:
    """End this process's server; the next job starts another."""
    global _server
    with _lock:
        if _server is not None:
            _server.close()
        _server = None


def _running() -> Server:
    """The server, started where there is none that lives."""
    global _server
    with _lock:
        if _server is None or _server.closed:
            _server = _start()
        return _server


def _start() -> Server:
    """The first form that gives a job: with a /proc for jobs, without, and unsandboxed where that is allowed."""
    why = _missing()
    forms = [] if why else [{"sandboxed": True}, {"sandboxed": True, "proc": False}]
    first: str | None = None
    for form in [*forms, *([{"sandboxed": False}] if _plain_allowed else [])]:
        try:
            server = Server(**form)
            try:
                server.job().end()
            except Broken:
                server.close()
                raise
            if not server.sandboxed:
                logging.getLogger(__name__).warning(UNSANDBOXED)
            return server
        except Broken as error:
            first = first or str(error)
    raise InputError(why or _refusal(str(first)))


def _missing() -> str | None:
    if name := missing_program():
        package = "bubblewrap" if name == "bwrap" else "util-linux"
        install = _INSTALL if name == "bwrap" else f"install {package}"
        return f"{_NEEDED}, and {package} ({name}) is missing: {install}, {_OTHERWISE}"
    if not filter_program():
        return f"{_NEEDED}, which knows no {os.uname().machine}: use another machine, {_OTHERWISE}"
    return None


def _refusal(why: str) -> str:
    return f"{_NEEDED}, and none can be started ({why}): {_remedy()}; {_OTHERWISE}"


def _remedy() -> str:
    for name, refuses, command in _KERNEL:
        try:
            if (SYSCTL / name).read_text().strip() == refuses:
                return f"the kernel refuses user namespaces, allow them: `{command}` as root"
        except OSError:
            continue
    in_container = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    if in_container or "KUBERNETES_SERVICE_HOST" in os.environ:
        return _CONTAINER
    return "it needs unprivileged user namespaces and Linux 5.8 or newer"


def _forget() -> None:
    """A fork of this process shares no server with it: their requests would mix."""
    global _server, _lock
    _lock = threading.Lock()
    if _server is not None:
        _server.forget()
    _server = None


atexit.register(close)
os.register_at_fork(after_in_child=_forget)
