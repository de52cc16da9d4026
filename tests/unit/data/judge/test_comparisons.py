"""Values compare as Python's == or as JSON has it; no value that a program can send raises or takes long."""

import collections
import decimal
import enum
import fractions

import numpy
import pytest

from data.judge import compare
from data.judge.compare import canonical_value, equal, same_json, same_output
from data.judge.plain import MAX_TEXT, encode

Colour = enum.IntEnum("Colour", "RED GREEN")


@pytest.mark.parametrize(
    ("expected", "value", "same"),
    [
        (0.5, fractions.Fraction(1, 2), True), (0.5, decimal.Decimal("0.5"), True), (1, True, True), (1, 1.0, True),
        (1, 1 + 0j, True), (2, Colour.GREEN, True), ({1, 2}, frozenset({1, 2}), True),
        ({1, 2}, {1: 0, 2: 0}.keys(), True),
        ([0, 1], range(2), False), ((0, 1), range(2), False), ([1], (1,), False), ((1,), [1], False),
        ([1], [1.0], True),
        (5, numpy.int64(5), True), (0.5, numpy.float32(0.5), True), (True, numpy.bool_(True), True),
        ([1, 2], numpy.array([1, 2]), False), ([1], collections.deque([1]), False), ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, collections.Counter("a"), True), ({"a": 1}, collections.OrderedDict(a=1), True),
        ({1: "a"}, {True: "a"}, True), ({"a": 1}, {"a": 1, "b": 2}, False), ("1", 1, False), (b"a", "a", False),
        (b"a", bytearray(b"a"), True), (0.3, 0.1 + 0.2, False), (1.5, 10**400, False), (0, float("nan"), False),
        ([], [[]], False),
        (float("nan"), float("nan"), False), (10**400, 10**400, True), (10**400, float("inf"), False),
        (None, None, True),
        ({(1, 2): [3]}, {(1, 2): [3]}, True), (0, decimal.Decimal("sNaN"), False),
        (5, decimal.Decimal("1e999999999"), False),
        ("a", "a\0", False), ("\ud800", "\ud800", True), ({frozenset({1})}, {frozenset({True})}, True), (..., 1, False),
    ],
)  # fmt: skip
def test_equal_is_python_s(expected, value, same):
    assert equal(expected, encode(value)) is same


@pytest.mark.parametrize(
    ("expected", "value", "same"),
    [
        ([1, 2], (1, 2), True), ([[1], 2], ([1], 2), True), (0.3, 0.1 + 0.2, True), ([0.3], [0.1 + 0.2], True),
        ({"a": 0.3}, {"a": 0.1 + 0.2}, True), ({"1": 2}, {1: 2}, True), (1, True, False), (True, 1, False),
        (3, 3.0, True),
        (3.0, 3, True), (3, 3.0000001, False), ([3], 3, True), ([[3]], [3], True), (3, [3], False), ([1], {1}, False),
        (0.5, fractions.Fraction(1, 2), True), (2, Colour.GREEN, True), (2, numpy.int32(2), True),
        (1.5, numpy.float32(1.5), True),
        (1.5, 10**400, False), (1.5, -(10**400), False), (1.5, fractions.Fraction(10**400, 1), False), ("3", 3, False),
        (1.5, float("nan"), False), (1.5, float("inf"), False), (1.5, decimal.Decimal("sNaN"), False),
        (1.5, "1.5", False),
        (1.5, 1.5 + 0j, True), (1.5, 1.5 + 1j, False), (None, None, True), ("", "", True), ([], (), True),
        ([], {}, False),
        ([1, 2], numpy.array([1, 2]), False), ([0, 1], range(2), False), (True, True, True), (False, None, False),
        ({"a": 1}, {"a": 1, "b": 1}, False), (1e20, 10**20, True), ({str(10**400): 1}, {10**400: 1}, True),
        ({"x": 1}, {10**5000: 1}, False),
    ],
)  # fmt: skip
def test_same_json_is_json_s(expected, value, same):
    assert same_json(expected, encode(value)) is same


COLLIDING = f'["set",{",".join(f"""["int","{hex(n * ((1 << 61) - 1))}"]""" for n in range(20_000))}]'
HOSTILE = [
    "", "[", "[" * 10**6, '["list",' * 10**5, "x" * (2 * MAX_TEXT), COLLIDING, f'["list",{COLLIDING}]',
    '["set",["list"]]',
    f'["list",{",".join(["1"] * 100_000)}]', "9" * 10**6, '"' + "\\ud800" * 10**5 + '"', '["Fraction",1,0]', "NaN",
    "{}",
    '["Decimal","1e999999999999999999999"]', '["range",0,["int","0xffffffffffffffffffff"],1]',
    '["array","f8",["list",7]]',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_a_program_sends_raises(text):
    for expected in (1, 1.5, "a", [], [1, 2], {"a": 1}, {1, 2}, None, True, [1.5] * 3):
        assert equal(expected, text) is False
        assert same_json(expected, text) is False
    assert isinstance(canonical_value(text), str)


def test_values_of_another_size_are_not_built(monkeypatch):
    """Sets of a program's choice may take quadratic time to build."""
    monkeypatch.setattr(compare, "value_of", lambda form: pytest.fail("it was built"))
    assert not equal({1, 2}, COLLIDING) and not same_json([1, 2], COLLIDING)
    assert canonical_value(COLLIDING).startswith("set [")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([[1, 2], (1, 2), [1.0, 2]], 1), ([{1, 2}, {2, 1}, frozenset({1, 2})], 1),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], 1),
        ([{1: 2}, {"1": 2}], 1), ([1, True, "1", [1], {1}, None, 1.5], 7), ([[], {}, set(), ""], 4), ([3, 3.0], 1),
    ],
)  # fmt: skip
def test_canonical_values(values, texts):
    assert len({canonical_value(encode(value)) for value in values}) == texts


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("3\n", "3", True), ("a b\nc\n", "a  b \nc\n\n", True), ("0.5", "0.50", True), ("0.5", "0.5000001", True),
        ("3", "3.0", False), ("a\nb", "a b", False), ("0.5", "0.6", False), ("0.5", "x", False), ("1", "", False),
        ("YES", "yes", False), ("a", "\na", False), ("0.5", "1" * 10_000, False), ("0.5", "\0", False),
        ("0.5", "\ud800", False),
        ("0.5", "nan", False), ("0.5", "1e999999", False),
    ],
)  # fmt: skip
def test_same_output(expected, printed, same):
    assert same_output(expected, printed) is same
