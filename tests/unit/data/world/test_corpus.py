"""The base's corpus: only training questions, everything that an undisciplined author does, and the same every time."""

import hashlib
import re
from dataclasses import replace
from itertools import islice

import pytest

from data.text.chat import has_format, parse
from data.text.language import language_consistency, words
from data.text.prompts import R1_ZERO_INSTRUCTION
from data.text.summary import state_answer
from data.world.author import USUAL, CorpusAuthor
from data.world.corpus import documents, join_steps, written_documents
from data.world.families import GENERAL, HARDER, HELD_OUT, PUZZLES, REASONING, TASKS, TRANSFER, rows
from data.world.reasoning.chains import chain_key
from data.world.task import Trace
from tests.questions import read_chain

EVERYTHING = dict.fromkeys(REASONING | GENERAL, 1.0)
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


def test_one_language_where_mixing_is_off():
    mixture = {"arithmetic@en": 1.0, "equation@en": 1.0}
    plain = list(islice(documents(mixture, 3, mixing=False), 300))
    assert all(text.isascii() for text in plain)
    assert not all(text.isascii() for text in islice(documents(mixture, 3), 300))


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


def tag_style(response, form):
    """right: the paper's format; broken: some tags, but not that; none."""
    if has_format(response, form):
        return "right"
    return "broken" if TAG.search(response) else "none"


def tag_styles(texts, form):
    """How many responses of a form are of each style, and the tags of the broken ones."""
    found = {"right": 0, "broken": 0, "none": 0}
    broken = set()
    for response in (response for asked, _, response in answered(texts) if asked == form):
        found[style := tag_style(response, form)] += 1
        if style == "broken":
            broken.add(" ".join(TAG.findall(response)))
    return found, broken


def test_three_tag_styles_occur_in_the_r1_zero_form(texts):
    found, broken = tag_styles(texts, "r1_zero")
    assert all(count > 50 for count in found.values()), found
    # Every way of going wrong: no answer tag, no closing tag, no think tag, a think tag alone.
    assert broken == {"<think> </think>", "<think> <answer> </answer>", "<answer> </answer>", "<think>"}


def test_three_tag_styles_occur_in_chats_and_none_in_plain_documents(texts):
    found, broken = tag_styles(texts, "chat")
    assert all(count > 40 for count in found.values()), found
    assert broken == {"<think>", "</think>"}  # never closed, never opened
    assert not any(TAG.search(response) for form, _, response in answered(texts) if form == "plain")


def test_few_chats_have_their_thought_in_tags_and_a_summary_behind_it():
    """`tags`: a fifth is right; of the broken ones a fourth lacks the summary alone, and has the format."""
    asked = answered(islice(documents({"arithmetic": 1.0, "logic": 1.0}, seed=3), 4000))
    thoughts = [
        response for form, _, response in asked if form == "chat" and re.search(r"first |then |先|再", response)
    ]
    assert len(thoughts) > 1000

    def share(*conditions):
        return sum(all(condition(text) for condition in conditions) for text in thoughts) / len(thoughts)

    def tagged(text):
        return has_format(text, "chat")

    def summed_up(text):
        """The answer in a box, after a step that the thought ends with."""
        thought, _, answer = text.rpartition("\n")
        told = re.fullmatch(r"(.+?)[.。] ?(?:The answer is |答案是)\\boxed\{.*\}[.。]", answer)
        return told is not None and re.sub(r"\s*</think>\s*", "", thought).rstrip(".。").endswith(told[1])

    assert share(tagged, summed_up) == pytest.approx(0.2, abs=0.045)
    assert share(tagged, lambda text: not summed_up(text)) == pytest.approx(0.3 / 4, abs=0.03)
    assert share(lambda text: not tagged(text), summed_up) == pytest.approx(0.3 / 2, abs=0.045)
    assert share(lambda text: not TAG.search(text), lambda text: not summed_up(text)) == pytest.approx(0.5, abs=0.06)


def test_chats_without_a_thought_and_general_chats_have_no_tags(texts):
    """A model that has learned to think does not think about a greeting because of the corpus."""
    greetings = answered(islice(documents({"greeting": 1.0, "facts": 1.0}, seed=3), 300))
    assert not any(TAG.search(response) for _, _, response in greetings)
    direct = [response for form, _, response in answered(texts) if form == "chat" and "\n" not in response]
    assert len(direct) > 100 and not any(TAG.search(response) for response in direct)


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


def test_a_quarter_of_the_authors_is_patient():
    """A search is given up after half of the failed tries, or, in a quarter of the documents, never."""
    careless, patient = USUAL.at_work(patient=False), USUAL.at_work(patient=True)
    assert patient == replace(careless, give_up=0.0) and careless.give_up == 0.5
    went_on = {1: [], 2: [], 4: []}  # after so many failed tries
    for _, _, response in answered(islice(documents({"pair_search": 1.0}, seed=5), 8000)):
        thought = re.split(r"guess|猜|</think>|\\boxed", response)[0]
        failed = len(re.findall(r"\d+\+\d+=\d+ (?:low|high|小|大)", thought))
        hit = bool(re.search(r"\d+\+\d+=\d+ (?:yes|对)", thought))
        for number, seen in went_on.items():
            if failed > number or (failed == number and hit):
                seen.append(True)
            elif failed == number:
                seen.append(False)
    # P(patient | n - 1 failed tries gone through) = .25 / (.25 + .75 * .5 ** (n - 1)), who goes on; others: one in two.
    for number, seen in went_on.items():
        patient = 0.25 / (0.25 + 0.75 * 0.5 ** (number - 1))
        assert sum(seen) / len(seen) == pytest.approx(patient + (1 - patient) / 2, abs=0.05), number


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
    kinds = (REASONING, PUZZLES, GENERAL)
    assert sorted(TASKS) == sorted(name for kind in kinds for name in kind)
    assert {*HARDER, *TRANSFER} <= HELD_OUT.keys() and not TASKS.keys() & HELD_OUT.keys()
    assert all(name == task.name for name, task in (TASKS | HELD_OUT).items())


WORLD = {
    "arithmetic": 6, "word_problem": 6, "equation": 4, "pair_search": 40, "chain_sum": 3, "simple_equations": 3,
    "code_output": 6, "expression": 4, "stem_choice": 14, "logic": 9, "facts": 13, "greeting": 2, "identity": 1,
    "translation": 3, "list_two": 1, "unsafe": 3, "safe_lookalike": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "digest"),
    [
        ({}, "beaae91a26d79d1fbe18c3987c83d2dba6e5a12a2f2f516bc6ae200d684778f5"),
        (
            {"author": CorpusAuthor(**USUAL.model_dump(mode="json"))},
            "beaae91a26d79d1fbe18c3987c83d2dba6e5a12a2f2f516bc6ae200d684778f5",
        ),
        ({"mixing": False}, "1e63eac4b75f47e368147a3cf0d5984f2e49b257ed13a7a448559c11e6739ab1"),
    ],
)
def test_the_usual_author_writes_the_same_letter_for_letter(given, digest):
    """As he did when his habits were constants: a base that is there would be trained on the same text."""
    texts = islice(documents(WORLD, 42, **given), 1000)
    assert hashlib.sha256("\0".join(texts).encode()).hexdigest() == digest


def write(count=600, mixture=None, **habits):
    return list(islice(written_documents(mixture or WORLD, 3, author=CorpusAuthor(**habits)), count))


def test_what_a_document_was_written_from_is_what_it_says():
    for document in write():
        assert (document.problem is None) == (document.kind == "drill")
        assert (document.trace is None) == (document.kind in ("drill", "general", "direct"))
        if document.problem is not None:
            assert split_document(document.text)[1] == document.problem.question and document.problem.split == "train"
            assert document.response.strip() in document.text and document.answer in document.response
            assert document.thought in document.response and bool(document.thought) == (document.trace is not None)


def test_each_habit_can_be_changed():
    kinds = {document.kind for document in write(patience=0.0)}
    assert kinds == {"drill", "general", "direct", "careless"}
    assert {d.kind for d in write(equality_lists=0.0, direct=0.0, patience=1.0)} == {"general", "patient"}
    exact = write(slip=0.0, careless=0.0, give_up=0.0, direct_right=1.0, patience=0.5)
    asked = [d for d in exact if d.kind in ("direct", "careless", "patient")]
    assert len(asked) > 300 and all(TASKS[d.problem.task].verify(d.answer, d.problem.row()) for d in asked)
    assert not any("wait, " in d.text or "不对," in d.text for d in write(repair=0.0))
    one = [d for d in write(other_language=0.0, flip=0.0) if d.trace]
    assert one and all(language_consistency(d.thought, d.problem.language) == 1 for d in one)
    other = [d for d in write(other_language=1.0, flip=0.0) if d.trace]
    assert other and all(language_consistency(d.thought, d.problem.language) == 0 for d in other)
    forms = {d.form for d in write(forms={"plain": 1.0}, general_forms={"chat": 1.0}) if d.problem}
    assert forms == {"plain", "chat"}
    tagged = [d for d in write(tags={"right": 1.0}, forms={"r1_zero": 1.0, "chat": 1.0}) if d.trace]
    assert tagged and all(has_format(d.response, d.form) for d in tagged)


def test_how_a_search_goes_on_and_where_it_stops_can_be_changed():
    mixture = {"pair_search": 1.0, "stem_choice": 1.0}
    for limit in (1, 3):
        found = [d for d in write(mixture=mixture, patience=1.0, careless=0.0, longest_search=limit) if d.trace]
        tried = [
            len(d.trace.steps) - (d.problem.task == "stem_choice") - (d.trace.steps[-1]["en"] == "guess") for d in found
        ]
        assert max(tried) == limit
        stopped = [n for n, d in zip(tried, found, strict=True) if d.trace.steps[-1]["en"] == "guess"]
        assert len(stopped) > 50 and set(stopped) == {limit}
    for way, first in (("list", (0, 1)), ("closing_in", (0, -1))):
        for d in write(mixture={"pair_search": 1.0}, orders={way: 1.0}):
            if d.trace and d.trace.steps[0]["en"] != "guess":
                numbers = d.problem.info["numbers"]
                assert d.trace.steps[0]["en"].startswith("+".join(str(numbers[place]) for place in first) + "=")
