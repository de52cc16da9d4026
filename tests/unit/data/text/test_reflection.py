"""Words of reflection, counted by hand."""

import pytest

from data.text.reflection import reflections
from stages.core.pipeline.rollouts import REFLECTION_WORDS


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("first 7+5=12, wait, 7+5=13, but wait.", 3),
        ("Wait! WAIT; wait,", 3),
        ("I checked the checks and await a butler", 0),  # whole words only
        ("check(1)+check_2, re-check", 3),
        ("However, there is an error: verify it. Wrong? Retry, evaluate, a mistake.", 7),
    ],
)
def test_english_words_count_whole(text, count):
    assert reflections(text, REFLECTION_WORDS) == count


def test_chinese_words_count_wherever_they_stand():
    assert reflections("先7+5=12,不对,7+5=13。不对不对", ("不对",)) == 3
    assert reflections("先7+5=12 wait,不对,再Wait一下", ("wait", "不对")) == 3


def test_no_character_counts_twice():
    assert reflections("不对,对", ("对", "不对")) == 2
    assert reflections("wait a minute, wait", ("wait", "wait a minute")) == 2


def test_signs_are_no_patterns():
    assert reflections("a.b (axb)?", ("a.b",)) == 1 and reflections("what??", ("??",)) == 1
    assert reflections("anything", ()) == 0
