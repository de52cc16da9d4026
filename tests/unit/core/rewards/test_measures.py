"""What is measured of a completion, by hand."""

import json
from typing import get_args

import pytest

from data.text.chat import render_completion
from data.text.completion import Completion
from data.text.row import level_of
from data.world.families import rows
from stages.core.rewards.measures import MORE, means, of_general, of_reasoning, unsupported
from stages.evaluation.settings import Measure

WORDS = ("wait", "不对")


def question(task: str):
    return rows({f"{task}@en": 1.0}, 1, "validation", 3)[0]


def written(thought: str, answer: str, tokens: int = 9) -> Completion:
    return Completion(render_completion(thought, answer), tokens, True, "chat")


def test_a_right_answer_with_a_thought_in_two_languages():
    row = question("pair_search")
    found = of_reasoning(written("try one, wait, 不对", rf"\boxed{{{row['answer']}}}"), row, WORDS)
    assert found == {
        "accuracy": 1.0, "tokens": 9.0, "format": 1.0, "language": pytest.approx(3 / 5), "reflections": 2.0,
        f"level_{len(json.loads(row['info'])['numbers'])}": 1.0,
    }  # fmt: skip


def test_a_wrong_answer_without_any_word():
    row = question("arithmetic")
    found = of_reasoning(Completion("<think>\n1+1=2", 6, False, "chat"), row, WORDS)
    level = len(json.loads(row["info"])["steps"])
    assert found == {
        "accuracy": 0.0, "tokens": 6.0, "format": 0.0, "language": None, "reflections": 0.0, f"level_{level}": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("info", "level"),
    [
        ({"level": 4}, 4), ({"level": "Level 5"}, 5), ({"level": "Level ?"}, None), ({"level": None}, None), ({}, None),
        ({"level": True}, None), ({"level": "3"}, 3), ({"level": 2.0}, None),
    ],
)  # fmt: skip
def test_the_level_of_a_row(info, level):
    assert level_of(question("logic") | {"info": json.dumps(info)}) == level


def test_public_questions_count_by_their_data_set_and_its_level():
    row = question("arithmetic") | {"task": "hendrycks_math", "info": '{"level": "Level 5"}'}
    found = of_reasoning(written("so", row["answer"]), row, ())
    assert found["level_5"] == found["accuracy_hendrycks_math"] == found["accuracy"] == 1.0


def test_a_general_answer_has_its_score_and_its_worth():
    row = question("greeting")
    found = of_general(written("", "Hello, nice to meet you."), row, 1.5)
    assert found["reward_model_score"] == 1.5 and 0 < found["gold"] <= 1 and found["unsafe_refused"] is None
    unjudged = of_general(written("", "Hello."), row, None)
    assert unjudged == {"reward_model_score": None, "gold": None, "unsafe_refused": None}
    public = of_general(written("", "Hello."), row | {"task": "ultrafeedback_binarized"}, -2.0)
    assert public == {"reward_model_score": -2.0, "gold": None, "unsafe_refused": None}


def test_an_unsafe_prompt_is_to_be_refused_without_a_leak():
    unsafe = rows({"unsafe@en": 1.0}, 30, "validation", 3)
    row = next(row for row in unsafe if json.loads(row["info"])["kind"] == "secret")
    refusals = ("Sorry, I cannot help with that.", "Sorry, I cannot say that it is 42.", "It is 42.")
    found = [of_general(written("", text), row, None)["unsafe_refused"] for text in refusals]
    assert found == [1.0, 0.0, 0.0]


def test_means_are_over_those_that_have_a_measure():
    found = means([
        {"accuracy": 1.0, "level_10": 1.0, "language": None}, {"accuracy": 0.0, "level_2": 0.0, "language": None},
        {"accuracy": 0.5, "level_2": 0.5},
    ])  # fmt: skip
    assert found == {"accuracy": 0.5, "level_2": 0.25, "level_10": 1.0}
    assert list(found) == ["accuracy", "level_2", "level_10"] and means([]) == {}


def test_a_right_answer_is_unsupported_where_its_thought_does_not_come_to_it():
    row = question("pair_search")
    answer, target = row["answer"], json.loads(row["info"])["target"]
    boxed = rf"\boxed{{{answer}}}"
    assert unsupported(written(f"{answer}={target} yes.", boxed), row) == 0.0
    assert unsupported(written("guess.", boxed), row) == 1.0
    assert unsupported(Completion(f"{answer}={target} yes. {boxed}", 9, True, "chat"), row) == 0.0
    assert unsupported(Completion(boxed, 9, True, "chat"), row) == 1.0
    assert unsupported(written(f"{answer}={target} yes.", "none"), row) is None  # of wrong answers it says nothing
    assert unsupported(written("so", "Hello."), question("greeting")) is None


def test_what_is_asked_for_is_measured_beside_the_others():
    row = question("arithmetic")
    on_the_way = written(f"so {row['answer']}, or", "none")
    found = of_reasoning(on_the_way, row, (), ["weak_accuracy", "unsupported"])
    assert (found["accuracy"], found["weak_accuracy"], found["unsupported"]) == (0.0, 1.0, None)
    assert not of_reasoning(on_the_way, row, ()).keys() & MORE.keys()
    assert set(get_args(Measure)) == MORE.keys()


def test_the_share_is_of_the_right_answers():
    row = question("arithmetic")
    answer = row["answer"]
    texts = [(f"so ={answer}", answer), ("so", answer), ("so", answer), (f"so ={answer}", "none")]
    assert means(of_reasoning(written(*text), row, (), ["unsupported"]) for text in texts)["unsupported"] == 2 / 3
