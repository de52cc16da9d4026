"""Seeds on the command line: what is made for each of them, what is shared, what of a finished run is kept."""

import json
from pathlib import Path

from stages.core.pipeline.workspace import load_workspace
from tests.workflow.conftest import ROOT, Workflow

TRAINED = ("r1_r1_zero", "r1_cold_start_data", "r1_cold_start_sft", "r1_reasoning_rl")


def test_r1_with_two_seeds(tmp_path: Path):
    """The plan of the whole recipe: bases, evaluation and report once, all else once a seed."""
    target = ("-n", "--nolock", "recipe_r1", "--config", "scale=smoke", f"runs={tmp_path}")
    alone, two = Workflow(ROOT).stale(*target), Workflow(ROOT).stale(*target, "seeds=2")
    once = {"base", "student_base", "r1_evaluation", "r1_report"}
    assert once < alone and "r1_general_rl" in alone
    assert two == once | {f"{stage}_seed{seed}" for stage in alone - once for seed in (1, 2)}
    assert two == Workflow(ROOT).stale(*target, "seeds=[1, 2]")
    assert list(tmp_path.iterdir()) == []


def test_a_study_of_two_seeds_has_parents_of_both():
    """What is asked of r1 in this study, and nothing else of it."""
    stages = load_workspace({"seeds": 2}).stages["r1_no_language_reward"]
    assert {stage.rule_name for stage in stages if stage.recipe == "r1"} == {
        f"{name}_seed{seed}" for name in TRAINED for seed in (1, 2)
    }
    folders = {stage.name: stage.parents for stage in stages}
    assert "runs/tiny/r1/cold_start_sft_seed2" in folders["without_language_reward_seed2"]


def test_a_finished_run_keeps_its_seed_and_has_others_added(complete):
    new = {f"{name}_seed1" for name in TRAINED} | {"r1_report"}
    assert complete.stale("recipe_r1", "--config", "seeds=[42, 1]") == new
    done = complete.snakemake("recipe_r1", "--config", "seeds=[42, 1]")
    assert done.returncode == 0 and complete.named(done.stdout) == new, done.stdout
    folder = complete.folder / "runs/tiny/r1"
    zero, sft = (
        json.loads((folder / name / "manifest.json").read_text()) for name in ("r1_zero_seed1", "cold_start_sft_seed1")
    )
    assert zero["seed"] == 1 and list(sft["parents"]) == ["runs/tiny/base", "runs/tiny/r1/cold_start_data_seed1"]
    assert "r1_reasoning_rl_seed1 " in done.stdout
    assert complete.stale("recipe_r1", "--config", "seeds=[42, 1]") == set()
    assert complete.stale() == {"r1_report"}  # which is of the seeds that were asked for last
    assert complete.stale("recipe_r1", "--config", "seeds=[42, 1, 2]") == {f"{name}_seed2" for name in TRAINED} | {
        "r1_report"
    }


def test_seeds_that_are_refused(workflow):
    for seeds in ("0", "a", "[]", "[1, 1]", "1.5"):
        done = workflow.snakemake("recipe_r1", "--config", f"seeds={seeds}")
        lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
        assert done.returncode == 2 and len(lines) == 1 and "Traceback" not in done.stdout, done.stdout
        assert lines[0].startswith("error: --config seeds: found ") and "allowed: how many seeds" in lines[0]
    assert not (workflow.folder / "runs").exists()
