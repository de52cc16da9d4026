"""long2short: merged weights, the shortest correct answer, DPO pairs."""

import pytest
import torch

from data.errors import InputError
from stages.kimi_k15.merge import average_weights
from stages.kimi_k15.pairs import dpo_pair, shortest_correct

# -- merging


def test_merge_is_the_exact_mean():
    long = {"a": torch.tensor([1.0, 2.0, -3.0]), "b": torch.tensor([[0.5]])}
    short = {"b": torch.tensor([[1.5]]), "a": torch.tensor([3.0, 2.5, 3.0])}
    merged = average_weights([long, short])
    assert list(merged) == ["a", "b"]
    assert merged["a"].tolist() == [2.0, 2.25, 0.0] and merged["b"].tolist() == [[1.0]]


def test_merge_of_one_or_of_equal_models_changes_nothing():
    state = {"w": torch.randn(50, generator=torch.Generator().manual_seed(0)), "n": torch.tensor(7)}
    for count in (1, 2, 3, 7):
        merged = average_weights([state] * count)
        assert torch.equal(merged["w"], state["w"]) and merged["n"].item() == 7


def test_merge_accumulates_in_float64():
    values = [1e4, 1e-4, -1e4]  # float32 would lose the small one
    merged = average_weights([{"w": torch.tensor([value])} for value in values])
    assert merged["w"].dtype == torch.float32
    assert merged["w"].item() == pytest.approx(1e-4 / 3, rel=1e-6)
    half = average_weights([{"w": torch.tensor([1.0], dtype=torch.bfloat16)}] * 2)
    assert half["w"].dtype == torch.bfloat16


def test_merge_with_weights():
    states = [{"w": torch.tensor([0.0])}, {"w": torch.tensor([4.0])}]
    assert average_weights(states, [0.75, 0.25])["w"].item() == average_weights(states, [3, 1])["w"].item() == 1.0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"a": torch.zeros(2), "b": torch.zeros(1), "c": torch.zeros(1)}, "only one of them has 'c'"),
        ({"a": torch.zeros(2)}, "only one of them has 'b'"),
        ({"a": torch.zeros(1, 2), "b": torch.zeros(1)}, r"'a' is \(2,\) in one and \(1, 2\) in the other"),
    ],
)
def test_models_that_do_not_fit_are_refused(other, message):
    with pytest.raises(InputError, match=message):
        average_weights([{"a": torch.zeros(2), "b": torch.zeros(1)}, other])


def test_bad_weights_are_refused():
    state = {"w": torch.zeros(1)}
    for weights in ([1.0], [1.0, -1.0]):
        with pytest.raises(InputError, match="for 2 models"):
            average_weights([state, state], weights)
    with pytest.raises(InputError, match="no weights"):
        average_weights([])


# -- pairs

CHOSEN = ("right, 10", 10, True)


def test_dpo_pairs_obey_the_rule():
    longer_wrong, same_wrong, shorter_wrong = ("wrong", 11, False), ("wrong", 10, False), ("wrong", 3, False)
    at_ratio, below_ratio, beyond = ("right", 15, True), ("right", 14, True), ("right", 40, True)
    answers = [at_ratio, longer_wrong, same_wrong, CHOSEN, below_ratio, shorter_wrong, beyond]
    assert dpo_pair(answers) == [(CHOSEN, at_ratio), (CHOSEN, longer_wrong), (CHOSEN, beyond)]
    assert dpo_pair(answers, ratio=2.0) == [(CHOSEN, longer_wrong), (CHOSEN, beyond)]


def test_the_ratio_is_met_exactly():
    assert dpo_pair([CHOSEN, ("right", 11, True)], ratio=1.1)  # 1.1 * 10 > 11 in floating point
    assert dpo_pair([("right", 7, True), ("right", 10, True)]) == []
    assert dpo_pair([("right", 7, True), ("right", 11, True)])


def test_no_pair_without_a_correct_answer_or_without_a_longer_one():
    assert dpo_pair([("wrong", 5, False), ("wrong", 50, False)]) == []
    assert dpo_pair([CHOSEN]) == dpo_pair([CHOSEN, CHOSEN]) == dpo_pair([]) == []
    assert dpo_pair([CHOSEN, CHOSEN], ratio=1.0) == []  # the chosen one is no negative of itself


def test_shortest_correct():
    answers = [("wrong", 2, False), ("a", 9, True), ("b", 5, True), ("c", 5, True)]
    assert shortest_correct(answers) == ("b", 5, True)  # the first of two
    assert shortest_correct(answers[:1]) is None
    assert shortest_correct([]) is None
