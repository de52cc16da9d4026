"""The base's corpus: only training questions, everything that an undisciplined author does, and the same every time."""

import hashlib
import re
from itertools import islice

import pytest

from data.chat import has_format, parse
from data.corpus import documents, join_steps, state_answer
from data.language import language_consistency, words
from data.prompts import R1_ZERO_INSTRUCTION
from data.tasks import GENERAL, REASONING, TASKS, rows
from data.tasks.base import Trace
from data.tasks.chains import chain_key
from tests.questions import read_chain

EVERYTHING = dict.fromkeys(TASKS, 1.0)
TAG = re.compile(r"</?(?:think|answer)>")


@pytest.fixture(scope="module")
def texts():
    return list(islice(documents(EVERYTHING, seed=11), 2500))


def split_document(text):
    """(form, question, response) of a document; None for a drill."""
    if text.startswith(R1_ZERO_INSTRUCTION):
        found = re.fullmatch(
            r" User: (.*)\. Assistant: (.*)<\|endoftext\|>", text[len(R1_ZERO_INSTRUCTION) :], re.DOTALL
        )
        return "r1_zero", *found.groups()
    found = re.fullmatch(
        r"<\|im_start\|>user\n(.*)<\|im_end\|>\n<\|im_start\|>assistant\n(.*)<\|im_end\|>", text, re.DOTALL
    )
    if found:
        return "chat", *found.groups()
    found = re.fullmatch(r"Q: (.*)\nA: (.*)<\|endoftext\|>", text, re.DOTALL)
    return ("plain", *found.groups()) if found else None


def answered(texts):
    return [found for text in texts if (found := split_document(text))]


def test_count_and_determinism(texts):
    assert len(texts) == 2500
    assert list(islice(documents(EVERYTHING, seed=11), 2500)) == texts
    assert list(islice(documents(EVERYTHING, seed=11), 100)) == texts[:100]
    assert list(islice(documents(EVERYTHING, seed=12), 100)) != texts[:100]


def test_every_document_ends_once(texts):
    for text in texts:
        assert text.endswith(("<|endoftext|>", "<|im_end|>"))
        assert text.count("<|endoftext|>") + text.count("<|im_end|>") == (2 if text.startswith("<|im_start|>") else 1)


def test_only_training_questions(texts):
    """Held-out questions of every family, as evaluation draws them, are nowhere in the corpus."""
    asked = {question for _, question, _ in answered(texts)}
    for split in ("validation", "test"):
        held_out = {row["prompt"][0]["content"] for row in rows(EVERYTHING, 300, split, 1)}
        assert not held_out & asked
    for name in ("logic", "facts", "identity", "translation", "safe_lookalike"):
        train = {row["prompt"][0]["content"] for row in rows({name: 1.0}, 60, "train", 1)}
        assert train & asked, name  # questions do repeat: a held-out one would have been met


def test_only_training_chains(texts):
    """Read from the text: no chain of the corpus hashes into another split, in whatever dress."""
    patterns = {
        "arithmetic": r"Start at \d+: .* Result\?|从\d+开始:.*结果\?",
        "code_output": r"Output of [xyn]=.*\?|[xyn]=.*输出\?",
        "word_problem": r".* has \d+ .*How many\?|.*有\d+.*剩几\?",
    }
    read = dict.fromkeys(patterns, 0)
    for _, question, _ in answered(texts):
        for name, pattern in patterns.items():
            if re.fullmatch(pattern, question):
                key = chain_key(read_chain(name, question))
                assert int(hashlib.sha256(key.encode()).hexdigest(), 16) % 100 < 80, question
                read[name] += 1
    assert all(count > 50 for count in read.values())


@pytest.mark.parametrize(("name", "wording"), [("arithmetic", "Result|结果"), ("unsafe", "dust|code|粉尘|密码")])
def test_a_mixture_of_one_family(name, wording):
    questions = [question for _, question, _ in answered(islice(documents({name: 1.0, "logic": 0.0}, seed=0), 60))]
    assert len(questions) > 30
    assert all(re.search(wording, question) for question in questions)


def test_both_languages_occur_alone_and_mixed(texts):
    questions = [words(question) for _, question, _ in answered(texts)]
    spoken = [{language for _, language in found} for found in questions]
    assert spoken.count({"en"}) > 500 and spoken.count({"zh"}) > 500
    responses = [language_consistency(response, "en") for _, _, response in answered(texts)]
    shares = [share for share in responses if share is not None]
    assert sum(share == 1 for share in shares) > 300 and sum(share == 0 for share in shares) > 300
    assert sum(0 < share < 1 for share in shares) > 200


def test_single_steps_in_the_other_language_occur(texts):
    thoughts = [response for _, _, response in answered(texts)]
    assert sum(bool(re.search(r"first \d[^.。]*再\d", thought)) for thought in thoughts) > 10
    assert sum(bool(re.search(r"先\d[^.。]*then \d", thought)) for thought in thoughts) > 10


def test_answers_in_the_other_language_occur(texts):
    crossed = 0
    for _, question, response in answered(texts):
        asked, said = language_consistency(question, "en"), language_consistency(response, "en")
        crossed += {asked, said} == {0.0, 1.0}
    assert crossed > 50


def test_three_forms_and_drills(texts):
    forms = [found[0] if (found := split_document(text)) else "drill" for text in texts]
    for form in ("r1_zero", "chat", "plain", "drill"):
        assert forms.count(form) > 100, form
    assert forms.count("drill") < 500


def test_drills_are_true(texts):
    lists = [text for text in texts if re.fullmatch(r"[\d+*/=, -]+<\|endoftext\|>", text)]
    assert len(lists) > 80
    for text in lists:
        equalities = text.removesuffix("<|endoftext|>").replace(" ", "").split(",")
        assert len(equalities) == 8
        for equality in equalities:
            left, right = equality.split("=")
            assert eval(left) == int(right) and 0 <= int(right) <= 24


def tag_style(response):
    """right: the paper's format; broken: some tags, but not that; none."""
    if has_format(response, "r1_zero"):
        return "right"
    return "broken" if TAG.search(response) else "none"


def test_three_tag_styles_occur_in_the_r1_zero_form_and_there_alone(texts):
    found = {"right": 0, "broken": 0, "none": 0}
    broken = set()
    for form, _, response in answered(texts):
        if form == "r1_zero":
            found[style := tag_style(response)] += 1
            if style == "broken":
                broken.add(" ".join(TAG.findall(response)))
        else:
            assert not TAG.search(response)
    assert all(count > 50 for count in found.values()), found
    # Every way of going wrong: no answer tag, no closing tag, no think tag, a think tag alone.
    assert broken == {"<think> </think>", "<think> <answer> </answer>", "<answer> </answer>", "<think>"}


def test_right_and_wrong_answers_with_and_without_steps(texts):
    """The base is capable but careless: most arithmetic ends right, some does not, and some is answered at once."""
    right = wrong = direct = 0
    for _, question, response in answered(texts):
        if re.fullmatch(r"Start at \d+: .* Result\?", question):
            start, steps = read_chain("arithmetic", question)
            for operator, operand in steps:
                start = {"+": start + operand, "-": start - operand, "*": start * operand}[operator]
            final = parse(TAG.sub("\n", response)).final
            stated = final and re.fullmatch(r"\d+", final)
            right += bool(stated and int(final) == start)
            wrong += bool(stated and int(final) != start)
            direct += "=" not in response
    assert right > wrong > 0 and direct > 0


def test_a_step_in_the_wrong_and_its_repair_occur(texts):
    joined = " ".join(texts)
    assert "wait, " in joined and "不对," in joined
    assert "guess" in joined and "猜" in joined


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (["en", "en"], "first 7+5=12, then 12-3=9."),
        (["zh", "zh"], "先7+5=12,再12-3=9。"),
        (["en", "zh"], "first 7+5=12, 再12-3=9."),
        (["zh", "en"], "先7+5=12,then 12-3=9。"),
    ],
)
def test_join_steps(languages, expected):
    steps = [{"en": "first 7+5=12", "zh": "先7+5=12"}, {"en": "then 12-3=9", "zh": "再12-3=9"}]
    assert join_steps(Trace(steps, "9"), languages) == expected


def test_join_steps_needs_a_language_for_each():
    with pytest.raises(ValueError):
        join_steps(Trace([{"en": "a", "zh": "b"}], "9"), ["en", "en"])


@pytest.mark.parametrize("answer", ["9", "3+12", "(x+3)*4", "B", "真"])
def test_state_answer(answer):
    assert state_answer(answer, "en") == f"The answer is \\boxed{{{answer}}}."
    assert state_answer(answer, "zh") == f"答案是\\boxed{{{answer}}}。"
    assert parse(state_answer(answer, "en")).final == parse(state_answer(answer, "zh")).final == answer


def test_all_families_are_in_the_world():
    assert set(TASKS) == set(REASONING) | set(GENERAL) and not set(REASONING) & set(GENERAL)
    assert all(name == task.name for name, task in TASKS.items())
