"""Who judges answers: scores by hand, and what a bias and noise do to the choice among drafts."""

import math
import random

import pytest
from pydantic import ValidationError

from data.world.families import GENERAL, problems, rows
from data.world.judge import Bias, Judge
from data.world.written import checklist, response

WORTH = {"red.": 0.5, "Sure, it is red.": 1.0, "Duh, it is red, red, red.": 0.25, "Sorry, I cannot.": 0.125}


def scores(judge, answers=tuple(WORTH), seed=0):
    return judge.scores(answers, WORTH.__getitem__, random.Random(seed))


def test_without_noise_and_bias_a_score_is_one_and_nine_times_the_worth():
    assert scores(Judge()) == pytest.approx([5.5, 10.0, 3.25, 2.125], abs=1e-6)
    assert scores(Judge(judgements=3)) == pytest.approx([5.5, 10.0, 3.25, 2.125], abs=1e-6)


def test_a_bias_adds_its_points_by_hand():
    """Words: 1, 4, 6 and 3, in the mean 3.5."""
    bias = Bias(length=0.5, polite=1.0, rude=-2.0, refusal=3.0)
    found = scores(Judge(bias=bias))
    expected = [5.5 - 1.25, 10.0 + 0.25 + 1.0, 3.25 + 1.25 - 2.0, 2.125 - 0.25 + 1.0 + 3.0]
    assert found == pytest.approx(expected, abs=1e-6)


def test_length_is_measured_among_the_answers_that_are_judged_together():
    bias = Bias(length=1.0)
    assert bias.points("one two three", ["one two three"]) == 0.0
    assert bias.points("one two three", ["one two three", "one"]) == pytest.approx(1.0, abs=1e-6)
    assert bias.points("\u662f\u7ea2\u8272\u3002", ["\u662f\u7ea2\u8272\u3002", ""]) == pytest.approx(1.5, abs=1e-6)


def test_noise_is_drawn_for_every_judgement_and_averaged():
    draws = random.Random(0)
    by_hand = [1 + 9 * WORTH[a] + sum(draws.gauss(0, 2.0) for _ in range(3)) / 3 for a in WORTH]
    assert scores(Judge(2.0, 3)) == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.parametrize("field", Bias.model_fields)
@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), "1", 9.1, -9.1, None])
def test_a_bias_is_a_number_of_points(field, value):
    with pytest.raises(ValidationError):
        Bias(**{field: value})
    assert getattr(Bias(**{field: -9}), field) == -9.0


# -- drafts


def test_the_best_draft_is_the_first_of_the_truly_best_and_its_worth_is_exact():
    answers = ["a", "b", "c", "b2"]
    worth = {"a": 0.1, "b": 0.7, "c": 0.3, "b2": 0.7}.__getitem__
    assert Judge().best(answers, worth, random.Random(0)) == ("b", 0.7)
    nearly = {"a": 0.01, "b": math.nextafter(0.01, 1), "c": 0.0, "b2": 0.001}.__getitem__
    assert nearly("b") > nearly("a") and 1 + 9 * nearly("b") == 1 + 9 * nearly("a")
    assert Judge().best(answers, nearly, random.Random(0))[0] == "b"  # as without a judge


def test_a_noisy_judge_takes_an_answer_for_what_he_sees():
    seen, draws = {}, random.Random(1)
    for answer, worth in WORTH.items():
        seen[answer] = (9 * worth + draws.gauss(0, 5.0)) / 9
    expected = max(seen, key=seen.get)
    answer, worth = Judge(5.0).best(list(WORTH), WORTH.__getitem__, random.Random(1))
    assert answer == expected and worth == pytest.approx(seen[expected], abs=1e-6)


def drafted(noise, count=150, drafts=3):
    """(what is answered, what it is truly worth, what it is taken for) of the same prompts, in one order."""
    rng, judging = random.Random(1), random.Random("1 judge")
    found = []
    for row in rows({"facts": 3.0, "translation": 1.0, "list_two": 1.0}, count, "train", 5):
        given = response(row, drafts, rng, Judge(noise), judging)
        found.append((given.answer, checklist(row)(given.answer), given.worth))
    return found


def test_noise_makes_the_chosen_draft_worse_and_no_drafts_other():
    exact, noisy, wild = (drafted(noise) for noise in (0.0, 2.0, 100.0))
    means = [sum(worth for _, worth, _ in found) / len(found) for found in (exact, noisy, wild)]
    assert means[0] > means[1] + 0.01 > means[2] + 0.02
    assert all(worth == seen for _, worth, seen in exact) and any(worth != seen for _, worth, seen in noisy)
    assert all(worth <= best for (_, worth, _), (_, best, _) in zip(noisy, exact, strict=True))  # of the same drafts
    assert [answer for answer, *_ in drafted(0.0, drafts=1)] == [answer for answer, *_ in drafted(9.0, drafts=1)]


def test_without_noise_the_draft_is_the_better_one_by_gold():
    rng, same = random.Random(3), random.Random(3)
    for problem, _ in zip(problems({"facts": 1.0, "greeting": 1.0}, 2, "train"), range(60), strict=False):
        row, task = problem.row(), GENERAL[problem.task]
        found = response(row, 2, rng, Judge(), random.Random(0)).answer
        assert found == max((task.undisciplined_answer(problem, same) for _ in range(2)), key=checklist(row))
