"""The sandbox runs what a policy writes: right code passes, and nothing that it writes hurts."""

import time

import pytest

from data.verifiers import sandbox
from data.verifiers.sandbox import MAX_CODE, passes

PLUS_ONE = ((0, 1), (1, 2), (-5, -4), (11, 12))


@pytest.mark.parametrize(
    "code",
    ["x+1", " x + 1 ", "1+x", "x--1", "(x+1)", "x+1  # add", "x+1.0", "abs(x+1)*(1 if x>-1 else -1)", "sum([x, 1])",
     "max(x, x+1)", "[x+1][0]", "int(str(x+1))", "divmod(x+1, 100)[0]*100+x+1-(x+1)//100*100"],
)  # fmt: skip
def test_right_code(code):
    assert passes(code, PLUS_ONE) is True


@pytest.mark.parametrize(
    "code",
    [
        *("x", "x+2", "x-1", "2", "1 if x==0 else 2", "x+1.5", "'x+1'", "None", "[x+1]"),  # another value
        *("", "   ", "x+", "(x+1", "x+1)", "x 1", "return x+1", "y=x+1", "lambda x: x+1", "\x00", "x+1;x+1"),  # not one
        *("y+1", "x/0", "x[0]", "x.y", "[][1]", "int('a')"),  # it raises
        *("print(x)", "open('/etc/passwd')", "exec('x')", "eval('x+1')", "getattr(x, 'real')+1", "input()", "exit()"),
        *("__import__('os').getpid()*0+x+1", "import os", "x.__class__(x+1)", "x+1 if ().__class__ else 0"),
        "__builtins__ and x+1",
        "(" * 500 + "x+1" + ")" * 500,
    ],
)
def test_wrong_and_forbidden_code(code):
    assert passes(code, PLUS_ONE) is False


def test_every_test_counts():
    assert passes("x*x", ((0, 0), (1, 1))) is True
    assert passes("x*x", ((0, 0), (1, 1), (2, 2))) is False
    assert passes("x*x", ((2, 2), (0, 0), (1, 1))) is False


def test_long_code_is_not_run():
    code = "x+1" + "+0" * ((MAX_CODE - 3) // 2)
    assert len(code) <= MAX_CODE and passes(code, PLUS_ONE) is True
    assert passes(code + "+0" * 2, PLUS_ONE) is False


@pytest.mark.parametrize("code", ["[0]*10**10 and x+1", "len('a'*10**10)*0+x+1", "len([0]*10**9)*0+x+1"])
def test_a_memory_bomb_fails_and_the_next_job_runs(code):
    started = time.monotonic()
    assert passes(code, PLUS_ONE) is False
    assert time.monotonic() - started < 1.5  # refused, not swapped until the time is up
    assert passes(f"x+1+len({code!r})*0", PLUS_ONE) is True


def test_a_computation_without_end_is_stopped_and_the_next_job_runs():
    started = time.monotonic()
    assert passes("9**9**9**9*0+x+1", PLUS_ONE) is False
    assert 1.5 < time.monotonic() - started < 5
    assert passes("x+1+0*0", PLUS_ONE) is True


def test_a_server_that_died_is_replaced():
    assert passes("x+1-0", PLUS_ONE) is True
    sandbox._server.kill()
    sandbox._server.wait()
    assert passes("x+1-0-0", PLUS_ONE) is True


@pytest.mark.parametrize("code", ["(lambda y: x+y)(1)", "sum(x+y for y in (1,))", "max(map(lambda y: x+y, (0, 1)))"])
def test_x_in_an_inner_scope(code):
    assert passes(code, PLUS_ONE) is True


@pytest.mark.parametrize("code", ["(lambda: len(().__class__.__mro__))()-1+x", "sum(len(y.__doc__)>0 for y in (1,))+x"])
def test_dunder_names_in_an_inner_scope(code):
    assert passes(code, PLUS_ONE) is False
