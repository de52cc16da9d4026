"""Recipes and scales: what is refused, how layers merge, what identifies a stage."""

import ast
import json
import re
from pathlib import Path

import pytest

from data.errors import InputError
from stages.core.pipeline.fingerprint import file_names, fingerprint, parsed, read_tree
from stages.core.pipeline.recipe import Recipe, citation_gaps, load_recipe
from stages.core.pipeline.scale import load_scale
from stages.core.pipeline.schema import available, recipe_file
from stages.core.pipeline.scripts import ROOT
from stages.core.pipeline.workspace import Stage, load_workspace, resolve

CITATION = re.compile(r"((v[12]|DSM) )?(s\.\d|Eq\. \d|Table \d|[A-G]\.\d)|README|undisclosed$")
SCALE = """
description: for tests
system: {engine: transformers}
bases:
  base: {hidden_size: 64, layers: 1, heads: 2, key_value_heads: 1, feed_forward_size: 64, vocabulary_size: 400,
         mixture: {arithmetic: 1}, steps: 1, batch_size: 2, matrix_learning_rate: 0.02,
         learning_rate: 0.001, max_length: 16}
kinds:
  sft: {epochs: 1, learning_rate: 1e-3, final_learning_rate: 0, warmup_fraction: 0, batch_size: 2, max_length: 8,
        micro_batch_size: 2}
  sampled: {samples_per_prompt: 1, keep_per_prompt: 1, temperature: 1, top_p: 1, max_completion_length: 8,
            min_language_consistency: 0, repetition_ngram: 8, max_repetition: 1, tasks: {arithmetic: 1}, prompts: 1,
            sampling_batch_size: 1}
"""
ROWS = "stages: {rows: {script: r1.cold_start_data, sampler: base}, "
"""What SFT learns."""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a scale `small`; recipes are written by the tests."""
    monkeypatch.chdir(tmp_path)
    Path("recipes/scales").mkdir(parents=True)
    Path("recipes/scales/small.yaml").write_text(SCALE)
    monkeypatch.setattr("stages.core.pipeline.fingerprint.ROOT", tmp_path)
    fingerprint.cache_clear()
    parsed.cache_clear()
    yield tmp_path
    fingerprint.cache_clear()
    parsed.cache_clear()


def recipe(text: str, name: str = "mine") -> Recipe:
    """A recipe written and loaded; SFT stands for the script that most of them name, and what it reads."""
    path = Path(f"recipes/{name}.yaml")
    if "SFT" in text and "use: first" not in text:
        text = text.replace("stages: {", ROWS, 1)
    path.write_text(text.replace("SFT", "script: r1.cold_start_sft, data: rows"))
    return load_recipe(path)


def stages_of(text: str, **overrides: dict) -> dict[str, Stage]:
    """The resolved stages by name."""
    return {stage.name: stage for stage in resolve(recipe(text), load_scale("small"), overrides)}


# -- the recipes of this repository


@pytest.mark.parametrize("name", available("recipes"))
def test_every_number_of_a_paper_is_cited(name):
    found = load_recipe(recipe_file(name))
    assert citation_gaps(found) == []
    if found.paper:
        for stage, definition in found.stages.items():
            for field, citation in definition.cite.items():
                assert CITATION.match(citation), f"{name}.{stage}.{field}: {citation!r} names no version and section"


@pytest.mark.parametrize("scale", available("scales"))
def test_every_recipe_resolves_at_every_scale(scale):
    workspace = load_workspace({"scale": scale})
    assert workspace.errors == {}
    folders = set()
    for stage in workspace.rules():
        assert set(stage.parents) <= folders, "parents come first"
        folders.add(stage.folder)


def test_r1_starts_again_from_the_base_for_its_second_fine_tuning():
    stages = {stage.name: stage for stage in load_workspace({}).stages["r1"]}
    assert stages["general_sft"].config["inputs"] == {
        "from": "runs/tiny/base", "data": "runs/tiny/r1/rejection_sampling",
    }  # fmt: skip
    assert stages["rejection_sampling"].config["inputs"] == {"sampler": "runs/tiny/r1/reasoning_rl"}
    assert stages["small_rl"].script == "r1.small_rl"
    assert list(stages["report"].config["inputs"]["stages"])[:2] == ["base", "student_base"]
    paper = stages["r1_zero"].config["paper"]["settings"]
    assert (paper["steps"], paper["group_size"], paper["extended_completion_length"]) == (10400, 16, 65536)
    assert "clip_epsilon" not in paper and "steps" not in stages["reasoning_rl"].config["paper"]["settings"]


def test_settings_that_r1_s_rl_stages_share_are_cited_from_each_stage_s_own_section():
    """What `<<` brings along would else carry the section of the stage that it was written for."""
    objective = {"template", "rewards", "loss_aggregation", "advantage_scaling"}
    stages = load_recipe(recipe_file("r1")).stages
    for name, section in {
        "r1_zero": r"v2 s\.2\.1$", "reasoning_rl": r"v2 s\.3\.2\.1$", "general_rl": r"v2 s\.3\.2\.2( |$)|v2 Table 4 ",
        "small_rl": r"v2 B\.4\.1$|v1 s\.4\.1 ",
    }.items():  # fmt: skip
        for field in stages[name].settings.keys() - objective:
            assert re.match(section, stages[name].cite[field]), f"{name}.{field}: {stages[name].cite[field]}"


def test_the_ablation_shares_what_it_can():
    workspace = load_workspace({})
    stages = {stage.name: stage for stage in workspace.stages["r1_no_language_reward"]}
    assert stages["reasoning_rl_seed2"].folder == "runs/tiny/r1/reasoning_rl_seed2"
    assert "general_rl_seed2" not in stages
    names = ("reasoning_rl_seed2", "without_language_reward_seed2")
    with_it, without = (stages[name].config["settings"] for name in names)
    assert {key for key in with_it if with_it[key] != without[key]} == {"rewards"}


def test_the_tiny_scale_leaves_search_to_reinforcement_learning():
    """What is designed in (docs/tiny_world.md): the cold start shows computation only."""
    stages = {stage.name: stage.config["settings"] for stage in load_workspace({"scale": "tiny"}).stages["r1"]}
    assert not {"pair_search", "stem_choice", "logic"} & set(stages["cold_start_data"]["tasks"])
    assert stages["evaluation"]["tasks"] == stages["reasoning_rl"]["tasks"] == stages["rejection_sampling"]["tasks"]
    assert {"pair_search", "stem_choice"} < set(stages["r1_zero"]["tasks"])
    assert stages["rejection_sampling"]["unsafe_drafts"] < stages["rejection_sampling"]["drafts"]


# -- what is refused


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stage: {}", "recipes/mine.yaml: unknown key `stage`; did you mean `stages`?"),
        ("stages: {}", "`stages`"),
        ("[1]", "found list, a recipe file is a mapping"),
        ("stages:\n  a: {b: c", "recipes/mine.yaml: line"),
        ("stages:\n  a: {SFT}\n  a: {}", "line 3, column 3: the key `a` is given twice"),
        ("stages: {x: {}}", "stages.x: `script` is missing; allowed: base.pretrained, "),
        ("stages: {x: {script: x}}", "stages.x: unknown script `x`"),
        ("stages: {cold_start_sft: {script: }}", "`script` is missing; did you mean `r1.cold_start_sft`?"),
        ("stages: {a: {script: r1.cold_start_sf}}", "`r1.cold_start_sf`; did you mean `r1.cold_start_sft`?"),
        ("stages: {cold_start_sft: {SFT, form: base}}",
         "stages.cold_start_sft: unknown key `form`; did you mean `from`?"),
        ("stages: {cold_start_sft: {SFT, from: 3}}", "`from` is 3"),
        ("stages: {cold_start_sft: {SFT, settings: {epoch: 3}}}", "`epoch` of r1.cold_start_sft; did you"),
        ("stages: {cold_start_sft: {SFT, settings: {epochs: many}}}",
         "`epochs` is 'many': input should be a valid integer"),
        ("stages: {cold_start_sft: {SFT, settings: {epochs: 0}}}", "`epochs` is 0: input should be greater than 0"),
        ("stages: {cold_start_sft: {SFT, settings: [1]}}", "`settings` is [1]"),
        ("stages: {cold_start_sft: {SFT, cite: {epoch: v2 s.1}}}", "cite: unknown setting `epoch`"),
        ("stages: {r1_zero: {script: r1.r1_zero, settings: {rewards: {accurate: 1}}}}",
         "`rewards[accurate]` is 'accurate'"),
        ("stages: {cold_start_sft: {like: other}}", "`like` names `other`"),
        ("stages: {'a b': {SFT}}", "letters, digits, underscores"),
        ("use: nothing\nstages: {cold_start_sft: {SFT}}", "there is no recipe `nothing`"),
        ("use: mine\nstages: {cold_start_sft: {SFT}}", "`use` names the recipe itself"),
    ],
)  # fmt: skip
def test_refused_recipes(files, text, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        recipe(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stages: {a: {SFT, from: b}, b: {SFT, from: base}}",
         "stages.a.from: `b` is a later stage"),
        ("stages: {a: {SFT, from: a}}", "stages.a.from: `a` is a later stage"),
        ("stages: {a: {SFT, from: bas}}", "`bas` is no stage; did you mean `base`?"),
        ("stages: {r1_zero: {script: r1.r1_zero, from: base}}",
         "recipes/scales/small.yaml: r1_zero (r1.r1_zero) has no value for `template`"),
    ],
)  # fmt: skip
def test_refused_when_resolved(files, text, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        stages_of(text)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("engine: transformers", "engine: vlm", "system: `engine` is 'vlm'"),
        ("engine: transformers", "engin: vllm", "system: unknown key `engin`; did you mean `engine`?"),
        ("engine: transformers", "lora: {rank: 8, alpha: 16}", "system.lora: unknown key `rank`"),
        ("description", "descripton", "unknown key `descripton`; did you mean `description`?"),
        ("layers: 1", "layer: 1", "bases.base: unknown setting `layer` of base.pretraining; did you mean `layers`?"),
        ("layers: 1", "layers: [1]", "bases.base: `layers` is [1]"),
        ("layers: 1", "script: base.pretraned",
         "bases.base: `script` is 'base.pretraned'; did you mean `base.pretrained`?"),
        ("layers: 1", "script: base.pretrained", "bases.base: unknown setting `hidden_size` of base.pretrained"),
        ("sft:", "stf:", "kinds: unknown kind `stf`; did you mean `sft`?"),
        ("sft: {", "sft: {tasks: {}, ", "kinds.sft: unknown setting `tasks` of sft"),
        ("mixture: {arithmetic: 1}", "mixture: word", "bases.base: `mixture` names the mixture `word`; allowed: none"),
        ("kinds:", "why: {epoch: x}\nkinds:", "why: unknown setting `epoch`; did you mean `epochs`?"),
        ("kinds:", "resources: {a: {threads: 0}}\nkinds:", "resources.a: `threads` is 0"),
        ("kinds:", "name: x\nkinds:", "unknown key `name`"),
    ],
)  # fmt: skip
def test_refused_scales(files, old, new, sentence):
    Path("recipes/scales/small.yaml").write_text(SCALE.replace(old, new))
    with pytest.raises(InputError, match=re.escape(sentence)):
        load_scale("small")


def test_a_base_that_lacks_a_setting(files):
    Path("recipes/scales/small.yaml").write_text(SCALE.replace("layers: 1, ", ""))
    with pytest.raises(InputError, match="base .base.pretraining. has no value for `layers`"):
        stages_of("stages: {cold_start_sft: {SFT, from: base}}")


# -- merging and identity


def test_later_layers_win(files):
    text = "stages: {cold_start_sft: {SFT, from: base, settings: {epochs: 5, batch_size: 7, max_length: 9}},"
    text += " b: {like: cold_start_sft}}"
    Path("recipes/scales/small.yaml").write_text(
        SCALE.replace("epochs: 1, ", "") + "stages: {cold_start_sft: {max_length: 77}}\n"
    )
    stages = stages_of(text, cold_start_sft={"seed": 3}, b={"seed": 4})
    first, second = (stages[name].config["settings"] for name in ("cold_start_sft", "b"))
    assert (first["epochs"], first["batch_size"], first["max_length"], first["seed"]) == (5, 2, 77, 3)
    assert second == first | {"seed": 4}  # what a scale says of a stage reaches the stages that are like it
    assert stages["cold_start_sft"].config["paper"]["settings"] == {"epochs": 5, "batch_size": 7, "max_length": 9}


def test_citations_why_resources_and_folder_are_not_identity(files):
    text = "stages: {cold_start_sft: {SFT, from: base, cite: {epochs: %s}}}"
    before = stages_of(text % "v2")["cold_start_sft"]
    Path("recipes/scales/small.yaml").write_text(SCALE + "why: {epochs: x}\nresources: {default: {threads: 2}}\n")
    after = stages_of(text % "v1")["cold_start_sft"]
    moved = {s.name: s for s in resolve(recipe(text % "v1"), load_scale("small"), {}, "/else/where")}["cold_start_sft"]
    assert before.identity == after.identity == moved.identity
    assert moved.folder == "/else/where/small/mine/cold_start_sft"
    assert (before.threads, after.threads) == (1, 2)
    assert json.loads(before.identity)["inputs"] == {"from": "small/base", "data": "small/mine/rows"}
    changed = stages_of(text % "v1", cold_start_sft={"epochs": 2})["cold_start_sft"]
    assert changed.identity != before.identity and changed.key != before.key


def test_used_recipes_lend_stages(files):
    recipe("stages: {a: {SFT, from: base}, b: {SFT, from: a}}", "first")
    stages = stages_of("use: first\nstages: {b: {like: b, settings: {epochs: 2}}, c: {SFT, from: b}}")
    assert list(stages) == ["base", "rows", "a", "b", "c"]
    assert stages["a"].folder == "runs/small/first/a"
    assert stages["b"].config["inputs"] == {"from": "runs/small/first/a", "data": "runs/small/first/rows"}
    assert stages["c"].parents == ["runs/small/mine/b", "runs/small/first/rows"]


def test_rule_names_must_differ(files):
    recipe("stages: {b_c: {SFT, from: base}}", "a")
    recipe("stages: {c: {SFT, from: base}}", "a_b")
    workspace = load_workspace({"scale": "small"})
    assert set(workspace.stages) == {"", "a"} and "a_b_c is already the rule" in str(workspace.errors["a_b"])


# -- fingerprint


def test_fingerprint_follows_imports(files):
    for room in ("stages/base", "stages/core/rewards", "data/text"):
        Path(room).mkdir(parents=True)
    Path("stages/base/pretraining.py").write_text("from stages.core.rewards import rules\nimport json\n")
    Path("stages/core/rewards/rules.py").write_text(
        "def f():\n    from data.text.chat import parse\n    return parse\n"
    )
    Path("data/text/chat.py").write_text("def parse(text):\n    '''Doc.'''\n    return text\n")

    def now() -> str:
        fingerprint.cache_clear()
        parsed.cache_clear()
        return fingerprint("base.pretraining")

    first = now()
    Path("data/text/chat.py").write_text("# comment\ndef parse(text):\n    return text\n")
    assert now() == first
    Path("data/text/chat.py").write_text("def parse(text):\n    return text.strip()\n")
    assert now() != first
    Path("data/text/chat.py").write_text("def parse(text):\n    return 'chat.j2'\n")
    without_file = now()
    Path("data/text/chat.j2").write_text("template")  # a file that a module names is part of its code
    assert now() != without_file
    assert fingerprint("evaluation.report") == "missing"


def test_what_a_sandbox_is_sent_is_part_of_the_code():
    """A file that is read, not imported, is found by its name in the module that reads it."""
    sent = {"judge/jobs.py": "plain.py inside.py runs_program.py runs_tests.py", "sandbox/server.py": "inside.py"}
    for module, files in sent.items():
        _, texts = read_tree(ast.parse((ROOT / "data" / module).read_text()), ["data"])
        assert set(files.split()) <= set(file_names(texts))


def test_no_scale_undoes_what_an_ablation_changes():
    for scale in available("scales"):
        workspace = load_workspace({"scale": scale})
        for name, stages in workspace.stages.items():
            recipe = load_recipe(recipe_file(name)) if name else None
            changes = recipe.changes if recipe and recipe.used else {}  # a study's
            for stage in stages:
                wanted = changes.get(stage.name, {}) if stage.recipe == name else {}
                assert {key: stage.config["settings"][key] for key in wanted} == wanted, stage.rule_name


# -- a scale over another one


def test_a_copy_of_a_copy_keeps_what_the_first_one_changes():
    """The scale's own length weight, of all such stages, does not come back for the second seed."""
    stages = {stage.name: stage.config["settings"] for stage in load_workspace({"scale": "smoke"}).rules()}
    assert stages["policy_mirror_descent"]["length_weight"] > 0
    for seed in (1, 2, 3):
        found = stages[f"rl_rest_slow_seed{seed}"]
        found = {key: found[key] for key in ("objective", "length_weight", "prompt_choice", "seed")}
        assert found == {"objective": "rest", "length_weight": 0.0, "prompt_choice": "uniform", "seed": seed}


def test_a_scale_over_another_changes_what_it_names(files):
    Path("recipes/scales/large.yaml").write_text(
        "use: small\nsystem: {precision: bfloat16}\n"
        "bases:\n  other: {script: base.pretrained, model: some/where}\n"
        "kinds:\n  sft: {epochs: 3}\n"
    )
    small, large = load_scale("small"), load_scale("large")
    assert large.description == small.description and large.system.precision == "bfloat16"
    assert large.bases == small.bases | {"other": {"script": "base.pretrained", "model": "some/where"}}
    assert large.kinds["sft"] == small.kinds["sft"] | {"epochs": 3}


def test_a_base_over_another_replaces_it_as_a_whole(files):
    Path("recipes/scales/large.yaml").write_text(
        "use: small\nbases: {base: {script: base.pretrained, model: some/where}}\n"
    )
    assert load_scale("large").bases == {"base": {"script": "base.pretrained", "model": "some/where"}}


def test_scales_that_use_each_other_are_refused(files):
    Path("recipes/scales/one.yaml").write_text("use: two\n")
    Path("recipes/scales/two.yaml").write_text("use: one\n")
    with pytest.raises(InputError, match="`use` names one, which uses this scale"):
        load_scale("one")
