"""The word segmentation behind the language reward: what is a word of which language, and what is none."""

import pytest

from data.text.language import language_consistency, units, words

COMMA, STOP, BANG, QUESTION, COLON, SEMICOLON, OPEN, CLOSE = (
    *("\uff0c", "\u3002", "\uff01", "\uff1f", "\uff1a", "\uff1b", "\uff08", "\uff09"),
)
"""Chinese punctuation as Chinese keyboards write it (full width)."""


def spoken(text):
    """`words` as "word/language word/language"."""
    return " ".join(f"{word}/{language}" for word, language in words(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first 7+5=12, then stop.", "first/en then/en stop/en"),
        ("先算7+5=12,再减3。", "先/zh 算/zh 再/zh 减/zh"),
        ("Kalo喜欢red苹果", "Kalo/en 喜/zh 欢/zh red/en 苹/zh 果/zh"),  # no spaces between the languages
        ("你好 world,再见!", "你/zh 好/zh world/en 再/zh 见/zh"),
        ("Wait: no; yes? ok!", "Wait/en no/en yes/en ok/en"),
        ("Wait:no;yes?ok!done", "Wait/en no/en yes/en ok/en done/en"),
        (
            '(first) [second] {third} "fourth" *fifth* _sixth_',
            "first/en second/en third/en fourth/en fifth/en sixth/en",
        ),
        ("\u201cHello\u201d \u2018there\u2019", "Hello/en there/en"),
        ("a well-known state-of-the-art x-axis", "a/en well-known/en state-of-the-art/en x-axis/en"),
        ("I don't, it's.", "I/en don't/en it's/en"),
        ("㐀豈", "㐀/zh 豈/zh"),  # extension A and the compatibility block
    ],
)
def test_words(text, expected):
    assert spoken(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "   \n\t", "…", "+-*/=,.。!?", "12", "3.14", "1,000", "-7"),
        *("7+5=12", "x=7", "2*x+3=11", "(x+3)*4", "x=x+2", "foo_bar(x)", "7pears", "ab1"),  # numbers, formulas, code
        *("x", "p q r", "b, c; d", "D.", "(C)", "Y:"),  # single letters
        *(r"\boxed{12}", r"\boxed{yes}", r"\frac{1}{2}", r"$\text{sum of all}$", r"\(ab cd\)", "\\[ one\ntwo \\]"),
        *("```python\nprint the value\n```", "```one``` ```two```"),
        *("<think>", "</think>", "<answer> 7 </answer>", "<|im_start|> <|im_end|>"),
    ],
)
def test_what_belongs_to_neither_language(text):
    assert words(text) == []
    assert language_consistency(text, "en") is None and language_consistency(text, "zh") is None


def test_what_is_left_around_that():
    assert spoken(r"The answer is \boxed{12}, 对") == "The/en answer/en is/en 对/zh"
    assert spoken("<think>so</think> <answer>对</answer>") == "so/en 对/zh"
    assert spoken("one ```two``` three") == "one/en three/en"
    assert spoken(r"one $two$ three \(four\) 五 \[six\]") == "one/en three/en 五/zh"
    assert spoken("p true, q false") == "true/en false/en"


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("first 7+5=12, then 12-3=9", 1.0),
        ("先7+5=12,再12-3=9", 0.0),
        ("first 七加五, then 12", 2 / 5),
        ("Kalo喜欢red苹果", 2 / 6),
        ("wait 不对", 1 / 3),
        ("don't 不", 1 / 2),  # one word
        ("x 是 12", 0.0),  # a variable is not English
        (r"so \boxed{对}", 1 / 2),
    ],
)
def test_language_consistency_by_hand(text, english):
    assert language_consistency(text, "en") == pytest.approx(english)
    assert language_consistency(text, "zh") == pytest.approx(1 - english)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("答案是 пять 五", "答/zh 案/zh 是/zh пять/other 五/zh"),
        ("Это кто-то, 'да'.", "Это/other кто-то/other да/other"),
        ("これはペン", "こ/other れ/other は/other ペ/other ン/other"),  # no spaces: a word each, like Han
        ("答えは五", "答/zh え/other は/other 五/zh"),
        ("답은 다섯", "답은/other 다섯/other"),  # spaces: a run is a word, like Latin
        ("هذا خمسة، نعم", "هذا/other خمسة/other نعم/other"),
        ("हिन्दी में", "हिन्दी/other में/other"),  # vowel signs are no letters, and part of the word
        ("ไทย", "ไ/other ท/other ย/other"),
        ("καλημέρα, ναι", "καλημέρα/other ναι/other"),
        # no formula is written in them, so they count wherever they stand, as Han does
        (r"\boxed{пять} 7+5=12이므로 x=да", "пять/other 이므로/other да/other"),
        ("redです well是다", "red/en で/other す/other well/en 是/zh 다/other"),
    ],
)
def test_words_of_other_scripts(text, expected):
    assert spoken(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("α", "π ≈ 3", "x=2πr", "Δx Δθ αβ", "sin(θ)", "μ=σ²", "α+β+γ"),  # Greek symbols
        *("∑ ∂ ∇ ∞ √2 → ≤", "ℵ ℝ ℓ", "\U0001d465 \U0001d400", "\xb5", "½ ₂ Ⅳ", "\u0663\u0664", "\U0001f600"),
        *("`пять`", "```답은 です```", r"$\text{пять}$", r"\(да\)"),  # code, formulas
        "naïve Straße",  # Latin, and of no language that can be told
    ],
)
def test_what_of_other_scripts_is_no_word(text):
    assert words(text) == []


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("答案是 пять 五", 0.0, 4 / 5),
        ("the answer is пять", 3 / 4, 0.0),
        ("Ответ пять.", 0.0, 0.0),
        ("これはペン", 0.0, 0.0),
        ("답은 다섯", 0.0, 0.0),
        ("so α=π/2, ∑ 对", 1 / 2, 1 / 2),
    ],
)
def test_another_script_counts_against_both_languages(text, english, chinese):
    assert language_consistency(text, "en") == pytest.approx(english)
    assert language_consistency(text, "zh") == pytest.approx(chinese)


def test_nothing_but_words_counts():
    """Formulas between the words change nothing."""
    assert language_consistency("a b c 1+1=2 first 2+2=4 x y z 3 4 再", "en") == pytest.approx(2 / 3)


def test_full_width_punctuation_separates_words():
    text = f"Wait{COMMA}no{SEMICOLON}yes{COLON}ok{BANG}Done{QUESTION}{OPEN}Kalo{CLOSE}是对的{STOP}"
    assert spoken(text) == "Wait/en no/en yes/en ok/en Done/en Kalo/en 是/zh 对/zh 的/zh"


def test_full_width_punctuation_in_chinese():
    assert spoken(f"先算{OPEN}7+5{CLOSE}{COMMA}再减3{STOP}") == "先/zh 算/zh 再/zh 减/zh"


def test_curly_apostrophe():
    assert spoken("don\u2019t") == "don\u2019t/en"


def test_option_label_a_is_no_word():
    assert spoken("选项 12 A。") == "选/zh 项/zh"
    assert language_consistency("速度16/8=2,选项 2 A。", "zh") == 1.0


def test_inline_code_belongs_to_neither_language():
    assert spoken("先看 `return the value` 再算") == "先/zh 看/zh 再/zh 算/zh"


def test_a_function_call_belongs_to_neither_language():
    assert spoken("程序 x=3;x=x+2;print(x)") == "程/zh 序/zh"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("先算7+5=12,再。", ["先", "算", "7", "+", "5", "=", "12", ",", "再", "。"]),
        ("It's red2", ["It", "'", "s", "red", "2"]),
        ("", []),
        (" \n", []),
    ],
)
def test_units(text, expected):
    assert units(text) == expected
