"""Which prompts are drawn: frequencies, phases, and the same draws after a resume."""

import json
from collections import Counter

import pytest

from data.errors import InputError
from stages.core.sampling.prompt_choice import PromptSampler, Strategy

RATES = [index / 19 for index in range(20)]
STRATEGIES = Strategy.__args__


def sampler(strategy, rates=RATES, iterations=10, prompts=4, **settings):
    return PromptSampler(rates, strategy, 3, iterations, prompts, **settings)


def chi_square(counts, expected):
    return sum((counts[index] - value) ** 2 / value for index, value in expected.items() if value)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_prompts_of_an_iteration_are_distinct(strategy):
    drawing = sampler(strategy, warm_up_fraction=0.5, hard_threshold=0.3)
    for _ in range(15):  # past the last iteration too
        drawn = drawing.draw()
        assert len(drawn) == len(set(drawn)) == 4 and set(drawn) <= set(range(20))


def test_uniform_frequencies():
    drawing = sampler("uniform", prompts=2)
    counts = Counter(index for _ in range(2_000) for index in drawing.draw())
    assert chi_square(counts, dict.fromkeys(range(20), 200)) < 43.8  # 0.1 % point of chi-square with 19 degrees


def test_prioritised_frequencies_follow_one_minus_s():
    rates = [0.0, 0.25, 0.5, 0.75, 1.0]
    drawing = sampler("prioritised", rates, prompts=1)
    counts = Counter(drawing.draw()[0] for _ in range(5_000))
    assert counts[4] == 0
    assert chi_square(counts, {0: 2_000, 1: 1_500, 2: 1_000, 3: 500}) < 16.3  # 0.1 % point, 3 degrees


def test_prioritised_draws_of_several_are_successive():
    drawing = sampler("prioritised", [0.0, 0.5, 0.5], prompts=2)
    pairs = Counter(tuple(drawing.draw()) for _ in range(4_000))
    # weights 1, 1/2, 1/2: first 0 (1/2) then 1 or 2 alike; first 1 (1/4) then 0 (2/3) or 2 (1/3)
    expected = {
        (0, 1): 1_000,
        (0, 2): 1_000,
        (1, 0): 2_000 / 3,
        (1, 2): 1_000 / 3,
        (2, 0): 2_000 / 3,
        (2, 1): 1_000 / 3,
    }
    assert chi_square(pairs, expected) < 20.5  # 0.1 % point, 5 degrees


def test_prioritised_follows_what_is_learnt():
    drawing = sampler("prioritised", [0.0, 0.0], prompts=1)
    drawing.update(0, 1.0)
    assert {drawing.draw()[0] for _ in range(50)} == {1}
    drawing.update(0, 0.0)
    drawing.update(1, 0.75)
    counts = Counter(drawing.draw()[0] for _ in range(2_000))
    assert chi_square(counts, {0: 1_600, 1: 400}) < 10.8  # 0.1 % point, 1 degree


def test_solved_prompts_are_alike_and_come_last():
    drawing = sampler("prioritised", [1.0] * 4, prompts=1)
    counts = Counter(drawing.draw()[0] for _ in range(2_000))
    assert chi_square(counts, dict.fromkeys(range(4), 500)) < 16.3
    drawing = sampler("prioritised", [1.0, 1.0, 0.9, 1.0], prompts=2)
    assert all(drawing.draw()[0] == 2 for _ in range(20))


def test_momentum_keeps_a_share_of_the_old_rate():
    drawing = sampler("prioritised", [0.5, 0.5, 0.5, 0.5], momentum=0.75)
    drawing.update(2, 1.0)
    assert drawing.success == pytest.approx([0.5, 0.5, 0.625, 0.5], abs=1e-6)


def test_easy_to_hard():
    drawing = sampler("easy_to_hard", iterations=5)
    means = [sum(RATES[index] for index in drawing.draw()) / 4 for _ in range(7)]
    assert means == sorted(means, reverse=True)
    assert means[0] == pytest.approx((19 + 18 + 17 + 16) / 19 / 4, abs=1e-6)
    assert means[4:] == pytest.approx([(0 + 1 + 2 + 3) / 19 / 4] * 3, abs=1e-6)


@pytest.mark.parametrize("strategy", ["curriculum", "curriculum_prioritised"])
def test_curriculum_switches_from_all_to_hard(strategy):
    drawing = sampler(strategy, iterations=40, warm_up_fraction=0.5, hard_threshold=6 / 19)
    warm = Counter(index for _ in range(20) for index in drawing.draw())
    assert max(warm) > 15 and len(warm) > 15
    later = Counter(index for _ in range(30) for index in drawing.draw())
    assert set(later) == set(range(7))


def test_warm_up_is_uniform_before_prioritised_draws_too():
    drawing = sampler("curriculum_prioritised", [0.0, 0.5, 1.0], iterations=3_000, prompts=1, warm_up_fraction=1.0)
    counts = Counter(drawing.draw()[0] for _ in range(3_000))
    assert chi_square(counts, dict.fromkeys(range(3), 1_000)) < 13.8  # 0.1 % point, 2 degrees


def test_hard_prompts_are_those_of_the_curation():
    drawing = sampler("curriculum", [0.0, 0.1, 0.9, 1.0], prompts=2, hard_threshold=0.5)
    drawing.update(0, 1.0)
    assert all(set(drawing.draw()) == {0, 1} for _ in range(10))


def test_prioritised_among_the_hard():
    drawing = sampler("curriculum_prioritised", [0.0, 0.5, 0.5, 0.9], prompts=1, hard_threshold=0.5)
    counts = Counter(drawing.draw()[0] for _ in range(2_000))
    assert counts[3] == 0
    assert chi_square(counts, {0: 1_000, 1: 500, 2: 500}) < 13.8  # 0.1 % point, 2 degrees


def test_too_few_hard_prompts_are_joined_by_the_next_hardest():
    drawing = sampler("curriculum", [0.9, 0.1, 0.8, 1.0], prompts=3, hard_threshold=0.5)
    assert set(drawing.draw()) == {0, 1, 2}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("stop", [0, 3, 6])
def test_resume_gives_the_same_draws(strategy, stop):
    def iterations(drawing, number):
        draws = []
        for _ in range(number):
            draws.append(drawing.draw())
            for index in draws[-1]:
                drawing.update(index, (index * 7 + drawing.iteration) % 5 / 4)
        return draws

    settings = {"warm_up_fraction": 0.4, "hard_threshold": 0.5, "momentum": 0.5}
    whole = iterations(sampler(strategy, **settings), 10)
    first = sampler(strategy, **settings)
    begun = iterations(first, stop)
    saved = json.dumps(first.state())
    iterations(first, 1)  # lost in the crash
    second = sampler(strategy, **settings)
    second.restore(json.loads(saved))
    assert begun + iterations(second, 10 - stop) == whole


def test_bad_settings_are_refused():
    with pytest.raises(InputError, match="takes 4 prompts but there are 2"):
        sampler("uniform", [0.5, 0.5])
    with pytest.raises(InputError, match="'random', where uniform, easy_to_hard"):
        sampler("random")
    with pytest.raises(InputError, match="the saved sampler has 20 prompts, this one 4"):
        sampler("uniform", [0.5] * 4).restore(sampler("uniform").state())
