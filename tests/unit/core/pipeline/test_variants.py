"""Seeds and arms: what is made of a stage, from what it is made, and what a scale may say of it."""

import re
from pathlib import Path

import pytest

from data.errors import InputError
from stages.core.pipeline.recipe import load_recipe
from stages.core.pipeline.scale import load_scale
from stages.core.pipeline.variants import axes_of_seeds, matching, variants
from stages.core.pipeline.workspace import resolve

SCALE = """
description: for tests
bases:
  base: {hidden_size: 64, layers: 1, heads: 2, key_value_heads: 1, feed_forward_size: 64, vocabulary_size: 400,
         mixture: {arithmetic: 1}, steps: 1, batch_size: 2, matrix_learning_rate: 0.02,
         learning_rate: 0.001, max_length: 16}
kinds:
  sft: {epochs: 1, learning_rate: 1e-3, final_learning_rate: 0, warmup_fraction: 0, batch_size: 2, max_length: 8,
        micro_batch_size: 2}
stages:
  evaluation: {samples_per_question: 1, temperature: 1, top_p: 1, max_completion_length: 8, tasks: {arithmetic: 1},
               reasoning_questions: 1, questions_per_benchmark: 1, pass_k_questions: 1, pass_k_samples: 1,
               sampling_batch_size: 1}
  mine_first: &short {packing: false, examples: 1, direct_fraction: 0, short_steps: 1, tasks: {arithmetic: 1}}
  mine_second: *short
"""
STUDY = """
seeds: [1, 2]
stages:
  first:
    script: kimi_k15.vanilla_sft
    from: base
    arms:
      rate: {slow: {learning_rate: 0.1}, fast: {learning_rate: 0.2}}
  second: {script: kimi_k15.vanilla_sft, from: first}
  evaluation: {script: evaluation.evaluate, checkpoints: [base, second]}
  report: {script: evaluation.report}
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Resolves a recipe `mine` at a small scale: its stages by name."""
    monkeypatch.chdir(tmp_path)
    Path("recipes/scales").mkdir(parents=True)

    def resolved(text: str = STUDY, scale: str = SCALE):
        Path("recipes/scales/small.yaml").write_text(scale)
        Path("recipes/mine.yaml").write_text(text)
        return {stage.name: stage for stage in resolve(load_recipe("recipes/mine.yaml"), load_scale("small"))}

    return resolved


def test_the_product_of_the_axes_names_the_seed_last():
    axes = axes_of_seeds([3, 5]) | {"rate": {"slow": {"a": 1}, "fast": {}}}
    made = variants("rl", axes)
    assert [variant.name for variant in made] == [
        "rl_slow_seed3", "rl_slow_seed5", "rl_fast_seed3", "rl_fast_seed5",
    ]  # fmt: skip
    assert made[1].settings == {"a": 1, "seed": 5} and made[1].labels == {"rate": "slow", "seed": "seed5"}
    assert [variant.name for variant in variants("rl", {})] == ["rl"]
    assert axes_of_seeds([]) == {}


def test_a_stage_reads_the_one_of_its_own_labels():
    made = {"rl": variants("rl", axes_of_seeds([1, 2]))}
    assert matching("rl", made, {"seed": "seed2"}) == ["rl_seed2"]
    assert matching("rl", made, {}) == ["rl_seed1", "rl_seed2"]
    assert matching("base", made, {"seed": "seed2"}) == ["base"]


def test_each_seed_and_arm_goes_on_from_its_own_and_evaluation_collects_them(study):
    stages = study()
    assert set(stages) == {
        "base", "evaluation", "report",
        *(f"{stage}_{arm}_seed{seed}" for stage in ("first", "second") for arm in ("slow", "fast") for seed in (1, 2)),
    }  # fmt: skip
    second = stages["second_fast_seed2"].config
    assert second["inputs"] == {"from": "runs/small/mine/first_fast_seed2"}
    assert second["settings"]["seed"] == 2 and second["settings"]["learning_rate"] == 1e-3  # the arm is the first one's
    assert second["labels"] == {"rate": "fast", "seed": "seed2"}
    first = stages["first_fast_seed2"].config
    assert first["inputs"] == {"from": "runs/small/base"}
    assert (first["settings"]["seed"], first["settings"]["learning_rate"]) == (2, 0.2)
    assert list(stages["evaluation"].config["inputs"]["checkpoints"]) == [
        "base",
        *(n for n in stages if n[:6] == "second"),
    ]
    assert stages["evaluation"].config["settings"]["seed"] == 42 and stages["evaluation"].config["labels"] == {}


def test_a_scale_may_speak_of_an_arm_and_not_undo_a_seed(study):
    stages = study(scale=SCALE + "  mine_slow: {epochs: 7, learning_rate: 0.3}\n  first: {seed: 9, epochs: 3}\n")
    slow, fast = (stages[f"first_{rate}_seed1"].config["settings"] for rate in ("slow", "fast"))
    assert (slow["epochs"], slow["seed"]) == (7, 1) and (fast["epochs"], fast["seed"]) == (3, 1)
    assert slow["learning_rate"] == 0.1  # what the study compares is the study's


def test_without_seeds_and_arms_a_stage_is_made_once(study):
    stages = study("stages: {first: {script: kimi_k15.vanilla_sft, from: base}}")
    assert set(stages) == {"base", "first"} and stages["first"].config["settings"]["seed"] == 42


@pytest.mark.parametrize(
    ("arms", "sentence"),
    [
        ("{seed: {a: {seed: 3}}}", "stages.first.arms.seed: an axis has another name than `seed`"),
        ("{rate: {}}", "stages.first.arms.rate: an axis has another name than `seed`, and an arm at least"),
        ("{rate: {slow: {learning_rat: 1}}}", "stages.first.arms.rate.slow: unknown setting `learning_rat`"),
    ],
)
def test_arms_that_are_refused(study, arms, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        study(f"stages: {{first: {{script: kimi_k15.vanilla_sft, from: base, arms: {arms}}}}}")
