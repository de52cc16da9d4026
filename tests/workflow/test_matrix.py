"""Every recipe at every scale: it resolves, Snakemake can plan it, and its mixtures name what their stages can use."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from data.public.sources import SOURCES
from data.world.families import PUZZLES, family
from stages.core.pipeline.schema import available
from stages.core.pipeline.scripts import all_scripts
from stages.core.pipeline.settings import Mixture
from stages.core.pipeline.workspace import Stage, Workspace, load_workspace

ROOT = Path(__file__).resolve().parents[2]
SCALES, RECIPES = available("scales"), available("recipes")
GPU_SCALES = ("qwen2.5-1.5b", "qwen2.5-7b", "qwen3-14b", "qwen2.5-32b")
NO_GPU = {"base.pretrained", "kimi_k15.merge", "kimi_k15.code_tests", "evaluation.report"}
"""Scripts that neither train nor sample."""
EVALUATIONS = ("evaluation.evaluate", "evaluation.evaluate_modes")

RESPONSES = {"demonstrations"}
KINDS: dict[tuple[str, str], set[str]] = {
    ("r1.rejection_sampling", "general_tasks"): RESPONSES,
    ("qwen3.fusion_data", "general_tasks"): RESPONSES,
    ("kimi_k15.long_cot_sft", "demonstrations"): RESPONSES,
    ("qwen3.distillation_data", "general_tasks"): RESPONSES | {"preferences"},
    ("r1.general_rl", "general_tasks"): {"demonstrations", "preferences", "safety"},
    ("qwen3.general_rl", "general_tasks"): {"demonstrations", "preferences", "prompts"},
    ("r1.helpful_reward_model", "tasks"): {"preferences"},
    ("qwen3.preference_reward_model", "tasks"): {"preferences"},
    ("r1.safety_reward_model", "tasks"): {"safety"},
    ("qwen3.reference_reward_model", "tasks"): {"prompts", "demonstrations"},
    ("kimi_k15.vanilla_sft", "tasks"): {"prompts", "demonstrations"},
    ("base.pretrained", "mixture"): set(),
    ("base.pretraining", "mixture"): set(),
    **{(script, "tasks"): {"prompts", "evaluation"} for script in EVALUATIONS},
    **{(script, "general_tasks"): {"demonstrations", "preferences"} for script in EVALUATIONS},
    **{(script, "safety_tasks"): {"safety"} for script in EVALUATIONS},
    **{(script, "instruction_tasks"): {"evaluation"} for script in EVALUATIONS},
}
"""Which kinds of public data sets a mixture may name; for the others: prompts, with a verifier."""
WATCHED = "held_out_tasks"
"""A mixture whose questions a curve is measured on, and nothing is trained on."""


@cache
def workspace(scale: str) -> Workspace:
    return load_workspace({"scale": scale})


def mixtures(stage: Stage) -> dict[str, dict[str, float]]:
    """The settings of a stage that are mixtures."""
    fields = all_scripts()[stage.script].model_fields
    return {name: stage.config["settings"][name] for name in fields if fields[name].annotation == Mixture}


def public(stage: Stage) -> list[tuple[str, str]]:
    """(setting, data set) of each public data set in a mixture."""
    return [(field, name) for field, mixture in mixtures(stage).items() for name in mixture if name in SOURCES]


# -- it resolves, and can be planned


@pytest.mark.parametrize("scale", SCALES)
def test_every_stage_of_every_recipe_resolves(scale):
    found = workspace(scale)
    assert found.errors == {} and set(found.stages) == {"", *RECIPES}
    assert all(found.targets(recipe) for recipe in RECIPES)


@pytest.mark.parametrize("scale", SCALES)
def test_snakemake_plans_all_recipes_at_once(scale, tmp_path):
    targets = [f"recipe_{recipe}" for recipe in RECIPES]
    command = [sys.executable, "-m", "snakemake", "-n", *targets, "--nolock", "--config", f"scale={scale}"]
    done = subprocess.run(
        [*command, f"runs={tmp_path / 'runs'}"], cwd=ROOT, env=os.environ | {"HOME": str(tmp_path)}, text=True,
        capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    planned = set(re.findall(r"^Job \d+: (\S+)", done.stdout + done.stderr, re.M))
    assert {stage.rule_name for stage in workspace(scale).rules()} <= planned


def test_a_stage_that_trains_on_several_nodes_asks_for_them():
    for stage in workspace("qwen2.5-32b").rules():
        asked = {key: stage.resources.get(key) for key in ("nodes", "tasks", "mpi")}
        several = stage.payload == "model" and all_scripts()[stage.script].several_processes
        assert asked == ({"nodes": 2, "tasks": 2, "mpi": "srun"} if several else dict.fromkeys(asked)), stage.rule_name


# -- mixtures


@pytest.mark.parametrize("scale", SCALES)
def test_mixtures_name_families_and_data_sets_that_there_are(scale):
    seen = 0
    for stage in workspace(scale).rules():
        for mixture in mixtures(stage).values():
            for name in mixture:
                seen += 1
                if name not in SOURCES:
                    family(name)  # an InputError names the stage's mistake
    assert seen


@pytest.mark.parametrize("scale", SCALES)
def test_data_sets_are_of_the_kind_that_a_stage_needs(scale):
    for stage in workspace(scale).rules():
        for field, name in public(stage):
            where, source = f"{stage.rule_name}.{field}: {name}", SOURCES[name]
            allowed = {"prompts", "evaluation"} if field == WATCHED else KINDS.get((stage.script, field), {"prompts"})
            assert source.kind in allowed, f"{where} is of the kind {source.kind}"
            if field == "tasks" and (stage.script in EVALUATIONS or (stage.script, field) not in KINDS):
                assert source.verifier not in ("none", "instructions"), f"{where} has no verifier of an answer"
            if field == "instruction_tasks" or (field == "general_tasks" and source.kind == "prompts"):
                assert source.verifier == "instructions", f"{where} has no instructions to check"


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_instructions_are_evaluated_and_rewarded(scale):
    for stage in workspace(scale).rules():
        settings = stage.config["settings"]
        if stage.script in EVALUATIONS:
            assert set(settings["instruction_tasks"]) == {"ifeval"}
        if stage.script == "qwen3.general_rl":
            assert "ifeval_like" in settings["general_tasks"] and settings["rewards"]["instruction"]


@pytest.mark.parametrize("scale", SCALES)
def test_nothing_is_trained_on_that_is_evaluated(scale):
    for stage in workspace(scale).rules():
        asked = stage.config["public_data"]["decontaminate"]
        for field, name in public(stage):
            where, source = f"{stage.rule_name}.{field}: {name}", SOURCES[name]
            evaluated = stage.script in EVALUATIONS or field == WATCHED
            split = "train"
            if evaluated:
                split = stage.config["settings"]["held_out_split"] if field == WATCHED else "test"
            assert split in dict(source.splits), f"{where} has no split {split}"
            if evaluated and set(dict(source.splits)) == {"test"}:
                assert name in asked, f"{where} is evaluated, and nothing is compared with it"
            else:
                assert source.kind != "evaluation", f"{where} is for evaluation"


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_every_evaluation_set_is_compared_with(scale):
    found = workspace(scale).scale.public_data
    assert {name for name, source in SOURCES.items() if source.kind == "evaluation"} <= set(found.decontaminate)
    for name in found.decontaminate:
        assert "test" in dict(SOURCES[name].splits)


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_small_evaluation_sets_are_asked_whole(scale):
    """Weights that are sizes: as many questions as their sum are all questions."""
    for stage in workspace(scale).rules():
        if stage.script in EVALUATIONS:
            settings = stage.config["settings"]
            assert sum(settings["tasks"].values()) == settings["reasoning_questions"]


@pytest.mark.parametrize("scale", SCALES)
def test_puzzles_are_named_where_no_worked_solution_is_needed(scale):
    for stage in workspace(scale).rules():
        named = {name for mixture in mixtures(stage).values() for name in mixture} & PUZZLES.keys()
        assert not named or stage.script not in ("base.pretraining", "kimi_k15.vanilla_sft"), stage.rule_name


# -- the GPU scales


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_each_value_that_is_not_the_papers_has_a_reason(scale):
    for stage in workspace(scale).rules():
        paper, settings = stage.config["paper"], stage.config["settings"]
        for name, value in paper["settings"].items():
            if name in paper["cite"] and settings[name] != value:
                assert name in stage.config["why"], f"{stage.rule_name}.{name}"


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_what_trains_or_samples_asks_for_a_gpu_and_nothing_else_does(scale):
    processes = workspace(scale).scale.system.processes
    for stage in workspace(scale).rules():
        gpus = stage.resources.get("gpu")
        assert (gpus is None) == (stage.script in NO_GPU), stage.rule_name
        if stage.payload == "model" and gpus and all_scripts()[stage.script].several_processes:
            assert gpus == processes, stage.rule_name


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_batches_can_be_cut_among_the_processes(scale, monkeypatch):
    from stages.core.training.callbacks import micro_batches

    monkeypatch.setenv("WORLD_SIZE", str(workspace(scale).scale.system.processes))
    for stage in workspace(scale).rules():
        settings = SimpleNamespace(**stage.config["settings"])
        micro = getattr(settings, "micro_batch_size", None)
        if micro is None or stage.script in NO_GPU:
            continue
        if hasattr(settings, "iterations"):
            assert settings.prompts_per_iteration % workspace(scale).scale.system.processes == 0
            batch = settings.prompts_per_iteration * settings.group_size // settings.updates_per_iteration
        elif hasattr(settings, "prompts_per_step"):
            batch = settings.prompts_per_step * getattr(settings, "group_size", 1)
        else:
            batch = settings.batch_size
        micro_batches(batch, micro)  # an InputError where they do not make it up


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_completions_fit_into_the_context_of_the_sampler(scale):
    context = workspace(scale).scale.system.vllm.max_model_length
    for stage in workspace(scale).rules():
        settings = stage.config["settings"]
        for name in ("max_completion_length", "extended_completion_length"):
            assert settings.get(name, 0) <= context, f"{stage.rule_name}.{name}"
        for data_set, own in settings.get("by_data_set", {}).items():
            assert own.get("max_completion_length", 0) <= context, f"{stage.rule_name}.by_data_set.{data_set}"
        assert settings.get("extended_completion_length", context) >= settings.get("max_completion_length", 0)


@pytest.mark.parametrize("scale", GPU_SCALES)
def test_the_commands_of_the_documentation_name_every_data_set(scale):
    text = (ROOT / "docs/gpus.md").read_text()
    named = set(re.search(rf"^{re.escape(scale)}: (.+(?:\n  .+)*)", text, re.M)[1].split())
    used = {name for stage in workspace(scale).rules() for _, name in public(stage)}
    assert named == used | set(workspace(scale).scale.public_data.decontaminate)


# -- an empty mixture


def test_a_benchmark_without_questions_has_no_rows(model, tokenizer):
    from stages.core.sampling.drawing import draw_rows
    from stages.core.sampling.engine import Decoding
    from stages.core.sampling.generation import TransformersEngine
    from stages.evaluation.benchmarks import Recorder, instructions, preference, safety

    run = SimpleNamespace(settings=SimpleNamespace(samples_per_question=2, temperature=0.6))
    assert draw_rows(run, {}, 12, "test", 1) == []
    answers = TransformersEngine(model, tokenizer, "chat", 4).answer([], 2, Decoding(1.0, 4), 1)
    assert answers == []
    recorder = Recorder(run)
    instructions(recorder, "base", [], answers)
    safety(recorder, "base", [], answers)
    scorer = SimpleNamespace(score=lambda questions, responses: [])
    names = ("base", "other")
    preference(recorder, [], dict.fromkeys(names, answers), dict.fromkeys(names, answers), dict.fromkeys(names, scorer))
    assert recorder.results == recorder.completions == []
