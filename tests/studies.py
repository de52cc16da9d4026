"""A small study with a claim, in a folder of its own, for tests that plan it."""

from pathlib import Path

import pytest

from stages.core.pipeline.studies import Study
from stages.core.pipeline.workspace import load_workspace

BASES = """
description: for tests
bases:
  base: {hidden_size: 64, layers: 1, heads: 2, key_value_heads: 1, feed_forward_size: 64, vocabulary_size: 400,
         mixture: {arithmetic: 1}, steps: 1, batch_size: 2, matrix_learning_rate: 0.02,
         learning_rate: 0.001, max_length: 16}
"""
"""How the scale of a test begins."""
SCALE = (
    BASES
    + """
kinds:
  grpo: {learning_rate: 1e-3, learning_rate_schedule: constant, max_gradient_norm: 1, clip_epsilon: 1, steps: 1,
         prompts_per_step: 1, steps_per_rollout: 1, inner_epochs: 1, reference_refresh_steps: 1, tasks: {arithmetic: 1},
         max_completion_length: 8, prompts: 1, micro_batch_size: 2, group_size: 2, kl_coefficient: 0, temperature: 1,
         loss_aggregation: grpo, advantage_scaling: group, template: r1_zero, rewards: {accuracy: 1, format: 1}}
stages:
  evaluation: {samples_per_question: 4, temperature: 1, top_p: 1, max_completion_length: 8, tasks: {arithmetic: 1},
               reasoning_questions: 1, questions_per_benchmark: 1, pass_k_questions: 1, pass_k_samples: 8,
               sampling_batch_size: 1}
"""
)
STUDY = """
seeds: [1, 2]
stages:
  rl: {script: r1.small_rl, from: base, arms: {rate: {slow: {learning_rate: 0.1}, fast: {learning_rate: 0.2}}}}
  evaluation: {script: evaluation.evaluate, checkpoints: [base, rl]}
claims:
  faster_is_better:
    statement: The fast rate is better.
    source: s.1
    tests: [%s]
"""
GOOD = "{kind: difference, of: rl_fast, over: rl_slow, above: 0.02}"


def recipes_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes and scales lie in this folder from now on; it has the scale."""
    monkeypatch.chdir(folder)
    Path("recipes/scales").mkdir(parents=True, exist_ok=True)
    Path("recipes/studies").mkdir(exist_ok=True)
    for name, place in {"RECIPES": "recipes", "STUDIES": "recipes/studies", "SCALES": "recipes/scales"}.items():
        monkeypatch.setattr(f"stages.core.pipeline.schema.{name}", Path(place))
    Path("recipes/scales/tiny.yaml").write_text(SCALE)


def plan_study(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str = STUDY % GOOD) -> Study:
    """The study `mine` with this text; raises what is wrong with it."""
    recipes_in(folder, monkeypatch)
    Path("recipes/studies/mine.yaml").write_text(text)
    workspace = load_workspace({})
    if "mine" in workspace.errors:
        raise workspace.errors["mine"]
    return workspace.studies["mine"]
