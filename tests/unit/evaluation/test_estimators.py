from types import SimpleNamespace

import numpy as np
import pytest

from data.text.completion import Completion
from data.world.families import rows
from stages.core.sampling.engine import Decoding
from stages.evaluation.benchmarks import reasoning
from stages.evaluation.estimators import (
    bootstrap_interval,
    cons_at_k,
    estimate,
    expected_calibration_error,
    majority_index,
    mean_over_sets,
    over_seeds,
    paired_difference,
    paired_over_seeds,
    pass_at_k,
    sets_over_seeds,
)
from stages.evaluation.questions import answers_of, answers_to_all, ask
from stages.evaluation.recorder import Recorder, values_of
from stages.evaluation.settings import REASONING, Evaluation
from tests.questions import find

exactly = pytest.approx


def test_pass_at_1_is_the_mean_over_the_samples_of_a_question():
    questions = [{"key": key, "id": f"id {key}"} for key in "abcd"]
    found = values_of(questions, [[1, 0, 0, 1], [0.0, 0.0], [None, None], [1, None, 0, 0]])
    assert found == {0: (0.5, 4, "a", "id a"), 1: (0.0, 2, "b", "id b"), 3: (exactly(1 / 3), 4, "d", "id d")}


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [
        (4, 2, 2, 5 / 6),  # 1 - C(2,2)/C(4,2) = 1 - 1/6
        (10, 3, 4, 5 / 6),  # 1 - C(7,4)/C(10,4) = 1 - 35/210
        (8, 1, 4, 0.5),  # 1 - C(7,4)/C(8,4) = 1 - 35/70
        (5, 2, 1, 0.4),  # k = 1 is the mean
        (5, 0, 5, 0.0),  # nothing right
        (5, 1, 5, 1.0),  # n = k: one right answer is surely drawn
        (5, 0, 1, 0.0),
        (5, 5, 1, 1.0),  # all right
        (5, 3, 3, 1 - 0 / 10),  # n - c < k
        (1, 1, 1, 1.0),
    ],
)
def test_pass_at_k(n, c, k, expected):
    assert pass_at_k(n, c, k) == exactly(expected, abs=1e-6)


def test_pass_at_k_of_many_problems_and_of_large_counts():
    assert pass_at_k(4, [0, 1, 2, 4], 2) == exactly([0, 0.5, 5 / 6, 1], abs=1e-6)
    assert pass_at_k([4, 8], [2, 1], 2) == exactly([5 / 6, 0.25], abs=1e-6)
    assert pass_at_k(10_000, 1, 5_000) == exactly(0.5, abs=1e-9)  # the binomials themselves would overflow


@pytest.mark.parametrize(("n", "c", "k"), [(4, 2, 5), (4, 2, 0), (4, 5, 2), (4, -1, 2), ([4, 2], [1, 1], 3)])
def test_pass_at_k_refuses_impossible_counts(n, c, k):
    with pytest.raises(ValueError, match="pass@k"):
        pass_at_k(n, c, k)


def test_majority_ignores_missing_answers_and_gives_a_tie_to_the_first_seen():
    assert majority_index(["7", "8", "8"]) == 1
    assert majority_index(["8", "7", "7", "8"]) == 0
    assert majority_index([None, None, "3"]) == 2
    assert majority_index([None, None, None, "4", "5", "5"]) == 4
    assert majority_index([None, None]) is None
    assert majority_index([]) is None


def test_cons_at_k():
    answers = [["7", "7", "8"], ["1", "2", None], [None, None, None], ["x"]]
    correct = [[1, 1, 0], [0, 1, 0], [0, 0, 0], [1]]
    assert cons_at_k(answers, correct).tolist() == [1.0, 0.0, 0.0, 1.0]


def test_cons_at_k_refuses_answers_without_verdicts():
    with pytest.raises(ValueError, match="verdicts"):
        cons_at_k([["1"], ["2"]], [[1]])
    with pytest.raises(ValueError, match="verdicts"):
        cons_at_k([["1", "2"]], [[1]])


def test_bootstrap_interval_of_values_that_do_not_vary():
    assert bootstrap_interval([0.25]) == (0.25, 0.25)  # a single problem tells nothing about the spread
    assert bootstrap_interval([0.5] * 40) == exactly((0.5, 0.5), abs=1e-12)


def test_bootstrap_interval_approaches_the_normal_interval():
    values = np.repeat([0.0, 1.0], 200)  # standard error of the mean: 0.5 / sqrt(400) = 0.025
    low, high = bootstrap_interval(values, samples=4000, seed=1)
    assert (low, high) == exactly((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.005)
    narrow = bootstrap_interval(values, samples=4000, seed=1, level=0.5)
    assert low < narrow[0] < 0.5 < narrow[1] < high


def test_bootstrap_interval_is_a_function_of_its_seed():
    values = np.linspace(0, 1, 30)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_bootstrap_interval_with_a_key_for_each_problem_is_that_over_problems():
    values = np.linspace(0, 1, 30) ** 2
    rng = np.random.default_rng(3)
    means = values[rng.integers(30, size=(1000, 30))].mean(axis=1)
    expected = np.quantile(means, [0.025, 0.975])
    assert bootstrap_interval(values, seed=3) == exactly(tuple(expected), abs=1e-12)
    assert bootstrap_interval(values, [f"key {n}" for n in range(30)], seed=3) == bootstrap_interval(values, seed=3)


def test_bootstrap_interval_draws_the_wordings_of_a_content_together():
    # keys a (0, 0) and b (1, 1): the drawn means are 0, 0.5 (twice as often) and 1
    assert bootstrap_interval([0, 1, 0, 1], ["a", "b", "a", "b"]) == (0.0, 1.0)
    assert bootstrap_interval([0.25, 0.75], ["a", "a"]) == (0.5, 0.5)  # one content tells nothing about the spread
    # keys a (0) and b (1, 1, 1): of a and b the mean is 3 / 4, not the 1 / 2 of two contents' means
    rng = np.random.default_rng(0)
    drawn = [{(0, 0): 0.0, (1, 1): 1.0}.get(tuple(pair), 0.75) for pair in rng.integers(2, size=(1000, 2)).tolist()]
    expected = np.quantile(drawn, [0.3, 0.7])
    assert bootstrap_interval([0, 1, 1, 1], list("abbb"), level=0.4) == exactly(tuple(expected), abs=1e-12)
    # 100 contents twice each: as wide as those contents once, by sqrt(2) wider than 200 problems
    values = np.tile([0.0, 1.0], 50)
    once = bootstrap_interval(values, seed=1)
    twice = bootstrap_interval(np.repeat(values, 2), np.repeat(np.arange(100), 2).tolist(), seed=1)
    assert twice == exactly(once, abs=1e-12)
    low, high = bootstrap_interval(np.repeat(values, 2), seed=1)
    assert (once[1] - once[0]) / (high - low) == exactly(2**0.5, rel=0.15)


def test_bootstrap_interval_draws_in_blocks():
    values = np.tile([0.0, 1.0], 200_000)  # five draws a block
    low, high = bootstrap_interval(values, samples=12)
    assert 0.495 < low <= high < 0.505


@pytest.mark.parametrize("values", [[], [[0.5]], [0.5, float("nan")]])
def test_bootstrap_interval_refuses_what_has_no_mean(values):
    with pytest.raises(ValueError):
        bootstrap_interval(values)


def test_estimate_has_the_mean_inside_its_interval():
    value, low, high = estimate([0, 0, 1, 1, 1])
    assert value == exactly(0.6, abs=1e-9)
    assert 0 <= low < value < high <= 1


def test_each_data_set_counts_alike_in_their_mean():
    many, few = np.repeat([0.0, 1.0], [300, 100]), np.repeat([0.0, 1.0], [10, 20])
    found = mean_over_sets([many, few], samples=4000, seed=1)
    assert found.value == exactly((1 / 4 + 2 / 3) / 2, abs=1e-12)
    # variance of the mean of two independent means: (0.1875/400 + 0.2222/30) / 4
    half = 1.96 * ((0.1875 / 400 + (2 / 9) / 30) / 4) ** 0.5
    assert (found.low, found.high) == exactly((found.value - half, found.value + half), abs=0.008)


def test_one_data_set_has_the_estimate_of_its_questions():
    values = np.linspace(0, 1, 30)
    assert mean_over_sets([values], samples=200, seed=3) == estimate(values, samples=200, seed=3)
    assert mean_over_sets([[0.25], [0.75]]) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("sets", [[], [[0.5], []], [[0.5], [float("nan")]]])
def test_mean_over_sets_refuses_what_has_no_mean(sets):
    with pytest.raises(ValueError):
        mean_over_sets(sets)


def test_paired_difference_is_narrower_than_the_single_intervals():
    first = np.tile([0.0, 0.3, 0.9], 50)
    difference = paired_difference(first, first + 0.1)
    assert difference == exactly((0.1, 0.1, 0.1), abs=1e-9)  # every problem gains the same
    assert bootstrap_interval(first)[1] > bootstrap_interval(first + 0.1)[0]  # though the intervals overlap
    assert paired_difference([1.0, 0.0], [0.0, 0.0]).value == exactly(-0.5)
    with pytest.raises(ValueError, match="one shape"):
        paired_difference([1.0], [1.0, 2.0])


def test_paired_difference_is_over_contents_too():
    first, second, keys = [0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0], ["a", "b", "a", "b"]
    # of a: +1 and 0; of b: 0 and -1
    assert paired_difference(first, second, keys) == exactly((0.0, -0.5, 0.5), abs=1e-12)
    assert estimate([0.0, 1.0], ["a", "a"]) == exactly((0.5, 0.5, 0.5), abs=1e-12)
    with pytest.raises(ValueError, match="have keys"):
        paired_difference(first, second, ["a", "b"])


# -- several training seeds


def test_over_seeds_draws_seeds_then_the_same_keys_for_all_of_them():
    """By hand: the drawn seeds' mean of the drawn keys' problems."""
    values = np.array([[0.0, 1.0, 1.0, 0.5], [1.0, 0.25, 0.0, 0.0], [0.5, 0.5, 0.0, 1.0]])
    keys = ["a", "b", "b", "c"]
    rng = np.random.default_rng(5)
    seeds, contents = rng.integers(3, size=(400, 3)), rng.integers(3, size=(400, 3))
    places = [[0], [1, 2], [3]]
    means = [
        values[np.ix_(drawn, [place for content in named for place in places[content]])].mean()
        for drawn, named in zip(seeds, contents, strict=True)
    ]
    expected = values.mean(), *np.quantile(means, [0.05, 0.95])
    assert over_seeds(values, keys, samples=400, seed=5, level=0.9) == exactly(expected, abs=1e-12)


def test_over_seeds_of_seeds_that_differ_and_of_questions_that_do_not():
    # the mean of two drawn seeds is 0 or 1 with a chance of 1/4 each, else 1/2
    apart = [[0.0] * 30, [1.0] * 30]
    assert over_seeds(apart) == exactly((0.5, 0.0, 1.0), abs=1e-12)
    assert over_seeds(apart, level=0.4) == exactly((0.5, 0.5, 0.5), abs=1e-12)
    # seeds that answer alike add nothing to the spread over questions
    values = np.tile([0.0, 1.0], 100)
    alike, one = over_seeds([values] * 3, samples=4000), estimate(values, samples=4000)
    assert (alike.low, alike.high) == exactly((one.low, one.high), abs=0.01)
    # and seeds that differ as much as their questions make it wider
    wide = over_seeds(np.stack([values * 0.4, values, values * 0.6 + 0.4]), samples=4000)
    assert wide.high - wide.low > 2 * (one.high - one.low)


def test_over_seeds_adds_the_variance_of_seeds_to_that_of_questions():
    """Of S seeds with effects e and P questions with effects q: var = var(e) / S + var(q) / P."""
    rng = np.random.default_rng(0)
    effects, questions = rng.normal(0, 0.1, (40, 1)), rng.normal(0, 1, (1, 400))
    found = over_seeds(effects + questions, samples=4000)
    half = 1.96 * (effects.var() / 40 + questions.var() / 400) ** 0.5
    assert (found.low, found.high) == exactly((found.value - half, found.value + half), abs=0.1 * half)


def test_one_seed_has_the_interval_over_keys():
    values, keys = np.linspace(0, 1, 30) ** 2, [f"key {n // 2}" for n in range(30)]
    assert over_seeds([values], keys, samples=200, seed=3) == estimate(values, keys, samples=200, seed=3)
    assert over_seeds([values], keys).low < over_seeds([values], keys).high
    other = values[::-1]
    assert paired_over_seeds([values], [other], keys) == paired_difference(values, other, keys)


@pytest.mark.parametrize("values", [[], [[]], [0.5], [[0.5], [float("nan")]], [[[0.5]]]])
def test_over_seeds_refuses_what_has_no_mean(values):
    with pytest.raises(ValueError):
        over_seeds(values)


def test_over_seeds_refuses_keys_of_others():
    with pytest.raises(ValueError, match="2 problems have values but 3 have keys"):
        over_seeds([[0.0, 1.0]] * 3, ["a", "b", "c"])


def test_paired_over_seeds_pairs_questions_and_seeds():
    first = np.array([[0.0, 1.0, 0.5, 0.0], [1.0, 1.0, 0.0, 0.5]])
    # every question of every seed gains a tenth: no spread at all
    assert paired_over_seeds(first, first + 0.1) == exactly((0.1, 0.1, 0.1), abs=1e-9)
    # seed 1 gains 0.2 everywhere, seed 2 loses 0.4
    second = first + np.array([[0.2], [-0.4]])
    assert paired_over_seeds(first, second) == exactly((-0.1, -0.4, 0.2), abs=1e-9)
    keys = ["a", "a", "b", "b"]
    assert paired_over_seeds(first, second, keys, 50, 7) == over_seeds(second - first, keys, 50, 7)


def test_paired_over_seeds_sets_a_shared_checkpoint_beside_each_seed():
    base, trained = np.array([[0.0, 0.5, 1.0]]), np.array([[0.5, 0.5, 1.0], [1.0, 0.5, 0.0]])
    assert paired_over_seeds(base, trained) == paired_over_seeds(np.repeat(base, 2, axis=0), trained)
    assert paired_over_seeds(trained, base).value == exactly(-(0.5 + 0.0) / 6, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second"),
    [([[0.0, 1.0]] * 2, [[0.0, 1.0]] * 3), ([[0.0, 1.0]], [[0.0]]), ([0.0, 1.0], [0.0, 1.0]), ([0.5], [[0.5]])],
)
def test_paired_over_seeds_refuses_other_seeds_and_problems(first, second):
    with pytest.raises(ValueError, match="same seeds and problems"):
        paired_over_seeds(first, second)


def test_sets_over_seeds_draws_the_seeds_once_and_counts_each_set_alike():
    many, few = np.array([[0.0] * 9, [1.0] * 9]), np.array([[0.5] * 2, [0.0] * 2])
    # with both sets of one drawn seed the means are 1/4, 3/8 and 1/2; drawn apart there would be 0 and 3/4, too
    assert sets_over_seeds([many, few]) == exactly((0.375, 0.25, 0.5), abs=1e-12)
    assert sets_over_seeds([many[:1], few[:1]]) == mean_over_sets([many[0], few[0]])
    with pytest.raises(ValueError, match="same seeds"):
        sets_over_seeds([many, few[:1]])


def test_expected_calibration_error():
    # bin (0.5, 0.6]: accuracy 0.5, confidence 0.55, n 2; bin (0.8, 0.9]: accuracy 1, confidence 0.9, n 2
    assert expected_calibration_error([0.52, 0.58, 0.9, 0.9], [1, 0, 1, 1]) == exactly(0.5 * 0.05 + 0.5 * 0.1, abs=1e-6)
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0.0
    assert expected_calibration_error([1.0], [0]) == 1.0
    assert expected_calibration_error([0.2, 0.6], [1, 0], bins=1) == exactly(0.1, abs=1e-6)  # |0.5 - 0.4|


@pytest.mark.parametrize(("confidence", "correct"), [([], []), ([1.2], [1]), ([float("nan")], [1]), ([0.5], [1, 0])])
def test_expected_calibration_error_refuses_bad_input(confidence, correct):
    with pytest.raises(ValueError):
        expected_calibration_error(confidence, correct)


# -- the reasoning benchmarks of one checkpoint


class Solver:
    """Answers code and Chinese questions right, others wrong."""

    def answer(self, questions, n, decoding, seed, enable_thinking=True, opening=""):
        self.asked.append((questions, n, decoding))
        right = [row["domain"] == "code" or row["language"] == "zh" for row in questions]
        return [
            [Completion(f"<think>first</think> {row['answer'] if ok else '?'}", 5, True, "chat")] * n
            for row, ok in zip(questions, right, strict=True)
        ]

    def __init__(self):
        self.asked = []

    def asked_for(self, task):
        return {(n, decoding) for questions, n, decoding in self.asked for row in questions if row["task"] == task}


def asked_and_reasoned(recorder, engine, questions):
    decoding = Decoding(0.6, 8, 0.95)
    sampled = answers_of(engine, recorder.run.settings, questions, decoding)
    reasoning(recorder, "base", engine, questions, sampled, decoding)


def benchmarks(tasks, count, renamed=None, by_data_set=None, measures=()):
    """(questions, rows of the result by benchmark and metric, the solver).

    renamed: task family -> the public data set that its questions are taken to be of.
    """
    settings = SimpleNamespace(
        samples_per_question=2, pass_k_samples=3, pass_k_questions=20, max_completion_length=8, temperature=0.6,
        top_p=0.95, top_k=0, presence_penalty=0.0, by_data_set=by_data_set or {}, seed=0, bootstrap_samples=10,
        opening="", measures=measures,
    )  # fmt: skip
    recorder = Recorder(SimpleNamespace(settings=settings, recipe="r1", scale="tiny"))
    questions = [row | {"task": (renamed or {}).get(row["task"], row["task"])} for row in rows(tasks, count, "test", 0)]
    solver = Solver()
    asked_and_reasoned(recorder, solver, questions)
    if not by_data_set:
        assert [len(asked) for asked, n, _ in solver.asked if n == 2] == [len(questions)]  # in one call
    results = {(row["benchmark"], row["metric"]): row for row in recorder.results}
    assert len(results) == len(recorder.results)
    return questions, results, solver


def test_reasoning_questions_are_grouped_by_domain():
    tasks = {"equation": 4.0, "expression": 1.0, "code_output": 1.0, "stem_choice": 1.0, "logic": 1.0}
    questions, results, _ = benchmarks(tasks, 60)
    members = {
        "math": ["equation"], "code": ["expression", "code_output"], "stem": ["stem_choice", "logic"],
        "reasoning": list(tasks),
    }  # fmt: skip
    for benchmark, families in members.items():
        asked = [row for row in questions if row["task"] in families]
        for metric in ("pass@1", "cons@2", "pass@2", "greedy", "format_rate", "mean_tokens"):
            assert results[benchmark, metric]["n"] == len(asked) > 5, (benchmark, metric)
        share = sum(row["domain"] == "code" or row["language"] == "zh" for row in asked) / len(asked)
        for metric in ("pass@1", "cons@2", "pass@2", "greedy"):
            assert results[benchmark, metric]["value"] == exactly(share)
    assert results["code", "pass@1"]["value"] == results["chinese", "pass@1"]["value"] == 1.0
    assert results["chinese", "pass@1"]["n"] == sum(row["language"] == "zh" for row in questions)
    assert results["reasoning", "pass@3 (T 1)"]["n"] == len(questions[::3]) and results["math", "greedy"]["k"] == 1
    asked = [row["domain"] == "code" or row["language"] == "zh" for row in questions[::3]]
    for metric, value in {"confidence": 1.0, "cons@3 (T 1)": np.mean(asked), "ece": 1 - np.mean(asked)}.items():
        row = results["reasoning", metric]  # all three samples say the same
        assert (row["value"], row["n"], row["k"]) == (exactly(value), len(asked), 3)
    assert not {("math", "ece"), ("chinese", "confidence")} & results.keys()


def test_what_is_asked_for_is_measured_too():
    asked = ["unsupported", "weak_accuracy"]
    questions, results, _ = benchmarks({"equation": 1.0, "code_output": 1.0}, 40, measures=asked)
    right = [row for row in questions if row["domain"] == "code" or row["language"] == "zh"]
    assert 0 < len(right) < len(questions)
    found = results["reasoning", "unsupported"]
    assert (found["value"], found["n"]) == (1.0, len(right))  # no thought of theirs comes to an answer
    assert results["reasoning", "weak_accuracy"]["value"] == results["reasoning", "pass@1"]["value"]
    assert results["math", "unsupported"]["n"] == sum(row["domain"] == "math" for row in right)
    settings = Evaluation.model_construct(measures=asked, samples_per_question=2, pass_k_samples=3)
    assert all(set(asked) <= settings.by_benchmark()[name].keys() for name in REASONING)
    assert not set(asked) & {metric for _, metric in benchmarks({"equation": 1.0}, 6)[1]}


def test_a_vote_is_for_what_an_answer_says():
    """2+7 and 7+2 together outvote 3+5, which comes first and as often as each."""
    question = find("pair_search", "en", lambda problem: problem.answer == "2+7" and 3 in problem.info["numbers"])
    answers = ["3+5", "2+7", "3+5", "7+2", "2 + 7 = 9"]

    class Voter:
        def answer(self, questions, n, decoding, seed, enable_thinking=True, opening=""):
            texts = answers if n == 5 else answers[:1] * n
            return [[Completion(f"<think>so</think> \\boxed{{{text}}}", 5, True, "chat") for text in texts]]

    settings = SimpleNamespace(
        samples_per_question=5, pass_k_samples=1, pass_k_questions=1, max_completion_length=8, temperature=0.6,
        top_p=0.95, top_k=0, presence_penalty=0.0, by_data_set={}, seed=0, bootstrap_samples=10,
        opening="", measures=[],
    )  # fmt: skip
    recorder = Recorder(SimpleNamespace(settings=settings, recipe="r1", scale="tiny"))
    asked_and_reasoned(recorder, Voter(), [question])
    found = {row["metric"]: row["value"] for row in recorder.results if row["benchmark"] == "math"}
    assert found["cons@5"] == 1.0 and found["pass@1"] == exactly(0.6)


def test_intervals_are_over_contents_and_leave_out_who_has_no_value():
    settings = SimpleNamespace(bootstrap_samples=200, seed=0)
    recorder = Recorder(SimpleNamespace(settings=settings, recipe="r1", scale="tiny"))
    questions = [{"task": "equation", "key": key, "id": str(number)} for number, key in enumerate("acabb")]
    recorder.add_scores("m", "math", "pass@1", questions, [[0.0], [None], [1.0], [0.0], [1.0]])
    recorder.add_scores("m", "math", "nothing", questions, [[None]] * 5)
    (found,) = recorder.results
    assert (found["n"], found["value"], found["low"], found["high"]) == (4, 0.5, 0.5, 0.5)  # each content has 0.5


def test_a_benchmark_without_questions_is_left_out():
    """A scale's mixture need not have every domain."""
    _, results, _ = benchmarks({"equation": 1.0}, 10)
    assert {benchmark for benchmark, _ in results} == {"math", "chinese", "reasoning", "levels"}


PUBLIC = {"arithmetic": "aime_2024", "equation": "math_500", "stem_choice": "gpqa_diamond"}


def test_each_public_data_set_has_rows_of_its_own_and_a_domain_their_mean():
    tasks = {"arithmetic": 1.0, "equation": 6.0, "word_problem": 3.0, "stem_choice": 2.0}
    questions, results, _ = benchmarks(tasks, 60, PUBLIC)

    def right(*tasks):
        return [row["language"] == "zh" for row in questions if row["task"] in tasks]

    sets = {"math_500": right("math_500"), "aime_2024": right("aime_2024"), "world_math": right("word_problem")}
    for name, verdicts in sets.items():
        assert results[name, "pass@1"]["n"] == len(verdicts) > 2
        assert results[name, "pass@1"]["value"] == exactly(np.mean(verdicts))
    assert len(set(map(len, sets.values()))) == 3
    assert results["math", "pass@1"]["value"] == exactly(np.mean([np.mean(part) for part in sets.values()]))
    assert results["math", "pass@1"]["n"] == sum(map(len, sets.values()))
    # The only set of its domain: under its own name, and as the domain's mean.
    assert results["gpqa_diamond", "cons@2"]["value"] == results["stem", "cons@2"]["value"]
    # All reasoning questions, each counting alike.
    everything = right("math_500", "aime_2024", "word_problem", "gpqa_diamond")
    assert results["reasoning", "pass@1"]["value"] == exactly(np.mean(everything))
    assert not any(benchmark.startswith("world_stem") for benchmark, _ in results)


def test_a_data_set_is_asked_as_it_is_in_its_paper():
    own = {"aime_2024": {"samples_per_question": 4, "max_completion_length": 38}, "math_500": {"top_k": 7}}
    tasks = {"arithmetic": 2.0, "equation": 2.0, "expression": 2.0}
    questions, results, solver = benchmarks(tasks, 40, PUBLIC, own)
    sampled = Decoding(0.6, 8, 0.95)
    assert solver.asked_for("aime_2024") >= {(4, Decoding(0.6, 38, 0.95)), (1, Decoding(0, 38)), (3, Decoding(1, 38))}
    assert solver.asked_for("math_500") >= {(2, Decoding(0.6, 8, 0.95, 7)), (1, Decoding(0, 8))}
    assert (2, sampled) in solver.asked_for("expression") and (2, sampled) not in solver.asked_for("aime_2024")
    assert (results["aime_2024", "cons@4"]["k"], results["math_500", "cons@2"]["k"]) == (4, 2)
    assert {("aime_2024", "cons@2"), ("math_500", "cons@4")}.isdisjoint(results)
    # Where the sets differ in k their mean has no cons@k, and pass@1 no one k.
    assert {("math", "cons@2"), ("math", "cons@4"), ("reasoning", "cons@2")}.isdisjoint(results)
    assert results["math", "pass@1"]["k"] is None and results["code", "cons@2"]["k"] == 2
    assert results["reasoning", "pass@1"]["n"] == len(questions) and results["reasoning", "greedy"]["k"] == 1


def test_the_completions_are_in_the_order_of_the_questions_however_they_are_asked():
    questions = [{"task": task, "number": number} for number, task in enumerate(["a", "b", "a", "c", "b"])]
    calls = []

    def answer(alike, samples, decoding):
        calls.append([row["number"] for row in alike])
        return [[row["number"]] * samples for row in alike]

    found = ask(questions, lambda row: (2 if row["task"] == "b" else 1, Decoding(0, 4)), answer)
    assert found == [[0], [1, 1], [2], [3], [4, 4]] and calls == [[0, 2, 3], [1, 4]]
    assert ask([], lambda row: (1, Decoding(0, 4)), answer) == []


def test_sets_that_are_asked_alike_are_asked_in_one_call():
    settings = SimpleNamespace(samples_per_question=2, by_data_set={}, seed=0, opening="")
    sets = {name: rows({name: 1.0}, count, "test", 0) for name, count in (("equation", 3), ("logic", 0), ("facts", 2))}
    solver = Solver()
    found = answers_to_all(solver, settings, sets, Decoding(0.6, 8))
    assert {name: len(answers) for name, answers in found.items()} == {"equation": 3, "logic": 0, "facts": 2}
    assert found == {name: answers_of(solver, settings, rows, Decoding(0.6, 8)) for name, rows in sets.items()}
    assert [len(asked) for asked, *_ in solver.asked] == [5, 3, 2]
