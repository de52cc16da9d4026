"""Seeds and arms: what is made of a stage, from what it is made, and what a scale may say of it."""

import re
from pathlib import Path

import pytest

from data.errors import InputError
from stages.core.pipeline.command_line import seeds_of
from stages.core.pipeline.recipe import load_recipe
from stages.core.pipeline.scale import load_scale
from stages.core.pipeline.variants import axes_of_seeds, matching, variants
from stages.core.pipeline.workspace import load_workspace, resolve
from tests.studies import BASES

SCALE = (
    BASES
    + """
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
)
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

    def resolved(text: str = STUDY, scale: str = SCALE, seeds: list[int] | None = None):
        Path("recipes/scales/small.yaml").write_text(scale)
        Path("recipes/mine.yaml").write_text(text)
        recipe = load_recipe("recipes/mine.yaml", seeds=seeds)
        return {stage.name: stage for stage in resolve(recipe, load_scale("small"))}

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


# -- seeds of the command line


def test_how_many_seeds_or_which():
    assert seeds_of(3) == seeds_of(["1", "2", "3"]) == [1, 2, 3]
    assert seeds_of(1) == [1] and seeds_of([0, 4294967295]) == [0, 4294967295] and seeds_of([5, 2]) == [5, 2]


def test_seeds_of_the_command_line_hold_instead_of_the_recipe_s(study):
    assert {name for name in study(seeds=[5]) if name.startswith("second")} == {
        "second_slow_seed5",
        "second_fast_seed5",
    }


def test_the_seed_of_a_run_without_seeds_is_that_run(study):
    """So who has one may add two: nothing of it is another stage, or runs again."""
    text = STUDY.replace("seeds: [1, 2]\n", "")
    alone, several = study(text), study(text, seeds=[42, 1])
    for name in ("base", "first_slow", "first_fast", "second_slow", "second_fast"):
        assert (several[name].folder, several[name].key) == (alone[name].folder, alone[name].key)
    assert several["second_fast"].config["labels"] == {"rate": "fast", "seed": "seed42"}
    assert several["second_fast_seed1"].config["inputs"] == {"from": "runs/small/mine/first_fast_seed1"}
    assert len(several) == len(alone) + 4


def test_what_a_like_stage_changes_is_kept_with_the_seed_that_adds_nothing_to_its_name(study):
    text = "stages: {first: {script: kimi_k15.vanilla_sft, from: base}, b: {like: first, settings: {epochs: 9}}}"
    found = study(text, SCALE + "  first: {epochs: 4}\n", seeds=[42, 1])
    assert [found[name].config["settings"]["epochs"] for name in ("first", "first_seed1", "b", "b_seed1")] == [
        4,
        4,
        9,
        9,
    ]


def test_an_evaluation_is_told_of_seeds_and_arms(study):
    variants = study()["evaluation"].config["variants"]
    assert list(variants) == [f"second_{rate}_seed{seed}" for rate in ("slow", "fast") for seed in (1, 2)]
    labels = {"rate": "fast", "seed": "seed2"}
    assert variants["second_fast_seed2"] == {"stage": "second", "labels": labels, "seed": 2}
    assert "variants" not in study()["second_fast_seed2"].config
    once = "stages: {first: {script: kimi_k15.vanilla_sft, from: base}, evaluation: {script: evaluation.evaluate, "
    assert "variants" not in study(once + "checkpoints: [first]}}")["evaluation"].config


SMALL = "stages: {first: {script: kimi_k15.vanilla_sft, from: base}}"
USES = """
use: theirs
stages:
  mine: {like: first, from: first, arms: {rate: {slow: {}, fast: {}}}}
  mean: {script: kimi_k15.merge, checkpoints: [first, mine], settings: {weights: [0.5, 1]}}
"""
USED_SCALE = SCALE + "  theirs_first: *short\n"


def test_stages_of_a_used_recipe_have_the_same_seeds(study):
    """Or all seeds of an arm had one parent."""
    Path("recipes/theirs.yaml").write_text(SMALL)
    stages = study(USES, USED_SCALE, seeds=[1, 2])
    assert set(stages) == {
        "base", "first_seed1", "first_seed2",
        *(f"{stage}_{rate}_seed{seed}" for stage in ("mine", "mean") for rate in ("slow", "fast") for seed in (1, 2)),
    }  # fmt: skip
    assert stages["mine_fast_seed2"].config["inputs"] == {"from": "runs/small/theirs/first_seed2"}
    # a stage knows its parents by the names that its recipe gives them
    assert stages["mean_fast_seed2"].config["inputs"] == {
        "checkpoints": {"first": "runs/small/theirs/first_seed2", "mine": "runs/small/mine/mine_fast_seed2"}
    }
    assert set(study(USES, USED_SCALE)) == {"base", "first", "mine_slow", "mine_fast", "mean_slow", "mean_fast"}


def test_seeds_in_a_file_hold_for_what_it_uses(study):
    """So studies of one recipe share its stages of each seed; without seeds of its own a file takes the other's."""
    Path("recipes/theirs.yaml").write_text(SMALL)
    of_both = {"base", *(f"{stage}_seed{seed}" for stage in ("first", "mine") for seed in (1, 2))}
    text = "seeds: [1, 2]\nuse: theirs\nstages: {mine: {like: first, from: first}}"
    assert set(study(text, USED_SCALE)) == of_both
    assert study(text, USED_SCALE)["mine_seed2"].parents == ["runs/small/theirs/first_seed2"]
    Path("recipes/theirs.yaml").write_text("seeds: [1, 3]\n" + SMALL)
    assert set(study(text, USED_SCALE)) == of_both
    assert set(study("use: theirs\nstages: {mine: {like: first, from: first}}", USED_SCALE)) == {
        "base", *(f"{stage}_seed{seed}" for stage in ("first", "mine") for seed in (1, 3))
    }  # fmt: skip


def test_a_later_stage_is_said_to_be_later_with_seeds_too(study):
    text = "stages: {a: {script: kimi_k15.vanilla_sft, from: b}, b: {script: kimi_k15.vanilla_sft, from: base}}"
    with pytest.raises(InputError, match="stages.a_seed1.from: `b` is a later stage"):
        study(text, seeds=[1])


def test_a_scale_that_says_another_seed_than_the_one_without_a_name_is_refused(study):
    with pytest.raises(InputError, match="small.yaml: stages.first: `seed` is 9, allowed: 42, as `seeds` has it"):
        study(SMALL, SCALE + "  first: {seed: 9}\n", seeds=[42])


# -- the recipes of this repository


def test_every_recipe_has_seeds_and_shares_what_they_do_not_reach():
    alone, seeds = load_workspace({}), load_workspace({"seeds": [42, 1]})
    assert seeds.errors == {}
    for name in alone.stages:
        before, after = ({stage.name: stage for stage in found.stages[name]} for found in (alone, seeds))
        for stage in before.values():
            if stage.config.get("labels", {}).get("seed", "seed42") != "seed42":
                continue  # of a study with seeds of its own
            assert after[stage.name].folder == stage.folder
            if stage.script.startswith("evaluation."):
                continue  # they read all seeds
            assert after[stage.name].key == stage.key
            other = after.get(f"{stage.name}_seed1")
            assert (other is None) == (stage.recipe is None), "bases alone are shared"
            if other:
                assert other.config["settings"] == stage.config["settings"] | {"seed": 1}
                assert [parent.removesuffix("_seed1") for parent in other.parents] == stage.parents
                named = [Path(parent).name for parent in other.parents if not parent.endswith("_seed1")]
                assert set(named) <= set(seeds.scale.bases)


def test_questions_and_the_evaluation_s_own_seed_are_those_of_all_training_seeds():
    for name in ("r1", "kimi_k15", "qwen3"):
        alone, seeds = (
            next(stage for stage in load_workspace(said).stages[name] if stage.name == "evaluation").config["settings"]
            for said in ({}, {"seeds": 3})
        )
        assert alone == seeds and seeds["seed"] == 42
