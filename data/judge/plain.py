"""Plain data as text: what a program returns leaves its sandbox as this, and comes back as plain Python values.

The text is JSON. None, booleans, texts, floats and integers of up to 64 bits stand for themselves; everything else is
[kind, ...]. A value of a derived type is the base's value, so that it has no equality of its own: an IntEnum is an
integer, a named tuple a tuple. Runs inside of sandboxes too: the standard library alone.
"""

import builtins
import json
import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Any

MAX_ITEMS = 200_000
"""Values in one text."""
MAX_TEXT = 1 << 20
"""Characters of one text."""
MAX_DEPTH = 150
MAX_DIGITS = 1 << 16
"""Hexadecimal digits of an integer."""
_MAX_EXACT_DIGITS = 1 << 12
"""Of a fraction's parts and of decimals: their arithmetic is not linear."""

Form = Any
"""What JSON has for a value."""
Keep = Callable[[object], Form]
"""Gives the form of an object that is not plain: its reference; raises Refused where it has none."""

_SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
_MAPPINGS: dict[str, Any] = {"OrderedDict": OrderedDict, "Counter": Counter, "dict": dict}
CONTAINERS = frozenset(_SEQUENCES) | frozenset(_MAPPINGS)
_FAMILIES = {"set": "set", "frozenset": "set"} | dict.fromkeys(_MAPPINGS, "mapping")
_TYPES: dict[str, type] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and (kind.__module__ == "builtins") and name not in ("type", "classmethod", "super")
}
_KEYS: Any = type(dict[str, str]().keys())
_ARRAY_KINDS = "biufc"


class Refused(Exception):
    """A value that does not cross: an object of a program's own, or too large."""


class Malformed(ValueError):
    """A text that says no value: whoever wrote it did not keep to the form."""


# -- to text


def encode(value: object, keep: Keep | None = None, times: int = 1) -> str:
    """The text of a value; Refused where it is not plain and `keep` does not know it, or too large.

    times: how often as large as the limits have it.
    """
    return _Writer(keep or _refuse, times).text(value)


def _refuse(value: object) -> Form:
    raise Refused(f"an object of type {type(value).__name__[:80]} is no plain data")


class _Writer:
    def __init__(self, keep: Keep, times: int):
        self.keep, self.items, self.size = keep, 0, 0
        self.most_items, self.most_text = MAX_ITEMS * times, MAX_TEXT * times

    def text(self, value: object) -> str:
        text = json.dumps(self.form(value, 0), separators=(",", ":"))
        if len(text) > self.most_text:
            raise Refused("the value is too large")
        return text

    def form(self, value: Any, depth: int) -> Form:
        self.items += 1
        if self.items > self.most_items or self.size > self.most_text or depth > MAX_DEPTH:
            raise Refused("the value is too large")
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            self.size += str.__len__(value)
            return str.__str__(value) if self.size <= self.most_text else self.form(None, depth)
        if isinstance(value, int):
            return _integer(int.__int__(value))
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, getattr(sys.modules.get("numpy"), "generic", ())):
            return self._number(value, depth)
        return self._container(value, depth + 1) or _scalar(value) or self._array(value, depth) or self.keep(value)

    def _container(self, value: Any, depth: int) -> Form:
        for name, kind in _SEQUENCES.items():
            if isinstance(value, kind):
                if kind.__len__(value) > self.most_items:
                    raise Refused("the value is too large")
                return [name, *(self.form(item, depth) for item in kind.__iter__(value))]
        if isinstance(value, _KEYS):
            return ["set", *(self.form(key, depth) for key in value)]
        for name, kind in _MAPPINGS.items():
            if isinstance(value, kind):
                pairs = kind.items(value)
                return [name, *(self.form(part, depth) for pair in pairs for part in pair)]
        return None

    def _number(self, value: Any, depth: int) -> Form:
        """NumPy's scalars are plain numbers; its long double is none that Python has."""
        plain = value.item()
        return self.form(float(plain) if type(plain) is type(value) else plain, depth)

    def _array(self, value: Any, depth: int) -> Form:
        array = _class("numpy", "ndarray")
        if not isinstance(value, array) or value.dtype.kind not in _ARRAY_KINDS:
            return None
        if value.size > self.most_items:
            raise Refused("the value is too large")
        return ["array", value.dtype.kind + str(value.dtype.itemsize), self.form(value.tolist(), depth)]


def _integer(value: int, most: int = MAX_DIGITS) -> Form:
    if value.bit_length() <= 64:
        return value
    if value.bit_length() > 4 * most:  # hexadecimal: Python refuses to write or read a long decimal one
        raise Refused("the value is too large")
    return ["int", hex(value)]


def _scalar(value: Any) -> Form:
    """Plain values that JSON does not know; None for any other. Types that nobody imported have no values."""
    if isinstance(value, bytes | bytearray):
        if len(value) > MAX_TEXT:
            raise Refused("the value is too large")
        return ["bytearray" if isinstance(value, bytearray) else "bytes", bytes(value).hex()]
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, range):
        return ["range", *(_integer(part) for part in (value.start, value.stop, value.step))]
    if isinstance(value, type) and _TYPES.get(value.__name__) is value:
        return ["type", value.__name__]
    if isinstance(value, _class("fractions", "Fraction")):
        return ["Fraction", *(_integer(int(part), _MAX_EXACT_DIGITS) for part in (value.numerator, value.denominator))]
    if isinstance(value, _class("decimal", "Decimal")):
        if len(str(value)) > _MAX_EXACT_DIGITS:
            raise Refused("the value is too large")
        return ["Decimal", str(value)]
    if isinstance(value, _class("datetime", "timedelta")):
        return ["timedelta", value.days, value.seconds, value.microseconds]
    for name in ("datetime", "date", "time"):
        if isinstance(value, _class("datetime", name)):
            return [name, value.isoformat()]
    return None


def _class(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, ())


# -- from text


def decode(text: str, find: Callable[[Form], object] | None = None) -> Any:
    """The value that a text says; `find` gives the object of a reference. Raises Malformed, and nothing else."""
    return value_of(form_of(text), find)


def form_of(text: object) -> Form:
    """The form that a text says; Malformed where it says none."""
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise Malformed("no text of a value")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("no text of a value") from None


def value_of(form: Form, find: Callable[[Form], object] | None = None) -> Any:
    """The value that a form says; Malformed where it says none."""
    try:
        return _value(form, find or _nothing, 0)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
        raise Malformed("no form of a value") from None


def sizes(form: Form) -> Counter[tuple[str, int]]:
    """The containers in a form by family and length, and how many other values it holds: those of equal values are."""
    found: Counter[tuple[str, int]] = Counter()
    rest = [form]
    while rest:
        match rest.pop():
            case [str(kind), *parts] if kind in CONTAINERS:
                found[_FAMILIES.get(kind, "sequence"), len(parts)] += 1
                rest += parts
            case _:
                found["", 0] += 1
    return found


def _nothing(form: Form) -> object:
    raise Malformed("no form of a value")


def _value(form: Form, find: Callable[[Form], object], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Malformed("too deep")
    if not isinstance(form, list):
        return _nothing(form) if isinstance(form, dict) else form
    kind, parts = form[0], form[1:]
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](_value(part, find, depth + 1) for part in parts)
    if kind in _MAPPINGS:
        made = [_value(part, find, depth + 1) for part in parts]
        return _MAPPINGS[kind](dict(zip(made[::2], made[1::2], strict=True)))
    if kind == "array":
        return _array_of(*parts)
    return _SCALARS[kind](*parts) if kind in _SCALARS else find(form)


def _array_of(kind: str, nested: Form) -> Any:
    """Of numbers in lists and nothing else: NumPy would make much of a short range, or of a type with a shape."""
    if kind[:1] not in _ARRAY_KINDS or not kind[1:].isdecimal() or len(kind) > 3:
        raise Malformed("no kind of array")
    import numpy

    return numpy.array(_numbers(nested), dtype=kind)


def _numbers(form: Form) -> Any:
    match form:
        case ["list", *parts]:
            return [_numbers(part) for part in parts]
        case bool() | int() | float() | ["int" | "complex", *_]:
            return value_of(form)
    raise Malformed("no number")


def _int_of(form: int | list[str], most: int = MAX_DIGITS) -> int:
    if type(form) is int:
        return form
    kind, digits = form  # type: ignore[misc]
    if kind != "int" or len(digits) > most + 3:
        raise Malformed("no integer")
    return int(digits, 16)


def _fraction_of(*parts: Form) -> object:
    from fractions import Fraction

    numerator, denominator = (_int_of(part, _MAX_EXACT_DIGITS) for part in parts)
    return Fraction(numerator, denominator)


def _decimal_of(text: str) -> object:
    from decimal import Decimal

    if len(text) > _MAX_EXACT_DIGITS:
        raise Malformed("too long a decimal")
    return Decimal(text)


def _time_of(name: str) -> Callable[..., object]:
    def made(*parts: Any) -> object:
        import datetime

        kind = getattr(datetime, name)
        return kind(*parts) if name == "timedelta" else kind.fromisoformat(*parts)

    return made


_SCALARS: dict[str, Callable[..., object]] = {
    "int": lambda digits: _int_of(["int", digits]),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": complex,
    "range": lambda *parts: range(*map(_int_of, parts)),
    "type": _TYPES.__getitem__,
    "Fraction": _fraction_of,
    "Decimal": _decimal_of,
    **{name: _time_of(name) for name in ("timedelta", "datetime", "date", "time")},
}
