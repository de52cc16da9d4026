"""Flags, the mode that a conversation asks for, and whether a completion keeps to it (Qwen3 s.4.3)."""

import random

import pytest

from data.text.chat import render_completion, render_prompt
from data.text.conversations import asking, in_both_modes
from data.text.modes import follows_mode, mode_of, with_flag, with_system_flag, without_flags


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def test_a_flag_stands_at_the_end_of_a_turn_and_the_conversation_is_copied():
    messages = [user("2+3?"), assistant("5"), user("再加1?")]
    assert with_flag(messages, "non_thinking")[-1]["content"] == "再加1? /no_think"
    assert with_flag(messages, "thinking", 0)[0]["content"] == "2+3? /think"
    assert messages == [user("2+3?"), assistant("5"), user("再加1?")]


def test_a_system_flag_makes_or_extends_the_system_message():
    assert with_system_flag([user("2+3?")], "thinking")[0] == {"role": "system", "content": "/think"}
    given = [{"role": "system", "content": "Be brief."}, user("2+3?")]
    assert with_system_flag(given, "non_thinking")[0]["content"] == "Be brief. /no_think"


@pytest.mark.parametrize(
    ("messages", "mode"),
    [
        ([user("2+3?")], "thinking"),
        ([user("2+3? /no_think")], "non_thinking"),
        ([user("/no_think")], "non_thinking"),
        ([user("2+3? /think")], "thinking"),
        ([user("a /no_think"), assistant("b"), user("c")], "non_thinking"),
        ([user("a /no_think"), assistant("b"), user("c /think")], "thinking"),
        ([user("a /think"), assistant("b"), user("c /no_think"), assistant("d"), user("e")], "non_thinking"),
        ([{"role": "system", "content": "/no_think"}, user("a")], "non_thinking"),
        ([{"role": "system", "content": "/no_think"}, user("a /think")], "thinking"),
        # quoted, part of a word, or written by the assistant: no flag
        ([user("What does /no_think do?")], "thinking"),
        ([user("see a/no_think")], "thinking"),
        ([user("a"), assistant("b /no_think"), user("c")], "thinking"),
        ([], "thinking"),
    ],
)
def test_the_last_flag_counts(messages, mode):
    assert mode_of(messages) == mode


def test_without_flags():
    assert without_flags("2+3? /no_think") == "2+3?"
    assert without_flags("What does /no_think do?") == "What does /no_think do?"


FULL, EMPTY = render_completion("先7+5=12。", "答案是12。"), render_completion("", "12")


@pytest.mark.parametrize(
    ("text", "thinking", "non_thinking"),
    [
        (FULL, True, False),
        (EMPTY, False, True),
        ("<think></think>12", False, True),
        ("<think> \n </think> 12", False, True),
        ("12", False, False),
        ("", False, False),
        ("<think>\n7+5=12", False, False),
        ("7+5=12\n</think>\n\n12", False, False),
        ("<think>\na\n</think>\n\n", False, False),
        ("<think>a</think><think>b</think> 12", False, False),
        ("so <think>a</think> 12", False, False),
    ],
)
def test_follows_mode(text, thinking, non_thinking):
    assert (follows_mode(text, "thinking"), follows_mode(text, "non_thinking")) == (thinking, non_thinking)


@pytest.mark.parametrize("mode", ["thinking", "non_thinking"])
def test_conversations_ask_for_the_mode_and_never_touch_a_quoted_flag(mode):
    rng, quoted = random.Random(0), "What does /no_think do?"
    history = [(quoted, "x"), ("hello", "y")]
    flags, in_system, bare = 0, 0, 0
    for _ in range(300):
        turns = rng.randint(0, 2)
        messages = asking("2+3?", mode, history[:turns], rng, unflagged=0.5, in_system=0.3)
        assert mode_of(messages) == mode
        users = [m["content"] for m in messages if m["role"] == "user"]
        assert [without_flags(text) for text in users] == [q for q, _ in history[:turns]] + ["2+3?"]
        flags += users[-1] != "2+3?"
        in_system += messages[0]["role"] == "system"
        bare += all(without_flags(m["content"]) == m["content"] for m in messages)
    assert flags > 50 and in_system > 10
    assert (bare > 30) == (mode == "thinking")  # without any flag the model thinks


def test_in_both_modes_has_the_shares_and_repeats_the_pool():
    pool = [{"prompt": [user(f"{n}?")]} for n in range(4)]
    rows = in_both_modes(pool, 20, 0.3, seed=1)
    assert [row["mode"] for row in rows].count("non_thinking") == 6
    assert all(mode_of(row["prompt"]) == row["mode"] for row in rows)
    assert [row["prompt"][-1]["content"].endswith("/think") for row in rows].count(True) == 7
    assert {without_flags(row["prompt"][-1]["content"]) for row in rows} == {"0?", "1?", "2?", "3?"}
    assert rows == in_both_modes(pool, 20, 0.3, seed=1) != in_both_modes(pool, 20, 0.3, seed=2)


def test_flags_are_plain_text_in_the_template(tokenizer):
    messages = with_flag([user("2+3?")], "non_thinking")
    text = render_prompt(tokenizer, messages, "chat")
    assert text.endswith("2+3? /no_think<|im_end|>\n<|im_start|>assistant\n")
    system = render_prompt(tokenizer, with_system_flag([user("2+3?")], "thinking"), "chat")
    assert system.startswith("<|im_start|>system\n/think<|im_end|>\n<|im_start|>user\n2+3?<|im_end|>")
