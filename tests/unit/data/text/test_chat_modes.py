"""The released template's semantics (Qwen3, 2504 models), a case for each rule."""

import json

import pytest

from data.text.chat import render_prompt

EMPTY = "<think>\n\n</think>\n\n"
TOOL = {"type": "function", "function": {"name": "calculate", "parameters": {"type": "object"}}}


def user(text):
    return {"role": "user", "content": text}


@pytest.fixture
def render(tokenizer):
    return lambda messages, **more: tokenizer.apply_chat_template(messages, tokenize=False, **more)


def test_the_generation_prompt_opens_no_think_block_by_itself(render):
    text = render([user("2+3?")], add_generation_prompt=True)
    assert text == "<|im_start|>user\n2+3?<|im_end|>\n<|im_start|>assistant\n"
    assert render([user("2+3?")], add_generation_prompt=True, enable_thinking=True) == text


def test_thinking_switched_off_prefills_the_empty_block(tokenizer):
    assert render_prompt(tokenizer, [user("2+3?")], "chat", enable_thinking=False).endswith(f"assistant\n{EMPTY}")


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "5", "reasoning_content": "2+3=5."},
        {"role": "assistant", "content": "<think>\n2+3=5.\n</think>\n\n5"},
    ],
)
def test_reasoning_is_written_after_the_last_query_and_dropped_before_it(render, message):
    whole = "<|im_start|>assistant\n<think>\n2+3=5.\n</think>\n\n5<|im_end|>\n"
    assert render([user("2+3?"), message]).endswith(whole)
    assert "<|im_start|>assistant\n5<|im_end|>\n" in render([user("2+3?"), message, user("再加1?")])


def test_a_final_answer_without_reasoning_has_an_empty_block(render):
    assert render([user("2+3?"), {"role": "assistant", "content": "5"}]).endswith(f"assistant\n{EMPTY}5<|im_end|>\n")


def test_flags_are_left_to_the_model(render):
    text = render([{"role": "system", "content": "/think"}, user("2+3? /no_think")], add_generation_prompt=True)
    assert "system\n/think<|im_end|>" in text and "2+3? /no_think<|im_end|>" in text and text.endswith("assistant\n")


def test_tools_stand_in_the_system_turn(render):
    text = render([{"role": "system", "content": "Be brief."}, user("2+3?")], tools=[TOOL])
    system, rest = text.split("<|im_end|>", 1)
    assert system.startswith("<|im_start|>system\nBe brief.\n\n") and text.count("<|im_start|>system") == 1
    assert json.loads(system.split("<tools>\n")[1].split("\n</tools>")[0]) == TOOL
    assert rest == "\n<|im_start|>user\n2+3?<|im_end|>\n"
    assert render([user("2+3?")], tools=[TOOL]).startswith("<|im_start|>system\n")


def test_a_call_and_its_results_are_one_query(render):
    call = {"type": "function", "function": {"name": "calculate", "arguments": {"text": "2+3"}}}
    messages = [
        user("2+3?"),
        {"role": "assistant", "content": "", "reasoning_content": "call it", "tool_calls": [call, call]},
        {"role": "tool", "content": "5"},
        {"role": "tool", "content": "5"},
        {"role": "assistant", "content": "5", "reasoning_content": "it says 5"},
    ]
    text = render(messages)
    calls = [json.loads(part.split("\n</tool_call>")[0]) for part in text.split("<tool_call>\n")[1:]]
    assert calls == 2 * [{"name": "calculate", "arguments": {"text": "2+3"}}]
    results = "<tool_response>\n5\n</tool_response>"
    assert f"<|im_start|>user\n{results}\n{results}<|im_end|>\n" in text  # one user turn
    # a turn of results is no query: the thinking before it stays
    assert "<think>\ncall it\n</think>" in text and "<think>\nit says 5\n</think>" in text
    written = [*messages[:2], user(results), messages[-1]]
    assert "<think>\ncall it\n</think>" in render(written)
    assert "call it" not in render([*messages, user("thanks")])
