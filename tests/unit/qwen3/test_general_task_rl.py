"""Qwen3's general RL: its task families, its rewards, its prompts."""

import json

import pytest

from data.errors import InputError
from data.text.chat import render_completion
from data.text.completion import Completion
from data.text.conversations import in_both_modes
from data.text.modes import with_flag
from data.world.families import GENERAL, rows, verify
from data.world.general.entities import ENTITIES
from data.world.general.length_control import length_score
from data.world.preference_data import referenced_responses
from data.world.task import Problem
from data.world.written import worked_completion
from stages.core.rewards.rules import RULES
from stages.core.rewards.self_test import GENERAL_RULES, self_test

LANGUAGES = ("en", "zh")


def completion(text):
    return Completion(text, 10, True, "chat")


def repeat_row(language, count, word={"en": "red", "zh": "红色"}):  # noqa: B006
    info = json.dumps({"word": word, "count": count, "instruction": None})
    return {"task": "repeat_word", "language": language, "info": info, "prompt": [], "answer": ""}


@pytest.mark.parametrize(
    ("answer", "language", "count", "score"),
    [
        ("red red red.", "en", 3, 1.0),
        ("Red, red, red!", "en", 3, 1.0),
        ("red red.", "en", 4, 0.5),
        ("red red red red.", "en", 3, 2 / 3),
        ("red red red red red red.", "en", 2, 0.0),
        ("", "en", 1, 0.0),
        ("blue blue.", "en", 2, 0.0),
        ("red blue.", "en", 2, 0.0),
        ("sure, red red.", "en", 2, 0.0),
        ("reddish", "en", 1, 0.0),
        ("红色,红色。", "zh", 2, 1.0),
        ("红色红色", "zh", 2, 1.0),
        ("好的,红色红色", "zh", 2, 0.0),
        ("red red", "zh", 2, 0.0),
    ],
)
def test_length_score(answer, language, count, score):
    assert length_score(answer, repeat_row(language, count)) == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize(
    ("answer", "count", "score"),
    [
        ("Sure, here are rice, bread, fish.", 3, 1.0),
        ("米饭,面包,鱼肉。", 3, 1.0),  # what is named counts, not its language
        ("rice, bread.", 3, 2 / 3),
        ("rice, bread.", 4, 0.5),
        ("rice, bread, fish.", 2, 0.5),
        ("rice, bread, fish.", 1, 0.0),
        ("rice, rice, rice.", 3, 1 / 3),
        ("rice, bread, corn.", 3, 0.0),  # the excluded one
        ("rice, bread, red.", 3, 0.0),
        ("three foods.", 3, 0.0),
        ("", 1, 0.0),
    ],
)
def test_things_that_are_named_are_counted(answer, count, score):
    info = {"kind": "list_n", "category": "foods", "count": count, "excluded": "corn", "instruction": None}
    row = {"task": "list_n", "language": "en", "info": json.dumps(info), "prompt": [], "answer": ""}
    assert length_score(answer, row) == pytest.approx(score, abs=1e-6)
    assert GENERAL["list_n"].verify(answer, row) is (score == 1.0)
    asked = RULES["length_asked"](completion(render_completion("7", answer)), row)
    assert asked == pytest.approx(score, abs=1e-6)


def test_one_to_four_of_every_category_are_asked_for_in_digits():
    found = [json.loads(row["info"]) for row in rows({"list_n": 1.0}, 400, "train", 1)]
    assert {info["count"] for info in found} == {1, 2, 3, 4} and {len(info["chosen"]) for info in found} == {1, 2, 3, 4}
    assert {info["category"] for info in found} == {"foods", "colours", "things"}
    assert all(word["en"] != info["excluded"] for info in found for word in info["chosen"])
    plain = {
        row["prompt"][0]["content"] for row in rows({"list_n@en": 1.0}, 400, "train", 1) if ", not" not in str(row)
    }
    singular = ("food.", "colour.", "thing.")
    assert len(plain) > 10 and all((" 1 " in question) == question.endswith(singular) for question in plain)


@pytest.mark.parametrize("name", ["repeat_word", "list_n", "passage"])
def test_the_best_answer_is_right_and_the_wrong_one_is_not(name):
    import random

    rng = random.Random(0)
    for row in rows({name: 1.0}, 60, "train", 1):
        task, problem = GENERAL[name], Problem.from_row(row)
        assert task.verify(task.best_answer(problem), row)
        wrong = task.render(task.wrong(problem.info, rng), problem.language, "full")
        assert not task.verify(wrong, row)
        assert not task.verify("", row)


def test_a_passage_contradicts_the_world_and_only_the_passage_is_right():
    for row in rows({"passage": 1.0}, 60, "train", 2):
        info = json.loads(row["info"])
        world = ENTITIES[info["entity"]].value(info["attribute"])[row["language"]]
        assert row["answer"] != world and row["answer"] in row["prompt"][0]["content"]
        assert not GENERAL["passage"].verify(f"it is {world}", row)


@pytest.mark.parametrize("name", ["repeat_word", "list_n", "passage"])
def test_splits_share_no_prompt(name):
    train, test = (
        {row["prompt"][0]["content"] for row in rows({name: 1.0}, 80, split, 3)} for split in ("train", "test")
    )
    assert train and test and not train & test


def test_referenced_responses_are_labelled_by_the_verifier():
    mixture = {"translation": 1.0, "passage": 1.0, "facts": 1.0}
    clean = referenced_responses(mixture, 200, "train", 5, 0.0)
    assert clean == referenced_responses(mixture, 200, "train", 5, 0.0)
    assert 0.25 < sum(e["label"] for e in clean) / 200 < 0.6
    right = [e for e in clean if e["label"] == 1.0]  # an answer in the other language is right too
    assert sum(e["reference"] in e["response"] for e in right) > 0.7 * len(right)
    flipped = referenced_responses(mixture, 200, "train", 5, 1.0)
    assert [e["label"] for e in flipped] == [1.0 - e["label"] for e in clean]


def test_mode_reward_follows_the_last_flag():
    row = rows({"arithmetic": 1.0}, 1, "train", 1)[0]
    thought, direct = worked_completion(row, "chat")[0], render_completion("", "The answer is 5.")
    asked = row | {"prompt": with_flag(row["prompt"], "non_thinking")}
    assert [RULES["mode"](completion(text), row) for text in (thought, direct, "5")] == [1.0, 0.0, 0.0]
    assert [RULES["mode"](completion(text), asked) for text in (thought, direct, "5")] == [0.0, 1.0, 0.0]


def test_rules_are_none_where_they_do_not_apply():
    arithmetic = rows({"arithmetic": 1.0}, 1, "train", 1)[0]
    plain = next(r for r in rows({"facts": 1.0}, 50, "train", 1) if json.loads(r["info"])["instruction"] is None)
    assert RULES["instruction"](completion("x"), arithmetic) is RULES["instruction"](completion("x"), plain) is None
    assert RULES["length_asked"](completion("x"), arithmetic) is RULES["length_asked"](completion("x"), plain) is None


def test_instruction_reward_reads_the_visible_answer():
    row = next(r for r in rows({"facts": 1.0}, 50, "train", 1) if json.loads(r["info"])["instruction"] == "exclaim")
    assert RULES["instruction"](completion("<think>\nso!\n</think>\n\nIt is red!"), row) == 1.0
    assert RULES["instruction"](completion("<think>\nso!\n</think>\n\nIt is red."), row) == 0.0


def test_a_flag_changes_no_verdict():
    for row in rows({"arithmetic": 1.0, "expression": 1.0, "stem_choice": 1.0, "passage": 1.0}, 40, "train", 4):
        flagged = row | {"prompt": with_flag(row["prompt"], "non_thinking")}
        assert verify(row["answer"], row) and verify(row["answer"], flagged)


def test_the_self_test_reaches_the_general_rules_in_both_modes(tokenizer):
    mixture = {"arithmetic": 1.0, "facts": 4.0, "repeat_word": 2.0, "list_n": 2.0, "passage": 1.0}
    flagged = in_both_modes(rows(mixture, 60, "train", 6), 60, 0.5, seed=1)
    means = self_test(["accuracy", *GENERAL_RULES], flagged, tokenizer, "chat", per_task=20)
    for name in GENERAL_RULES:
        assert means[f"{name}/gold"] == 1.0
    assert means["mode/malformed"] == means["instruction/disobedient"] == means["length_asked/disobedient"] == 0.0


def test_the_self_test_stops_a_length_reward_that_pays_for_anything(tokenizer, monkeypatch):
    from stages.core.rewards import rules as rewards

    monkeypatch.setitem(rewards.RULES, "length_asked", lambda completion, row: 1.0)
    with pytest.raises(InputError, match="'length_asked'"):
        self_test(["length_asked"], rows({"repeat_word": 1.0}, 5, "train", 6), tokenizer, "chat")
