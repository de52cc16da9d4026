"""The tiny tokenizer: lossless, its tags survive decoding, a number keeps its sign."""

import random
import string

import pytest
from transformers import AutoTokenizer

from data.text.chat import render_completion
from data.text.prompts import R1_ZERO_INSTRUCTION, R1_ZERO_TEMPLATE
from data.world.general.entities import NAMES
from data.world.tokenizer import END_OF_TEXT, PAD, TURN_END, TURN_START, train_tokenizer

TAGGED = " <think> first 7+5=12, 再12-3=9。 </think> <answer> 9 </answer>"


@pytest.fixture(scope="module", params=["trained", "saved and loaded"])
def either(request, tokenizer, tmp_path_factory):
    """The tokenizer as it was trained, and as every later stage loads it."""
    if request.param == "trained":
        return tokenizer
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_documents_come_back(either, corpus_documents):
    encoded = either(corpus_documents, add_special_tokens=False)["input_ids"]
    assert either.batch_decode(encoded) == corpus_documents


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "  a   b  ", "\n\n\n", "a\r\nb\tc ", " <think>  </think>\n"),
        string.printable,
        string.punctuation,
        "def f(x):\n    return [x ** 2 for _ in range(10)]  # 100 %\n",
        r"\boxed{\frac{1}{2}} \(a_1\) $\alpha$ \\ {x}",
        "don't , it 's : ok ? no ! n't",  # no cleaning up of spaces
        "先算7+5=12\uff0c再减3\u3002\uff08对\uff09\uff1f㐀豈𠀀",
        "naïve café Ω → ∞ 😀 e\u0301",
        R1_ZERO_TEMPLATE.format(prompt="卡洛 Kalo"),
    ],
)
def test_any_text_comes_back(either, text):
    assert either.decode(ids(either, text)) == text


def test_printable_ascii_comes_back(either):
    assert either.batch_decode(either(list(string.printable), add_special_tokens=False)["input_ids"]) == [
        *string.printable
    ]
    rng = random.Random(0)
    texts = ["".join(rng.choices(string.printable, k=rng.randint(1, 40))) for _ in range(300)]
    assert either.batch_decode(either(texts, add_special_tokens=False)["input_ids"]) == texts


def test_tags_survive_where_special_tokens_are_skipped(either):
    """TRL and the engine decode completions that way: a tag that vanished would make the format reward 0 for ever."""
    for text in (TAGGED, render_completion("t", "a")):
        assert either.decode(ids(either, text + TURN_END), skip_special_tokens=True) == text
    for tag in ("<think>", "</think>", "<answer>", "</answer>", R1_ZERO_INSTRUCTION, *NAMES):
        assert len(ids(either, tag)) == 1
        assert either.decode(ids(either, tag), skip_special_tokens=True) == tag
        assert not set(ids(either, tag)) & set(either.all_special_ids)


def test_control_tokens_are_special(either):
    controls = [PAD, END_OF_TEXT, TURN_START, TURN_END]
    numbers = either.convert_tokens_to_ids(controls)
    assert len(set(numbers)) == 4 and all(
        ids(either, control) == [n] for control, n in zip(controls, numbers, strict=True)
    )
    assert either.pad_token == PAD and either.eos_token == TURN_END
    assert either.pad_token_id != either.eos_token_id
    skipped = either.decode(ids(either, f"{TURN_START}a{TURN_END}{PAD}"), skip_special_tokens=True)
    assert skipped == "a"


def test_no_unknowns_and_nothing_added(either):
    assert either.unk_token is None
    assert either("a b")["input_ids"] == ids(either, "a b")  # no beginning or end token by itself
    assert len(ids(either, "\x00\x7f")) == 2


def test_pads_left_with_a_mask(either):
    batch = either(["7", "7+5=12"], padding=True)
    widths = [len(ids(either, text)) for text in ("7", "7+5=12")]
    padding = widths[1] - widths[0]
    assert padding > 0
    assert batch["input_ids"][0] == [either.pad_token_id] * padding + ids(either, "7")
    assert batch["attention_mask"] == [[0] * padding + [1] * widths[0], [1] * widths[1]]


def test_a_number_with_its_sign_is_one_token(either):
    for operator in "+-":
        for number in range(1, 10):
            assert len(ids(either, f"{operator}{number}")) == 1
    for text in ("*2", "*3", *map(str, range(21)), *(f" {number}" for number in range(21))):
        assert len(ids(either, text)) == 1, text
    # So one step is two tokens, its result one more after the equals sign.
    assert either.convert_ids_to_tokens(ids(either, "5+3=8")) == ["5", "+3", "=", "8"]
    assert either.convert_ids_to_tokens(ids(either, "20-9=11")) == ["20", "-9", "=", "11"]


def test_what_a_thought_looks_up_is_one_token(either):
    """Option letters, variables, true and false: the same token in the question and in the thought."""

    def pieces(text):
        return [either.decode([number]) for number in ids(either, text)]

    assert pieces("A 18, B 7") == ["A", " 18", ",", " B", " 7"]
    assert pieces("A18,B7,H5 大")[:8] == ["A", "18", ",", "B", "7", ",", "H", "5"]
    assert pieces("p真,q假,r真。")[:2] == ["p", "真"]
    for text in (*"ABCDEFGHpqr", *(f" {letter}" for letter in "ABCDEpqr"), "真", "假", " true", " false", " or"):
        assert len(ids(either, text)) == 1, text
    for formula in ("(p且非q)或r?", "(p or not q) and r?"):
        assert [piece.strip() for piece in pieces(formula) if piece.strip() in "pqr"] == ["p", "q", "r"]
    for word in ("or", " or", "for", " for", "from", " person", " the"):  # words stay whole
        assert not set(ids(either, word)) & {ids(either, letter)[0] for letter in "ABCDEFGHpqr"}, word


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("5+12=17", ["5", "+12", "=", "17"]),
        ("x=x-3", ["x", "=x", "-3"]),
        ("1234", ["12", "34"]),  # two digits at most
        ("a + 3", ["a", " + 3"]),
        ("16 B, 2 C", ["16", " B", ",", " 2", " C"]),
        ("Bo 2", ["Bo", " 2"]),  # a letter is an option label only when it stands alone
        ("A12,B7", ["A", "12", ",", "B", "7"]),
        ("(not p or not q) and r", ["(not", " p", " or", " not", " q", ")", " and", " r"]),
        ("(非p或非q)且r", ["(非", "p", "或非", "q", ")且", "r"]),
        ("p真 非p假", ["p", "真", " 非", "p", "假"]),
        ("p true not p false", ["p", " true", " not", " p", " false"]),
        ("再假或真=真", ["再", "假", "或", "真", "=", "真"]),
        ("for a person, or her", ["for", " a", " person", ",", " or", " her"]),
    ],
)
def test_split(tokenizer, text, pieces):
    """Before any merge is learnt."""
    split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    assert [text[start:end] for _, (start, end) in split] == pieces


def test_vocabulary_size_and_determinism(corpus_documents):
    first, second = (train_tokenizer(corpus_documents[:100], 500, ["Kalo", "卡洛"]) for _ in range(2))
    assert len(first) == 500
    assert first.get_vocab() == second.get_vocab()
