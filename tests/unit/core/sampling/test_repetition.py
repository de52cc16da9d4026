import random

import pytest
import torch

from stages.core.sampling.repetition import RepetitionStopping, first_repetition, repeats


@pytest.mark.parametrize(
    ("ids", "ngram", "times", "expected"),
    [
        ([5, 5, 5], 1, 3, True),
        ([5, 5], 1, 3, False),
        ([1, 5, 5, 5], 1, 3, True),
        ([5, 5, 5, 1], 1, 3, False),  # only the end counts
        ([1, 2, 1, 2, 1, 2], 2, 3, True),
        ([1, 2, 1, 2, 1, 2], 1, 3, False),  # the period is longer than ngram
        ([1, 2, 1, 2, 1, 2], 4, 3, True),  # any period up to ngram
        ([2, 1, 2, 1, 2], 2, 3, False),  # two and a half times
        ([9, 1, 2, 3, 1, 2, 3], 3, 2, True),
        ([9, 1, 2, 3, 1, 2, 4], 3, 2, False),
        ([7, 7, 7, 7], 2, 2, True),
        ([], 3, 2, False),
        ([1], 3, 2, False),
    ],
)
def test_repeats(ids, ngram, times, expected):
    assert repeats(ids, ngram, times) is expected
    stopping = RepetitionStopping(2, ngram, times)
    batch = torch.tensor([[5, 5, *ids]], dtype=torch.long)  # the prompt does not count
    assert stopping(batch, None).tolist() == [expected]


def test_batch_agrees_with_the_list():
    rng = random.Random(0)
    batch = [[rng.randint(0, 1) for _ in range(15)] for _ in range(200)]
    for ngram, times in ((1, 4), (2, 3), (3, 2), (5, 3)):
        stop = RepetitionStopping(3, ngram, times)(torch.tensor(batch), None)
        assert stop.dtype == torch.bool and stop.shape == (200,)
        assert stop.tolist() == [repeats(ids[3:], ngram, times) for ids in batch]
        assert 0 < stop.sum() < 200


def test_generation_stops_at_the_repetition(model):
    from transformers import StoppingCriteriaList

    prompts = torch.tensor([[7, 8, 9], [9, 8, 7]])
    model.lm_head.weight.data.zero_()  # greedy decoding says token 0 for ever
    criteria = StoppingCriteriaList([RepetitionStopping(3, 2, 4)])
    output = model.generate(prompts, max_new_tokens=30, do_sample=False, stopping_criteria=criteria)
    assert output.shape[1] == 3 + 4


@pytest.mark.parametrize(("ngram", "times"), [(0, 2), (1, 1), (3, 0)])
def test_bad_settings_are_refused(ngram, times):
    with pytest.raises(ValueError, match="ngram >= 1 and times >= 2"):
        repeats([1, 2], ngram, times)
    with pytest.raises(ValueError, match="ngram >= 1 and times >= 2"):
        RepetitionStopping(0, ngram, times)


def test_the_first_repetition_is_where_repeats_first_holds():
    rng = random.Random(4)
    found = 0
    for _ in range(400):
        ids = [rng.randint(1, 3) for _ in range(rng.randint(0, 14))]
        ngram, times = rng.randint(1, 4), rng.randint(2, 4)
        expected = next((end for end in range(1, len(ids) + 1) if repeats(ids[:end], ngram, times)), len(ids))
        assert first_repetition(ids, ngram, times) == expected, (ids, ngram, times)
        found += expected < len(ids)
    assert found > 100
