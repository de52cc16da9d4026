"""Verdicts on claims, against values computed by hand."""

import numpy as np
import pytest

from stages.core.allowed.claims import Claim
from stages.evaluation.claims import (
    CANNOT,
    NOT_REPRODUCED,
    REPRODUCED,
    Question,
    aligned,
    difference,
    gains,
    level,
    lies,
    over_curves,
    rank_correlation,
    ranks,
    taken,
    verdict,
)
from stages.evaluation.estimators import Estimate


def answers(*seeds, shared=False, keys=None):
    """(questions,) values of each seed -> what a series answers; shared: of a checkpoint that all seeds share."""
    return {
        "" if shared else f"seed{number}": {
            Question("set", f"q{place}"): (float(value), keys[place] if keys else f"q{place}")
            for place, value in enumerate(values)
        }
        for number, values in enumerate(seeds, 1)
    }


class Found:
    """What was measured: (checkpoint, metric) -> answers, (stage, metric) -> curves."""

    def __init__(self, **values):
        self.values = values

    def answers(self, series):
        return self.values[f"{series.checkpoint}/{series.metric}"]

    def curves(self, stage, metric):
        return self.values[f"{stage}/{metric}"]


def claim(*tests):
    return Claim(statement="it is so", source="Table 1", tests=list(tests))


def judged(test, **values):
    found = Found(**{name.replace("__", "/"): value for name, value in values.items()})
    return verdict(claim(test), found)


def test_a_difference_is_paired_by_question_and_seed():
    effect, by_seed, questions = difference(answers([1, 1, 0], [1, 0, 1]), answers([0, 1, 0], [0, 0, 0]))
    assert effect.value == pytest.approx((1 + 0 + 0 + 1 + 0 + 1) / 6, abs=1e-9)
    assert by_seed == pytest.approx({"seed1": 1 / 3, "seed2": 2 / 3}, abs=1e-9)
    assert questions == 3
    # all questions gain the same: no spread, however hard each is
    effect, _, _ = difference(answers([0.5, 0.9, 0.1]), answers([0.4, 0.8, 0.0]))
    assert effect == pytest.approx((0.1, 0.1, 0.1), abs=1e-9)


def test_over_counts_as_often_as_the_test_says():
    effect, by_seed, _ = difference(answers([0.9, 0.7]), answers([1.0, 1.0]), times=0.85)
    assert effect.value == pytest.approx(0.8 - 0.85, abs=1e-9)
    assert by_seed == pytest.approx({"seed1": -0.05}, abs=1e-9)


def test_what_all_seeds_share_stands_beside_each():
    base = answers([0, 1], shared=True)
    effect, by_seed, _ = difference(answers([1, 1], [1, 0]), base)
    assert effect.value == pytest.approx(0.25, abs=1e-9) and by_seed == pytest.approx({"seed1": 0.5, "seed2": 0.0})
    effect, by_seed, _ = difference(base, answers([1, 1], [1, 0]))
    assert by_seed == pytest.approx({"seed1": -0.5, "seed2": 0.0})
    # of two shared ones, the interval over questions alone
    effect, by_seed, _ = difference(answers([1, 1], shared=True), base)
    assert list(by_seed) == [""] and effect.low < effect.high


def test_the_seeds_are_matched_by_label_not_by_place():
    first = answers([1, 1], [0, 0])
    turned = dict(reversed(answers([1, 1], [0, 0]).items()))
    assert difference(first, turned)[0] == pytest.approx((0, 0, 0), abs=1e-12)


def test_a_question_that_one_side_or_seed_lacks_is_left_out():
    of, over = answers([1, 1, 0], [1, 1, 0]), answers([0, 0, 0], [0, 0, 0])
    del over["seed2"][Question("set", "q2")]
    effect, _, questions = difference(of, over)
    assert questions == 2 and effect.value == pytest.approx(1, abs=1e-9)
    with pytest.raises(ValueError, match="no question"):
        difference(answers([1]), {"seed1": {Question("set", "another"): (1.0, "another")}})


def test_other_seeds_are_refused():
    with pytest.raises(ValueError, match="the same seeds"):
        difference(answers([1], [1]), answers([1]))


def test_wordings_of_one_content_are_drawn_together():
    values, keys = [1, 1, 1, 0, 0, 0], ["a", "a", "a", "b", "b", "b"]
    together, _, _ = level(answers(values, keys=keys))
    assert (together.low, together.high) == (0, 1)  # two contents: a mean of 0 or 1 in a quarter of the samples each
    alone, _, _ = level(answers(values))
    assert alone.low > 0


def test_gains_is_a_difference_of_differences():
    before, after = answers([0.2, 0.4], shared=True), answers([0.8, 0.6], [0.6, 0.6])
    effect, by_seed, _ = gains((before, after), (answers([0.5, 0.5], shared=True), answers([0.7, 0.7], [0.5, 0.5])))
    assert by_seed == pytest.approx({"seed1": 0.4 - 0.2, "seed2": 0.3 - 0.0}, abs=1e-9)
    assert effect.value == pytest.approx(0.25, abs=1e-9)


def test_aligned_takes_the_keys_of_the_common_questions():
    one = answers([1, 2, 3], keys=["a", "b", "c"])
    del one["seed1"][Question("set", "q1")]
    seeds, keys, ((values,),) = aligned([one])
    assert (seeds, keys) == (["seed1"], [["a", "c"]]) and values.tolist() == [[1, 3]]


def test_data_sets_count_alike():
    small, large = {Question("small", "q"): (1.0, "q")}, {Question("large", f"q{n}"): (0.0, f"q{n}") for n in range(9)}
    effect, by_seed, questions = level({"seed1": small | large})
    assert effect == pytest.approx((0.5, 0.5, 0.5)) and by_seed == {"seed1": 0.5} and questions == 10


@pytest.mark.parametrize(
    ("interval", "bound", "limit", "holds", "reason"),
    [
        ((0.06, 0.051, 0.07), "above", 0.05, True, ""),
        ((0.06, 0.05, 0.07), "above", 0.05, False, "undecided"),  # touching is not enough
        ((0.06, 0.04, 0.07), "above", 0.05, False, "undecided"),
        ((0.03, 0.02, 0.05), "above", 0.05, False, "on the other side"),
        ((0.0, 0.0, 0.0), "above", 0.0, False, "on the other side"),  # what never changes did not rise
        ((-0.06, -0.07, -0.051), "below", -0.05, True, ""),
        ((-0.06, -0.07, -0.05), "below", -0.05, False, "undecided"),
        ((0.1, -0.01, 0.2), "below", -0.05, False, "on the other side"),
        ((0.0, -0.019, 0.019), "within", 0.02, True, ""),
        ((0.0, -0.02, 0.01), "within", 0.02, False, "undecided"),
        ((0.0, -0.01, 0.02), "within", 0.02, False, "undecided"),
        ((0.03, 0.02, 0.05), "within", 0.02, False, "on the other side"),
        ((-0.03, -0.05, -0.02), "within", 0.02, False, "on the other side"),
    ],
)
def test_where_an_interval_lies(interval, bound, limit, holds, reason):
    found, said = lies(Estimate(*interval), bound, limit)
    assert found is holds and reason in said and bool(said) is not holds


def test_numbers_of_a_curve():
    points = [(30.0, 0.5), (10.0, 0.1), (20.0, 0.9), (40.0, 0.7)]  # by step, not by place
    assert taken(points, "last") == pytest.approx(0.7)
    assert taken(points, "last", 2) == pytest.approx(0.6)
    assert taken(points, "mean") == pytest.approx(0.55)
    assert taken(points, "rise") == pytest.approx(0.6)
    assert taken(points, "rise", 2) == pytest.approx(0.6 - 0.5)
    assert taken(points, "peak") == pytest.approx(0.9 - 0.1)
    assert taken(points, "peak", 2) == pytest.approx(0.7 - 0.5)
    assert taken([(0.0, 0.9), (1.0, 0.4)], "peak") == 0  # that falls from the start
    assert taken(points, "fall") == pytest.approx(0.7 - 0.9)
    assert taken(points, "fall", 2) == pytest.approx(0.6 - 0.7)  # windows: .5, .7, .6
    with pytest.raises(ValueError, match="4 points, needed are 6"):
        taken(points, "rise", 3)
    with pytest.raises(ValueError, match="0 points"):
        taken([], "mean")


def test_ranks_and_their_correlation():
    assert ranks([3, 1, 2, 1]).tolist() == [3, 0.5, 2, 0.5]
    steps = range(5)
    rising, squares = [(s, s) for s in steps], [(s, s * s) for s in steps]
    assert rank_correlation(rising, squares) == pytest.approx(1)
    assert rank_correlation(rising, [(s, -s) for s in steps]) == pytest.approx(-1)
    assert rank_correlation(rising, [(s, 7) for s in steps]) == 0
    # ranks 0 1 2 3 against 1 0 3 2: 1 - 6 * 4 / (4 * 15)
    assert rank_correlation(rising[:4], [(0, 5), (1, 4), (2, 9), (3, 8)]) == pytest.approx(0.6)
    # only the steps that both have
    assert rank_correlation(rising, [(s, -s) for s in steps if s > 1] + [(9, 9)]) == pytest.approx(-1)
    with pytest.raises(ValueError, match="share 2 steps"):
        rank_correlation(rising, squares[:2])


def test_an_interval_over_curves_is_over_seeds_alone():
    found = over_curves({"seed1": 0.1, "seed2": 0.2, "seed3": 0.6})
    assert found.effect == pytest.approx((0.3, 0.1, 0.6), abs=1e-9) and found.questions is None


ALIKE = np.linspace(0.2, 0.8, 50)


def test_verdicts():
    base, better = answers(ALIKE, shared=True), answers(ALIKE + 0.1, ALIKE + 0.12, ALIKE + 0.11)
    values = {"base__pass@1": base, "rl__pass@1": better}
    test = {"kind": "difference", "of": "rl", "over": "base", "above": 0.05}
    said = judged(test, **values)
    assert said.verdict == REPRODUCED and said.reason == ""
    assert said.outcomes[0].measure.effect == pytest.approx((0.11, 0.1, 0.12), abs=1e-9)
    said = judged(test | {"above": 0.11}, **values)
    assert said.verdict == NOT_REPRODUCED and said.reason.startswith("reasoning pass@1: rl minus base: ")
    assert said.reason.endswith("undecided: its interval holds the bound")
    assert judged(test | {"of": "base", "over": "rl"}, **values).reason.endswith("lies on the other side")
    assert judged({"kind": "level", "of": "rl", "above": 0.5}, **values).verdict == REPRODUCED


def test_one_seed_has_an_interval_over_questions():
    values = {"base__pass@1": answers([0, 0, 1] * 9, shared=True), "rl__pass@1": answers([0, 1, 1] * 9)}
    said = judged({"kind": "difference", "of": "rl", "over": "base", "above": 0.0}, **values)
    assert said.verdict == REPRODUCED and said.outcomes[0].measure.by_seed == pytest.approx({"seed1": 1 / 3})


def test_an_order_needs_each_neighbour():
    values = {
        f"{name}__pass@1": answers(ALIKE + step, ALIKE + step) for name, step in (("a", 0.2), ("b", 0.1), ("c", 0))
    }
    assert judged({"kind": "order", "of": ["a", "b", "c"]}, **values).verdict == REPRODUCED
    said = judged({"kind": "order", "of": ["a", "c", "b"], "by": 0.05}, **values)
    assert said.verdict == NOT_REPRODUCED and [found.holds for found in said.outcomes] == [True, False]
    assert "pass@1: c minus b: " in said.reason
    assert judged({"kind": "order", "of": ["a", "b", "c"], "by": 0.1}, **values).verdict == NOT_REPRODUCED


def test_all_tests_must_hold_and_any_one_of_any():
    values = {"a__pass@1": answers(ALIKE + 0.1), "b__pass@1": answers(ALIKE)}
    up = {"kind": "difference", "of": "a", "over": "b", "above": 0.05}
    down = {"kind": "difference", "of": "b", "over": "a", "above": 0.05}
    found = Found(**{name.replace("__", "/"): value for name, value in values.items()})
    assert verdict(claim(up, down), found).verdict == NOT_REPRODUCED
    said = verdict(claim({"kind": "any", "tests": [down, up]}), found)
    assert said.verdict == REPRODUCED and [part.holds for part in said.outcomes] == [False, True]
    said = verdict(claim({"kind": "any", "tests": [down, down]}), found)
    assert said.verdict == NOT_REPRODUCED and said.reason.count("other side") == 2
    both = {"kind": "all", "tests": [up, down]}
    said = verdict(claim({"kind": "any", "tests": [both, down]}), found)
    assert said.verdict == NOT_REPRODUCED and len(said.outcomes) == 3
    assert verdict(claim({"kind": "any", "tests": [both, up]}), found).verdict == REPRODUCED
    assert verdict(claim({"kind": "all", "tests": [up, up]}), found).verdict == REPRODUCED


def test_gains_and_two_metrics_of_one_checkpoint():
    values = {
        "base__pass@1": answers(ALIKE, shared=True), "rl__pass@1": answers(ALIKE + 0.2, ALIKE + 0.2),
        "base__pass@k": answers(ALIKE + 0.2, shared=True), "rl__pass@k": answers(ALIKE + 0.25, ALIKE + 0.25),
    }  # fmt: skip
    test = {"kind": "gains", "from": "base", "to": "rl", "of": {"metric": "pass@1"}, "over": {"metric": "pass@k"}}
    said = judged(test | {"above": 0.1}, **values)
    assert said.verdict == REPRODUCED and said.outcomes[0].measure.effect.value == pytest.approx(0.15, abs=1e-9)
    test = {"kind": "difference", "of": {"metric": "pass@k"}, "over": {"metric": "pass@1"}}
    of_rl = {side: {"checkpoint": "rl", **test[side]} for side in ("of", "over")}
    assert judged(test | of_rl | {"within": 0.06}, **values).verdict == REPRODUCED


def test_curves_and_correlations():
    def curve(*ends):
        return {f"seed{number}": [(0.0, 0.2), (1.0, 0.3), (2.0, end)] for number, end in enumerate(ends, 1)}

    values = {"rl__acc": curve(0.5, 0.6), "other__acc": {"": [(0.0, 0.2), (1.0, 0.2), (2.0, 0.3)]}}
    rise = {"kind": "curve", "metric": "acc", "of": "rl", "take": "rise"}
    said = judged(rise | {"above": 0.2}, **values)
    assert said.verdict == REPRODUCED and said.outcomes[0].measure.questions is None
    assert said.outcomes[0].measure.by_seed == pytest.approx({"seed1": 0.3, "seed2": 0.4})
    said = judged(rise | {"over": "other", "above": 0.25}, **values)
    assert (
        said.outcomes[0].measure.by_seed == pytest.approx({"seed1": 0.2, "seed2": 0.3})
        and said.verdict == NOT_REPRODUCED
    )
    said = judged({"kind": "correlation", "of": "rl", "first": "acc", "second": "acc", "above": 0.9}, **values)
    assert said.verdict == REPRODUCED


def test_what_cannot_be_tested_says_why():
    said = verdict(Claim(statement="it is so", source="Table 1", cannot="too small"), Found())
    assert said == (CANNOT, "too small", [])
