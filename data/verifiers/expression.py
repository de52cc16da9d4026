"""Python expressions of one variable, computed without running them: a walk over their syntax tree, within limits.

What may be written: x, numbers, + - * / // % **, comparisons, `a if c else b`, and calls of a few functions of numbers.
Anything else has no value, nor has what leaves the limits. Only a plain, finite number comes out, and no text raises.
"""

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache

MAX_CODE = 2_000
"""Characters of an expression."""
MAX_DEPTH = 100
"""How deep an expression may be nested; a sum of so many terms is."""
MAX_BITS = 1_024
"""Of an integer on the way."""

Number = int | float

_COMMENT = re.compile(r"#[^\n]*")
_CHARACTERS = re.compile(r"[\w\s.,+\-*/%()<>=!]*", re.ASCII)
_SIGNS: dict[type, Callable] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_OPERATORS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type, Callable] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: dict[str, Callable] = {
    "abs": abs,
    "float": float,
    "int": int,
    "max": max,
    "min": min,
    "round": lambda number: round(number),  # to a place 10**30 digits away it would take for ever
}


class _NoValue(Exception):
    """Nothing that may be written, or a number that is too large."""


def value(code: str, x: Number) -> Number | None:
    """What an expression gives for `x`: an int, or a finite float; None where it gives nothing of the kind."""
    tree = _parsed(code)
    if tree is None or not isinstance(x, int | float):
        return None
    try:
        return _number(_evaluated(tree, x))
    except (_NoValue, ArithmeticError, TypeError, ValueError):
        return None


def passes(code: str, tests: Iterable[tuple[Number, Number]]) -> bool:
    """Whether an expression gives the expected value for every (x, expected); False without a test."""
    found = [(value(code, x), expected) for x, expected in tests]
    return bool(found) and all(given is not None and given == expected for given, expected in found)


def printed(code: str, x: Number) -> str | None:
    """The value as text, 6.0 and 6 as one; None where there is no value."""
    found = value(code, x)
    return None if found is None else str(int(found) if found == int(found) else found)


@lru_cache(maxsize=10_000)
def _parsed(code: str) -> ast.expr | None:
    if len(code) > MAX_CODE:
        return None
    code = _COMMENT.sub("", code).strip()
    if not _CHARACTERS.fullmatch(code):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # `1if x else 2` is worth one
            return ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _evaluated(node: ast.expr, x: Number, depth: int = 1) -> Number:
    """A number, or a bool on the way."""
    if depth > MAX_DEPTH:
        raise _NoValue
    match node:
        case ast.Name("x"):
            return x
        case ast.Constant(int() | float() as constant):
            return _bounded(constant)
        case ast.UnaryOp(sign, operand) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_evaluated(operand, x, depth + 1))
        case ast.BinOp(left, operation, right) if type(operation) in _OPERATORS:
            return _combined(operation, _evaluated(left, x, depth + 1), _evaluated(right, x, depth + 1))
        case ast.IfExp(test, then, otherwise):
            return _evaluated(then if _evaluated(test, x, depth + 1) else otherwise, x, depth + 1)
        case ast.Compare(left, operations, right) if all(type(operation) in _COMPARISONS for operation in operations):
            terms = [_evaluated(term, x, depth + 1) for term in (left, *right)]
            pairs = zip(operations, terms, terms[1:], strict=False)
            return all(_COMPARISONS[type(operation)](first, second) for operation, first, second in pairs)
        case ast.Call(ast.Name(name), arguments, []) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*[_evaluated(argument, x, depth + 1) for argument in arguments]))
    raise _NoValue


def _combined(operation: ast.operator, left: Number, right: Number) -> Number:
    """left OPERATION right, refused before it is computed where it may be too large."""
    if isinstance(operation, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * max(right, 0)
    else:
        bits = sum(number.bit_length() for number in (left, right) if isinstance(number, int))
    if bits > MAX_BITS:
        raise _NoValue
    return _bounded(_OPERATORS[type(operation)](left, right))


def _bounded(number: Number) -> Number:
    """The number, unless it is complex or too large."""
    if not isinstance(number, int | float) or (isinstance(number, int) and number.bit_length() > MAX_BITS):
        raise _NoValue
    return number


def _number(found: Number) -> Number:
    """What comes out: no truth value, nothing infinite."""
    if type(found) not in (int, float) or not math.isfinite(found):
        raise _NoValue
    return found
