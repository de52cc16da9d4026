"""Broken recipes, scales and command lines: one sentence each, and a broken recipe breaks only itself."""

import re
from pathlib import Path

import pytest

from data.errors import InputError
from stages.core.pipeline.overview import check_targets, overview
from stages.core.pipeline.workspace import Workspace, load_workspace

SCALE = """
description: for tests
bases:
  base: {hidden_size: 64, layers: 1, heads: 2, key_value_heads: 1, feed_forward_size: 64, vocabulary_size: 400,
         mixture: {arithmetic: 1}, steps: 1, batch_size: 2, matrix_learning_rate: 0.02, learning_rate: 0.001,
         max_length: 16}
kinds:
  sft: &sft {epochs: 1, learning_rate: 1e-3, final_learning_rate: 0, warmup_fraction: 0, batch_size: 2, max_length: 8,
        micro_batch_size: 2}
  sampled: {samples_per_prompt: 2, keep_per_prompt: 1, temperature: 1, top_p: 1, max_completion_length: 8,
            min_language_consistency: 0, repetition_ngram: 8, max_repetition: 1, tasks: {arithmetic: 1}, prompts: 9,
            sampling_batch_size: 1}
  reward_model: {epochs: 1, learning_rate: 1e-3, learning_rate_schedule: linear, batch_size: 2, max_length: 8,
                 examples: 2, tasks: {facts: 1}, held_out: 1, micro_batch_size: 2}
stages:
  evaluation: {samples_per_question: 1, temperature: 1, top_p: 1, max_completion_length: 8, tasks: {arithmetic: 1},
               reasoning_questions: 1, questions_per_benchmark: 1, pass_k_questions: 1, pass_k_samples: 1,
               sampling_batch_size: 1}
  judge: {judge_noise: 1, center_coefficient: 0, judgements: 1, min_score_difference: 0, balance_lengths: false}
"""
GOOD = """
stages:
  rows: {script: r1.cold_start_data, sampler: base}
  sft: {script: r1.cold_start_sft, from: base, data: rows}
  judge: {script: r1.helpful_reward_model, from: sft}
  evaluation: {script: evaluation.evaluate, checkpoints: [base, sft], reward_models: [judge]}
  report: {script: evaluation.report}
"""


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """A folder with the scale `small` and the recipe `good`."""
    monkeypatch.chdir(tmp_path)
    Path("recipes/scales").mkdir(parents=True)
    Path("recipes/studies").mkdir()
    Path("recipes/scales/small.yaml").write_text(SCALE)
    Path("recipes/good.yaml").write_text(GOOD)
    return tmp_path


def plan(**configuration) -> Workspace:
    return load_workspace({"scale": "small"} | configuration)


def sentence_of(error: InputError) -> str:
    sentence = str(error)
    assert "\n" not in sentence and len(sentence) < 900, sentence
    return sentence


# -- recipes

RECIPES = [
    ("", "found nothing, a recipe file is a mapping"),
    ("[1, 2]", "found list, a recipe file is a mapping"),
    ("just words", "found str, a recipe file is a mapping"),
    ("a: b: c", "line 1, column"),
    ("stages:\n\tsft: {}", "line 2, column"),
    ("stages: {a: {b: c", "line "),
    ("stages: &a\n  x: *a\n", "line 1"),
    ("stages: " + "[" * 300 + "]" * 300, "nested more than 30 deep"),
    ("stages: " + "{a: " * 3000 + "1" + "}" * 3000, "nest"),
    ("stages: " + "[" * 200_000, "maximum nesting depth"),
    ("- " * 3000 + "a", "nested more than 30 deep"),
    ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{n}: &{n} [{', '.join([f'*{m}'] * 10)}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True)),
     "values with its aliases written out"),
    ("a: &a {k: 1}\n" + "".join(
        f"{n}: &{n} {{<<: [{', '.join([f'*{m}'] * 10)}]}}\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True)),
     "values with its aliases written out"),
    ("stages: {a: {settings: {x: 2024-99-99}}}", "cannot be read as YAML"),
    ("stages: {a: {settings: {x: " + "9" * 5000 + "}}}", "cannot be read as YAML"),
    ("stages: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    ("stages: {a: {script: r1.cold_start_sft}}\n---\nstages: {}", "expected a single document"),
    ("stages: {a: 1}\nstages: {b: 2}", "the key `stages` is given twice"),
    ("stages: {? [a] : 1}", "unhashable key"),
    ("stages: \"\\0\"", "`stages` is"),
    ("stages: null", "`stages` is None"),
    ("stages: {1: {script: r1.cold_start_sft}}", "`1` is 1"),
    ("stages: {sft: null}", "`sft` is None"),
    ("stages: {sft: {script: [r1]}}", "`script` is ['r1']"),
    ("seeds: [1, 1]\n" + GOOD, "1 is there twice"),
    ("seeds: [-1]\n" + GOOD, "`0` is -1"),
    ("seeds: [4294967296]\n" + GOOD, "less than 4294967296"),
    ("seeds: [true]\n" + GOOD, "truth value"),
    ("seeds: 3\n" + GOOD, "`seeds` is 3"),
    (f"seeds: {list(range(2000))}\n" + GOOD, "seeds and arms make 2,000 stages of it"),
    ("use: nosuch\n" + GOOD, "there is no recipe `nosuch`"),
    ("use: ../recipes/good\n" + GOOD, "there is no recipe `../recipes/good`"),
    ("use: [good]\n" + GOOD, "`use` is ['good']"),
    ("use: ''\n" + GOOD, "there is no recipe ``"),
    ("use: broken\n" + GOOD, "`use` names the recipe itself"),
    ("paper: {title: '', version: v1, url: 'https://a'}\n" + GOOD, "`title` is ''"),
    ("paper: {title: a, version: v1, url: nowhere}\n" + GOOD, "`url` is 'nowhere'"),
    ("paper: {title: a, version: v1}\n" + GOOD, "`url` is missing"),
    ("paper: {title: a, version: v1, url: 'https://a'}\n" + GOOD, "no citation (and "),
    (GOOD.replace("data: rows}", "data: rows, cite: {epochs: ' '}}"), "`epochs` is ' '"),
    (GOOD.replace("data: rows}", "data: rows, arms: {rate: {a b: {}}}}"), "an arm's name is made of letters"),
    (GOOD.replace("data: rows}", "data: rows, arms: {rate: {a: {epoch: 1}}}}"), "unknown setting `epoch`"),
    (GOOD.replace("data: rows}", "data: rows, arms: {rate: {a: null}}}"), "`a` is None"),
    (GOOD.replace("reward_models: [judge]}", "arms: {rate: {a: {}}}}"), "`arms` of evaluation.evaluate"),
    (GOOD.replace("sampler: base}", "sampler: base, arms: {x: {a: {}}}}").replace(
        "data: rows}", "data: rows, arms: {x: {b: {}}}}"), "has other arms of the axis `x`"),
    (GOOD.replace("  judge:", "  rows_a: {script: r1.cold_start_data, sampler: base}\n  judge:").replace(
        "sampler: base}", "sampler: base, arms: {x: {a: {}}}}", 1), "is called `rows_a`, as is another stage"),
    (GOOD.replace("  sft:", "  base:"), "a base of this name"),
    (GOOD.replace("  sft:", f"  {'s' * 101}:"), "at most 100 letters"),
    (GOOD.replace("  sft:", '  "a\\nb":'), "stages.a b: a stage's name"),
    ("stages: {report: {script: evaluation.report}}", "a report shows the stages above it"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), RECIPES, ids=range(len(RECIPES)))
def test_a_broken_recipe_breaks_only_itself(files, text, words):
    Path("recipes/broken.yaml").write_text(text)
    workspace = plan()
    assert list(workspace.errors) == ["broken"] and [stage.name for stage in workspace.targets("good")] == ["report"]
    sentence = sentence_of(workspace.errors["broken"])
    assert words in sentence and sentence.startswith("recipes/broken.yaml"), sentence
    assert sentence in overview(workspace)
    check_targets(workspace, {"recipe_good"})
    with pytest.raises(InputError, match=re.escape(sentence)):
        check_targets(workspace, {"recipe_broken"})


# -- what stages read of each other

ROLES = [
    ("from: base, data: rows}", "from: rows, data: rows}", "from: `rows` makes examples, prompts, where policy is"),
    ("from: base, data: rows}", "from: base, data: base}", "data: `base` makes policy, where examples is needed"),
    ("from: base, data: rows}", "from: base}", "data: missing: r1.cold_start_sft reads examples there; allowed: rows"),
    ("from: base, data: rows}", "data: rows}", "from: missing: r1.cold_start_sft reads policy there"),
    ("from: base, data: rows}", "from: base, data: rows, teacher: base}", "teacher: r1.cold_start_sft has no"),
    ("sampler: base}", "sampler: base, from: base}", "from: r1.cold_start_data has no such input"),
    ("sampler: base}", "from: base}", "from: r1.cold_start_data has no such input"),
    ("reward_models: [judge]", "reward_models: [sft]", "reward_models: `sft` makes policy, where reward model"),
    ("checkpoints: [base, sft]", "checkpoints: [base, judge]", "checkpoints: `judge` makes reward model"),
    ("checkpoints: [base, sft]", "checkpoints: [base, rows]", "checkpoints: `rows` makes examples"),
    ("checkpoints: [base, sft]", "checkpoints: [base, base]", "there twice"),
    ("checkpoints: [base, sft]", "checkpoints: []", "checkpoints: missing"),
    ("checkpoints: [base, sft]", "checkpoints: base", "`checkpoints` is 'base'"),
    ("from: sft}", "from: [sft]}", "`from` is ['sft']"),
    ("from: sft}", "from: evaluation}", "`evaluation` is a later stage"),
    ("  report:", "  tuned: {script: r1.cold_start_sft, from: judge, data: rows}\n  report:",
     "from: `judge` makes reward model, where policy is needed"),
    ("  report:", "  tuned: {script: r1.cold_start_sft, from: sft, data: evaluation}\n  report:",
     "data: `evaluation` makes nothing that a stage reads"),
    ("  report:", "  zero: {script: r1.general_rl, from: sft, reward_models: [judge]}\n  report:", "has no value for"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), ROLES)
def test_inputs_of_the_wrong_kind(files, old, new, words):
    assert old in GOOD
    Path("recipes/broken.yaml").write_text(GOOD.replace(old, new, 1))
    workspace = plan()
    assert list(workspace.errors) == ["broken"] and words in sentence_of(workspace.errors["broken"])


def test_files_and_folders_that_are_no_recipes(files):
    Path("recipes/folder.yaml").mkdir()
    Path("recipes/gone.yaml").symlink_to("nowhere")
    Path("recipes/bytes.yaml").write_bytes(b"\xff\xfe\x00stages")
    Path("recipes/huge.yaml").write_text("#" * (2 << 20))
    for name in ("a{b}", "a b", "a'b", "a,b", "-x"):
        Path(f"recipes/{name}.yaml").write_text(GOOD)
    Path("recipes/base.yaml").write_text(GOOD)
    Path("recipes/twice.yaml").write_text(GOOD)
    Path("recipes/studies/twice.yaml").write_text(GOOD)
    Path("recipes/one.yaml").write_text(f"use: two\n{GOOD}")
    Path("recipes/two.yaml").write_text(f"use: one\n{GOOD}")
    Path("recipes/.hidden.yaml").write_text("{")
    workspace = plan()
    said = {name: sentence_of(error) for name, error in workspace.errors.items()}
    assert set(workspace.stages) == {"", "good"}
    for name, words in {
        "folder": "it is a folder or something else", "bytes": "cannot be read as YAML", "huge": "larger than 1 MiB",
        "a{b}": "is named with letters", "a b": "is named with letters", "a'b": "is named with letters",
        "a,b": "is named with letters", "-x": "is named with letters", "base": "a base of this name",
        "twice": "has the same name", "one": "`use` names one, which uses this recipe", "gone": "there is no recipe",
        "two": "`use` names two, which uses this recipe",
    }.items():  # fmt: skip
        assert words in said.pop(name), name
    assert not said


# -- scales

SCALES = [
    ("description: for tests", "description: ''", "`description` is ''"),
    ("description: for tests", "", "`description` is missing"),
    ("description: for tests", "description: x\nsystem: {nodes: 2}", "`processes` is 1, allowed: a multiple"),
    ("description: for tests", "description: x\nsystem: {processes: 3, nodes: 2}", "`processes` is 3"),
    ("description: for tests", "description: x\nsystem: {accelerate: fsdp3}", "did you mean `fsdp2`?"),
    ("description: for tests", "description: x\nsystem: {accelerate: ../cpu}", "there is no profiles/accelerate"),
    ("description: for tests", "description: x\nsystem: {processes: 2, accelerate: fsdp2, lora: {r: 8, alpha: 16}}",
     "`accelerate` is 'fsdp2', allowed with `lora`"),
    ("description: for tests", "description: x\nsystem: {processes: 2, accelerate: zero3, lora: {r: 8, alpha: 16}}",
     "`accelerate` is 'zero3', allowed with `lora`"),
    ("description: for tests", "description: x\nsystem: {lora: {r: 8, alpha: 16, target_modules: [nosuch]}}",
     "`target_modules` names 'nosuch'; `base` has"),
    ("description: for tests", "description: x\nsystem: {lora: {r: 8, alpha: 16, target_modules: []}}", "target_mod"),
    ("description: for tests", "description: x\nsystem: {lora: {r: 0, alpha: 16}}", "`r` is 0"),
    ("description: for tests", "description: x\nsystem: {lora: {r: 8, alpha: .inf}}", "`alpha` is inf"),
    ("description: for tests", "description: x\nsystem: {lora: {r: 8, alpha: 1, dropout: 1}}", "`dropout` is 1"),
    ("description: for tests", "description: x\nsystem: {processes: true}", "truth value"),
    ("description: for tests", "description: x\nsystem: {logp_gap_limit: .inf}", "`logp_gap_limit` is inf"),
    ("description: for tests", "description: x\nsystem: {vllm: {server_port: 70000}}", "`server_port` is 70000"),
    ("description: for tests", "description: x\nsystem: {vllm: {gpu_memory_utilization: 1.5}}", "is 1.5"),
    ("description: for tests", "description: x\nsystem: {engine: vllm, vllm: {max_model_length: 4096}}",
     "`max_model_length` is 4096, allowed: at most 1024"),
    ("description: for tests", "description: x\nsystem: 3", "`system` is 3"),
    ("description: for tests", "description: x\npublic_data: {decontaminate: [nosuch]}", "no data set is called so"),
    ("description: for tests", "description: x\npublic_data: {decontaminate: [deepscaler]}", "no test split"),
    ("description: for tests", "description: x\npublic_data: {commercial_only: true}\nmixtures: {m: {sciq: 1}}\nx: 1",
     "unknown key `x`"),
    ("description: for tests", "description: x\nuse: nosuch", "there is no scale `nosuch`"),
    ("description: for tests", "description: x\nuse: [small]", "`use` is ['small']"),
    ("description: for tests", "description: x\nuse: null", "`use` is None"),
    ("description: for tests", "description: x\nmixtures: {m: {nosuch: 1}}", "is called `nosuch`"),
    ("description: for tests", "description: x\nmixtures: {m: {facts: 0}}", "above 0"),
    ("description: for tests", "description: x\nmixtures: [facts]", "`mixtures` is ['facts']"),
    ("description: for tests", "description: x\nresources: {default: {mem_mb: lots}}", "`mem_mb` is 'lots'"),
    ("description: for tests", "description: x\nresources: {default: {mem_mb: -1}}", "`mem_mb` is -1"),
    ("description: for tests", "description: x\nresources: {default: {threads: true}}", "`threads` is True"),
    ("description: for tests", "description: x\nresources: {default: {threads: 1.5}}", "`threads` is 1.5"),
    ("description: for tests", "description: x\nresources: {default: {runtime: soon}}", "`runtime` is 'soon'"),
    ("description: for tests", "description: x\nresources: {default: {'a b': 1}}", "letters, digits and underscores"),
    ("description: for tests", "description: x\nresources: {default: {gpu: [1]}}", "`gpu` is [1]"),
    ("description: for tests", "description: x\nresources: {nosuch: {threads: 1}}", "unknown stage `nosuch`"),
    ("description: for tests", "description: x\nresources: [1]", "`resources` is [1]"),
    ("  judge:", "  nosuch: {epochs: 1}\n  judge:", "stages: unknown stage `nosuch`"),
    ("  judge:", "  evaluatoin: {epochs: 1}\n  judge:", "did you mean `evaluation`?"),
    ("  base: {", "  'a b': {", "letters, digits and underscores"),
    ("  base: {", "  base: {script: [1], ", "`script` is [1]"),
    ("  base: {", "  base: {script: r1.r1_zero, ", "`script` is 'r1.r1_zero'"),
    ("mixture: {arithmetic: 1}", "mixture: nosuch", "names the mixture `nosuch`"),
    ("epochs: 1, learning_rate: 1e-3, final", "epochs: 0, learning_rate: 1e-3, final", "kinds.sft: `epochs` is 0"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), SCALES)
def test_a_broken_scale_ends_with_its_sentence(files, old, new, words):
    assert old in SCALE
    Path("recipes/scales/small.yaml").write_text(SCALE.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        plan()
    assert words in sentence_of(error.value) and "recipes/scales/" in str(error.value), error.value


def test_a_system_that_fits(files):
    for system in (
        "{accelerate: fsdp2, lora: {r: 8, alpha: 16}}",  # one process, so nothing is in shards
        "{processes: 2, accelerate: ddp, lora: {r: 8, alpha: 16, target_modules: [q_proj, self_attn.v_proj]}}",
        "{processes: 2, nodes: 2, accelerate: fsdp2}",
    ):
        Path("recipes/scales/small.yaml").write_text(f"system: {system}\n{SCALE}")
        assert plan().errors == {}
    written = "resources: {default: {threads: 2, mem_mb: 4000, runtime: 2h, mem: 4GB, slurm_partition: long, x: 3}}"
    Path("recipes/scales/small.yaml").write_text(f"{written}\n{SCALE}")
    assert plan().stages["good"][0].resources["runtime"] == "2h"


# -- the command line

COMMAND_LINES = [
    ({"runs": ""}, "--config runs: found ''"),
    ({"runs": "/"}, "--config runs: found '/'"),
    ({"runs": "//"}, "--config runs"),
    ({"runs": ["a"]}, "--config runs: found ['a'], allowed: the path of a folder"),
    ({"runs": None}, "--config runs: found None"),
    ({"runs": True}, "--config runs: found True"),
    ({"runs": {"a": 1}}, "--config runs"),
    ({"runs": "a{b}"}, "allowed: a path of letters"),
    ({"runs": "a\nb"}, "allowed: a path of letters"),
    ({"runs": "a\0b"}, "allowed: a path of letters"),
    ({"runs": "a b; rm -rf $HOME"}, "allowed: a path of letters"),
    ({"runs": "a*"}, "allowed: a path of letters"),
    ({"runs": "-x"}, "allowed: a path of letters"),
    ({"runs": "recipes/good.yaml"}, "recipes/good.yaml is a file"),
    ({"runs": "recipes/good.yaml/runs"}, "recipes/good.yaml is a file"),
    ({"runs": "x" * 5000}, "--config runs"),
    ({"scale": "smal"}, "did you mean `small`?"),
    ({"scale": "../scales/small"}, "there is no scale `../scales/small`"),
    ({"scale": ""}, "there is no scale ``"),
    ({"scale": None}, "there is no scale `None`"),
    ({"scale": ["small"]}, "there is no scale"),
    ({"stages": [1]}, "--config stages: found [1]"),
    ({"stages": None}, "--config stages: found None"),
    ({"stages": {"sft": 3}}, "--config stages: found {'sft': 3}"),
    ({"stages": {"sft": None}}, "--config stages"),
    ({"stages": {"sfd": {}}}, "unknown stage `sfd`; did you mean `sft`?"),
    ({"stages": {1: {}}}, "unknown stage `1`"),
    ({"stages": {"sft": {"epoch": 1}}}, "unknown setting `epoch` of r1.cold_start_sft; did you mean `epochs`?"),
    ({"stages": {"base": {"steps": 0}}}, "--config stages.base: `steps` is 0"),
    ({"stages": {"report": {"title": "x"}}}, "unknown setting `title`"),
    ({"report_to": "wandbb"}, "did you mean `wandb`?"),
    ({"report_to": ["wandb"]}, "--config report_to: found ['wandb']"),
    *(({"seeds": seeds}, f"--config seeds: found {seeds!r}, allowed: how many seeds, from 1 to 1,000, or a list of")
      for seeds in (0, -1, 1001, True, "a", "3", 1.5, None, {1: 2})),
    *(({"seeds": seeds}, f"--config seeds: found {seeds!r}, allowed: how many seeds, from 1 to 1,000, or a list of")
      for seeds in ([], [1, 1], [1, "1"], ["1.5"], ["a"], [1, 2.0], [-1], [True], [2**32])),
    ({"seeds": 2, "stages": {"sft": {"seed": 3}}}, "--config stages.sft: `seed` is 3, allowed: 1, as `seeds` has it"),
    ({"run": "x"}, "unknown key `run`; did you mean `runs`?"),
    ({1: "x"}, "unknown key `1`"),
]  # fmt: skip


@pytest.mark.parametrize(("configuration", "words"), COMMAND_LINES, ids=range(len(COMMAND_LINES)))
def test_command_lines(files, configuration, words):
    with pytest.raises(InputError) as error:
        plan(**{str(key): value for key, value in configuration.items() if isinstance(key, str)}) if all(
            isinstance(key, str) for key in configuration
        ) else load_workspace({"scale": "small"} | configuration)
    assert words in sentence_of(error.value), error.value


@pytest.mark.parametrize("runs", ["runs", "/tmp/some/where", "../there", "a-b_c.d/e+f", "~/runs", 2026, "Läufe"])
def test_folders_that_do(files, runs):
    assert plan(runs=runs).errors == {}


def test_a_setting_of_one_recipe_does_not_break_another_that_has_the_stage_too(files):
    Path("recipes/other.yaml").write_text("stages: {sft: {script: kimi_k15.code_tests}}")
    Path("recipes/scales/small.yaml").write_text(
        SCALE.replace("  judge:", "  other_sft: {tasks: {expression: 1}, problems: 1, planted_wrong: 0, cases: 1, "
                      "valid_cases: 1, submissions: 1, agreeing: 1, passing: 1}\n  judge:")
    )  # fmt: skip
    assert plan().errors == {}
    assert set(plan(stages={"sft": {"problems": 2}}).errors) == {"good"}


def test_a_folder_that_cannot_be_written(files):
    check_targets(plan(runs="/proc/nope"), set())  # the list of recipes needs none
    with pytest.raises(InputError, match="/proc/nope cannot be written to"):
        check_targets(plan(runs="/proc/nope"), {"recipe_good"})
    check_targets(plan(runs="new/folder"), {"recipe_good"})
    assert not Path("new").exists()
