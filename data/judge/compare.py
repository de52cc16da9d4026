"""Whether a reply of a program is what was expected. No value that a program sends makes these raise or linger."""

import json
import math
from collections.abc import Callable

from data.judge.plain import Form, Malformed, Refused, encode, form_of, sizes, value_of


def same_output(expected: str, printed: str) -> bool:
    """Whether two outputs have the same words line by line; blank lines at the end and spaces do not count.

    Where the expected word has a decimal point, numbers may differ by 1e-6, relative or absolute.
    """
    want, have = lines_of(expected), lines_of(printed)
    return len(want) == len(have) and all(
        len(a) == len(b) and all(map(_same_word, a, b)) for a, b in zip(want, have, strict=True)
    )


def lines_of(output: str) -> list[list[str]]:
    """The words of each line of an output, without the empty lines at its end."""
    return [line.split() for line in output.rstrip().splitlines()]


def _same_word(want: str, have: str) -> bool:
    if want == have or "." not in want:
        return want == have
    try:
        return math.isclose(float(want), float(have), rel_tol=1e-6, abs_tol=1e-6)
    except ValueError:
        return False


def equal(expected: object, text: str) -> bool:
    """Whether plain data (data.judge.plain) is a value, as Python's == has it."""
    return _compared(expected, text, lambda value: expected == value)


def same_json(expected: object, text: str) -> bool:
    """Whether plain data is a value of JSON: a tuple is a list, keys are texts, `true` is not 1.

    Where a float is expected, numbers may differ by 1e-6, relative or absolute. Some data sets wrap the expected value
    into a list of one.
    """

    wrapped = isinstance(expected, list) and len(expected) == 1
    return any(
        _compared(wanted, text, lambda value, wanted=wanted: _same(wanted, jsonable(value)))  # type: ignore[misc]
        for wanted in ([expected, expected[0]] if wrapped else [expected])  # type: ignore[index]
    )


def _compared(expected: object, text: str, compare: Callable[[object], bool]) -> bool:
    """Only a value of the expected one's sizes is built: a set or a dictionary can be one that takes quadratic time."""
    try:
        form = form_of(text)
        return sizes(form) == sizes(form_of(encode(expected))) and bool(compare(value_of(form)))
    except (ArithmeticError, Malformed, RecursionError, Refused, TypeError, ValueError):
        return False  # such as a signalling NaN, or an array, which is neither true nor false


def _same(expected: object, value: object) -> bool:
    if isinstance(expected, list) and isinstance(value, list):
        return len(expected) == len(value) and all(map(_same, expected, value))
    if isinstance(expected, dict) and isinstance(value, dict):
        return expected.keys() == value.keys() and all(_same(expected[key], value[key]) for key in expected)
    if isinstance(expected, bool) or isinstance(value, bool):
        return expected is value
    if isinstance(expected, float) and not isinstance(value, str | complex) and hasattr(value, "__float__"):
        return math.isclose(expected, value, rel_tol=1e-6, abs_tol=1e-6)
    return bool(expected == value)


def jsonable(value: object) -> object:
    """A value as JSON has it: tuples are lists, keys texts."""
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    return value


def canonical_value(text: str) -> str:
    """One text for plain data that `same_json` takes for the same, as far as one can be computed."""
    try:
        return _canonical(form_of(text))
    except (Malformed, RecursionError):
        return text


def _canonical(form: Form) -> str:
    match form:
        case float() if form.is_integer() and abs(form) < 2**53:
            return str(int(form))
        case ["list" | "tuple", *parts]:
            return f"[{', '.join(map(_canonical, parts))}]"
        case ["set" | "frozenset", *parts]:
            return f"set {sorted(map(_canonical, parts))}"
        case ["dict" | "OrderedDict" | "Counter", *parts]:
            pairs = zip(parts[::2], map(_canonical, parts[1::2]), strict=False)
            return f"dict {sorted((key if isinstance(key, str) else _canonical(key), value) for key, value in pairs)}"
    return json.dumps(form)
