"""The recipes on public data sets: read from local files with the hub's columns, at a scale made for this test."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.hub_files import LEAKED, write_files

ROOT = Path(__file__).resolve().parents[2]
REASONING = {"gsm8k": 2, "logic@en": 1}
PREFERENCES, RESPONSES = {"ultrafeedback_binarized": 1, "greeting": 1}, {"tulu_3_sft": 3, "facts": 1}
STAGES = (
    "r1_zero", "small_rl", "reasoning_rl", "student_rl", "cold_start_data", "vanilla_sft", "prompt_curation",
    "query_verifier_pairs",
)  # fmt: skip
SCALE = {
    "description": "the smoke scale on files",
    "use": "smoke",
    # The tokenizer of that scale has no words for the instruction, its model no practice in boxes.
    "public_data": {"decontaminate": ["math_500"], "math_answer": "anywhere"}
    | dict.fromkeys(("math_instruction", "evaluation_instruction"), ""),
    "stages": {
        **{stage: {"tasks": REASONING} for stage in STAGES},
        "qwen3_cold_start_data": {"tasks": REASONING},
        "rejection_sampling": {"tasks": REASONING, "general_tasks": RESPONSES},
        "r1_general_rl": {"tasks": REASONING, "general_tasks": {"ultrafeedback_binarized": 2, "beavertails": 1}},
        "helpful_reward_model": {"tasks": PREFERENCES},
        "preference_reward_model": {"tasks": PREFERENCES},
        "safety_reward_model": {"tasks": {"beavertails": 3, "unsafe": 1}},
        "long_cot_sft": {"demonstrations": {"s1k": 1}},
        "fusion_data": {"tasks": REASONING, "general_tasks": RESPONSES | {"repeat_word": 1}},
        "qwen3_general_rl": {
            "tasks": REASONING, "general_tasks": {"tulu_3_sft": 2, "ultrafeedback_binarized": 1, "repeat_word": 1},
        },
        "reference_reward_model": {"tasks": {"gsm8k": 1, "tulu_3_sft": 1, "facts": 1}},
        "evaluation": {
            "tasks": {"math_500": 1, "equation": 1}, "general_tasks": {"no_robots": 1}, "safety_tasks": {"xstest": 1},
            "instruction_tasks": {},
        },
    },
}  # fmt: skip
TARGETS = ("recipe_r1", "kimi_k15_long_cot_sft", "qwen3_general_rl")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    """The folder of the runs, and what was printed."""
    root = tmp_path_factory.mktemp("public")
    for name in ("Snakefile", "stages", "data", "recipes", "profiles"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    (root / "recipes" / "scales" / "files.yaml").write_text(yaml.safe_dump(SCALE))
    write_files(root / "files")
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--config", "scale=files"]
    done = subprocess.run(
        command, cwd=root, env=os.environ | {"SOURCES_FOLDER": str(root / "files")}, capture_output=True, text=True
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return root / "runs" / "files", done.stdout + done.stderr


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def table(folder: Path) -> list[dict]:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(folder / "data" / "rows.parquet").to_pylist()


def test_what_was_read_and_dropped_is_in_the_manifest(finished):
    folder, output = finished
    sources = manifest(folder / "r1" / "r1_zero")["sources"]
    assert {name.split(",")[0] for name in sources} == {"gsm8k (train", "gsm8k (validation"}  # the curve's questions
    counts = sources["gsm8k (train, seed 42)"]
    assert counts["revision"] == "main"
    assert counts["evaluation question"] == LEAKED and counts["kept"] > 20
    assert "evaluation question 3" in output


@pytest.mark.parametrize(
    ("stage", "family"),
    [
        ("r1/rejection_sampling", "logic"),
        ("kimi_k15/prompt_curation", "expression"),  # truth values are excluded there
        ("qwen3/fusion_data", "logic"),
    ],
)
def test_rows_keep_where_they_come_from(finished, stage, family):
    folder, _ = finished
    rows = table(folder / stage)
    assert {"gsm8k", family} <= {row["task"] for row in rows}
    assert {row["licence"] for row in rows if row["task"] == "gsm8k"} == {"MIT"}
    assert "MIT" in manifest(folder / stage)["licences"]
    leaked = {row["problem"] for row in map(json.loads, (folder.parents[1] / "files" / "math_500.jsonl").open())}
    assert not leaked & {row["prompt"][-1]["content"] for row in rows}


def test_demonstrations_are_learnt_as_they_are(finished):
    folder, _ = finished
    known = {
        turns["messages"][0]["content"]: turns["messages"][1]["content"]
        for turns in map(json.loads, (folder.parents[1] / "files" / "tulu_3_sft.jsonl").open())
    }
    rows = [row for row in table(folder / "r1" / "rejection_sampling") if row["task"] == "tulu_3_sft"]
    assert len(rows) > 10
    assert all(row["completion"].endswith(known[row["prompt"][0]["content"]]) for row in rows)


def test_the_evaluation_has_the_public_benchmarks(finished):
    folder, _ = finished
    results = json.loads((folder / "r1" / "results.json").read_text())
    found = {(row["benchmark"], row["metric"]) for row in results if row["checkpoint"] == "general_rl"}
    assert {("math_500", "pass@1"), ("world_math", "pass@1"), ("math", "pass@1"), ("xstest", "unsafe_refused")} <= found
    assert {("reasoning", "pass@1"), ("safety", "unsafe_refused"), ("safety", "safe_answered")} <= found
    assert ("general", "win_rate (reward model)") in found
    assert not {("general", "gold"), ("instruction_following", "followed")} & found  # nothing here can say


def test_reward_models_learnt_from_people(finished):
    folder, output = finished
    for stage in ("r1/helpful_reward_model", "r1/safety_reward_model", "qwen3/reference_reward_model"):
        assert manifest(folder / stage)["sources"], stage
    assert "public pairs (train): total" in output
