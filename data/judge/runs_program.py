"""The driver of a program's sandbox: runs a program on inputs and says what came of it.

The first message is the program, {"code", "setup"}. Each further one has one reply. {"stdin": text} is a run as the
main module, its reply {"output": text}. {"do": an operation, "target": a name, the number of an object or null,
"arguments": text, "fresh": whether a run begins, "plain": whether references are not wanted} is a step of a run. The
replies are
  {"value": text}, with `changed`, the arguments as they are afterwards, where the program changed them,
  {"raised": a built-in exception or "", "says": why, "arguments": text},
  {"refused": why}, {"failed": why} where the program itself failed,
  {"callback": number, "arguments": text}: a function of the test is called, and the reply to this is one of these.

Nothing in here withstands the program. It need not: whatever the program does to this process, it can only send data.
"""

import atexit
import builtins
import fcntl
import json
import operator
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any, BinaryIO

from data.judge.inside import Channel, told
from data.judge.plain import Refused, decode, encode, value_of

MAX_OUTPUT = 1 << 20
"""Bytes of what a program prints."""
_ENDS_LOOPS = (StopIteration, StopAsyncIteration)
_BUILT_IN = {**vars(builtins), "exit": sys.exit, "quit": sys.exit}


def main(channel: Channel) -> None:
    program = channel.receive()
    run, answer = None, ModuleType("answer")
    _forget(answer)
    while True:
        message = channel.receive()
        if "stdin" in message:
            channel.send(_printed(program, message["stdin"]))
            continue
        try:
            if message["fresh"] or run is None:
                _forget(answer)
                run = _Run(_loaded(program, answer := ModuleType("answer")), channel)
        except BaseException as error:
            channel.send({"failed": told(error)})
        else:
            channel.send(run.reply(message))


def _loaded(program: dict, module: ModuleType) -> dict[str, Any]:
    """The names of a program that has just run as a module, after its setup.

    A setup that fails there needs the program: it is one for tests, which have it too.
    """
    sys.modules[module.__name__] = module
    module.__file__ = "answer.py"
    sys.setrecursionlimit(1000)
    with suppress(Exception):
        exec(compile(program["setup"], "<setup>", "exec"), module.__dict__)
    exec(compile(program["code"], "<answer>", "exec"), module.__dict__)
    return module.__dict__


def _forget(module: ModuleType) -> None:
    """As at the end of an interpreter: files are written out, the next run has the memory, and Python's own names."""
    module.__dict__.clear()
    builtins.__dict__.update(_BUILT_IN)


# -- a program that reads and prints


def _printed(program: dict, text: str) -> dict:
    """One run of it: what it printed or why it failed."""
    with _standard_file(0) as feed, _standard_file(1) as printed:
        feed.write(text.encode(errors="surrogatepass"))
        feed.seek(0)
        sys.stdin = sys.__stdin__ = open(0, closefd=False, encoding="utf-8")  # type: ignore[misc]  # noqa: SIM115
        sys.stdout = sys.__stdout__ = open(1, "w", closefd=False, encoding="utf-8")  # type: ignore[misc]  # noqa: SIM115
        try:
            _run_as_main(program)
        except BaseException as error:
            return {"failed": told(error)}
        written = os.pread(printed.fileno(), MAX_OUTPUT + 1, 0)
    if len(written) > MAX_OUTPUT:
        return {"failed": "it printed too much"}
    return {"output": written.decode(errors="replace")}


def _standard_file(place: int) -> BinaryIO:
    """A new file, empty and without a name, that is standard input or output too: a program may close those."""
    name = f"/tmp/driver-{os.getpid()}-{place}"
    made = os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.unlink(name)
    file = open(fcntl.fcntl(made, fcntl.F_DUPFD, 10), "rb+")  # noqa: SIM115  # closed by the caller
    os.dup2(made, place)
    if made != place:  # the place was free
        os.close(made)
    return file


def _run_as_main(program: dict) -> None:
    os._exit = sys.exit  # type: ignore[assignment]  # ends the run, not the driver
    main = ModuleType("__main__")
    try:
        _loaded(program, main)
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    if pools := sys.modules.get("concurrent.futures.thread"):
        pools._python_exit()  # its threads wait for work until they are told
        pools._shutdown = False  # type: ignore[attr-defined]
    for thread in threading.enumerate():  # as at the end of an interpreter
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    if not getattr(sys.stdout, "closed", False):
        sys.stdout.flush()
    _forget(main)


# -- a program whose functions are called


class _Run:
    """One test's: the program's names, and the objects that the test holds references to."""

    def __init__(self, space: dict[str, Any], channel: Channel):
        self.space, self.channel = space, channel
        self.objects: list[object] = []

    def reply(self, message: dict) -> dict:
        """What an operation on the program gives."""
        do, keep = message["do"], None if message["plain"] else self._keep
        try:
            given, named = value_of(json.loads(message["arguments"]), self._find)  # of any size: it is not a program's
            value = encode(_OPERATIONS[do](self._target(message["target"]), *given, **named), keep)
            after = encode([given, named], keep) if (given or named) and keep else message["arguments"]
            return {"value": value} if after == message["arguments"] else {"value": value, "changed": after}
        except Refused as why:
            return {"refused": str(why)}
        except BaseException as error:
            return {"raised": _known(error, do), "says": told(error), "arguments": _texts(error)}

    def _target(self, target: str | int | None) -> Any:
        """What is asked: an object, a name of the program, a method of its class `Solution`, or all names."""
        if target is None:
            return self.space
        if isinstance(target, int):
            return self.objects[target]
        if target in self.space:
            return self.space[target]
        if hasattr(solution := self.space.get("Solution"), target):
            return getattr(solution(), target)  # type: ignore[misc]
        raise NameError(f"the program defines no {target}")

    def _keep(self, value: object) -> list:
        """The reference of an object that stays here."""
        if isinstance(value, _Callback):
            return ["callback", value.number]
        number = next((n for n, known in enumerate(self.objects) if known is value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
        return ["object", number, type(value).__name__[:80]]

    def _find(self, form: list) -> object:
        match form:
            case ["object", int(number), *_]:
                return self.objects[number]
            case ["callback", int(number)]:
                return _Callback(self, number)
            case ["builtin", str(name)]:
                return getattr(builtins, name)
        raise ValueError(form)

    def called_back(self, number: int, given: tuple, named: dict) -> object:
        """What a function of the test's own gives."""
        self.channel.send({"callback": number, "arguments": encode([given, named], self._keep)})
        while "do" in (reply := self.channel.receive()):  # the function asks the program in turn
            self.channel.send(self.reply(reply))
        if "value" in reply:
            return decode(reply["value"], self._find)
        raise getattr(builtins, reply["raised"])(reply["says"])


class _Callback:
    """A function that stays with the test."""

    def __init__(self, run: _Run, number: int):
        self.run, self.number = run, number

    def __call__(self, /, *given: object, **named: object) -> object:
        return self.run.called_back(self.number, given, named)


def _names(space: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: space[name] for name in names if name in space}


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "names": _names,
    "call": lambda target, /, *given, **named: target(*given, **named),
    "isinstance": lambda kind, value: isinstance(value, kind),
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    **{kind.__name__: kind for kind in (getattr, setattr, len, iter, next, bool, str, repr, int, float)},
}


def _known(error: BaseException, do: str) -> str:
    """The built-in exception that an error is one of; empty for those that would end more, or less, than a test."""
    if not isinstance(error, Exception) or (isinstance(error, _ENDS_LOOPS) and do != "next"):
        return ""
    return next(kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind)


def _texts(error: BaseException) -> str:
    """An error's arguments where they are plain, for tests that read its message."""
    try:
        return encode(list(error.args))
    except Exception:
        return encode([])


if __name__ == "__main__":
    main(Channel())
