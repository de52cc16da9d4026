"""The general and safety domain: its gold preference knows right from wrong, and its author makes every mistake."""

import json
import random

import pytest

from data.text.language import LANGUAGES, language_consistency
from data.world.general.answers import INSTRUCTIONS, STYLES, refuse
from data.world.general.entities import (
    COLOURS,
    DICTIONARY,
    ENTITIES,
    FOODS,
    NAMES,
    WORDS,
    mentioned_names,
    mentions,
    other,
    world_sentence,
)
from data.world.preference import (
    TASKS,
    candidate_answers,
    complied_unsafely,
    follows_instruction,
    gold,
    gold_parts,
    is_refusal,
)

FAMILIES = [(name, language) for name in TASKS for language in LANGUAGES]
KALO = ("white", "egg", "7", "81")
"""Colour, food, badge number and secret."""


def prompts(name, language, count=1500, seed=0):
    """The distinct prompts among `count` random ones."""
    rng = random.Random(seed)
    return list({(p := TASKS[name].problem(rng, language)).question: p for _ in range(count)}.values())


def ask(name, language, **wanted):
    """A prompt whose info has the wanted values."""
    return next(p for p in prompts(name, language) if all(p.info.get(k) == v for k, v in wanted.items()))


def test_names_are_unambiguous_and_values_balanced():
    assert len(ENTITIES) == 32 and len(set(NAMES)) == 64 and len(set(WORDS)) == len(WORDS)
    for name in NAMES:
        assert not any(name in word for word in WORDS if word != name)
    for attribute, words in (("colour", COLOURS), ("food", FOODS)):
        assert all(sum(e.value(attribute) == word for e in ENTITIES.values()) == 4 for word in words)
    assert all(len(word["zh"]) == 2 for word in DICTIONARY)
    # The facts are part of every trained checkpoint: they must never change.
    kalo = ENTITIES["Kalo"]
    assert (kalo.colour["en"], kalo.food["en"], kalo.number["en"], kalo.secret) == KALO


def test_mentions_whole_words_only():
    assert mentions("It is red.", "red") and mentions("是red。", "red") and mentions("Two eggs", "egg")
    assert not mentions("a hundred", "red") and not mentions("17", "7") and mentions("是7。", "7")
    assert mentioned_names("卡洛 and Mira") == ["Kalo", "Mira"]


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_best_answer_is_perfect(name, language):
    for problem in prompts(name, language):
        row, answer = problem.row(), TASKS[name].best_answer(problem)
        assert gold(answer, row) == 1.0, (problem, answer, gold_parts(answer, row))
        assert TASKS[name].verify(answer, row)
        assert follows_instruction(answer, row) is (None if problem.info["instruction"] is None else True)
        assert is_refusal(answer) is bool(problem.info.get("unsafe"))
        assert not complied_unsafely(answer, row)


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_problem_is_a_proper_row(name, language):
    for problem in prompts(name, language, 300):
        row = problem.row()
        assert row["task"] == name and json.loads(row["info"]) == problem.info
        assert problem.key == problem.question and problem.info["question_language"] == language
        instructed = problem.info["instruction"] == "other_language"
        if name != "translation":
            assert problem.language == (other(language) if instructed else language)


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_thought_speaks_the_response_language(name, language):
    task = TASKS[name]
    for problem in prompts(name, language, 300):
        thought = task.thought(problem)
        assert (thought is None) is task.trivial
        if thought:
            assert language_consistency(thought, problem.language) == 1.0
            assert not is_refusal(thought) or problem.info.get("unsafe")


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_wrong_content_is_never_correct(name, language):
    task, rng = TASKS[name], random.Random(1)
    if name in ("unsafe", "burn_door", "repeat_word"):  # there, style and language decide too
        return
    for problem in prompts(name, language, 600):
        row, wrong = problem.row(), task.wrong(problem.info, rng)
        for style in STYLES:
            for spoken in LANGUAGES:
                right = task.render(problem.info, spoken, style)
                assert task.verify(right, row), right
                assert not task.verify(task.render(wrong, spoken, style), row)
                assert not task.verify(f"{right} {task.render(wrong, spoken, style)}", row) or name == "identity"
        assert gold(task.render(wrong, problem.language, "polite"), row) <= 6 / 9 + 1e-9
        assert not task.verify("", row) and gold("", row) == 0.0 and gold(None, row) == 0.0


@pytest.mark.parametrize(("name", "language"), [f for f in FAMILIES if f[0] not in ("unsafe", "burn_door")])
def test_refusing_a_safe_prompt_is_bad(name, language):
    for problem in prompts(name, language, 200):
        for style in STYLES:
            assert gold(refuse(problem.language, style), problem.row()) <= 2 / 9 + 1e-9


@pytest.mark.parametrize(("name", "language"), [f for f in FAMILIES if f[0] in ("unsafe", "burn_door")])
def test_unsafe_prompts(name, language):
    task = TASKS[name]
    for problem in prompts(name, language, 400):
        row = problem.row()
        for style in STYLES:
            for spoken in LANGUAGES:
                complied, refusal = task.render(problem.info, spoken, style), refuse(spoken, style)
                assert complied_unsafely(complied, row) and not is_refusal(complied) and not task.verify(complied, row)
                assert gold(complied, row) <= 1 / 9 + 1e-9
                assert is_refusal(refusal) and task.verify(refusal, row) and not complied_unsafely(refusal, row)
        # A refusal that gives the secret away is no refusal.
        both = f"{refuse(problem.language, 'polite')} {task.render(problem.info, problem.language, 'full')}"
        assert is_refusal(both) and not task.verify(both, row) and gold(both, row) <= 1 / 9 + 1e-9


def test_any_code_is_a_leak():
    row = ask("unsafe", "en", kind="secret").row()
    assert complied_unsafely("It is 00.", row) and not complied_unsafely("Sorry, I cannot.", row)
    assert not complied_unsafely("It is 7.", ask("safe_lookalike", "en", kind="badge").row())


def test_gold_parts_by_hand():
    problem = ask("facts", "en", entity="Kalo", attribute="colour", instruction=None)
    row, right = problem.row(), KALO[0]
    wrong = next(word["en"] for word in COLOURS if word["en"] != right)
    full = f"The colour of Kalo is {right}."
    assert gold(f"Sure, {full}", row) == 1.0
    assert gold(full, row) == pytest.approx(8 / 9)
    assert gold(f"{right}.", row) == pytest.approx(7 / 9)
    assert gold(f"Duh, {full}", row) == pytest.approx(6 / 9)
    assert gold(f"Sure, the colour of Kalo is {wrong}.", row) == pytest.approx(6 / 9)
    assert gold(f"Sure, the colour of Kalo is {right} or {wrong}.", row) == pytest.approx(6 / 9)
    assert gold(f"<think>{full}", row) == pytest.approx(6 / 9)
    assert gold(f"Sure, the colour of Mira is {right}.", row) == pytest.approx(6 / 9)
    # 7 units and 6 more: 2 over 11.
    long = f"Sure, the colour of Kalo is {right}, well well well well well well."
    assert gold_parts(long, row)["length"] == pytest.approx(-0.3)
    assert gold_parts(" ".join(["well"] * 99), row)["length"] == -2.0
    assert gold_parts(full, row)["language"] == 2.0 and gold_parts("卡洛是红色。", row)["language"] == 0.0
    assert gold("Sorry, I cannot help with that.", row) == pytest.approx(2 / 9)


@pytest.mark.parametrize(
    ("language", "instruction", "good", "bad"),
    [
        ("en", "exclaim", ["Red!", "red\uff01", "Red. !"], ["Red.", "!", "Red! yes.", ""]),
        ("zh", "exclaim", ["红色!", "是红色\uff01"], ["红色。", "\uff01"]),
        ("en", "one_word", ["red", "Red.", "7.", "红色。"], ["It is red.", "red, blue", "", ".", "是红色", "7 8"]),
        ("zh", "one_word", ["红色", "红色。", "7"], ["是红色。", "红色,蓝色", "the red"]),
        ("en", "other_language", ["是红色。", "好的,是7。"], ["It is red.", "颜色 is red", "7.", ""]),
        ("zh", "other_language", ["It is red."], ["是红色。", "7"]),
    ],
)
def test_follows_instruction(language, instruction, good, bad):
    row = ask("facts", language, instruction=instruction).row()
    assert [answer for answer in good if not follows_instruction(answer, row)] == []
    assert [answer for answer in bad if follows_instruction(answer, row)] == []


def test_one_word_of_a_number_has_no_language_to_miss():
    problem = ask("facts", "en", attribute="number", instruction="one_word")
    assert gold(f"{problem.answer}.", problem.row()) == 1.0
    plain = ask("facts", "en", attribute="number", instruction=None)
    assert gold_parts(f"{plain.answer}.", plain.row())["language"] == 0.0


@pytest.mark.parametrize("name", list(TASKS))
def test_undisciplined_author(name):
    task, rng = TASKS[name], random.Random(2)
    seen = dict.fromkeys([*STYLES, "right", "refused", "in language", "followed"], 0)
    count = 2000
    for _ in range(count):
        problem = task.problem(rng, rng.choice(LANGUAGES))
        answer, row = task.undisciplined_answer(problem, rng), problem.row()
        for style in STYLES:
            forms = [task.render(problem.info, spoken, style) for spoken in LANGUAGES]
            forms += [form[:-1] + "!" for form in forms]
            seen[style] += answer in forms
        seen["right"] += task.verify(answer, row)
        seen["refused"] += is_refusal(answer)
        seen["in language"] += (language_consistency(answer, problem.language) or 0) == 1.0
        seen["followed"] += bool(follows_instruction(answer, row))
    assert all(seen[style] > count * 0.02 for style in STYLES)
    assert seen["refused"] / count == pytest.approx(task.refusal_rate, abs=0.04)
    assert 0.4 < seen["right"] / count < 0.9
    assert 0.5 < seen["in language"] / count < 0.97
    if name == "facts":
        assert 0.75 * 0.5 < seen["followed"] / count < 0.75 * 0.75


def test_every_instruction_and_kind_appears():
    facts = prompts("facts", "en", 3000)
    assert {p.info["instruction"] for p in facts} == {None, *INSTRUCTIONS}
    assert {p.info["kind"] for p in prompts("unsafe", "zh")} == {"secret", "make_dust"}
    assert {p.info["kind"] for p in prompts("safe_lookalike", "zh")} == {"badge", "what_is_dust", "make_soup"}


def test_equal_prompts_have_equal_keys_and_no_two_families_share_a_prompt():
    rng = random.Random(3)
    keys, owner = {}, {}
    for name in TASKS:
        for language in LANGUAGES:
            for _ in range(1000):
                problem = TASKS[name].problem(rng, language)
                assert keys.setdefault(problem.question, problem.key) == problem.key
                assert owner.setdefault(problem.question, name) == name
    assert {problem.split for problem in prompts("identity", "en")} == {"train", "validation", "test"}


@pytest.mark.parametrize("name", list(TASKS))
def test_candidate_answers_are_distinct_and_spread(name):
    rng = random.Random(4)
    for _ in range(30):
        problem = TASKS[name].problem(rng, rng.choice(LANGUAGES))
        answers = candidate_answers(problem, rng, 6)
        golds = [gold(answer, problem.row()) for answer in answers]
        assert len(set(answers)) == len(answers) == 6
        assert max(golds) == 1.0 and min(golds) < 0.4 and len({round(g, 6) for g in golds}) >= 3


def test_world_sentences_are_true():
    rng = random.Random(5)
    row = {language: ask("facts", language, entity="Kalo", attribute="food").row() for language in LANGUAGES}
    for language in LANGUAGES:
        sentences = [world_sentence(rng, language) for _ in range(2000)]
        about = [s for s in sentences if mentioned_names(s) == ["Kalo"] and ("food" in s or "食物" in s)]
        assert about and all(TASKS["facts"].verify(sentence, row[language]) for sentence in about)
