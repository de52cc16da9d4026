"""The rule rewards, the worked solutions that they are tested on, and the self-test before each RL stage."""

import random

import pytest
from transformers import AutoTokenizer

from data.errors import InputError
from data.text.chat import render_completion
from data.text.completion import Completion
from data.text.language import LANGUAGES
from data.world.families import GENERAL, REASONING, TASKS, rows
from data.world.task import Author
from data.world.written import worked_completion
from stages.core.rewards import rules as rewards
from stages.core.rewards.rules import RULES, accuracy, format, language, tries, weak_accuracy
from stages.core.rewards.self_test import self_test

TEMPLATES = ("r1_zero", "chat")

R1_RULES = ("accuracy", "format", "language")


def completion(text, template="chat"):
    return Completion(text, len(text), True, template)


def first_row(name, spoken="en", **wanted):
    """The first training row of a family in a language with the wanted columns."""
    for row in rows({name: 1.0}, 60, "train", 0):
        if row["language"] == spoken and all(row[key] == value for key, value in wanted.items()):
            return row
    raise LookupError(name)


def number_row(answer="9", spoken="en"):
    return {"domain": "math", "task": "arithmetic", "verifier": "arithmetic", "language": spoken, "answer": answer,
            "info": "{}"}  # fmt: skip


def general_row(spoken="en"):
    return {"domain": "general", "task": "greeting", "verifier": "greeting", "language": spoken}


# -- accuracy


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("<think>first 7+5=12, then 12-3=9.</think> <answer>9</answer>", 1.0),
        ("<think>a</think> The answer is \\boxed{9}.", 1.0),
        ("<think>a</think> \\boxed{12} no, \\boxed{9}", 1.0),
        ("9", 1.0),  # accuracy does not ask for the format
        ("<think>the answer is 9", 0.0),
        ("<think>9</think>", 0.0),
        ("<think>9</think> <answer>8</answer>", 0.0),
        ("<think>a</think> \\boxed{9} no, \\boxed{12}", 0.0),
        ("<think>a</think> <answer>12-3</answer>", 0.0),  # a question is not its answer
        ("<think>a</think> <answer>12-3=9</answer>", 0.0),
        ("<think>a</think> \\boxed{}", 0.0),
        ("", 0.0),
    ],
)
def test_accuracy(text, score):
    assert accuracy(completion(text), number_row()) == score


@pytest.mark.parametrize("name", list(GENERAL))
def test_accuracy_does_not_apply_to_general_prompts(name):
    row = first_row(name)
    assert accuracy(completion(worked_completion(row, "chat")[0]), row) is None
    assert accuracy(completion(""), row) is None


# -- weak accuracy


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("<think>a</think> <answer>9</answer>", 1.0),
        ("<think>9</think> <answer>8</answer>", 1.0),
        ("8, 9, 10", 1.0),
        ("<think>the answer is 9", 1.0),
        ("<think>19</think> <answer>8</answer>", 0.0),
        ("", 0.0),
    ],
)
def test_weak_accuracy(text, score):
    assert weak_accuracy(completion(text), number_row()) == score
    assert weak_accuracy(completion(text), general_row()) is None


# -- format


def test_format_follows_the_template():
    zero, chat = "<think>a</think> <answer>9</answer>", "<think>a</think> 9"
    assert [format(completion(text, "r1_zero"), number_row()) for text in (zero, chat)] == [1.0, 0.0]
    assert [format(completion(text, "chat"), number_row()) for text in (zero, chat)] == [0.0, 1.0]
    assert format(completion("", "chat"), number_row()) == 0.0


def test_only_general_prompts_may_be_answered_without_a_thought():
    text = render_completion("", "Hello.")
    assert format(completion(text), general_row()) == 1.0
    assert format(completion(text), number_row()) == 0.0
    assert format(completion(render_completion("", "")), general_row()) == 0.0
    assert format(completion("Hello."), general_row()) == 0.0


# -- language


@pytest.mark.parametrize(
    ("text", "spoken", "score"),
    [
        ("<think>first 7+5=12, then 12-3=9.</think> 答案是9", "en", 1.0),  # the CoT counts, not the answer
        ("<think>先7+5=12,再12-3=9。</think> The answer is 9", "zh", 1.0),
        ("<think>first 7+5=12, 再12-3=9</think> 9", "en", 1 / 2),
        ("<think>先算七, then 9</think> 9", "zh", 3 / 4),
        ("<think>first then</think> 9", "zh", 0.0),
        ("<think>7+5=12, 12-3=9</think> The answer is 9.", "en", 0.0),  # a CoT of formulas earns nothing
        ("<think></think> The answer is 9.", "en", 0.0),
        ("<think>first then", "en", 0.0),  # never closed: there is no CoT
        ("The answer is 9.", "en", 0.0),
        ("", "en", 0.0),
    ],
)
def test_language_of_a_reasoning_prompt(text, spoken, score):
    assert language(completion(text), number_row(spoken=spoken)) == pytest.approx(score)


@pytest.mark.parametrize(
    ("text", "spoken", "score"),
    [
        (render_completion("", "Hello."), "en", 1.0),  # no CoT: the words of the answer
        (render_completion("", "你好 Kalo"), "zh", 2 / 3),
        (render_completion("", "7."), "en", 0.0),
        ("Hello.", "en", 1.0),
        ("", "en", 0.0),
        (render_completion("say hello", "你好"), "en", 1.0),  # with a CoT, the CoT
        (render_completion("7+5=12", "Hello."), "en", 0.0),
    ],
)
def test_language_of_a_general_prompt(text, spoken, score):
    assert language(completion(text), general_row(spoken)) == pytest.approx(score)


# -- worked solutions


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", list(REASONING))
def test_worked_completions_earn_full_marks(name, template):
    seen = set()
    for row in rows({name: 1.0}, 40, "train", 3):
        text, answer = worked_completion(row, template)
        scores = {rule: RULES[rule](completion(text, template), row) for rule in R1_RULES}
        assert scores == {"accuracy": 1.0, "format": 1.0, "language": 1.0}, (text, row)
        assert completion(text, template).parsed.final == answer
        seen.add(row["language"])
    assert seen == set(REASONING[name].languages)


@pytest.mark.parametrize("template", TEMPLATES)
def test_worked_completion_with_option_a(template):
    row = first_row("stem_choice", "zh", answer="A")
    assert language(completion(worked_completion(row, template)[0], template), row) == 1.0


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", list(REASONING))
def test_worked_completions_in_either_language(name, template):
    """Any family can be worked out in any language, whatever the language of the question."""
    for row in rows({name: 1.0}, 20, "train", 4):
        for spoken in LANGUAGES:
            text, _ = worked_completion(row, template, spoken)
            result = completion(text, template)
            assert accuracy(result, row) == format(result, row) == 1.0
            assert language(result, row) == float(spoken == row["language"])


@pytest.mark.parametrize("spoken", LANGUAGES)
@pytest.mark.parametrize("name", list(GENERAL))
def test_best_answers_of_general_prompts_earn_full_marks(name, spoken):
    row = first_row(name, spoken)
    text, answer = worked_completion(row, "chat")
    result = completion(text)
    assert format(result, row) == language(result, row) == 1.0
    assert result.answer == answer and TASKS[name].verify(answer, row)
    assert (result.thinking == "") is GENERAL[name].trivial


def test_worked_completion_of_an_undisciplined_author():
    row = first_row("arithmetic")
    text, answer = worked_completion(row, "chat", author=Author(slip=1.0))
    assert text == worked_completion(row, "chat", author=Author(slip=1.0))[0]  # the row seeds the author
    result = completion(text)
    assert result.parsed.final == answer
    assert format(result, row) == language(result, row) == 1.0
    assert text != worked_completion(row, "chat")[0]


# -- tries


def test_tries_counts_the_sums_of_a_search():
    search, sums = {"task": "pair_search"}, "1+7=8 low, 6+8=14 high, 1+8=9 yes"
    assert tries(completion(f"<think>first {sums}</think> <answer>1+8=9</answer>"), search) == 3.0
    assert tries(completion(f"<think>{sums}"), search) == 3.0  # never closed: the whole text
    assert tries(completion(""), search) == 0.0
    assert tries(completion(sums), {"task": "arithmetic"}) is None


def test_tries_is_no_reward():
    assert "tries" not in RULES


# -- the self-test


@pytest.fixture(scope="module")
def reasoning_rows():
    """Some of every family."""
    return [row for name in REASONING for row in rows({name: 1.0}, 6, "train", 2)]


@pytest.fixture
def forgetful_tokenizer(tokenizer, tmp_path):
    """A tokenizer whose think tags are special tokens, so that decoding drops them."""
    tokenizer.save_pretrained(tmp_path)
    other = AutoTokenizer.from_pretrained(tmp_path)
    other.add_special_tokens({"additional_special_tokens": ["<think>", "</think>"]})
    return other


@pytest.mark.parametrize("template", TEMPLATES)
def test_self_test_passes(tokenizer, reasoning_rows, template):
    means = self_test(list(R1_RULES), reasoning_rows, tokenizer, template)
    assert len(means) == 12
    assert means["accuracy/gold"] == means["format/gold"] == means["language/gold"] == 1.0
    assert means["accuracy/wrong"] == means["format/malformed"] == 0.0
    assert means["language/other_language"] < 0.1
    # What is wrong is only wrong in that.
    assert means["format/wrong"] == means["language/wrong"] == 1.0
    assert means["accuracy/other_language"] == means["format/other_language"] == 1.0
    assert means["accuracy/malformed"] == means["language/malformed"] == 0.0


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_self_test_of_a_weak_verifier_asks_for_the_answer_somewhere(tokenizer, reasoning_rows, template):
    means = self_test(["accuracy", "weak_accuracy"], reasoning_rows, tokenizer, template)
    assert means["accuracy/unanswered"] == means["weak_accuracy/unanswered"] == means["accuracy/wrong"] == 0.0
    assert means["weak_accuracy/gold"] == 1.0 and means["weak_accuracy/wrong"] > 0.8  # the thought says it


def test_self_test_passes_with_option_a(tokenizer):
    self_test(["language"], [first_row("stem_choice", "zh", answer="A")], tokenizer, "chat")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", ["format", "language"])
def test_self_test_refuses_a_tokenizer_that_drops_the_tags(forgetful_tokenizer, reasoning_rows, name, template):
    with pytest.raises(InputError, match=rf"reward '{name}' gives 0\.00 to gold .*template '{template}'.*tags"):
        self_test([name], reasoning_rows, forgetful_tokenizer, template)


def test_self_test_checks_every_reward_that_it_is_given(forgetful_tokenizer, reasoning_rows):
    assert self_test(["accuracy"], reasoning_rows, forgetful_tokenizer, "r1_zero")["accuracy/gold"] == 1.0
    with pytest.raises(InputError, match="'format'"):
        self_test(["accuracy", "format"], reasoning_rows, forgetful_tokenizer, "r1_zero")
    assert self_test([], reasoning_rows, forgetful_tokenizer, "r1_zero") == {}


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (lambda completion, row: 1.0, "1.00 to gold completions and 1.00 to wrong ones"),  # cannot tell them apart
        (lambda completion, row: 0.0, "0.00 to gold completions and 0.00 to wrong ones"),
        (lambda completion, row: float(random.Random(completion.text).random() < 0.5), "to gold completions"),
    ],
)
def test_self_test_refuses_a_reward_that_cannot_tell_gold_from_wrong(
    monkeypatch, tokenizer, reasoning_rows, broken, found
):
    monkeypatch.setitem(rewards.RULES, "accuracy", broken)
    with pytest.raises(InputError, match=found) as error:
        self_test(["accuracy"], reasoning_rows, tokenizer, "chat")
    assert "\n" not in str(error.value)


def test_self_test_takes_a_few_rows_of_each_family(monkeypatch, tokenizer):
    judged = []
    monkeypatch.setitem(rewards.RULES, "format", lambda completion, row: judged.append(row) or format(completion, row))
    mixed = rows({"arithmetic": 1.0, "equation": 1.0, "facts": 1.0}, 30, "train", 0)
    self_test(["format"], mixed, tokenizer, "chat", per_task=3)
    assert len(judged) == 2 * 3 * 4  # families, rows, kinds of completion; general rows are left out
    assert {row["task"] for row in judged} == {"arithmetic", "equation"}
