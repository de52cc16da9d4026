"""The rewards of Qwen3's general RL on completions made by hand, and the prompts that they are given for."""

import json
import random
from types import SimpleNamespace

import pytest

from data.errors import InputError
from data.text.chat import render_completion
from data.text.completion import Completion
from data.text.language import LANGUAGES
from data.text.modes import FLAGS, mode_of, with_flag, with_system_flag
from data.text.row import REASONING_DOMAINS
from data.world.families import GENERAL, rows
from data.world.general.answers import STYLES, refuse
from data.world.general.entities import DICTIONARY, ENTITIES, VALUES, mentioned
from data.world.general.length_control import MOST, length_score
from data.world.judge import Judge
from data.world.preference import candidate_answers, gold, gold_parts
from data.world.preference_data import judged_pairs, referenced_responses
from data.world.task import Problem
from stages.core.rewards import rules as rewards
from stages.core.rewards.preference import PreferenceReward, question, reference_reward, score_scale, sigmoid
from stages.core.rewards.rules import RULES
from stages.core.rewards.self_test import self_test
from stages.qwen3.general_rl import BY_RULE, WITH_REFERENCE, is_open, mixed_prompts


def completion(text):
    return Completion(text, len(text), True, "chat")


def answered(answer, thought="so"):
    return completion(render_completion(thought, answer))


def first_row(name, spoken="en", **wanted):
    """The first training row of a family in a language whose info has the wanted values."""
    for row in rows({name: 1.0}, 400, "train", 0):
        info = json.loads(row["info"])
        if row["language"] == spoken and all(info.get(key) == value for key, value in wanted.items()):
            return row
    raise LookupError(name)


def repeat_row(count, spoken="en"):
    word = {"en": "red", "zh": "红色"}
    info = {"kind": "repeat", "word": word, "count": count, "instruction": None, "question_language": spoken}
    return {"task": "repeat_word", "domain": "general", "language": spoken, "info": info, "answer": "",
            "prompt": [{"role": "user", "content": "?"}]}  # fmt: skip


# -- families


def test_repeat_word_asks_for_every_word_and_count():
    rng = random.Random(0)
    problems = [GENERAL["repeat_word"].problem(rng, language) for language in LANGUAGES for _ in range(2000)]
    assert {problem.info["count"] for problem in problems} == set(range(1, MOST + 1))
    assert {problem.info["word"]["en"] for problem in problems} == {word["en"] for word in DICTIONARY}


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_only_the_word_so_many_times_is_a_right_repetition(spoken):
    task, rng = GENERAL["repeat_word"], random.Random(1)
    for _ in range(200):
        problem = task.problem(rng, spoken)
        row, other = problem.row(), "zh" if spoken == "en" else "en"
        for style in STYLES:
            right = task.render(problem.info, spoken, style)
            assert task.verify(right, row) is (style in ("full", "polite", "bare")), right
            assert not task.verify(task.render(problem.info, other, style), row)
            assert not task.verify(task.render(task.wrong(problem.info, rng), spoken, style), row)
        assert gold(task.best_answer(problem), row) == 1.0
        wrong = task.render(task.wrong(problem.info, rng), spoken, "polite")
        assert gold_parts(wrong, row)["correct"] == 0 and gold(wrong, row) <= 6 / 9 + 1e-9
        assert gold(refuse(spoken, "polite"), row) <= 2 / 9 + 1e-9


@pytest.mark.parametrize(
    ("answer", "count", "spoken", "score"),
    [
        ("red red 7", 2, "en", 0.0),  # a number is another word
        ("2: red red", 2, "en", 0.0),
        ("red", 1, "en", 1.0),
        ("red red", 1, "en", 0.0),
        ("RED, red; red", 3, "en", 1.0),
        ("redred", 2, "en", 0.0),
        ("reds red", 2, "en", 0.0),
        ("red 红色", 2, "en", 0.0),  # the word in the other language is another word
        ("红色红色红色", 6, "zh", 0.5),
        ("红色、红色", 2, "zh", 1.0),
        ("红红色", 1, "zh", 0.0),
        (" \n", 2, "zh", 0.0),
        ("...", 2, "en", 0.0),
    ],
)
def test_length_score_at_the_edges(answer, count, spoken, score):
    assert length_score(answer, repeat_row(count, spoken)) == pytest.approx(score)


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_only_the_value_of_the_passage_is_grounded(spoken):
    task, rng = GENERAL["passage"], random.Random(2)
    for _ in range(300):
        problem = task.problem(rng, spoken)
        row, info = problem.row(), problem.info
        entity, value = ENTITIES[info["entity"]], info["value"]
        for language in LANGUAGES:
            assert task.verify(task.render(info, language, "full"), row) and task.verify(value[language], row)
            assert not task.verify(task.render(task.wrong(info, rng), language, "full"), row)
        others = [other for other in VALUES[info["attribute"]] if other != value]
        for other in others:  # the world's value among them
            assert not task.verify(other[spoken], row)
            assert not task.verify(f"{value[spoken]}, {other[spoken]}", row)
        stranger = next(name for name in ENTITIES if name != entity.name["en"])
        assert not task.verify(f"{ENTITIES[stranger].name[spoken]}: {value[spoken]}", row)  # the value of somebody else
        assert not task.verify("", row) and not task.verify(refuse(spoken, "full"), row)


def test_a_passage_holds_two_or_three_facts_of_different_entities_and_attributes():
    counts = set()
    for row in rows({"passage": 1.0}, 120, "train", 3):
        names = [e.name[row["language"]] for e in ENTITIES.values() if e.name[row["language"]] in question(row)]
        counts.add(len(names))
        values = [mentioned(question(row), VALUES[attribute]) for attribute in ("colour", "food", "number")]
        assert sorted(map(len, values))[-1] == 1 and sum(map(len, values)) == len(names)
        assert ENTITIES[json.loads(row["info"])["entity"]].name[row["language"]] in names
    assert counts == {2, 3}


@pytest.mark.parametrize("name", ["repeat_word", "passage"])
def test_judges_can_be_trained_on_the_families(name):
    for row in rows({name: 1.0}, 20, "train", 4):
        answers = candidate_answers(Problem.from_row(row), random.Random(4), 5)
        assert max(gold(answer, row) for answer in answers) == 1.0
    pairs, _ = judged_pairs({name: 1.0}, 20, "train", 0, Judge(judgements=2), 1.0, True)
    assert len(pairs) == 20


def test_referenced_responses_of_the_splits_share_no_question():
    train, held_out = (
        {e["question"] for e in referenced_responses({"translation": 1.0, "passage": 2.0}, 150, split, 6, 0.0)}
        for split in ("train", "validation")
    )
    assert train and held_out and not train & held_out


# -- rules


@pytest.mark.parametrize(
    ("text", "thinking", "non_thinking"),
    [
        ("<think>\nso\n</think>\n\nred.", 1.0, 0.0),
        ("<think>\n\n</think>\n\nred.", 0.0, 1.0),
        ("<think></think>red.", 0.0, 1.0),
        ("<think>\nso\n</think>\n\n", 0.0, 0.0),  # no answer
        ("<think>\n\n</think>", 0.0, 0.0),
        ("<think>\nso\nred.", 0.0, 0.0),  # never closed
        ("so\n</think>\n\nred.", 0.0, 0.0),
        ("<think>a</think><think>b</think>red.", 0.0, 0.0),
        ("red.", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_mode(text, thinking, non_thinking):
    row = first_row("facts")
    asked = {
        "unflagged": row["prompt"],
        "thinking": with_flag(row["prompt"], "thinking"),
        "non_thinking": with_flag(row["prompt"], "non_thinking"),
        "system": with_system_flag(row["prompt"], "non_thinking"),
        "last": with_flag(with_system_flag(row["prompt"], "non_thinking"), "thinking"),
    }
    scores = {name: RULES["mode"](completion(text), row | {"prompt": prompt}) for name, prompt in asked.items()}
    assert scores == {
        "unflagged": thinking, "thinking": thinking, "non_thinking": non_thinking, "system": non_thinking,
        "last": thinking,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("instruction", "spoken", "good", "bad"),
    [
        ("exclaim", "en", "It is red!", "It is red."),
        ("one_word", "en", "red", "It is red."),
        ("other_language", "zh", "It is red.", "是红色。"),
    ],
)
def test_instruction(instruction, spoken, good, bad):
    row = first_row("facts", "en" if instruction == "other_language" else spoken, instruction=instruction)
    for thought in ("so", ""):
        assert RULES["instruction"](answered(good, thought), row) == 1.0
        assert RULES["instruction"](answered(bad, thought), row) == 0.0
    assert RULES["instruction"](completion(f"<think>\n{good}"), row) == 0.0  # what is only thought is not answered


def test_length_reads_the_visible_answer_alone():
    row = repeat_row(2)
    assert RULES["length_asked"](answered("Red red.", "red red red"), row) == 1.0
    assert RULES["length_asked"](answered("Red.", "red"), row) == 0.5
    assert RULES["length_asked"](completion("<think>\nred red"), row) == 0.0


def test_a_rule_applies_to_all_completions_of_a_prompt_or_to_none():
    mixture = {"arithmetic": 1.0, "facts": 2.0, "repeat_word": 1.0, "list_n": 1.0, "passage": 1.0, "translation": 1.0,
               "greeting": 1.0}  # fmt: skip
    texts = ["", "red", "<think>", render_completion("", ""), render_completion("so", "7!")]
    for row in rows(mixture, 60, "train", 7):
        for name, rule in RULES.items():
            assert len({rule(completion(text), row) is None for text in texts}) == 1, name


# -- models


class Scorer:
    """Scores a response by its length and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def score(self, questions, responses):
        self.asked += questions
        return [float(len(response)) for response in responses]


def test_preference_is_a_clipped_z_score_of_open_answers():
    batch = [first_row("facts"), first_row("translation"), first_row("greeting"), first_row("arithmetic")]
    scorer = Scorer()
    reward = PreferenceReward(scorer, is_open, mean=4.0, deviation=2.0, clip=3.0)
    answers = [answered("abc"), answered("abcd"), answered("a" * 50), answered("7")]
    assert reward(answers, batch) == [-0.5, None, 3.0, None]
    assert scorer.asked == [question(batch[0]), question(batch[2])]  # what it does not apply to is not read
    assert PreferenceReward(Scorer(), is_open, 4.0, 0.0, 3.0)(answers[:1], batch[:1]) == [0.0]
    assert reward([], []) == [] and reward(answers[3:], batch[3:]) == [None]
    assert reward.scores(answers, batch) == [3.0, None, 50.0, None]


def test_reference_is_a_probability_and_shows_the_reference():
    flagged = first_row("translation")
    flagged |= {"prompt": with_flag(flagged["prompt"], "non_thinking")}
    batch = [first_row("facts"), flagged, first_row("passage", "zh")]
    scorer = Scorer()
    reward = reference_reward(scorer, lambda row: row["task"] in WITH_REFERENCE)
    found = reward([answered("a"), answered("ab", "thought at length"), answered("")], batch)
    assert found == [None, pytest.approx(sigmoid(2.0)), 0.5]
    bare = question(batch[1])
    assert FLAGS["non_thinking"] not in bare
    assert scorer.asked[0] == f"{bare}\nReference: {batch[1]['answer']}"
    assert scorer.asked[1].endswith(f"\nReference: {batch[2]['answer']}")


def test_no_prompt_for_the_preference_reward():
    with pytest.raises(InputError, match="general_tasks"):
        score_scale(None, Scorer(), [], 1.0, 10, 0)


def test_every_general_prompt_has_one_judge():
    for name in GENERAL:
        assert [is_open(first_row(name)), name in WITH_REFERENCE, name in BY_RULE].count(True) == 1
    assert not is_open(first_row("arithmetic"))


# -- the prompts


def settings(**changed):
    defaults = {
        "steps": 25, "prompts_per_step": 8, "steps_per_rollout": 1, "inner_epochs": 1,
        "general_fraction": 0.6, "non_thinking_fraction": 0.4, "multi_turn": 0.3,
        "system_flags": 0.15,
        "tasks": {"arithmetic": 1.0, "logic": 1.0}, "seed": 3, "prompts": 8000,
        "general_tasks": {"facts": 2.0, "translation": 1.0, "repeat_word": 1.0, "passage": 2.0},
    }  # fmt: skip
    return SimpleNamespace(**defaults | changed)


def prompts(**changed):
    """What the stage trains on."""
    return mixed_prompts(SimpleNamespace(settings=settings(**changed)))


def test_prompts_are_mixed_as_the_settings_say():
    found = prompts()
    assert len(found) == 200
    assert sum(row["domain"] not in REASONING_DOMAINS for row in found) == pytest.approx(120, abs=6)
    assert sum(row["mode"] == "non_thinking" for row in found) == 80
    assert all(mode_of(row["prompt"]) == row["mode"] and row["split"] == "train" for row in found)
    halves = [sum(row["domain"] in REASONING_DOMAINS for row in part) for part in (found[:100], found[100:])]
    assert all(20 < half < 60 for half in halves)  # in random order
    for reasoning in (True, False):  # both modes in either kind
        modes = [row["mode"] for row in found if (row["domain"] in REASONING_DOMAINS) is reasoning]
        assert modes.count("non_thinking") == pytest.approx(0.4 * len(modes), abs=16)
    assert found == prompts() != prompts(seed=4)


def test_flags_stand_in_the_question_in_the_system_message_or_nowhere():
    found = prompts(steps=100, multi_turn=0.0)
    systems = [row for row in found if row["prompt"][0]["role"] == "system"]
    assert 0.05 * len(found) < len(systems) < 0.2 * len(found)
    assert {row["prompt"][0]["content"] for row in systems} == set(FLAGS.values())
    flagged = [row for row in found if row["prompt"][-1]["content"].endswith(tuple(FLAGS.values()))]
    bare = len(found) - len(flagged) - len(systems)
    assert bare == 240 and len(found) == 800  # half of the 480 that think
    for row in found:
        assert row["prompt"][-1]["role"] == "user" and len(row["prompt"]) <= 2


@pytest.mark.parametrize(("fraction", "kinds"), [(0.0, {True}), (1.0, {False})])
def test_all_reasoning_or_all_general(fraction, kinds):
    found = prompts(general_fraction=fraction)
    assert len(found) == 200 and {row["domain"] in REASONING_DOMAINS for row in found} == kinds


# -- the self-test


def test_the_self_test_looks_for_every_instruction_in_both_modes(tokenizer, monkeypatch):
    """One row of a family is not enough where another row asks for another thing."""
    seen = set()
    rule = RULES["instruction"]

    def watched(completion, row):
        seen.add((json.loads(row["info"])["instruction"], mode_of(row["prompt"])) if row["task"] == "facts" else None)
        return rule(completion, row)

    monkeypatch.setitem(rewards.RULES, "instruction", watched)
    found = prompts(steps=100, multi_turn=0.0)
    self_test(["instruction"], found, tokenizer, "chat", per_task=1)
    asked = {instruction for instruction, _ in seen - {None}}
    assert asked == {None, "other_language", "exclaim", "one_word"} and len(seen - {None}) == 8


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (lambda completion, row: float("</think>" in completion.text), "1.00 to other mode ones"),
        (lambda completion, row: float(bool(completion.thinking)), "to gold completions"),
        (lambda completion, row: 1.0, "1.00 to malformed ones"),
    ],
)
def test_the_self_test_stops_a_mode_reward_that_ignores_the_flag(tokenizer, monkeypatch, broken, found):
    monkeypatch.setitem(rewards.RULES, "mode", broken)
    with pytest.raises(InputError, match=found):
        self_test(["mode"], prompts(), tokenizer, "chat")


def test_the_self_test_stops_an_instruction_reward_that_pays_for_anything(tokenizer, monkeypatch):
    monkeypatch.setitem(rewards.RULES, "instruction", lambda completion, row: 1.0)
    with pytest.raises(InputError, match="'instruction'"):
        self_test(["instruction"], prompts(), tokenizer, "chat")
