import pytest

from stages.core.rewards.length_reward import length_rewards


@pytest.mark.parametrize(
    ("lengths", "correct", "expected"),
    [
        ([10, 20, 30], [True, True, True], [0.5, 0.0, -0.5]),
        ([10, 20, 30], [False, False, False], [0.0, 0.0, -0.5]),  # all wrong: never rewarded
        ([10, 15, 25, 30], [False, True, False, True], [0.0, 0.25, -0.25, -0.5]),
        ([30, 10], [True, False], [-0.5, 0.0]),  # the shortest is wrong, and still the minimum
        ([10, 10, 30], [True, False, True], [0.5, 0.0, -0.5]),  # a tie for the shortest
        ([10, 30, 30], [True, True, False], [0.5, -0.5, -0.5]),  # a tie for the longest
        ([20, 20, 20], [True, False, True], [0.0, 0.0, 0.0]),  # all alike
        ([7], [True], [0.0]),
        ([7], [False], [0.0]),
        ([], [], []),
        ([0, 4], [True, True], [0.5, -0.5]),
        ([1, 2, 4], [True, True, True], [0.5, 0.5 - 1 / 3, -0.5]),
    ],
)
def test_length_rewards(lengths, correct, expected):
    assert length_rewards(lengths, correct) == pytest.approx(expected, abs=1e-6)


def test_lengths_are_tokens_whatever_the_script(tokenizer):
    """As many tokens, the same reward: a Chinese text has fewer characters and gains nothing by that."""
    texts = {"en": "first 3+4=7, then 7-2=5", "zh": "先3+4=7,再7-2=5"}
    tokens = {language: len(tokenizer(text)["input_ids"]) for language, text in texts.items()}
    english = length_rewards([tokens["en"], tokens["en"] + 10], [True, True])
    chinese = length_rewards([tokens["zh"], tokens["zh"] + 10], [True, True])
    assert english == chinese == [0.5, -0.5]


def test_every_sample_needs_a_verdict():
    with pytest.raises(ValueError, match="2 lengths but 1 verdicts"):
        length_rewards([1, 2], [True])
