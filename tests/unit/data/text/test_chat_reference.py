"""The chat template against Qwen3's own, as TRL ships it: the same text, character by character."""

import itertools
import random
from pathlib import Path

import pytest
import trl

from data.text.chat import CHAT_TEMPLATE

QWEN3 = (Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja").read_text(encoding="utf-8")
TOOL = {"type": "function", "function": {"name": "rechne", "description": "加 <b>", "parameters": {"type": "object"}}}
CALL = {"type": "function", "function": {"name": "add", "arguments": {"text": "2+3, 五"}}}
TEXT_CALL = {"name": "add", "arguments": '{"text": "2+3"}'}
RESULT = "<tool_response>\n5\n</tool_response>"


def system(text):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def tool(text):
    return {"role": "tool", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


CONVERSATIONS = {
    "a question": [user("2+3?")],
    "a system message": [system("Be brief. /no_think"), user("2+3?")],
    "a later system message": [user("2+3?"), assistant("5"), system("Be brief."), user("再加1?")],
    "an answer": [user("2+3?"), assistant("5")],
    "a thought apart": [user("2+3?"), assistant("5", reasoning_content="2+3=5.")],
    "a thought inside": [user("2+3?"), assistant("<think>\n2+3=5.\n</think>\n\n5")],
    "a thought without its opening": [user("2+3?"), assistant("2+3=5.\n</think>\n\n5")],
    "two thoughts inside": [user("2+3?"), assistant("<think>a</think>b<think>\nc\n</think>d")],
    "an empty thought": [user("2+3?"), assistant("<think>\n\n</think>\n\n5")],
    "an empty thought apart": [user("2+3?"), assistant("<think>x</think>5", reasoning_content="")],
    "a thought of line breaks": [user("2+3?"), assistant("5", reasoning_content="\n"), assistant("6")],
    "history": [user("2+3?"), assistant("<think>\na\n</think>\n\n5"), user("再加1?"), assistant("<think>b</think>6")],
    "an answer that begins with line breaks": [user("2+3?"), assistant("\n\n5")],
    "the same in history": [user("2+3?"), assistant("\n\n5"), user("再加1?")],
    "a thought that begins with line breaks": [user("2+3?"), assistant("\n5", reasoning_content="\n\na\n")],
    "two answers, the first without a thought": [user("2+3?"), assistant("wait"), assistant("5")],
    "two answers, both with a thought": [user("2+3?"), *[assistant(f"<think>{n}</think>{n}") for n in (4, 5)]],
    "no user turn": [system("Be brief."), assistant("<think>\na\n</think>\n\n5")],
    "an answer alone": [assistant("5")],
    "a call with a thought": [user("2+3?"), assistant("", reasoning_content="a", tool_calls=[CALL, CALL]), tool("5")],
    "a call without a thought": [user("2+3?"), assistant("", tool_calls=[CALL]), tool("5"), assistant("5")],
    "a call after a text": [user("2+3?"), assistant("I add.", tool_calls=[CALL, TEXT_CALL])],
    "a call after a line break": [user("2+3?"), assistant("\n", tool_calls=[CALL])],
    "no content": [user("2+3?"), {"role": "assistant", "content": None, "tool_calls": [CALL]}, tool("5")],
    "two results": [user("2+3?"), assistant("a", tool_calls=[CALL]), tool("5"), tool("6"), assistant("5")],
    "results as a user turn": [user("2+3?"), assistant("<think>a</think>b"), user(RESULT), assistant("5")],
    "results alone": [user(RESULT), assistant("<think>a</think>b")],
    "parts instead of a text": [user([{"type": "text", "text": "2+3?"}]), assistant("<think>a</think>5")],
    "an unknown role": [{"role": "developer", "content": "Be brief."}, user("2+3?")],
}
OPTIONS = [
    {"add_generation_prompt": prompt, "tools": tools} | thinking
    for prompt in (False, True)
    for tools in (None, [TOOL, TOOL])
    for thinking in ({}, {"enable_thinking": True}, {"enable_thinking": False})
]


def both(tokenizer, messages, options):
    """(ours, Qwen3's) text of a conversation."""
    return tuple(
        tokenizer.apply_chat_template(messages, tokenize=False, chat_template=template, **options)
        for template in (CHAT_TEMPLATE, QWEN3)
    )


@pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation_reads_as_with_qwen3s_template(tokenizer, messages):
    for options in OPTIONS:
        ours, qwen3 = both(tokenizer, messages, options)
        assert ours == qwen3 and ours, options


def test_conversations_at_random_read_as_with_qwen3s_template(tokenizer):
    rng = random.Random(7)
    texts = ["", "5", "\n\n5\n", "a</think>\n\nb", "<think>\n\na\n</think>\n\nb\n", "<think>", RESULT, f"{RESULT} x"]
    makers = [
        system, user, user, tool, assistant, assistant,
        lambda text: assistant(text, reasoning_content=rng.choice(["", "\n", "a", "\na\n\n"])),
        lambda text: assistant(text, tool_calls=rng.choice([[], [CALL], [TEXT_CALL, CALL]])),
    ]  # fmt: skip
    for options, _ in itertools.product(OPTIONS, range(100)):
        messages = [rng.choice(makers)(rng.choice(texts)) for _ in range(rng.randint(1, 5))]
        ours, qwen3 = both(tokenizer, messages, options)
        assert ours == qwen3, messages
