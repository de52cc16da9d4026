"""The one exception for bad input, and how every command line ends: one sentence, an exit code, no traceback."""

import errno
import os
import re
import sys
from collections.abc import Callable
from typing import TextIO

LONGEST_SENTENCE = 2000


class InputError(Exception):
    """Bad input, in one sentence: the file, the field, what was found, what is allowed."""

    def __str__(self) -> str:
        """On one line and not for ever, whatever the names are that it quotes."""
        text = "".join(character if character.isprintable() else " " for character in super().__str__())
        return text if len(text) <= LONGEST_SENTENCE else f"{text[: LONGEST_SENTENCE // 2]} ... {text[-300:]}"


BAD_INPUT, INTERRUPTED, NO_READER = 2, 130, 141
"""Exit codes, as a shell knows them."""

OF_THE_DISK = {
    errno.ENOSPC: "no space is left on the disk", errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than is allowed here", errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied", errno.EPERM: "permission is denied", errno.EIO: "the disk fails",
    errno.ENOTDIR: "a file is in the place of a folder", errno.EEXIST: "a file is in the place of a folder",
    errno.EISDIR: "a folder is in the place of a file",
    errno.ENAMETOOLONG: "the name is too long", errno.EMFILE: "too many files are open",
    errno.ELOOP: "links lead in a circle", errno.ESTALE: "the disk of the network is gone",
}  # fmt: skip
"""What is no fault of the code; missing files are, where nobody named them."""
IN_WORDS = re.compile(r"os error (\d+)|errno (\d+)", re.IGNORECASE)
UNWRITTEN = re.compile("PytorchStreamWriter failed|file write failed")
"""torch does not say why."""


def trouble(error: BaseException | None) -> str | None:
    """What a disk would not do, as an exception of any library tells it; None where it was something else."""
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        if number is None and (told := IN_WORDS.search(str(error))):
            number = int(told[1] or told[2])
        if number in OF_THE_DISK and not isinstance(error, BrokenPipeError):
            where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
            return f"{where}{OF_THE_DISK[number]}"
        if UNWRITTEN.search(str(error)):
            return "a checkpoint could not be written: is space left on the disk?"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def run_command(main: Callable[[], int | None], label: str = "error") -> int:
    """The exit code of a command line, after its last word: its own, or that of how it ended.

    Bad input, behind the label, and what a disk refuses are one sentence; a reader that went away (`| head`) and
    Ctrl-C are none.
    """
    try:
        code = main() or 0
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()
        return code
    except InputError as error:
        print(f"{label}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        forget_reader()
        return NO_READER
    except Exception as error:
        if (sentence := trouble(error)) is None:
            raise
        print(f"{label}: {sentence}", file=sys.stderr)
        return BAD_INPUT


def say(*lines: str, to: TextIO | None = None) -> None:
    """Print lines, to whoever still reads; to: stdout by default."""
    try:
        print(*lines, sep="\n", file=to, flush=True)
    except BrokenPipeError:
        forget_reader(to)


def forget_reader(stream: TextIO | None = None) -> None:
    """What is still to be printed, to stdout by default, goes nowhere: Python would complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())
