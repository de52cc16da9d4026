"""Data for the reward models: judged pairs and labelled responses."""

import itertools
from functools import cache

import pytest

from data.text.chat import has_format, parse
from data.world.families import GENERAL, problems
from data.world.judge import Bias, Judge
from data.world.preference import complied_unsafely, gold, is_polite, word_count
from data.world.preference_data import judged_pairs, labelled_responses
from data.world.task import Problem

MIXTURE = {"facts": 5.0, "greeting": 1.0, "translation": 1.0, "list_two": 1.0, "safe_lookalike": 2.0}
NO_BIAS = Bias()
SAFETY = {"unsafe": 6.0, "safe_lookalike": 2.0, "facts": 2.0}


def pairs_of(count=80, split="train", seed=0, judgements=2, noise=0.0, min_difference=1.0, balance=True, bias=NO_BIAS):
    return judged_pairs(MIXTURE, count, split, seed, Judge(noise, judgements, bias), min_difference, balance)


@cache
def asked(family, split, seed):
    """The rows behind the first questions of a stream, by question."""
    stream = itertools.islice(problems({"pairs": MIXTURE, "labels": SAFETY}[family], seed, split), 1000)
    return {problem.question: problem.row() for problem in stream}


def differences(pairs, split="train", seed=0):
    """Gold score of the chosen minus that of the rejected answer, on the judge's scale of 1 to 10."""
    known = asked("pairs", split, seed)
    return [
        9 * (gold(pair["chosen"], known[pair["question"]]) - gold(pair["rejected"], known[pair["question"]]))
        for pair in pairs
    ]


# -- judged pairs


@pytest.mark.parametrize("min_difference", [0.0, 1.0, 4.0])
def test_without_noise_the_better_answer_is_chosen_by_more_than_the_minimum(min_difference):
    pairs, counts = pairs_of(min_difference=min_difference)
    found = differences(pairs)
    assert len(pairs) == 80
    assert min(found) > min_difference
    assert min(found) < 5.5  # not only the easy pairs
    assert counts["difference too small"] > 0 or min_difference == 0


def test_answers_of_a_pair_differ_and_questions_are_training_questions():
    pairs, _ = pairs_of()
    train = asked("pairs", "train", 0)
    for pair in pairs:
        assert set(pair) == {"question", "chosen", "rejected"}
        assert pair["chosen"] != pair["rejected"]
        assert train[pair["question"]]["split"] == "train"
    assert {train[pair["question"]]["task"] for pair in pairs} == set(MIXTURE)
    assert {train[pair["question"]]["language"] for pair in pairs} == {"en", "zh"}


def test_splits_share_no_question():
    train, test = ({pair["question"] for pair in pairs_of(split=split)[0]} for split in ("train", "test"))
    assert train and test and not train & test


@pytest.mark.parametrize("count", [1, 2, 41, 80])
def test_lengths_are_balanced(count):
    """As many pairs with the longer answer chosen as with the shorter one (one more where the count is odd)."""
    pairs, counts = pairs_of(count)
    longer = sum(len(pair["chosen"]) > len(pair["rejected"]) for pair in pairs)
    assert len(pairs) == count and longer == (count + 1) // 2
    assert counts["kept"] == count


def test_without_balance_the_longer_answer_is_chosen_as_it_comes():
    pairs, counts = pairs_of(balance=False)
    longer = sum(len(pair["chosen"]) > len(pair["rejected"]) for pair in pairs)
    assert longer != 40
    assert counts["length balance"] == 0
    assert pairs_of()[1]["length balance"] > 0


def test_counts_add_up():
    pairs, counts = pairs_of()
    assert counts["total"] == counts["difference too small"] + counts["length balance"] + counts["kept"]
    assert counts["kept"] == len(pairs)


def test_noise_makes_the_judge_err_and_more_judgements_err_less():
    def errors(noise, judgements):
        pairs, _ = pairs_of(100, noise=noise, judgements=judgements, min_difference=0.0)
        return sum(difference < 0 for difference in differences(pairs))

    assert errors(0.0, 1) == 0
    assert 50 > errors(6.0, 1) > errors(6.0, 16) + 5  # even the noisiest judge is better than a coin


def test_a_judge_who_likes_long_answers_chooses_them_against_gold():
    """Ten points a word: nothing else counts. Without bias and noise the better one is chosen always."""
    pairs, _ = pairs_of(balance=False, bias=Bias(length=9.0))
    differing = [p for p in pairs if word_count(p["chosen"]) != word_count(p["rejected"])]
    assert len(differing) > 60 and all(word_count(p["chosen"]) > word_count(p["rejected"]) for p in differing)
    assert min(differences(pairs)) < -1 and min(differences(pairs_of(balance=False)[0])) > 1


def test_a_judge_who_likes_politeness_chooses_it():
    pairs, _ = pairs_of(bias=Bias(polite=9.0))
    differing = [p for p in pairs if is_polite(p["chosen"]) != is_polite(p["rejected"])]
    assert len(differing) > 20 and all(is_polite(p["chosen"]) for p in differing)


def test_pairs_are_the_same_for_the_same_seed():
    assert pairs_of(noise=1.0) == pairs_of(noise=1.0)
    assert pairs_of(noise=1.0)[0] != pairs_of(noise=1.0, seed=1)[0]


# -- labelled responses


def labelled(count=150, split="train", seed=3, noise=0.0):
    return labelled_responses(SAFETY, count, split, seed, noise)


def test_labels_without_noise_are_exact():
    known = asked("labels", "train", 3)
    found = labelled()
    assert len(found) == 150
    for example in found:
        row = known[example["question"]]
        assert example["label"] == float(not complied_unsafely(parse(example["response"]).answer, row))
        if row["task"] != "unsafe":
            assert example["label"] == 1.0  # nothing harmful was asked
    labels = [example["label"] for example in found]
    assert 15 < labels.count(0.0) < 135


def test_labels_by_hand():
    for example in labelled():
        if "secret code" in example["question"] or "密码" in example["question"]:
            answer = parse(example["response"]).answer
            assert example["label"] == float(not any(character.isdigit() for character in answer)), answer


def test_responses_are_whole_with_and_without_a_thought():
    found = labelled()
    known = asked("labels", "train", 3)
    for example in found:
        assert set(example) == {"question", "response", "label"}
        assert has_format(example["response"], "chat", needs_thinking=False)
        thought = parse(example["response"]).thinking
        row = known[example["question"]]
        assert thought in ("", GENERAL[row["task"]].thought(Problem.from_row(row)))
    share = sum(bool(parse(example["response"]).thinking) for example in found) / len(found)
    assert share == pytest.approx(0.7, abs=4 * (0.7 * 0.3 / 150) ** 0.5)


def test_label_noise_flips_that_share():
    exact, flipped, some = (labelled(300, noise=noise) for noise in (0.0, 1.0, 0.2))
    assert [example["response"] for example in exact] == [example["response"] for example in flipped]
    assert all(a["label"] == 1 - b["label"] for a, b in zip(exact, flipped, strict=True))
    share = sum(a["label"] != b["label"] for a, b in zip(exact, some, strict=True)) / 300
    assert share == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / 300) ** 0.5)


def test_labelled_responses_are_the_same_for_the_same_seed():
    assert labelled() == labelled()
    assert labelled() != labelled(seed=4)
    assert not {e["question"] for e in labelled()} & {e["question"] for e in labelled(split="test", count=60)}
