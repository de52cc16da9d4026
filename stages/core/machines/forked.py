"""A function on several items at once, in forked processes of one thread: a small model gains little by more."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

from data.errors import InputError
from stages.core.run.processes import end_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

_work: Callable[[Any], Any]


def in_forked(work: Callable[[Item], Result], items: Sequence[Item], processes: int) -> Iterator[Result]:
    """`work` of each item, in their order, each as soon as those before it are done.

    With more than one process, and one item for each of two at least, in so many children; Linux alone can. A child
    knows what this process knows; what it changes is seen by nobody but in its result, which is pickled. Raises what
    `work` raises, InputError where a child is killed; no child outlives the iteration.
    """
    if min(processes, len(items)) < 2 or sys.platform != "linux":
        yield from map(work, items)
        return
    context = get_context("fork")
    with ProcessPoolExecutor(min(processes, len(items)), context, _begin, (work,)) as pool:
        try:
            yield from pool.map(_call, items)
        except BrokenProcessPool:
            raise InputError(
                f"one of {processes} processes that sample was killed, as where memory is short: fewer of them, by "
                "`sampling_processes` of the scale's `system`, need less"
            ) from None
        except BaseException:
            for child in context.active_children():
                child.kill()
            raise


def _begin(work: Callable[[Any], Any]) -> None:
    """In a child. OpenMP's other threads have not come along, so it has to do with one."""
    global _work
    _work = work
    torch.set_num_threads(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # its parent decides
    end_with_parent()


def _call(item: Any) -> Any:
    return _work(item)
