"""The driver of the judge's own sandbox: runs the code of tests, for which the program under test is far away.

The first message is {"setup": code}; each further one {"test": code} is a test. It asks the program by messages of
data.judge.runs_program, whose replies come back. At its end it says {"passed": true}, only where its last statement was
done, or {"failed": why}, which is the last thing that it says.

What a test holds of a program is plain data, or a reference to an object that stays with the program. A reference
equals nothing but itself. What else it would equal is the program's own claim: a test that asks for it ends as refused.
"""

import ast
import builtins
import importlib
import symtable
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn, TypeGuard

from data.judge.inside import Channel, told
from data.judge.plain import Malformed, Refused, decode, encode

_MODULES = dict(zip(sys.stdlib_module_names, sys.stdlib_module_names, strict=True)) | {"np": "numpy", "numpy": "numpy"}


def main(channel: Channel) -> None:
    setup = channel.receive()["setup"]
    while True:
        code = channel.receive()["test"]
        try:
            _run(setup, code, channel)
        except AssertionError as error:
            channel.stop(f"the test `{_line(code, error)}` fails")
        except BaseException as error:
            channel.stop(f"the test ends: {told(error)}")
        channel.send({"passed": True})


def _run(setup: str, code: str, channel: Channel) -> None:
    """Returns once a test's last statement is done."""
    names = asked(setup, code)
    answer = _Program(channel).ask("names", None, *names)
    theirs = {name: answer[name] for name in names if name in answer}  # it may hold more
    space: dict[str, Any] = {"__name__": "test"} | theirs
    for name in _used(setup, code) & _MODULES.keys() - space.keys():
        with suppress(ImportError):
            space[name] = importlib.import_module(_MODULES[name])
    exec(compile(setup, "<setup>", "exec"), space)
    space |= theirs
    exec(compile(code, "<test>", "exec"), space)


def _line(code: str, error: BaseException) -> str:
    """The line of the test that failed."""
    at, trace = 0, error.__traceback__
    while trace:
        at, trace = trace.tb_lineno if trace.tb_frame.f_code.co_filename == "<test>" else at, trace.tb_next
    return code.splitlines()[at - 1].strip() if at else ""


# -- the names that are the program's


def asked(setup: str, code: str) -> list[str]:
    """The names that a test takes from the program: those that neither it nor its setup nor Python defines.

    So no program changes `abs`, `math` or a helper of the setup under a test. Where a test names nothing else, what it
    tests has such a name. A function of the setup that does nothing yet is the program's.
    """
    modules, built_in = _MODULES.keys(), set(dir(builtins))
    set_up = _defined(setup) - {part.name for part in ast.parse(setup).body if _is_empty(part)}
    tested = _used("", code)
    for names in (
        _used(setup, code) - set_up - modules - built_in, tested & set_up, tested & modules, tested & built_in
    ):  # fmt: skip
        if names:
            return sorted(names)
    return []


def _used(setup: str, code: str) -> set[str]:
    """The global names that a test and its setup read, without those that the test itself defines."""
    return {
        symbol.get_name()
        for scope in (*_scopes(_table(setup)), *_scopes(_table(code)))
        for symbol in scope.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or scope.get_type() == "module")
    } - _defined(code)


def _defined(code: str) -> set[str]:
    """The global names that a code defines."""
    symbols = _table(code).get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


@cache
def _table(code: str) -> symtable.SymbolTable:
    return symtable.symtable(code, "<test>", "exec")


def _is_empty(part: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.ClassDef]:
    """Whether a statement defines a function, or a class of functions, that is left to be written."""
    match part:
        case ast.FunctionDef(body=body):
            return all(isinstance(line, ast.Pass | ast.Raise | ast.Expr) for line in body)
        case ast.ClassDef(body=body):
            return any(map(_is_empty, body)) and all(isinstance(line, ast.Expr) or _is_empty(line) for line in body)
    return False


def _scopes(scope: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield scope
    for inner in scope.get_children():
        yield from _scopes(inner)


# -- the program, far away


class _Program:
    """Asks the program's sandbox."""

    def __init__(self, channel: Channel):
        self.channel = channel
        self.begun = False
        self.functions: list[Any] = []

    def ask(self, do: str, target: str | int | None, /, *given: Any, **named: Any) -> Any:
        """What an operation gives; raises what the program raised, where a test may catch it."""
        try:
            arguments = encode([given, named], self._keep)
            self.channel.send(
                {"do": do, "target": target, "arguments": arguments, "plain": False, "fresh": not self.begun}
            )
            self.begun = True
            while "callback" in (reply := self.channel.receive()):
                self.channel.send(self._called_back(reply))
            return self._result(do, reply, [given, named])
        except Refused as why:
            self.channel.stop(f"refused: {why}")
        except Malformed:
            self.channel.stop("its reply says nothing")

    def _result(self, do: str, reply: dict, arguments: list) -> Any:
        if "failed" in reply:
            self.channel.stop(f"{reply['failed']}")
        if "refused" in reply:
            raise Refused(reply["refused"])
        if "changed" in reply:
            _updated(arguments, decode(reply["changed"], self._find))
        if "raised" in reply:
            raise self._raised(do, reply)
        return decode(reply.get("value", ""), self._find)

    def _raised(self, do: str, reply: dict) -> Exception:
        """The exception that the program raised, or the built-in one that it derives from."""
        if reply["raised"] == "StopIteration" and do == "next":
            return StopIteration()
        kind = getattr(builtins, str(reply["raised"]), None)
        if not isinstance(kind, type) or not issubclass(kind, Exception) or issubclass(kind, _ENDS_LOOPS):
            self.channel.stop(f"{reply.get('says')}")
        kind = Exception if issubclass(kind, ExceptionGroup) else kind
        error = kind.__new__(kind)
        error.args = tuple(decode(reply.get("arguments", ""), self._find))
        return error

    def _keep(self, value: object) -> list:
        """The reference of what the program gets from the test: its own objects, built-in functions, functions."""
        if isinstance(value, Remote):
            return ["object", object.__getattribute__(value, "_number"), ""]
        name = getattr(value, "__name__", "")
        if getattr(builtins, name, None) is value:
            return ["builtin", name]
        if not callable(value) or isinstance(value, type):
            raise Refused(f"the test gives an object of type {type(value).__name__}")
        self.functions.append(value)
        return ["callback", len(self.functions) - 1]

    def _find(self, form: list) -> object:
        match form:
            case ["object", int(number), str(kind)]:
                return Remote(self, number, kind)
            case ["callback", int(number)] if 0 <= number < len(self.functions):
                return self.functions[number]
        raise Malformed("no reference")

    def _called_back(self, reply: dict) -> dict:
        """A function of the test, called by the program."""
        function = self._find(["callback", reply["callback"]])
        given, named = decode(reply.get("arguments", ""), self._find)
        try:
            return {"value": encode(function(*given, **named), self._keep)}  # type: ignore[operator]
        except Exception as error:
            name = type(error).__name__
            return {"raised": name if hasattr(builtins, name) else "RuntimeError", "says": str(error)}


_ENDS_LOOPS = (StopIteration, StopAsyncIteration)


def _updated(old: Any, new: Any) -> Any:
    """What an argument is after a call: the old object, changed in place, wherever it can be."""
    match old, new:
        case (list(), list()):
            old[:] = [_updated(*pair) for pair in zip(old, new, strict=False)] + new[len(old) :]
        case (tuple(), tuple()):
            for pair in zip(old, new, strict=False):
                _updated(*pair)
        case (dict(), dict()):
            now = {key: _updated(old.get(key), value) for key, value in new.items()}
            old.clear()
            old.update(now)
        case (set(), set()):
            old.clear()
            old.update(new)
        case (deque(), deque()) | (bytearray(), bytearray()):
            old.clear()
            old.extend(new)
        case _:
            return new
    return old


_CLAIMS = frozenset({
    *(name for name in dir(str) if name.startswith("is")), "startswith", "endswith", "issubset", "issuperset",
    "isdisjoint", "is_integer",
})  # fmt: skip
"""What a test asks of plain data to know whether it is right: no object of the program's own answers that."""


class Remote:
    """A function, a class or an object of the program's own, which stays there."""

    __slots__ = ("_program", "_number", "_kind")

    def __init__(self, program: _Program, number: int, kind: str):
        for name, value in zip(Remote.__slots__, (program, number, kind), strict=True):
            object.__setattr__(self, name, value)

    def _ask(self, do: str, /, *given: Any, **named: Any) -> Any:
        return self._program.ask(do, self._number, *given, **named)

    def __call__(self, /, *given: Any, **named: Any) -> Any:
        return self._ask("call", *given, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__name__":
            raise AttributeError(name)  # by which libraries would let it speak for itself, NumPy of any memory
        if name in _CLAIMS:
            self._compared(None)
        return self._ask("getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("setattr", name, value)

    def __eq__(self, other: object) -> bool:
        if other is None or isinstance(other, Remote) and other._number == self._number:
            return other is not None
        return self._compared(other)

    def __hash__(self) -> int:
        return hash((Remote, self._number))

    def _compared(self, other: object) -> bool:
        return self._refuse("is compared")

    def _refuse(self, what: str = "computes for itself") -> NoReturn:
        channel: Channel = self._program.channel
        channel.stop(f"refused: an object of the program's own type {self._kind} {what}")

    __lt__ = __le__ = __gt__ = __ge__ = _compared


def _operation(do: str) -> Any:
    return lambda self, *given: self._ask(do, *given)


for _name in ("len", "iter", "next", "getitem", "setitem", "bool", "str", "repr", "int", "float"):
    setattr(Remote, f"__{_name}__", _operation(_name))
for _name in (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow", "and", "or", "xor", "lshift"),
    *("rshift", "neg", "pos", "abs", "invert", "round", "enter", "exit", "await", "mro_entries"),
    *("copy", "deepcopy"),
):
    setattr(Remote, f"__{_name}__", lambda self, *_: self._refuse())
    if hasattr(int, f"__r{_name}__"):
        setattr(Remote, f"__r{_name}__", lambda self, *_: self._refuse())
Remote.__instancecheck__ = _operation("isinstance")  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Channel())
