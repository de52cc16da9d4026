"""Which of RL's checkpoints becomes the long model."""

import pytest

from data.errors import InputError
from stages.kimi_k15.checkpoint_choice import best_balance


def test_the_fewest_tokens_among_those_near_the_best():
    accuracies, tokens = [0.50, 0.70, 0.69, 0.68], [10.0, 40.0, 30.0, 35.0]
    assert best_balance(accuracies, tokens, max_accuracy_loss=0.02) == 2
    assert best_balance(accuracies, tokens, max_accuracy_loss=0.0) == 1
    assert best_balance(accuracies, tokens, max_accuracy_loss=0.5) == 0


def test_of_equals_the_later_one():
    assert best_balance([0.5, 0.5, 0.5], [20.0, 10.0, 10.0], 0.0) == 2


def test_one_checkpoint_is_the_best():
    assert best_balance([0.0], [5.0], 0.0) == 0


@pytest.mark.parametrize(("accuracies", "tokens"), [([], []), ([0.5], [])])
def test_without_a_checkpoint_there_is_no_choice(accuracies, tokens):
    with pytest.raises(InputError, match="one each checkpoint"):
        best_balance(accuracies, tokens, 0.0)
