"""Which asserts are comparisons of calls with values."""

import pytest

from data.verifiers.asserts import as_calls


def call(*given, output, again=False, name="f", **named):
    return {
        "kind": "call", "function": name, "input": list(given), "named": named, "output": output, "exact": True,
        "again": again,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("assert f(1) == 2", [call(1, output=2)]),
        ("  assert f((1, 2), [-1.5], {'a': {3}}) == None, 'why'\n", [call((1, 2), [-1.5], {"a": {3}}, output=None)]),
        ("assert f(a=1, b='x') == b'y'", [call(a=1, b="x", output=b"y")]),
        ("assert f() == 1\nassert g(2) == 3", [call(output=1), call(2, output=3, name="g", again=True)]),
        (
            "METADATA = {'author': 'x'}\n\ndef check(candidate):\n    'About.'\n    assert candidate(1) == 2, 'no'\n"
            "    assert True\n    assert candidate(3) == 4\n\ncheck(f)",
            [call(1, output=2), call(3, output=4, again=True)],
        ),
    ],
)
def test_comparisons_of_calls_are_calls(code, calls):
    assert as_calls({"kind": "assert", "code": code}) == calls


@pytest.mark.parametrize(
    "code",
    [
        "assert f(1)", "assert f(1) != 2", "assert f(1) is None", "assert f(x) == 2", "assert f(1) == x",
        "assert 2 == f(1)",
        "assert f(1) == 2 == 2", "assert a.f(1) == 2", "assert f(*[1]) == 2", "assert f(**{'a': 1}) == 2", "x = f(1)",
        "assert f(g(1)) == 2", "import math\nassert f(1) == 2", "for x in f(1): pass", "assert (", "", "assert True",
        "def check(candidate):\n    assert candidate(1) == 2", "def check(a, b):\n    assert a(1) == 2\ncheck(f)",
        "def check(a):\n    for x in [1]:\n        assert a(x) == 2\ncheck(f)", "assert f(1) == 2\nassert f(2)",
        "def check(a):\n    assert a(1) == 2\ncheck(f, 1)", "def check(a=g):\n    assert a(1) == 2\ncheck(f)",
        "x" * 100_000 + "(", "(" * 100_000,
    ],
)  # fmt: skip
def test_other_code_is_run(code):
    test = {"kind": "assert", "code": code}
    assert as_calls(test) == [test]
