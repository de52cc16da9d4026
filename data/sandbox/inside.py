"""The server inside the sandbox: one job a request, each a forked process that is shut in further and runs a driver.

Its source is fed to Python's standard input, as the checkout is not seen in there: standard library only. The requests
and the jobs' file descriptors go over a socket that no job inherits. A job is a single process (the system-call filter
refuses fork and exec), the first of a PID namespace of its own, with its own /tmp and /proc, in a user namespace where
it is nobody and may do nothing; killing it leaves nothing behind.
"""

import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import marshal
import os
import resource
import signal
import socket
import sys
import types

WARM = (
    *("abc", "array", "ast", "bisect", "builtins", "cmath", "collections", "contextlib", "copy", "dataclasses"),
    *("datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "inspect", "io", "itertools"),
    *("json", "math", "numbers", "operator", "queue", "random", "re", "statistics", "string", "struct", "symtable"),
    *("threading", "time", "traceback", "typing", "unicodedata"),
)
"""What programs import most: a job has it from its server, for nothing."""

IN, OUT = 3, 4
"""The job's ends of its two pipes."""
NEW_NAMESPACE = {"mount": 0x20000, "user": 0x10000000, "pid": 0x20000000}
NOSUID, NODEV, NOEXEC = 2, 4, 8
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 22, 24, 38, 47
CAPABILITY_VERSION = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


class Filter(ctypes.Structure):
    """Linux's `sock_fprog`: a system-call filter."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def call(function: str, *arguments) -> None:
    """A function of libc that returns 0; OSError where it does not."""
    if getattr(libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def serve(settings: dict) -> None:
    """Make a job for each request until the socket closes; the first message is a handle of this very process."""
    control = socket.socket(fileno=settings["control"])
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):  # the caller's to heed; it closes the socket
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries jobs at once
    sys.path += settings["paths"]
    for name in WARM:
        importlib.import_module(name)
    null = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1):
        os.dup2(null, place)
    sys.stdin, sys.stdout = os.fdopen(0, "r", closefd=False), os.fdopen(1, "w", closefd=False)
    gc.freeze()
    own = os.pidfd_open(os.getpid())
    socket.send_fds(control, [b"s"], [own])
    while control.recv(1):
        start_job(control, own, settings)


def start_job(control: socket.socket, own: int, settings: dict) -> None:
    """Fork a job and send its handles: the end that it reads from, the end that it writes to, its process."""
    job_reads, write = os.pipe()
    read, job_writes = os.pipe()
    if settings["sandboxed"]:
        call("setns", own, NEW_NAMESPACE["pid"])  # back from the namespace of the last job: it takes no other
        call("unshare", NEW_NAMESPACE["pid"])
    child = os.fork()
    if child == 0:
        job(job_reads, job_writes, settings)
    handles = [write, read]
    with contextlib.suppress(ProcessLookupError):  # it is gone, and has written why
        handles.append(os.pidfd_open(child))
    socket.send_fds(control, [b"j"], handles)
    for descriptor in (job_reads, job_writes, *handles):
        os.close(descriptor)


def job(read: int, write: int, settings: dict) -> None:
    """Runs in the forked child, and never returns: shut itself in, say so, take the driver's code and run it."""
    take_descriptors(read, write)
    try:
        shut_in(settings)
    except OSError as error:
        os.write(OUT, f"-{error.strerror}".encode())
        os._exit(1)
    os.write(OUT, b"+")
    try:
        code = marshal.loads(read_exactly(int.from_bytes(read_exactly(8), "big")))
        sys.modules["__main__"] = module = types.ModuleType("__main__")
        sys.argv = ["driver"]
        exec(code, module.__dict__)
    except MemoryError:
        os.write(OUT, b"!memory\n")
    except BaseException:  # a driver says in its replies what there is to say
        os._exit(1)
    os._exit(0)


def take_descriptors(read: int, write: int) -> None:
    """Keep nothing of the server but the two pipes and, in the place of what it reads and says, /dev/null."""
    read, write = (fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (read, write))
    for place, descriptor in ((2, 0), (IN, read), (OUT, write)):
        os.dup2(descriptor, place)
    os.closerange(OUT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def read_exactly(count: int) -> bytes:
    """So many bytes of what the caller sends."""
    found = b""
    while len(found) < count:
        chunk = os.read(IN, count - len(found))
        if not chunk:
            os._exit(0)  # the caller needs no job any more
        found += chunk
    return found


def shut_in(settings: dict) -> None:
    """Give up everything that a job does not need. Any failure is an OSError: then no job runs."""
    os.setsid()
    if settings["sandboxed"]:
        call("unshare", NEW_NAMESPACE["mount"])
        size = f"size={settings['disk']},nr_inodes=4096,mode=1777".encode()
        call("mount", b"tmpfs", b"/tmp", b"tmpfs", NOSUID | NODEV, size)
        if os.path.isdir("/proc/self"):
            mount_proc()
        call("unshare", NEW_NAMESPACE["user"])
        drop_capabilities()
        os.chdir("/tmp")
    else:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as first_to_go:
        first_to_go.write("1000")
    for name, most in settings["limits"].items():
        limit = getattr(resource, f"RLIMIT_{name}")
        allowed = resource.getrlimit(limit)[1]
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(limit, (most, most))
    allowed = resource.getrlimit(resource.RLIMIT_STACK)[1]
    stack = settings["stack"] if allowed == resource.RLIM_INFINITY else min(settings["stack"], allowed)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, allowed))
    try:
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        instructions = bytes.fromhex(settings["filter"])
        filter = Filter(len(instructions) // 8, instructions)
        call("prctl", PR_SET_SECCOMP, 2, ctypes.addressof(filter), 0, 0)
    except OSError:
        if settings["sandboxed"]:
            raise


def mount_proc() -> None:
    """A /proc that shows this job's processes; with nothing else in it where the kernel can do that."""
    try:
        call("mount", b"proc", b"/proc", b"proc", NOSUID | NODEV | NOEXEC, b"subset=pid")
    except OSError:
        call("mount", b"proc", b"/proc", b"proc", NOSUID | NODEV | NOEXEC, None)


def drop_capabilities() -> None:
    """Those that the new user namespace gave, and any way to get them back."""
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    call("prctl", PR_CAP_AMBIENT, 4, 0, 0, 0)
    call("capset", (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)())


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
