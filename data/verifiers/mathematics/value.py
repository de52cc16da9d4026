"""What a formula is worth: exactly where it is rational, else to 150 digits.

Two formulas are equal where their values are: at several points, if they have variables. That is a proof for rational
numbers and a test for the others, wrong with no chance that matters; unlike simplification it takes the same short time
for equal and unequal ones, and ends.
"""

import math
import random
import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

from mpmath.ctx_mp import MPContext

from data.verifiers.mathematics.formula import Tree

_DIGITS = 150
_MAX_BITS = 20_000
"""Of numerator and denominator; a longer rational number goes on as a float."""
_MAX_LOG = 10**5
"""No power beyond e to this."""
_MAX_PRECISE = 10**30
"""Of an angle, and of what is rounded to a whole number: beyond it the digits behind the point are lost."""
_TRIALS = 6

_mp = MPContext()  # its own, so that nobody else sets its precision
_mp.dps = _DIGITS
_ALIKE, _REST = _mp.mpf(10) ** -110, _mp.mpf(10) ** -130
"""Two values are equal that agree in 110 digits; a sum is zero that is 130 digits smaller than its terms."""
_lock = threading.RLock()  # some functions of mpmath change the precision while they work

Value = Any
"""Fraction, or a real or complex float of `_mp`."""


class Undefined(ValueError):
    """A formula without a value: a division by zero, or a number too large."""


def evaluate(tree: Tree, point: Mapping[str, Fraction] | None = None) -> Value:
    """The value of a formula where its variables have the values of `point`; Undefined where there is none."""
    with _lock:
        try:
            value = _worth(tree, point or {})
        except Exception as error:  # whatever mpmath raises
            raise Undefined(str(error)) from error
    if not isinstance(value, Fraction) and (_mp.isnan(value) or (_mp.isinf(value) and tree not in _INFINITE)):
        raise Undefined("not a number")
    return value


def has_value(tree: Tree) -> bool:
    """Whether a formula has a value at any point of several."""
    return any(_or_none(tree, point) is not None for point in points(variables(tree)))


def variables(tree: Tree) -> frozenset[str]:
    """The names of a formula's variables."""
    if tree[0] in ("number", "constant"):
        return frozenset()
    return frozenset((tree[1],)) if tree[0] == "symbol" else frozenset().union(*map(variables, tree[1:]))


def equal_values(one: Value, other: Value) -> bool:
    """Whether two values are the same: relative to their size, so that 1e-19 is not 2e-19."""
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    with _lock:
        first, second = _float(one), _float(other)
        if _mp.isinf(first) or _mp.isinf(second):
            return bool(first == second)
        return bool(abs(first - second) <= max(abs(first), abs(second)) * _ALIKE)


def same_formula(one: Tree, other: Tree) -> bool:
    """Whether two formulas have equal values, at every point of several.

    What is real somewhere is a formula of real numbers: where both are not real, they may differ.
    """
    names = variables(one) | variables(other)
    pairs = [(_or_none(one, point), _or_none(other, point)) for point in points(names)]
    pairs = [pair for pair in pairs if pair != (None, None)]
    reals = [pair for pair in pairs if any(value is not None and _is_real(value) for value in pair)]
    wanted = 2 if names else 1
    judged = reals if len(reals) >= wanted else pairs
    return len(judged) >= wanted and all(None not in pair and equal_values(*pair) for pair in judged)


def ratios(one: Tree, other: Tree) -> list[Value] | None:
    """one / other at several points; None where one of them is zero or undefined."""
    found = []
    for point in points(variables(one) | variables(other)):
        above, below = _or_none(one, point), _or_none(other, point)
        if above is None or below is None or not above or not below:
            return None
        found.append(_multiply(above, _power(below, Fraction(-1))))
    return found


def points(names: frozenset[str]) -> list[dict[str, Fraction]]:
    """Values for variables: positive ones, small ones, ones of either sign; always the same for the same name."""
    return [{name: _drawn(name, trial) for name in names} for trial in range(_TRIALS if names else 1)]


def _is_real(value: Value) -> bool:
    try:
        real(value)
    except Undefined:
        return False
    return True


def real(value: Value) -> Any:
    """A float for the order of values; Undefined for a complex one."""
    number = _float(value)
    if isinstance(number, _mp.mpc):
        if abs(number.imag) > abs(number) * _ALIKE:
            raise Undefined("not real")
        return number.real
    return number


@lru_cache(maxsize=10_000)
def _drawn(name: str, trial: int) -> Fraction:
    drawn = random.Random(f"{name} {trial}")  # seeded by text: not by the hash of a process
    value = Fraction(2 * drawn.randint(130, 500) + 1, 256)  # as an exponent of -1 complex, whatever it multiplies
    if trial in (2, 3):
        return value / 8
    return -value if trial == 4 or (trial == 5 and drawn.random() < 0.5) else value


def _or_none(tree: Tree, point: Mapping[str, Fraction]) -> Value | None:
    try:
        return evaluate(tree, point)
    except Undefined:
        return None


def _worth(tree: Tree, point: Mapping[str, Fraction]) -> Value:
    operation = tree[0]
    if operation == "number":
        return tree[1]
    if operation == "symbol":
        return point[tree[1]]
    if operation == "constant":
        return _CONSTANTS[tree[1]]
    return _OPERATIONS[operation](*(_worth(part, point) for part in tree[1:]))


def _float(value: Value) -> Any:
    return _mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def _short(value: Value) -> Value:
    """A rational number that has grown too long goes on as a float."""
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        return _float(value)
    return value


def _rational(*values: Value) -> bool:
    return all(isinstance(value, Fraction) for value in values)


def _add(*terms: Value) -> Value:
    return reduce(_plus, terms)


def _plus(one: Value, other: Value) -> Value:
    if _rational(one, other):
        return _short(one + other)
    first, second = _float(one), _float(other)
    total = first + second
    return Fraction(0) if abs(total) < max(abs(first), abs(second)) * _REST else total


def _multiply(*factors: Value) -> Value:
    return reduce(_times, factors)


def _times(one: Value, other: Value) -> Value:
    return _short(one * other) if _rational(one, other) else _float(one) * _float(other)


def _power(base: Value, exponent: Value) -> Value:
    if not base:
        if real(exponent) < 0:
            raise Undefined("zero to a negative power")
        return Fraction(0) if exponent else Fraction(1)
    if _rational(base, exponent) and exponent.denominator == 1:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(exponent.numerator)
        if bits <= _MAX_BITS:
            return base**exponent.numerator
    if abs(_mp.re(_float(exponent)) * _mp.log(abs(_float(base)))) > _MAX_LOG:
        raise Undefined("too large")
    if isinstance(exponent, Fraction) and exponent.denominator > 1:
        return _root(base, exponent)
    return _mp.power(_float(base), _float(exponent))


def _root(base: Value, exponent: Fraction) -> Value:
    """A rational power: exact where it can be; an odd root of a negative number is the real one."""
    degree, negative = exponent.denominator, not isinstance(_float(base), _mp.mpc) and real(base) < 0
    if negative and degree % 2:
        root = _power(-base, exponent)
        return -root if exponent.numerator % 2 else root
    if isinstance(base, Fraction) and not negative and degree <= 64:
        above, below = _whole_root(base.numerator, degree), _whole_root(base.denominator, degree)
        if above is not None and below is not None:
            return _power(Fraction(above, below), Fraction(exponent.numerator))
    return _mp.power(_float(base), _float(exponent))


def _whole_root(number: int, degree: int) -> int | None:
    root = math.isqrt(number) if degree == 2 else int(_mp.nint(_mp.root(number, degree)))
    return root if root**degree == number else None


def _factorial(value: Value) -> Value:
    if isinstance(value, Fraction) and value.denominator == 1 and 0 <= value <= 1000:
        return Fraction(math.factorial(int(value)))
    number = real(value)
    if not -100 < number < 10**5 or (number < 0 and number == _mp.floor(number)):
        raise Undefined("a factorial of what has none")
    return _mp.gamma(number + 1)


def _binomial(above: Value, below: Value) -> Value:
    if _rational(above, below) and above.denominator == below.denominator == 1 and 0 <= below <= above <= 1000:
        return Fraction(math.comb(int(above), int(below)))
    if abs(real(above)) > 10**5 or abs(real(below)) > 10**5:
        raise Undefined("too large")
    return _mp.binomial(real(above), real(below))


def _floor(value: Value) -> Value:
    if isinstance(value, Fraction):
        return Fraction(math.floor(value))
    if abs(real(value)) > _MAX_PRECISE:
        raise Undefined("too large")
    nearest = _mp.nint(real(value))
    close = equal_values(Fraction(int(nearest)), value)
    return Fraction(int(nearest if close else _mp.floor(real(value))))


def _mod(value: Value, modulus: Value) -> Value:
    quotient = _multiply(value, _power(modulus, Fraction(-1)))
    return _add(value, -_multiply(modulus, _floor(quotient)))


def _of_integers(function: Callable[..., int]) -> Callable[..., Value]:
    def worth(*values: Value) -> Value:
        if any(not isinstance(value, Fraction) or value.denominator > 1 for value in values):
            raise Undefined("integers only")
        return Fraction(function(*map(int, values)))

    return worth


def _function(name: str) -> Callable[[Value], Value]:
    def worth(value: Value) -> Value:
        number = _float(value)
        if abs(number) > _MAX_LOG and name in ("exp", "sinh", "cosh"):
            raise Undefined("too large")
        if not number and name == "ln":
            raise Undefined("the logarithm of zero")
        if not number and name in ("sin", "tan", "asin", "atan", "sinh", "tanh"):
            return Fraction(0)
        if name not in _PERIODIC:
            return getattr(_mp, name)(number)
        if abs(number) > _MAX_PRECISE:
            raise Undefined("too large")
        made = getattr(_mp, name)(number)
        if abs(made) * _REST > 1:
            raise Undefined("a pole")
        return Fraction(0) if abs(made) < _REST else made  # of rounding, at a multiple of pi

    return worth


_INFINITE: tuple[Tree, ...] = (("constant", "infinity"), ("negative", ("constant", "infinity")))
_PERIODIC = frozenset(("sin", "cos", "tan", "cot", "sec", "csc"))
_CONSTANTS = {"pi": +_mp.pi, "e": +_mp.e, "i": _mp.mpc(0, 1), "infinity": _mp.inf}
_OPERATIONS: dict[str, Callable[..., Value]] = {
    "add": _add, "multiply": _multiply, "power": _power, "negative": lambda value: -value,
    "abs": lambda value: abs(value), "factorial": _factorial, "binomial": _binomial, "floor": _floor,
    "ceiling": lambda value: -_floor(-value), "mod": _mod, "gcd": _of_integers(math.gcd), "lcm": _of_integers(math.lcm),
    "max": lambda *values: max(values, key=real), "min": lambda *values: min(values, key=real),
    **{name: _function(name) for name in ("sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "sinh",
                                          "cosh", "tanh", "ln", "exp", "arg")},
    "Re": lambda value: _mp.re(_float(value)), "Im": lambda value: _mp.im(_float(value)),
}  # fmt: skip
