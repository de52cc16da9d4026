"""What a change makes stale: exactly the stages whose result it may change, and what is made from them."""

import shutil

ZERO_ON = {"r1_r1_zero", "r1_cold_start_data", "r1_cold_start_sft", "r1_reasoning_rl", "r1_report"}


def test_a_finished_recipe_has_nothing_to_do_and_says_what_it_did(finished, complete):
    assert complete.stale() == set()
    assert "recipe_r1 is complete" in finished.printed
    assert "report: runs/tiny/r1/report/report.html" in finished.printed
    report = (complete.folder / "runs/tiny/r1/report/report.html").read_text()
    assert report == "base, r1_zero, cold_start_data, cold_start_sft, reasoning_rl"


def test_a_number_reruns_its_stage_and_descendants(complete):
    recipe = complete.read("recipes/r1.yaml")
    recipe["stages"]["reasoning_rl"]["settings"]["kl_coefficient"] = 0.5
    complete.write("recipes/r1.yaml", recipe)
    assert complete.stale() == {"r1_reasoning_rl", "r1_report"}
    recipe["stages"]["reasoning_rl"]["settings"]["kl_coefficient"] = 0.001
    complete.write("recipes/r1.yaml", recipe)
    assert complete.stale() == set()


def test_a_number_of_the_scale_reruns_what_it_reaches(complete):
    scale = complete.read("recipes/scales/tiny.yaml")
    scale["stages"]["r1_zero"]["seed"] = 7
    complete.write("recipes/scales/tiny.yaml", scale)
    assert complete.stale() == ZERO_ON


def test_an_override_on_the_command_line_reruns_its_stage(complete):
    assert complete.stale("recipe_r1", "--config", "stages={cold_start_sft: {epochs: 9}}") == {
        "r1_cold_start_sft", "r1_reasoning_rl", "r1_report",
    }  # fmt: skip


def test_comments_docstrings_resources_and_citations_change_nothing(complete):
    recipe = complete.read("recipes/r1.yaml")
    recipe["stages"]["reasoning_rl"]["cite"]["learning_rate"] = "v2 s.9"
    complete.write("recipes/r1.yaml", recipe)
    scale = complete.read("recipes/scales/tiny.yaml")
    scale["resources"] = {"default": {"threads": 2, "mem_mb": 100}}
    scale["why"] = {"epochs": "another reason"}
    complete.write("recipes/scales/tiny.yaml", scale)
    rewards = complete.folder / "stages/core/rewards/rules.py"
    rewards.write_text('"""Another docstring."""\n# a comment\n\nWEIGHT   =   1\n')
    with (complete.folder / "recipes/r1.yaml").open("a") as file:
        file.write("# a comment\n")
    assert complete.stale() == set()


def test_a_module_reruns_the_stages_that_import_it(complete):
    (complete.folder / "stages/core/rewards/rules.py").write_text("WEIGHT = 2\n")
    assert complete.stale() == ZERO_ON
    (complete.folder / "stages/core/rewards/rules.py").write_text("WEIGHT = 1\n")
    script = complete.folder / "stages/r1/reasoning_rl.py"
    script.write_text(script.read_text().replace("step / 8", "step / 16"))
    assert complete.stale() == {"r1_reasoning_rl", "r1_report"}


def test_a_lost_payload_is_made_again_only_if_a_stage_needs_it(complete):
    shutil.rmtree(complete.folder / "runs/tiny/r1/cold_start_sft/model")
    assert complete.stale() == set()
    changed = "stages={reasoning_rl: {seed: 3}}"
    assert complete.stale("recipe_r1", "--config", changed) == {"r1_cold_start_sft", "r1_reasoning_rl", "r1_report"}


def test_forcing_a_stage_makes_its_descendants_stale(complete):
    done = complete.snakemake("r1_cold_start_sft", "-f")
    assert done.returncode == 0, done.stdout
    assert complete.stale() == {"r1_reasoning_rl", "r1_report"}
