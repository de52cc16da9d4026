"""Expressions of x are computed, never run: right ones pass, and nothing that a policy writes hurts."""

import random

import pytest

from data.verifiers.expression import MAX_CODE, MAX_DEPTH, passes, printed, value

PLUS_ONE = ((0, 1), (1, 2), (-5, -4), (11, 12))


@pytest.mark.parametrize(
    "code",
    ["x+1", " x + 1 ", "1+x", "x--1", "(x+1)", "x+1  # add 一", "x+1.0", "abs(x+1)*(1 if x>-1 else -1)", "(x\n+1)",
     "max(x, x+1)", "min(x+1, 10**9)", "int(x+1.5) if x>=0 else x+1", "x//1+7%3", "0.5*x+x/2+1", "+x+2**0", "0x1+x",
     "round(x+1.2)", "x+True", "float(x)+1", "x+(0<1<=1!=2)"],
)  # fmt: skip
def test_right_code(code):
    assert passes(code, PLUS_ONE) is True


@pytest.mark.parametrize(
    "code",
    [
        *("x", "x+2", "x-1", "2", "1 if x==0 else 2", "x+1.5"),  # another value
        *("", "   ", "x+", "(x+1", "x+1)", "x 1", "return x+1", "y=x+1", "lambda x: x+1", "x+1;x+1", "x\n+1", "y+1"),
        *("\x00", "x+1\x00", "x+\ud800", "\uff58+1", "x+\u0661", "x\u200b+1", "x+1\u3002", "\\", "`x+1`"),
        *("'x+1'", "f'{x+1}'", "b''", "None", "...", "[x+1]", "(x+1,)", "{x+1}", "[x+1][0]", "sum([x, 1])", "x+1 or 0"),
        *("x/0", "x%0", "x//0", "0**-1*0+x+1", "x[0]", "x.real+1", "1j*0+x+1", "(-8)**0.5", "(y:=x)+1", "await x"),
        *("print(x)", "open(x)", "eval(x)", "input()", "exit()", "getattr(x,x)", "pow(x,1)+1", "max(*x)", "abs(x=x)"),
        *("__import__", "x.__class__(x+1)", "__builtins__", "import os", "max.__self__", "max", "abs", "x()", "1(x)"),
    ],
)
def test_what_is_no_expression_of_this_value(code):
    assert passes(code, PLUS_ONE) is False


def test_every_test_counts():
    assert passes("x*x", ((0, 0), (1, 1))) is True
    assert passes("x*x", ((0, 0), (1, 1), (2, 2))) is False
    assert passes("x*x", ((2, 2), (0, 0), (1, 1))) is False
    assert passes("x*x", ()) is False


@pytest.mark.parametrize("code", ["True", "x==x", "0<1", "1e999", "-1e999", "1e999-1e999", "1e308*10", "max(x==x,x<x)"])
def test_only_finite_numbers_come_out(code):
    assert value(code, 3) is None and not passes(code, ((3, 1),)) and not passes(code, ((3, float("inf")),))


@pytest.mark.parametrize(
    "code",
    ["9**9**9", "x**10**10", "9**9**9**9*0+x+1", "x*10**400", "(10**200)**2", "10**300*10**300*0+x+1", "10.0**400",
     "round(x,-10**30)", "int('9'*9)", "'a'*10**9", "[0]*10**9", "2**-10**400", "9" * 1999, "1e308**2", "2**1024",
     "(" * 10_000 + "x" + ")" * 10_000, "(" * 900 + "x" + ")" * 900, "-" * 1_990 + "x", "x" + "**x" * 600,
     "x" + "+0" * 990, "abs(" * 300 + "x" + ")" * 300, "1 if x<0 else " * 130 + "x", "x" + "<x" * 990, "0" * 10**6],
)  # fmt: skip
def test_what_leaves_the_limits_is_refused_at_once(code):
    assert value(code, 11) is None  # any of them computed would keep this test for hours, or fill the memory


def test_the_limits_themselves_are_within():
    code = "x" + "+0" * (MAX_DEPTH - 1)
    assert value(code, 5) == 5 and value(code + "+0", 5) is None
    assert value("x" + " " * (MAX_CODE - 2) + "+1", 5) is None and value("x" + " " * (MAX_CODE - 3) + "+1", 5) == 6
    assert value("2**512 * 2**510", 0) == 2**1022


@pytest.mark.parametrize(
    "expected",
    [0.5, 1e308, 2**5000, float("nan"), float("inf"), "6", None, [6], True],
    ids=lambda given: type(given).__name__,
)
def test_any_gold_can_be_compared(expected):
    assert passes("x+2**1000", ((5, expected),)) is False and passes("x/1", ((5, expected),)) is False


@pytest.mark.parametrize(
    "x", [float("nan"), float("inf"), 2**5000, "5", None, [5], 1j], ids=lambda given: type(given).__name__
)
def test_any_input_is_borne(x):
    assert value("x+1", x) is None and value("x*x", x) is None


def test_nothing_raises():
    rng = random.Random(7)
    pieces = ["x", "1", "9", "0", ".", "+", "-", "*", "/", "//", "%", "**", "(", ")", "<", "==", " if ", " else ",
              "max(", "abs(", ",", "round(", "int(", "#", "\n", "e", "_", "1e308", "x)", "1j"]  # fmt: skip
    for _ in range(5_000):
        found = value("".join(rng.choices(pieces, k=rng.randint(1, 14))), rng.choice((-3, 0, 5, 0.5)))
        assert found is None or type(found) in (int, float)


def test_printed_is_one_text_for_equal_values():
    assert printed("x+1", 5) == printed("x+1.0", 5) == "6" and printed("x/2", 5) == "2.5"
    assert printed("x==5", 5) is None and printed("10**200*1.0", 5) == str(int(1e200))
