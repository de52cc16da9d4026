"""The command line that starts the server inside: bubblewrap around this very Python, or Python alone."""

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from data.sandbox.seccomp import filter_program

CHECKOUT = Path(__file__).resolve().parents[2]
SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64")
"""Of the root; on most systems they are links into /usr."""
DEVICES = ("full", "null", "random", "urandom", "zero")
NOBODY = "65534"
DISK = 64 << 20
"""Bytes of a job's /tmp, the one place where it may write."""
LIMITS = {"AS": 1 << 30, "CORE": 0, "CPU": 120, "FSIZE": 32 << 20, "NOFILE": 64, "NPROC": 64}
"""A job's limits, by the names of `resource.RLIMIT_`: memory in bytes, CPU in seconds (a session has its own), a file's
bytes, open files, threads."""
STACK = 64 << 20
"""Bytes of a job's first stack, for deep recursion through C, as contests allow it; a job may set more."""
ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONHASHSEED": "0",  # the order of a set is the same each time
} | dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def server_command(control: int, sandboxed: bool, proc: bool = True) -> list[str]:
    """The command; the source of inside.py goes to its standard input.

    control: the descriptor of the socket for requests. proc: whether jobs see a /proc, which some containers refuse.
    """
    libraries = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    paths = sorted(filter(os.path.isdir, libraries))
    settings = {
        "control": control, "sandboxed": sandboxed, "filter": filter_program().hex(), "disk": DISK, "limits": LIMITS,
        "stack": STACK, "paths": paths,
    }  # fmt: skip
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    run = [python, "-sSP", "-", json.dumps(settings)]
    if not sandboxed:
        return run
    seen = {"/usr", *paths, os.path.realpath(sys.base_prefix), os.path.realpath(sys.base_exec_prefix)}
    hidden = {os.path.realpath(path) for path in (CHECKOUT, os.getcwd(), os.path.expanduser("~"))}
    shown = shown_or_hidden(seen, hidden)
    return [*as_nobody([path for path, show in shown.items() if show]), *bubblewrap(shown, proc), *run]


def shown_or_hidden(seen: set[str], hidden: set[str]) -> dict[str, bool]:
    """Paths from the root down, each with whether it is shown: only those where that differs from what is above."""
    found: dict[str, bool] = {}
    for path in sorted(seen | hidden, key=len):
        above = [other for other in found if Path(path).is_relative_to(other)]
        if (path in seen) != bool(above and found[above[-1]]):
            found[path] = path in seen
    return found


def bubblewrap(shown: dict[str, bool], proc: bool) -> list[str]:
    """bubblewrap, where nothing is there but the system's programs and what is shown, and nothing can be written to."""
    mounts: list[str] = []
    for path, show in shown.items():
        mounts += [*folders_above(path), *(("--ro-bind", path, path) if show else ("--tmpfs", path))]
    for name in SYSTEM:
        if os.path.islink(path := f"/{name}"):
            mounts += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            mounts += ["--ro-bind", path, path]
    mounts += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for device in DEVICES:
        mounts += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    mounts += ["--symlink", "/tmp", "/dev/shm"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        mounts += ["--symlink", f"/proc/self/fd/{number}", f"/dev/{name}"]
    mounts += [*(["--proc", "/proc"] if proc else []), "--dir", "/tmp"]
    for path in ("/", *(path for path, show in shown.items() if not show)):
        mounts += ["--remount-ro", path]
    # CAP_SYS_ADMIN in its own user namespace alone, for the server: with it each job is shut in once more.
    alone = ["--unshare-all", "--uid", NOBODY, "--gid", NOBODY, "--hostname", "sandbox", "--cap-add", "CAP_SYS_ADMIN"]
    return [found("bwrap"), *alone, *mounts, "--chdir", "/", "--as-pid-1", "--new-session", "--"]


def as_nobody(seen: Iterable[str]) -> list[str]:
    """What root puts before the command, as limits on processes do not bind it and files are its own.

    What lies in a folder that is root's alone is shown to nobody by a first bubblewrap, without the rest of the folder.
    """
    if os.getuid() != 0 or not exists(NOBODY):
        return []
    drop = [found("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    closed = {path: top for path in seen if (top := closed_folder(path))}
    if not closed:
        return drop
    shown = [argument for top in dict.fromkeys(closed.values()) for argument in ("--tmpfs", top)]
    for path in closed:
        shown += [*folders_above(path), "--ro-bind", path, path]
    return [
        found("bwrap"),
        "--dev-bind",
        "/",
        "/",
        *shown,
        "--cap-add",
        "CAP_SETUID",
        "--cap-add",
        "CAP_SETGID",
        "--",
        *drop,
    ]


def exists(user: str) -> bool:
    """Whether root may become this user: in a namespace of one user it may not, and is an ordinary one outside."""
    ranges = [map(int, line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(first <= int(user) < first + count for first, _, count in ranges)


def closed_folder(path: str) -> str | None:
    """The topmost folder on the way to a path that others may not enter."""
    above = [*reversed(Path(path).parents), Path(path)]
    return next((str(folder) for folder in above if not folder.stat().st_mode & 0o001), None)


def folders_above(path: str) -> Iterator[str]:
    """bubblewrap's arguments for the folders on the way to a path: on its own it makes them root's alone."""
    for folder in list(reversed(Path(path).parents))[1:]:
        yield from ("--dir", str(folder))


def missing_program() -> str | None:
    """A program that the command needs and that is not installed."""
    needed = ("bwrap", "setpriv") if os.getuid() == 0 else ("bwrap",)
    return next((name for name in needed if shutil.which(name) is None), None)


def found(program: str) -> str:
    """Where a program is, by the caller's PATH: the server has another."""
    return shutil.which(program) or program
