"""One run of a stage at a time: a lock on its folder, which the kernel takes back however its process ends.

So a stage that goes on after its Snakemake was killed is not written beside.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from data.errors import InputError, say

LOCK = ".lock"
"""The file in a stage's folder that is locked; it holds who has locked it, and stays when nobody does."""


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Lock a stage's folder, which is made if need be; InputError where another process has it.

    Where the file system has no locks, that is said, and the stage runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already_running(folder, file) from None
        except OSError as error:
            say(f"{folder.name}: nobody would notice a second run of it: no locks in {folder} ({error.strerror})")
        os.register_at_fork(after_in_child=file.close)  # a worker that outlives its stage is to hold nothing
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def check_free(folder: Path) -> None:
    """InputError where a run of the stage is under way."""
    try:
        file = (folder / LOCK).open(encoding="utf-8")
    except OSError:
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already_running(folder, file) from None
        except OSError:
            return


def _already_running(folder: Path, file: TextIO) -> InputError:
    file.seek(0)
    return InputError(f"{folder} is already running ({file.read() or 'another process'}): wait for it, or end it first")
