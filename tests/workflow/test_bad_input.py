"""Bad input gets one sentence and exit code 2; what works goes on working."""

import json
import subprocess
import sys

import pytest


def refused(done) -> str:
    """The sentence of a refusal."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and len(lines) == 1, done.stdout
    assert "Traceback" not in done.stdout
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["recipe_r2"], "no recipe or stage `recipe_r2`; did you mean `recipe_r1`?"),
        (["r1_reasoning_r"], "did you mean `r1_reasoning_rl`?"),
        (["recipe_r1", "--config", "scale=tinny"], "no scale `tinny` (recipes/scales/tinny.yaml); did you mean"),
        (["recipe_r1", "--config", "scall=tiny"], "unknown key `scall`; did you mean `scale`?"),
        (["recipe_r1", "--config", "stages={r1_zer: {seed: 1}}"], "unknown stage `r1_zer`; did you mean `r1_zero`?"),
        (["recipe_r1", "--config", "stages={r1_zero: {sed: 1}}"], "unknown setting `sed` of r1.r1_zero; did"),
        (["recipe_r1", "--config", "stages={r1_zero: {steps: many}}"], "`steps` is 'many'"),
        (["recipe_r1", "--config", "stages={r1_zero: {rewards: {}}}"], "`rewards` is {}: one weight at least must be"),
        (["recipe_r1", "--config", "runs=a{b}"], "--config runs: found 'a{b}', allowed: a path of letters"),
        (["recipe_r1", "--config", "runs=/proc/nope"], "/proc/nope cannot be written to"),
    ],
)  # fmt: skip
def test_command_line(workflow, arguments, sentence):
    assert sentence in refused(workflow.snakemake(*arguments))


def test_a_broken_recipe_fails_only_its_own_target(workflow):
    (workflow.folder / "recipes/mine.yaml").write_text("stages:\n  r1_zero: {script: r1.r1_zero, form: base}\n")
    sentence = "recipes/mine.yaml: stages.r1_zero: unknown key `form`; did you mean `from`?"
    assert sentence in refused(workflow.snakemake("recipe_mine"))
    assert sentence in refused(workflow.snakemake("mine_r1_zero"))
    assert "r1_r1_zero" in workflow.stale()
    assert sentence in workflow.snakemake().stdout  # the list of recipes says which is broken, and why


def test_files_that_are_no_recipes_stop_no_other(workflow):
    good = (workflow.folder / "recipes/r1.yaml").read_text()
    for name, text in {
        "one": f"use: two\n{good}", "two": f"use: one\n{good}", "deep": "a: " * 3000, "a{b}": good, "base": good,
        "bomb": "a: &a [*a]", "empty": "",
    }.items():  # fmt: skip
        (workflow.folder / f"recipes/{name}.yaml").write_text(text)
    (workflow.folder / "recipes/folder.yaml").mkdir()
    assert "r1_r1_zero" in workflow.stale()
    assert "`use` names one, which uses this recipe" in refused(workflow.snakemake("recipe_one"))
    listed = workflow.snakemake().stdout
    for name in ("one", "two", "deep", "a{b}", "base", "bomb", "empty", "folder"):
        assert f"  {name} is broken: " in listed


def test_what_planning_refuses_costs_nothing_that_is_finished(complete):
    file = complete.folder / "runs/tiny/r1/r1_zero/manifest.json"
    before = file.read_text()
    for settings, sentence in {
        "{micro_batch_size: 5}": "`micro_batch_size` is 5, allowed",
        "{tasks: {equatoin: 1}}": "did you mean `equation`?",
        "{extended_from_step: 61}": "`extended_from_step` is 61, allowed: at most `steps`",
    }.items():
        assert sentence in refused(complete.snakemake("recipe_r1", "--config", f"stages={{r1_zero: {settings}}}"))
    assert file.read_text() == before and (file.parent / "model/weights.bin").exists()


def test_a_script_that_cannot_be_parsed_fails_only_the_recipes_that_run_it(workflow):
    zero = workflow.read("recipes/r1.yaml")["stages"]["r1_zero"] | {"script": "r1.r1_zero"}
    workflow.write("recipes/short.yaml", {"stages": {"r1_zero": zero}})
    (workflow.folder / "stages/r1/cold_start_sft.py").write_text("def main(:\n")
    assert "stages/r1/cold_start_sft.py: line 1" in refused(workflow.snakemake("recipe_r1"))
    assert "short_r1_zero" in workflow.stale("recipe_short")


def stage(folder, name, room="r1"):
    """Run a stage of R1 by hand."""
    config = f"runs/tiny/r1/{name}/config.json"
    return subprocess.run(
        [sys.executable, "-m", f"stages.{room}.{name}", config], cwd=folder, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_missing_and_damaged_parents(complete):
    parent = complete.folder / "runs/tiny/r1/cold_start_sft"
    before = (complete.folder / "runs/tiny/r1/reasoning_rl/manifest.json").read_text()
    (parent / "model/weights.bin").write_text("others")
    assert "cold_start_sft/model/weights.bin differs" in refused(stage(complete.folder, "reasoning_rl"))
    (parent / "manifest.json").write_text("{")
    assert "damaged" in refused(stage(complete.folder, "reasoning_rl"))
    (parent / "manifest.json").unlink()
    assert "cold_start_sft/manifest.json is missing" in refused(stage(complete.folder, "reasoning_rl"))
    assert (complete.folder / "runs/tiny/r1/reasoning_rl/manifest.json").read_text() == before  # nothing is lost


def test_no_config_and_a_damaged_config(complete):
    assert "is missing" in refused(stage(complete.folder, "pretraining", room="base"))
    config = complete.folder / "runs/tiny/r1/reasoning_rl/config.json"
    content = json.loads(config.read_text())
    config.write_text(json.dumps(content | {"settings": content["settings"] | {"steps": "many"}}))
    assert "settings.steps" in refused(stage(complete.folder, "reasoning_rl"))


def test_a_stage_that_refuses_its_input_ends_the_run_with_its_sentence(workflow):
    script = workflow.folder / "stages/r1/cold_start_data.py"
    script.write_text(script.read_text().replace("return 1", "return 0"))
    done = workflow.snakemake("r1_cold_start_sft")
    assert done.returncode == 2
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("error: cold_start_data: no row is left in `rows` after filtering (wrong answer 3)")
    assert (workflow.folder / "runs/tiny/r1/r1_zero/manifest.json").exists()  # nothing is lost
    assert workflow.stale("r1_cold_start_sft") == {"r1_cold_start_data", "r1_cold_start_sft"}
