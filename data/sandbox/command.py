"""The command line that starts the server inside: bubblewrap around this very Python, or Python alone."""

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from data.sandbox.seccomp import filter_program

SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64")
"""Of the root; on most systems they are links into /usr."""
DEVICES = ("full", "null", "random", "urandom", "zero")
NOBODY = "65534"
DISK = 64 << 20
"""Bytes of a job's /tmp, the one place where it may write."""
LIMITS = {"AS": 1 << 30, "CORE": 0, "CPU": 120, "FSIZE": 32 << 20, "NOFILE": 64, "NPROC": 64}
"""A job's limits, by the names of `resource.RLIMIT_`: memory in bytes, CPU in seconds (a session has its own), a file's
bytes, open files, threads."""
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
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    libraries = [path for path in libraries_of_python() if os.path.isdir(path)]
    settings = {
        "control": control, "sandboxed": sandboxed, "filter": filter_program().hex(), "disk": DISK, "limits": LIMITS,
        "paths": libraries,
    }  # fmt: skip
    run = [python, "-sSP", "-", json.dumps(settings)]
    if not sandboxed:
        return run
    seen = [path for path in dict.fromkeys((*prefixes(), *libraries)) if not path.startswith("/usr/")]
    return [*as_nobody(seen), *bubblewrap(seen, proc), *run]


def prefixes() -> list[str]:
    """Where Python itself lies."""
    return [os.path.realpath(path) for path in (sys.base_prefix, sys.base_exec_prefix) if path != "/usr"]


def libraries_of_python() -> list[str]:
    """Where packages lie that a program may import."""
    return list(dict.fromkeys(os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")))


def bubblewrap(seen: Iterable[str], proc: bool) -> list[str]:
    """bubblewrap, where nothing is seen but the system's programs, Python and `seen`, and nothing can be written to."""
    mounts: list[str] = []
    for name in SYSTEM:
        if (path := Path("/", name)).is_symlink():
            mounts += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            mounts += ["--ro-bind", str(path), str(path)]
    mounts += ["--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for device in DEVICES:
        mounts += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    mounts += ["--symlink", "/tmp", "/dev/shm"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        mounts += ["--symlink", f"/proc/self/fd/{number}", f"/dev/{name}"]
    for path in seen:
        mounts += [*folders_above(path), "--ro-bind", path, path]
    mounts += [*(["--proc", "/proc"] if proc else []), "--dir", "/tmp", "--remount-ro", "/"]
    # CAP_SYS_ADMIN in its own user namespace alone, for the server: with it each job is shut in once more.
    alone = ["--unshare-all", "--uid", NOBODY, "--gid", NOBODY, "--cap-add", "CAP_SYS_ADMIN"]
    return ["bwrap", *alone, *mounts, "--chdir", "/", "--as-pid-1", "--new-session", "--"]


def as_nobody(seen: Iterable[str]) -> list[str]:
    """What root puts before the command, as limits on processes do not bind it and files are its own.

    What lies in a folder that is root's alone is shown to nobody by a first bubblewrap, without the rest of the folder.
    """
    if os.getuid() != 0:
        return []
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    closed = {path: top for path in seen if (top := closed_folder(path))}
    if not closed:
        return drop
    shown = [argument for top in dict.fromkeys(closed.values()) for argument in ("--tmpfs", top)]
    for path in closed:
        shown += [*folders_above(path), "--ro-bind", path, path]
    return ["bwrap", "--dev-bind", "/", "/", *shown, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--", *drop]


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
