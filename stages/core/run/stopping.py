"""A stage that is told to stop, by SIGTERM of a cluster or by Ctrl-C."""

import signal
import sys
from collections.abc import Callable
from typing import Any

from stages.core.run.processes import is_main

STOPPED = 143
"""Exit code of a stage that was asked to stop."""


class Stopped(BaseException):  # like Ctrl-C: an `except Exception`, as of a verifier, is not to take it for a failure
    """The run was asked to stop; what was trained is saved, the stage is not complete."""


def on_stop(handler: Any) -> None:
    """What SIGTERM and SIGINT do from now on."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def stop_at_once(signum: int, frame: Any) -> None:
    """Signal handler where there is nothing to save yet."""
    raise Stopped


def stoppable(command: Callable[[], int], stage: str) -> int:
    """The exit code of a stage that may be stopped at any time, also where its starter had signals ignored."""
    try:
        on_stop(stop_at_once)
        return command()
    except Stopped:
        on_stop(signal.SIG_IGN)  # it ends already
        if is_main():
            print(f"{stage}: stopped; the same command goes on from the last saved step", file=sys.stderr)
        return STOPPED
