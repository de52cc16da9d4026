"""The server of warm.py: it has loaded the libraries of the stages, and forks a child for each command.

It has loaded nothing of this project but its own file: a child runs the code that lies on the disk when it starts. Each
child has a keeper, which sends on signals and tells the command how the child has ended; they outlive the server, which
ends with the process that started it. Where there is an accelerator, which a fork cannot use, there is no server, nor
where Python or the kernel have no handles of processes (pidfd).
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, cast

from stages.core.run.warm import ADDRESS, PASSED_ON

LIBRARIES = (
    "pydantic", "yaml", "pyarrow.parquet", "datasets", "torch", "transformers.models.qwen3.modeling_qwen3",
    "transformers.trainer", "trl.trainer.grpo_trainer", "trl.trainer.sft_trainer", "trl.trainer.reward_trainer",
    "trl.trainer.dpo_trainer", "trl.trainer.distillation_trainer",
)  # fmt: skip
"""What stages load. None starts a thread in being loaded that its fork would miss."""
LONGEST = 1 << 20
"""Bytes of a request."""
TO_ALL = 0.2
"""Seconds within which a signal to all processes, as of a cluster that ends a job, has reached them."""
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl.h: which signal a process gets when its parent ends."""


def start_server() -> None:
    """A server for the commands that this process starts; they are plain ones until it has loaded its libraries."""
    if sys.platform != "linux":
        return
    os.environ[ADDRESS] = str(Path(tempfile.mkdtemp(prefix="stages-"), "server"))
    server = subprocess.Popen(
        [sys.executable, "-m", __name__, os.environ[ADDRESS]], env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    atexit.register(cast(IO[bytes], server.stdin).close)  # by which it knows


def serve(address: str) -> dict[str, Any] | None:
    """Fork a keeper and a child for each command until stdin is closed; returns a child's request, in the child."""
    owner = sys.stdin.fileno()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(address)
        door.listen()
        while owner not in select.select([owner, door], [], [])[0]:
            link, _ = door.accept()
            with link:
                if os.fork() == 0:
                    door.close()  # a command is not to wait here once the server is gone
                    return keep(link)
    return None


def keep(link: socket.socket) -> dict[str, Any]:
    """Fork the child of a command and stay with it to its end; returns the request, in the child."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(link, LONGEST, 3)
    child = os.fork()
    if child == 0:
        os.setsid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return json.loads(message)
    for stream in streams:
        os.close(stream)
    handle = os.pidfd_open(child)
    link.send(b"begun")
    while handle not in select.select([handle, link.fileno()], [], [])[0]:
        for number in link.recv(16) or [signal.SIGKILL]:  # nothing: the command is gone
            # Where the keeper was sent it, too, so was the child: a second one would stop it at once.
            if number == signal.SIGKILL or signal.sigtimedwait([number], TO_ALL) is None:
                signal.pidfd_send_signal(handle, number)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        link.send(str(code).encode())
    finally:
        os._exit(0)


def become(request: dict[str, Any]) -> None:
    """Run the command of a request in this process, as `python -m` does."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    if not sys.flags.safe_path:
        sys.path[0] = request["folder"]
    tempfile.tempdir = None  # that of the server, should a library have asked
    module, *sys.argv[1:] = request["arguments"]
    threads = request["environment"].get("OMP_NUM_THREADS", "")
    if "torch" in sys.modules and threads.isdecimal():  # read when torch was loaded
        sys.modules["torch"].set_num_threads(int(threads))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def handles_processes() -> bool:
    """Whether a keeper can wait for its child and signal it."""
    try:
        handle = os.pidfd_open(os.getpid())
        signal.pidfd_send_signal(handle, 0)
        os.close(handle)
    except (AttributeError, OSError):
        return False
    return True


def main() -> None:
    """The command line."""
    (address,), server = sys.argv[1:], os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # who stops all processes leaves it to the stages when they end
    try:
        if not handles_processes():
            return
        for library in LIBRARIES:
            importlib.import_module(library)
        if "torch" in sys.modules and sys.modules["torch"].accelerator.is_available():
            return
        gc.freeze()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a keeper
        request = serve(address)
    finally:
        if os.getpid() == server:
            with contextlib.suppress(OSError):
                Path(address).unlink(missing_ok=True)
                Path(address).parent.rmdir()
    if request:
        become(request)


if __name__ == "__main__":
    main()
