"""The chat template, the R1-Zero template, and how a completion is read back."""

import pytest

from data.text.chat import Parsed, boxed, has_format, parse, render_completion, render_prompt
from data.text.prompts import R1_ZERO_TEMPLATE

COLON = "\uff1a"
CHAT = "<think>\nfirst 7+5=12\n</think>\n\nThe answer is \\boxed{12}."
ZERO = " <think> first 7+5=12 </think> <answer> 12 </answer>"


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


# -- reading completions


@pytest.mark.parametrize(
    ("text", "thinking", "answer", "final"),
    [
        (ZERO, "first 7+5=12", "12", "12"),
        (CHAT, "first 7+5=12", "The answer is \\boxed{12}.", "12"),
        # nothing, or nothing of use
        ("", None, "", None),
        (" \n ", None, "", None),
        ("<think>", None, "", None),
        ("</think>", "", "", None),
        ("<answer> </answer>", None, "", None),
        ("<|im_end|> 7", None, "", None),
        # what was thought is no answer
        ("<think> the answer is 5", None, "", None),
        ("<think> a <answer> 5 </answer>", None, "", None),
        ("<think> \\boxed{5} </think>", "\\boxed{5}", "", None),
        ("<think> \\boxed{5} </think> no idea", "\\boxed{5}", "no idea", "no idea"),
        # missing and doubled tags
        ("a </think> 7", "a", "7", "7"),
        ("12", None, "12", "12"),
        ("<answer>7</answer>", None, "7", "7"),
        ("<think>a</think><answer>7", "a", "7", "7"),
        ("<think>a</think></think>7", "a", "7", "7"),
        ("<think><think>a</think>7", "<think>a", "7", "7"),
        ("<think>a</think>7<think>b</think>8", "a", "7b8", "7b8"),
        ("<think></think> 7", "", "7", "7"),
        ("<think>a</think> so <answer>7</answer> done", "a", "so 7 done", "7"),
        # several answers: the last
        ("<answer>7</answer> <answer>8</answer>", None, "7 8", "8"),
        ("<answer>7<answer>8</answer>", None, "78", "8"),
        ("\\boxed{7}, no: \\boxed{8}", None, "\\boxed{7}, no: \\boxed{8}", "8"),
        ("The answer is 7.\nThe answer is 8.", None, "The answer is 7.\nThe answer is 8.", "8"),
        ("7\n\n8\n", None, "7\n\n8", "8"),
        # the box before what is stated, the answer tag before both
        ("The answer is 7 or \\boxed{8}", None, "The answer is 7 or \\boxed{8}", "8"),
        ("\\boxed{7} <answer>8</answer>", None, "\\boxed{7} 8", "8"),
        ("<answer>\\boxed{7}</answer>", None, "\\boxed{7}", "7"),
        ("<answer>The answer is 7.</answer>", None, "The answer is 7.", "7"),
        ("\\boxed{}", None, "\\boxed{}", None),
        # statements in both languages
        ("答案是7。", None, "答案是7。", "7"),
        ("答案为 真。", None, "答案为 真。", "真"),
        ("答案:3+12", None, "答案:3+12", "3+12"),
        ("Answer: (x+3)*4", None, "Answer: (x+3)*4", "(x+3)*4"),
        ("the ANSWER = 7", None, "the ANSWER = 7", "7"),
        # the completion ends where its turn ends
        ("<think>a</think>7<|im_end|>\n<|im_start|>user\n8", "a", "7", "7"),
        ("7<|endoftext|>8", None, "7", "7"),
    ],
)
def test_parse(text, thinking, answer, final):
    assert parse(text) == Parsed(thinking, answer, final)


@pytest.mark.parametrize("text", ["The answer is: 7", "答案是:7。"])
def test_parse_statement_with_is_and_colon(text):
    assert parse(text).final == "7"


@pytest.mark.parametrize("text", [f"答案{COLON}7", "答案是7\uff01"])
def test_parse_full_width_statement(text):
    assert parse(text).final == "7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\boxed{7}", "7"),
        ("so \\boxed{ 7 } it is", "7"),
        ("\\boxed{1} \\boxed{2} \\boxed{3}", "3"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{{a}{b{c}}} tail}", "{a}{b{c}}"),
        ("\\boxed{}", ""),
        ("\\boxed{7", None),
        ("\\boxed{\\frac{1}{2}", None),
        ("\\boxed{1} then \\boxed{2", None),
        ("\\boxed 7", None),
        ("boxed{7}", None),
        ("", None),
        ("答案是\\boxed{红色}。", "红色"),
    ],
)
def test_boxed(text, expected):
    assert boxed(text) == expected


@pytest.mark.parametrize(
    ("text", "zero", "chat"),
    [
        (ZERO, True, False),
        (CHAT, False, True),
        ("<think>a</think><answer>b</answer>", True, False),
        ("\n<think>\na\nb\n</think>\n<answer>\nc\nd\n</answer>\n", True, False),
        ("<think>想</think>答", False, True),
        # a tag is missing
        ("", False, False),
        ("12", False, False),
        ("a</think>b", False, False),
        ("<think>a <answer>b</answer>", False, False),
        ("<think>a</think> <answer>b", False, False),
        ("<think>a</think> b</answer>", False, False),
        ("<answer>b</answer>", False, False),
        # nothing between the tags, or after them
        ("<think></think><answer>b</answer>", False, False),
        ("<think> \n </think> b", False, False),
        ("<think>a</think>", False, False),
        ("<think>a</think> \n", False, False),
        ("<think>a</think><answer> </answer>", False, False),
        # nested, doubled, out of order, not alone
        ("<think><think>a</think></think><answer>b</answer>", False, False),
        ("<think>a</think></think> b", False, False),
        ("<think>a</think> b <think>c</think> d", False, False),
        ("<think>a</think><answer>b</answer><answer>c</answer>", False, False),
        ("<think>a<answer>b</answer></think> <answer>c</answer>", False, False),
        ("<answer>b</answer><think>a</think>", False, False),
        ("so <think>a</think><answer>b</answer>", False, False),
        ("<think>a</think><answer>b</answer> so", False, False),
        ("so <think>a</think> b", False, False),
        ("< think>a</ think> b", False, False),
    ],
)
def test_has_format(text, zero, chat):
    assert has_format(text, "r1_zero") is zero
    assert has_format(text, "chat") is chat


def test_has_format_of_a_trivial_prompt():
    assert has_format(render_completion("", "Hello."), "chat", needs_thinking=False)
    assert has_format(render_completion("a", "Hello."), "chat", needs_thinking=False)
    assert not has_format(render_completion("", "Hello."), "chat")
    assert not has_format(render_completion("", " "), "chat", needs_thinking=False)
    assert not has_format("Hello.", "chat", needs_thinking=False)


@pytest.mark.parametrize(
    ("thinking", "answer", "final"),
    [
        ("first 7+5=12, then 12-3=9.", "12-3=9. The answer is \\boxed{9}.", "9"),
        ("先7+5=12,再12-3=9。", "12-3=9。答案是\\boxed{9}。", "9"),
        ("a\n\nb", "c\nd", "d"),
        ("", "hello", "hello"),
    ],
)
def test_a_rendered_completion_is_read_back(thinking, answer, final):
    text = render_completion(thinking, answer)
    assert parse(text) == Parsed(thinking, answer, final)
    assert has_format(text, "chat") is bool(thinking)


# -- rendering


def test_r1_zero_template_is_the_papers():
    """DeepSeek-R1 v2, Table 1, word for word."""
    assert R1_ZERO_TEMPLATE == (
        "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The "
        "assistant first thinks about the reasoning process in the mind and then provides the user with the answer. "
        "The reasoning process and answer are enclosed within <think> </think> and <answer> </answer> tags, "
        "respectively, i.e., <think> reasoning process here </think> <answer> answer here </answer>. User: {prompt}. "
        "Assistant:"
    )


def test_r1_zero_prompt(tokenizer):
    prompt = render_prompt(tokenizer, [user("first"), assistant("x"), user("解 {x}=\\boxed{2}?")], "r1_zero")
    assert prompt == R1_ZERO_TEMPLATE.replace("{prompt}", "解 {x}=\\boxed{2}?")  # the last turn; braces are kept
    assert not prompt.endswith(("<think>", " "))  # the think tag is not pre-filled


def test_chat_prompt(tokenizer):
    question = [user("从5开始:+7。结果?")]
    opening = "<|im_start|>user\n从5开始:+7。结果?<|im_end|>\n<|im_start|>assistant\n"
    assert render_prompt(tokenizer, question, "chat") == opening
    assert render_prompt(tokenizer, question, "chat", enable_thinking=False) == opening + "<think>\n\n</think>\n\n"


def test_system_message(tokenizer):
    messages = [{"role": "system", "content": "Be brief."}, user("Hi")]
    assert render_prompt(tokenizer, messages, "chat") == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_history_loses_its_thinking_and_the_last_turn_keeps_it(tokenizer):
    one, two = render_completion("thought 1", "answer 1"), render_completion("thought 2", "answer 2")
    text = tokenizer.apply_chat_template(
        [user("question 1"), assistant(one), user("question 2"), assistant(two)], tokenize=False
    )
    assert text == (
        "<|im_start|>user\nquestion 1<|im_end|>\n<|im_start|>assistant\nanswer 1<|im_end|>\n"
        "<|im_start|>user\nquestion 2<|im_end|>\n"
        "<|im_start|>assistant\n<think>\nthought 2\n</think>\n\nanswer 2<|im_end|>\n"
    )


@pytest.mark.parametrize("enable_thinking", [True, False])
def test_enable_thinking_changes_only_the_generation_prompt(tokenizer, enable_thinking):
    messages = [user("a"), assistant(render_completion("t", "b")), user("c")]
    prompt = render_prompt(tokenizer, messages, "chat", enable_thinking)
    history = "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
    assert prompt == history + "<|im_start|>assistant\n" + ("" if enable_thinking else "<think>\n\n</think>\n\n")


@pytest.mark.parametrize(
    "message",
    [assistant("b", reasoning_content="t"), assistant(render_completion("t", "b")), assistant("<think>t</think>b")],
)
def test_thinking_given_apart_or_inside(tokenizer, message):
    text = tokenizer.apply_chat_template([user("a"), message], tokenize=False)
    assert text == "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<think>\nt\n</think>\n\nb<|im_end|>\n"


@pytest.mark.parametrize("message", [assistant("b"), assistant(render_completion("", "b"))])
def test_a_last_turn_without_thinking_gets_the_empty_block(tokenizer, message):
    text = tokenizer.apply_chat_template([user("a"), message], tokenize=False)
    assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\nb<|im_end|>\n")


def test_every_turn_after_the_last_question_keeps_its_thinking(tokenizer):
    turns = [assistant(render_completion(f"t{i}", f"a{i}")) for i in (1, 2)]
    text = tokenizer.apply_chat_template([user("q"), *turns], tokenize=False)
    assert "t1" in text and "t2" in text


@pytest.mark.parametrize(("thinking", "answer"), [("first 7+5=12.", "\\boxed{12}"), ("", "Hello.")])
def test_prompt_and_completion_make_the_whole_conversation(tokenizer, thinking, answer):
    """What a policy is sampled on is what it is trained on."""
    messages = [user("q")]
    sampled = render_prompt(tokenizer, messages, "chat") + render_completion(thinking, answer)
    whole = tokenizer.apply_chat_template([*messages, assistant(answer, reasoning_content=thinking)], tokenize=False)
    assert whole == sampled + "<|im_end|>\n"
    assert parse(sampled.removeprefix(render_prompt(tokenizer, messages, "chat"))) == Parsed(
        thinking, answer, parse(answer).final
    )
