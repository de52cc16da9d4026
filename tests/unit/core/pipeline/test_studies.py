"""Claims in a study's file: what they may say, and what is refused before anything runs."""

from pathlib import Path

import pytest

from data.errors import InputError
from stages.core.allowed.claims import Measured
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.workspace import load_workspace
from tests.studies import GOOD, STUDY, plan_study, recipes_in


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """Plans a study with a test, or another text of the study."""
    recipes_in(tmp_path, monkeypatch)
    return lambda test=GOOD, text=STUDY: plan_study(tmp_path, monkeypatch, text % test if "%s" in text else text)


def test_a_study_knows_its_checkpoints_by_seed(planned):
    study = planned()
    assert study.evaluation.name == "evaluation" and study.seeds == ["seed1", "seed2"]
    found = {name: {seed: stage.name for seed, stage in of.items()} for name, of in study.checkpoints.items()}
    assert found == {
        "base": {"": "base"},
        "rl_slow": {"seed1": "rl_slow_seed1", "seed2": "rl_slow_seed2"},
        "rl_fast": {"seed1": "rl_fast_seed1", "seed2": "rl_fast_seed2"},
    }
    assert [stage.name for stage in study.needed()][0] == "base" and len(study.needed()) == 6


def test_the_numbers_of_samples_are_the_evaluations(planned):
    study = planned("{kind: difference, of: {checkpoint: rl_fast, metric: cons@k}, over: rl_fast, above: 0}")
    majority, single = next(study.claims["faster_is_better"].effects()).sides()
    assert [study.measured(side).metric for side in (majority, single)] == ["cons@4", "pass@1"]
    hot = majority.model_copy(update={"metric": "pass@k (T 1)"})
    assert study.measured(hot).metric == "pass@8 (T 1)"
    assert study.measured(majority.model_copy(update={"metric": "cons@k (T 1)"})).metric == "cons@8 (T 1)"


def test_a_checkpoint_of_two_modes_has_a_mode_and_budgets_are_those_of_the_scale():
    settings = load_workspace({"scale": "tiny"}).studies["qwen3_stages"].evaluation.config["settings"]
    found = all_scripts()["evaluation.evaluate_modes"].model_validate(settings).measured("general_rl")
    assert found[Measured("budget", "cut", "thinking", "middle")] == ("budget", "cut", "thinking", 32)
    assert found[Measured("budget", "cut", "thinking", "most")].budget == 128
    assert Measured("reasoning", "pass@1", "non_thinking") in found and Measured("reasoning", "pass@1") not in found
    of_base = all_scripts()["evaluation.evaluate_modes"].model_validate(settings).measured("base")
    assert Measured("reasoning", "pass@1") in of_base and not any(item.mode or item.budget for item in of_base)


@pytest.mark.parametrize(
    "test",
    [
        "{kind: level, of: rl_fast, metric: language_consistency, below: 0.9}",
        "{kind: difference, of: rl_fast, over: base, benchmark: safety, metric: unsafe_refused, above: 0, times: 0.85}",
        "{kind: gains, from: base, to: rl_fast, of: {metric: greedy}, over: {metric: pass@k (T 1)}, above: 0}",
        "{kind: order, of: [rl_fast, rl_slow, base], by: 0.01}",
        "{kind: curve, of: rl_fast, over: rl_slow, metric: reward, take: rise, ends: 3, above: 0.1}",
        "{kind: curve, of: rl_fast, metric: reward, take: peak, above: 0.1}",
        "{kind: difference, of: rl_fast, over: rl_slow, metric: ece, above: 0}",
        "{kind: level, of: rl_fast, metric: overconfidence, above: 0}",
        "{kind: correlation, of: rl_fast, first: rewards/accuracy/mean, second: completions/mean_length, above: 0.5}",
        f"{{kind: any, tests: [{GOOD}, {{kind: level, of: base, above: 0.1}}]}}",
        f"{{kind: any, tests: [{GOOD}, {{kind: all, tests: [{GOOD}, {GOOD}]}}]}}",
    ],
)
def test_what_a_test_may_be(planned, test):
    assert list(planned(test).claims["faster_is_better"].effects())


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (
            "{kind: difference, of: rl_fas, over: rl_slow, above: 0}",
            "unknown checkpoint `rl_fas`; did you mean `rl_fast`?",
        ),
        ("{kind: difference, of: rl, over: base, above: 0}", "unknown checkpoint `rl`"),
        ("{kind: difference, of: rl_fast_seed1, over: base, above: 0}", "unknown checkpoint `rl_fast_seed1`"),
        ("{kind: level, of: rl_fast, benchmark: resoning, above: 0}", "rl_fast: unknown benchmark `resoning`; did you"),
        ("{kind: level, of: rl_fast, metric: pass@4, above: 0}", "of rl_fast: unknown metric `pass@4`; did you mean"),
        ("{kind: level, of: rl_fast, benchmark: math, metric: ece, above: 0}", "math of rl_fast: unknown metric `ece`"),
        ("{kind: level, of: rl_fast, mode: thinking, above: 0}", "unknown mode `thinking`; allowed: None"),
        ("{kind: level, of: rl_fast, budget: most, above: 0}", "unknown budget `most`; allowed: None"),
        ("{kind: level, of: rl_fast}", "a test has one of `above`, `below` and `within`, found none of them"),
        ("{kind: level, of: rl_fast, above: 0, below: 1}", "found `above` and `below`"),
        ("{kind: level, of: rl_fast, above: .nan}", "`above` is nan"),
        ("{kind: difference, of: base, over: base, above: 0}", "`of` and `over` are the same"),
        ("{kind: difference, of: base, above: 0}", "`over` is missing"),
        ("{kind: difference, of: base, ovr: rl_fast, above: 0}", "unknown key `ovr`; did you mean `over`?"),
        ("{kind: difference, of: base, over: {chekpoint: rl_fast}, above: 0}", "unknown key `chekpoint`; did you mean"),
        ("{kind: diference, of: base, over: rl_fast, above: 0}", "tag 'diference'"),
        ("{of: base, over: rl_fast, above: 0}", "discriminator 'kind'"),
        ("{kind: order, of: [rl_fast]}", "at least 2 items"),
        ("{kind: order, of: [base, base]}", "is there twice"),
        ("{kind: gains, from: base, to: rl_fast, of: {checkpoint: base}, over: {}, above: 0}", "name a metric here"),
        ("{kind: curve, of: rl, metric: reward, take: rise, above: 0}", "unknown stage `rl`"),
        (
            "{kind: curve, of: rl_fast, metric: rewrd, take: rise, above: 0}",
            "rl_fast has no curve `rewrd`; did you mean",
        ),
        (
            "{kind: curve, of: base, metric: reward, take: rise, above: 0}",
            "base has one seed, whose curve has no inter",
        ),
        ("{kind: curve, of: rl_fast, metric: reward, take: top, above: 0}", "`take` is 'top'"),
        ("{kind: any, tests: [{kind: level, of: base, abov: 1}, {kind: level, of: base, above: 1}]}", "mean `above`?"),
    ],
)
def test_what_a_test_may_not_be(planned, test, sentence):
    with pytest.raises(InputError) as raised:
        planned(test)
    assert str(raised.value).startswith("recipes/studies/mine.yaml: claims.faster_is_better")
    assert sentence in str(raised.value)


CLAIM = "    statement: The fast rate is better.\n    source: s.1\n    tests: [%s]"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (STUDY.replace(CLAIM, "    statement: x\n    source: s.1"), "claims.faster_is_better: a claim has `tests`, or"),
        (STUDY.replace(CLAIM, f"{CLAIM}\n    cannot: too small") % GOOD, "a claim has `tests`, or `cannot`"),
        (STUDY.replace("    source: s.1\n", "") % GOOD, "claims.faster_is_better: `source` is missing"),
        (STUDY.replace("  faster_is_better", "  Faster-is") % GOOD, "Faster-is"),
        (STUDY.replace("statement", "statment") % GOOD, "unknown key `statment`; did you mean `statement`?"),
    ],
)  # fmt: skip
def test_what_a_claim_may_not_be(planned, text, sentence):
    with pytest.raises(InputError, match="mine.yaml: claims") as raised:
        planned(text=text)
    assert sentence in str(raised.value)


def test_tests_need_an_evaluation(planned):
    evaluation = "  evaluation: {script: evaluation.evaluate, checkpoints: [base, rl]}\n"
    Path("recipes/elsewhere.yaml").write_text((STUDY % GOOD).partition("claims")[0])  # the scale speaks of evaluations
    with pytest.raises(InputError, match="claims.faster_is_better: the study has no stage that evaluates"):
        planned(text=STUDY.replace(evaluation, "") % GOOD)
    cannot = STUDY.replace(CLAIM, "    statement: x\n    source: s.1\n    cannot: the model is too small")
    study = planned(text=cannot.replace(evaluation, ""))
    assert study.evaluation is None and study.needed() == []


def test_a_name_belongs_to_one_claim(planned):
    planned()
    Path("recipes/studies/other.yaml").write_text(STUDY % GOOD)
    errors = load_workspace({}).errors
    assert "claim_faster_is_better is already the rule of recipes/studies/mine.yaml" in str(errors["other"])
