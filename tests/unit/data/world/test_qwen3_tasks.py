"""Qwen3's data: labels of the reference reward model against the verifier; the same queries in both modes."""

import itertools
import random
from types import SimpleNamespace

import pytest

from data.text.chat import parse, render_completion, render_prompt
from data.text.conversations import in_both_modes
from data.text.modes import follows_mode, mode_of
from data.text.summary import statement
from data.world.families import GENERAL, REASONING, problems, rows, verify
from data.world.preference_data import referenced_responses
from data.world.task import Problem
from stages.qwen3.distillation_data import must_be_right, switched_off, with_prompt_text
from stages.qwen3.fusion_data import visible_answer, written_answers

MIXTURE = {"translation": 30.0, "passage": 50.0, "facts": 20.0}


def rows_in_order(mixture, count, seed=0, split="train"):
    """The rows behind the first questions of a stream, in the order in which responses are drafted for them."""
    return [problem.row() for problem in itertools.islice(problems(mixture, seed, split), count)]


@pytest.mark.parametrize("family", list(MIXTURE))
def test_without_noise_a_label_is_the_verdict_of_the_family(family):
    found_rows = rows_in_order({family: 1.0}, 200)
    found = referenced_responses({family: 1.0}, 200, "train", 0, 0.0)
    for row, example in zip(found_rows, found, strict=True):
        assert set(example) == {"question", "reference", "response", "label"}
        assert (example["question"], example["reference"]) == (row["prompt"][-1]["content"], row["answer"])
        assert example["label"] == float(GENERAL[family].verify(example["response"], row))
    assert 0.3 < sum(example["label"] for example in found) / 200 < 0.6
    assert {row["language"] for row in found_rows} == {"en", "zh"}


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_noise_flips_its_share_of_the_labels_and_nothing_else(noise):
    clean, noisy = (referenced_responses(MIXTURE, 600, "train", 0, share) for share in (0.0, noise))
    flipped = [a["label"] != b["label"] for a, b in zip(clean, noisy, strict=True)]
    assert sum(flipped) / 600 == pytest.approx(noise, abs=0.05) and sum(flipped) > 0
    assert [e | {"label": 0} for e in clean] == [e | {"label": 0} for e in noisy]


def test_seeds_and_counts_of_referenced_responses():
    first, second = (referenced_responses(MIXTURE, 40, "train", seed, 0.05) for seed in (0, 1))
    assert first == referenced_responses(MIXTURE, 40, "train", 0, 0.05) != second
    assert first[:15] == referenced_responses(MIXTURE, 15, "train", 0, 0.05)


@pytest.mark.parametrize(
    ("spoken", "value", "good", "bad"),
    [
        ("en", {"en": "2", "zh": "2"}, ["2", "2.", "It is 2!"], ["12", "2.5", "2 or 3", "two", "22", ""]),
        ("zh", {"en": "2", "zh": "2"}, ["是2。", "2"], ["是12。", "2和3", "二", ""]),
    ],
)
def test_a_number_in_another_number_is_not_grounded(spoken, value, good, bad):
    info = {"entity": "Kalo", "attribute": "number", "value": value, "instruction": None}
    row = {"language": spoken, "info": info}
    assert [answer for answer in good if not GENERAL["passage"].verify(answer, row)] == []
    assert [answer for answer in bad if GENERAL["passage"].verify(answer, row)] == []


def test_the_queries_answered_with_a_thought_are_answered_without_one_too():
    settings = SimpleNamespace(
        non_thinking_rows=20, general_fraction=0.5, tasks={"arithmetic": 1.0}, general_tasks={"facts": 1.0}, seed=1,
        drafts=2, min_checklist_score=0.0, thoughtful=0.5, draft_judge_noise=0.0, visible_steps=0.0,
    )  # fmt: skip
    thought = rows({"equation": 1.0}, 6, "train", 3)
    examples, fell = written_answers(SimpleNamespace(settings=settings), thought, random.Random(0))
    without = [example for example in examples if example["domain"] == "math"]
    assert len(without) == 10 and {row["id"] for row in thought} <= {example["id"] for example in without}
    assert all(follows_mode(example["completion"], example["mode"]) for example in examples)
    assert {example["mode"] for example in without} == {"non_thinking"} and fell == 0
    assert {example["mode"] for example in examples if example["domain"] == "general"} == {"thinking", "non_thinking"}


# -- steps that are shown without a thought


def steps_of(row):
    trace = REASONING[row["task"]].solve(Problem.from_row(row), random.Random(0))
    return [step[row["language"]] for step in trace.steps]


def test_no_step_is_shown_by_default_and_every_one_by_choice():
    asked = rows(dict.fromkeys(REASONING, 1.0), 60, "train", 4)
    assert all(visible_answer(row, 0.0, random.Random(1)) == statement(row) for row in asked)
    for row in asked:
        shown = visible_answer(row, 1.0, random.Random(row["id"]))
        steps, written = shown.removesuffix(statement(row)), render_completion("", shown)
        assert steps != shown and steps.strip()
        assert verify(parse(written), row) and follows_mode(written, "non_thinking")


def test_one_or_two_steps_are_shown_by_hand():
    row = next(row for row in rows({"arithmetic@en": 1.0}, 50, "train", 1) if len(steps_of(row)) == 4)
    seen = {visible_answer(row, 1.0, random.Random(seed)) for seed in range(20)}
    (_, _, third, last), stated = steps_of(row), statement(row)
    assert seen == {f"{last}. {stated}", f"{third}, {last}. {stated}"}


def test_a_share_of_the_rows_shows_steps_and_public_rows_show_none():
    asked = rows({"arithmetic": 1.0}, 400, "train", 5)
    rng = random.Random(2)
    shown = sum(visible_answer(row, 0.3, rng) != statement(row) for row in asked)
    assert shown / 400 == pytest.approx(0.3, abs=0.08)
    public = asked[0] | {"task": "gsm8k", "verifier": "math"}
    assert visible_answer(public, 1.0, rng) == statement(public)


# -- a right and a wrong response to each question


@pytest.mark.parametrize("family", list(MIXTURE))
def test_with_contrast_each_question_has_a_right_and_a_wrong_response(family):
    found = referenced_responses({family: 1.0}, 120, "train", 0, 0.0, contrast=True)
    assert [example["label"] for example in found] == 60 * [1.0, 0.0]
    for right, wrong in zip(found[::2], found[1::2], strict=True):
        assert right["question"] == wrong["question"] and right["reference"] == wrong["reference"]
    known = {row["prompt"][-1]["content"]: row for row in rows_in_order({family: 1.0}, 400)}
    for example in found:
        row = known[example["question"]]
        assert example["reference"] == row["answer"]
        assert example["label"] == float(GENERAL[family].verify(example["response"], row))
    assert len(referenced_responses({family: 1.0}, 5, "train", 0, 0.0, contrast=True)) == 5


# -- a teacher's responses


def test_a_wrong_response_is_dropped_where_it_must_be_right():
    thinking, without, general = (
        {"domain": domain, "mode": mode}
        for domain, mode in (("math", "thinking"), ("math", "non_thinking"), ("general", "thinking"))
    )
    for only_correct, kept, dropped in (
        (True, False, [True, True, False]), (True, True, [True, False, False]), (False, False, [False] * 3),
    ):  # fmt: skip
        settings = SimpleNamespace(only_correct=only_correct, wrong_without_thinking=kept)
        assert [must_be_right(row, settings) for row in (thinking, without, general)] == dropped


def test_thinking_that_is_switched_off_reads_as_an_evaluation_asks_it(tokenizer):
    for row in in_both_modes(rows({"arithmetic": 1.0}, 30, "train", 1), 60, 1.0, 1, multi_turn=0.5, in_system=0.5):
        written = row | {"completion": render_completion("", "The answer is 5.")}
        off = switched_off(written, tokenizer)
        assert off["completion"] == "The answer is 5." and mode_of(row["prompt"]) == "non_thinking"
        assert not off["prompt"][-1]["content"].endswith("think") and off["prompt"][0]["role"] == "user"
        assert off["prompt_text"] == render_prompt(tokenizer, off["prompt"], "chat", enable_thinking=False)
        assert off["prompt_text"].endswith("<think>\n\n</think>\n\n")
        flagged = with_prompt_text(written, tokenizer)
        assert flagged["completion"] == written["completion"] and "<think>" not in flagged["prompt_text"]
