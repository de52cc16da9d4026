import pytest

from stages.core import filters
from stages.core.filters import (
    apply_rules,
    has_code_block,
    longest_paragraph,
    mixes_languages,
    repetition,
    words_and_numbers,
)


def test_words_and_numbers():
    assert words_and_numbers("First 7+5=12, then stop.") == ["First", "7", "5", "12", "then", "stop"]
    assert words_and_numbers("先算7+5=12,再减3。") == ["先", "算", "7", "5", "12", "再", "减", "3"]
    assert words_and_numbers("Kalo喜欢red苹果") == ["Kalo", "喜", "欢", "red", "苹", "果"]
    assert words_and_numbers("x_1") == ["x", "1"]
    assert words_and_numbers("") == words_and_numbers("… + = \n") == []


@pytest.mark.parametrize(
    ("text", "ngram", "expected"),
    [
        ("a b a b", 2, 1 / 3),  # ab ba ab
        ("a b a b", 1, 1 / 2),
        ("a b c d", 2, 0.0),
        ("wait wait wait wait wait", 2, 3 / 4),
        ("对对对对", 1, 3 / 4),
        ("我们算算我们算", 2, 2 / 6),  # 我们 们算 算算 算我 我们 们算
        ("7, 7; 7", 1, 2 / 3),
        ("", 3, 0.0),
        ("two words", 3, 0.0),  # shorter than one n-gram
        ("one two three", 3, 0.0),
        ([5, 6, 5, 6], 2, 1 / 3),
        ([], 1, 0.0),
    ],
)
def test_repetition(text, ngram, expected):
    assert repetition(text, ngram) == pytest.approx(expected, abs=1e-6)


def test_repetition_needs_an_ngram():
    with pytest.raises(ValueError, match="ngram"):
        repetition("a b", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```python\nprint(1)\n```", True),
        ("so ```x = 1``` holds", True),
        ("then\n~~~\nx\n~~~", True),
        ("about ~~~5", False),
        ("use `x` and ``y``", False),
        ("", False),
    ],
)
def test_has_code_block(text, expected):
    assert has_code_block(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two\n\nthree four five", 3),
        ("one two\nthree", 3),  # a line break alone does not end a paragraph
        ("one\r\n\r\ntwo", 1),
        ("one\n  \t\ntwo three", 2),
        ("先算七。\n\n再加3", 3),
        ("", 0),
        ("\n\n\n", 0),
    ],
)
def test_longest_paragraph(text, expected):
    assert longest_paragraph(text) == expected


@pytest.mark.parametrize(
    ("consistency", "mixed"), [(None, True), (0.0, True), (0.89, True), (0.9, False), (1.0, False)]
)  # fmt: skip
def test_mixes_languages_at_its_threshold(monkeypatch, consistency, mixed):
    monkeypatch.setattr(filters, "language_consistency", lambda text, target: consistency)
    assert mixes_languages("text", "en", 0.9) is mixed


def test_mixes_languages():
    assert not mixes_languages("first 7+5=12, then subtract 3", "en", 0.9)
    assert mixes_languages("first 7+5=12, then subtract 3", "zh", 0.9)
    assert not mixes_languages("先算7+5=12,再减3。", "zh", 0.9)
    assert mixes_languages("7+5=12", "en", 0.9)  # formulas only: no words


def test_apply_rules_counts_a_row_for_the_first_rule_that_rejects_it():
    seen = []
    rules = {
        "positive": lambda row: row > 0,
        "even": lambda row: seen.append(row) or row % 2 == 0,
        "small": lambda row: row < 10,
    }
    kept, counts = apply_rules([-1, -2, 3, 4, 11, 12, 6], rules)
    assert kept == [4, 6]
    assert counts == {"total": 7, "positive": 2, "even": 2, "small": 1, "kept": 2}
    assert list(counts) == ["total", "positive", "even", "small", "kept"]
    assert seen == [3, 4, 11, 12, 6]  # a rejected row goes no further


def test_apply_rules_at_its_edges():
    assert apply_rules([], {"never": lambda row: False}) == ([], {"total": 0, "never": 0, "kept": 0})
    assert apply_rules(iter("ab"), {}) == (["a", "b"], {"total": 2, "kept": 2})
    with pytest.raises(ValueError, match="kept"):
        apply_rules([1], {"kept": bool})
