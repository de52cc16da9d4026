"""Plain data crosses as it is, derived types as their base, nothing else at all; reading a text raises nothing else."""

import collections
import datetime
import enum
import json
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction

import numpy
import pytest

from data.judge import plain
from data.judge.plain import Malformed, Refused, decode, encode, form_of, sizes


class Colour(enum.IntEnum):
    RED = 3


class Word(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__
    __str__ = __repr__ = lambda self: "other"


class Number(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


Point = collections.namedtuple("Point", "x y")

CROSS_AS_THEY_ARE = [
    None, True, False, 0, -7, 2**63, -(10**400), 1 << 262_000, 0.1, -0.0, float("inf"), 2 + 3j, "", "x\0\ud800é",
    b"\xff\0",
    bytearray(b"ab"), [], [1, [2, (3,)]], (), (1,), set(), {1, "a", (2, 3)}, frozenset({1}), {},
    {1: "a", (2,): [3], None: {}},
    range(1, 9, 2), range(10**30), Fraction(1, 3), Fraction(-(10**50)), Decimal("0.10"), Decimal("-Infinity"),
    deque([1, 2]), OrderedDict(b=1, a=2), Counter("aab"), int, ValueError, datetime.date(2024, 2, 29),
    datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.time(1, 2), datetime.timedelta(days=-1, seconds=3),
]  # fmt: skip


@pytest.mark.parametrize("value", CROSS_AS_THEY_ARE, ids=lambda value: str(type(value).__name__))
def test_plain_values_cross_as_they_are(value):
    back = decode(encode(value))
    assert type(back) is type(value) and back == value
    assert list(back) == list(value) if isinstance(value, (dict, deque)) else True


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Colour.RED, 3), (Word("a"), "a"), (Number(5), 5), (Point(1, 2), (1, 2)),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (numpy.int64(5), 5), (numpy.float64(0.5), 0.5), (numpy.float32(0.5), 0.5), (numpy.bool_(True), True),
        (numpy.longdouble(0.5), 0.5), (numpy.str_("a"), "a"), (numpy.complex128(1j), 1j), ({1: 2}.keys(), {1}),
        ([numpy.int64(1), Word("b")], [1, "b"]),
    ],
)  # fmt: skip
def test_derived_types_cross_as_their_base(value, base):
    back = decode(encode(value))
    assert type(back) is type(base) and back == base and repr(back) == repr(base)


def test_not_a_number_and_arrays_cross():
    assert str(decode(encode(float("nan")))) == "nan"
    for array in (numpy.arange(6).reshape(2, 3), numpy.array([0.5, 1]), numpy.array([True]), numpy.zeros((0,))):
        back = decode(encode(array))
        assert back.dtype == array.dtype and numpy.array_equal(back, array)
    assert decode(encode(numpy.array(3))) == 3


@pytest.mark.parametrize(
    "value",
    [
        object(), lambda: 1, (n for n in "ab"), iter([1]), map(str, [1]), collections, Colour, Exception("a"),
        memoryview(b"a"),
        ..., NotImplemented, numpy.array([object()]), enum.Enum("Own", "A").A, [object()], {"a": object()},
        {1: 2}.values(),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_other_objects_do_not_cross(value):
    with pytest.raises(Refused):
        encode(value)


def test_what_is_kept_crosses_as_its_reference():
    kept = object()
    text = encode([1, kept], lambda value: ["object", 7])
    assert json.loads(text) == ["list", 1, ["object", 7]]
    assert decode(text, lambda form: kept if form == ["object", 7] else None) == [1, kept]
    with pytest.raises(Malformed):
        decode(text)


def _deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def _own():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        [0] * (plain.MAX_ITEMS + 1), [[]] * plain.MAX_ITEMS, "x" * (plain.MAX_TEXT + 1), ["x" * 10_000] * 200,
        bytes(plain.MAX_TEXT), 1 << (4 * plain.MAX_DIGITS + 8), Fraction(1, 1 << 20_000), Decimal("1" * 10_000),
        _deep(plain.MAX_DEPTH + 1), _deep(100_000), _own(), numpy.zeros((1000, 1000)), [12345678] * 190_000,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_large_values_do_not_cross(value):
    with pytest.raises(Refused, match="too large"):
        encode(value)


MALFORMED = [
    "", "x", "[", "{}", '{"a": 1}', "[]", "[[]]", "[1]", '["nothing"]', '["list", {}]', '["set", ["list"]]',
    '["dict", 1]',
    '["dict", ["list"], 1]', '["range", "a"]', '["range", 1, 2, 0]', '["range"]', '["int", "x"]', '["int", 5]',
    '["int"]',
    '["int", "' + "f" * 100_000 + '"]', '["Fraction", 1, 0]', '["Fraction", 1.5, 2]', '["Decimal", "x"]',
    '["Decimal", 5, 6]',
    '["Decimal", "' + "1" * 10_000 + '"]', '["bytes", "xx"]', '["bytes", 5]', '["complex", "a", "b"]',
    '["type", "eval"]',
    '["type", []]', '["date", "x"]', '["timedelta", "x"]', '["timedelta", 10000000000]', '["array", "O8", ["list"]]',
    '["array", "f8", ["list", ["list"], 1]]', '["array", "f999", ["list"]]', '["array", 5, 5]', '["object", 1]',
    "[" * 100_000, '["list",' * 1_000 + "1" + "]" * 1_000, "9" * 10_000, '"\\ud8', "[null, 1]", '[["list"], 1]',
    '["Counter", 1]', '["OrderedDict", ["dict"], 1]',
]  # fmt: skip


@pytest.mark.parametrize("text", [*MALFORMED, None, 5, "1" + " " * plain.MAX_TEXT], ids=lambda text: str(text)[:20])
def test_other_texts_say_nothing(text):
    with pytest.raises(Malformed):
        decode(text)


def test_sizes_are_those_of_equal_values_without_building_anything():
    def count(value):
        return sizes(form_of(encode(value)))

    assert count(5) == count("abc") == count(Fraction(1, 2)) == count(range(9)) == count(1 << 100) == {("", 0): 1}
    assert count([]) == count(()) == {("sequence", 0): 1} != count(set()) == count(frozenset())
    assert count([1, (2, {3}), {"a": [4, 5]}]) == count((1, [2, {9}], {"b": (6, 7)}))
    assert count([{1, 2}, {3: 4}]) == count([{3: 4}, frozenset({1, 2})]) != count([{1, 2, 3, 4}])
    assert len({frozenset(count(value).items()) for value in ([1, 2], {1, 2}, {1: 2}, [[1, 2]], 5)}) == 5
    assert sizes(form_of('["x", 1, 2]')) == {("", 0): 1}


@pytest.mark.parametrize(
    "text",
    [
        '["array", "i8", ["range", 0, 1000000000, 1]]', '["array", "f8,(200000000)f8", ["list", 1.0]]',
        '["array", "f8", ["list", ["range", 0, 9, 1]]]', '["array", "O", ["list", 1]]',
        '["array", ["f8"], ["list", 1]]',
        '["array", "f8", ["set", 1]]', '["array", "f8", "1"]', '["array", "f8"]',
    ],
)  # fmt: skip
def test_an_array_is_of_numbers_in_lists(text):
    """What is short as text and long as an array is not built."""
    with pytest.raises(Malformed):
        decode(text)


def test_a_test_s_input_may_be_larger():
    large = [1] * 300_000
    with pytest.raises(Refused):
        encode(large)
    assert json.loads(encode(large, times=8))[1:] == large
