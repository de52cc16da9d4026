"""The whole recipes at the smoke scale: real models, real trainers, a few steps each."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet
import pytest

from benchmarks import kill_matrix
from stages import lineage
from stages.evaluation.by_question import ByQuestion, Place

ROOT = Path(__file__).resolve().parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
CHECKPOINTS = {
    "base", "r1_zero", "cold_start_sft", "reasoning_rl", "general_sft", "general_rl", "student_base", "distillation",
    "small_rl",
}  # fmt: skip

pytestmark = pytest.mark.slow


def snakemake(runs: Path, target: str, *arguments: str) -> subprocess.Popen:
    command = [*SNAKEMAKE, target, *arguments, "--nolock", "--config", "scale=smoke", f"runs={runs}"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def killed_at_a_checkpoint(runs: Path, target: str, folder: Path, script: str) -> None:
    """Run up to a stage that trains and kill it as soon as it has saved something."""
    process = snakemake(runs, target)
    deadline = time.monotonic() + 1200  # of a run that hangs, not of a slow machine
    while not list(folder.glob("trainer/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline, f"{script} saved no checkpoint"
        time.sleep(0.02)
    subprocess.run(["pkill", "-KILL", "-f", f"stages.{script} {folder}"], check=False)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert not (folder / "manifest.json").exists(), "the kill came too late to test anything"


def whole(runs: Path, recipe: str) -> str:
    """What Snakemake printed of a whole recipe."""
    process = snakemake(runs, f"recipe_{recipe}")
    output = process.communicate(timeout=900)[0]
    assert process.returncode == 0, output[-4000:]
    return output


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    """The folder of a whole run, and what Snakemake printed; an RL stage was killed on the way and resumed."""
    runs = tmp_path_factory.mktemp("runs")
    killed_at_a_checkpoint(runs, "r1_r1_zero", runs / "smoke" / "r1" / "r1_zero", "r1.r1_zero")
    return runs / "smoke", whole(runs, "r1")


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def metrics(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def check_steps(folder: Path) -> None:
    """No update and no measurement was logged twice, or left out."""
    rows = metrics(folder)
    last = rows[-1]["step"]
    measured = [row["step"] for row in rows if "held_out/seconds" in row]
    assert [row["step"] for row in rows if "held_out/seconds" not in row] == list(range(1, last + 1))
    assert sorted(measured) == [step for step in range(last + 1) if step % 3 == 0 or step == last]


def test_the_killed_stage_went_on_where_it_was(finished):
    folder, output = finished
    zero = folder / "r1" / "r1_zero"
    resumed = manifest(zero)["resumed"]
    assert len(resumed) == 1 and resumed[0]["step"] > 0
    assert f"resuming r1_zero at step {resumed[0]['step']}" in output
    check_steps(zero)
    assert not (zero / "trainer").exists()


def test_every_checkpoint_is_evaluated(finished):
    folder, _ = finished
    results = json.loads((folder / "r1" / "results.json").read_text())
    assert {row["checkpoint"] for row in results} == CHECKPOINTS
    assert {row["benchmark"] for row in results} == {
        "math", "code", "stem", "chinese", "reasoning", "levels", "extrapolation", "transfer",
        "instruction_following", "general", "safety",
    } - {"math", "code"} | {row["benchmark"] for row in results}  # fmt: skip
    for row in results:
        assert row["low"] <= row["value"] <= row["high"], row
        assert set(row) == {
            "recipe", "scale", "checkpoint", "stage", "arm", "seed", "seeds", "benchmark", "mode", "budget", "metric",
            "value", "low", "high", "n", "k",
        }  # fmt: skip
    questions = pyarrow.parquet.read_table(folder / "r1" / "evaluation" / "data" / "questions.parquet")
    values = ByQuestion.read(questions)
    for row in results:
        sets = values.of(Place(*(row[field] for field in Place._fields)))
        means = [sum(value.mean for value in found.values()) / len(found) for found in sets.values()]
        assert sum(means) / len(means) == pytest.approx(row["value"]) and sum(map(len, sets.values())) == row["n"]


def test_the_same_seed_gives_the_same_results_twice(finished, tmp_path):
    for runs in (finished[0].parent, tmp_path):
        whole(runs, "r1_zero")
    first, second = (runs / "smoke/r1_zero/results.json" for runs in (finished[0].parent, tmp_path))
    assert first.read_bytes() == second.read_bytes() and json.loads(first.read_bytes())


@pytest.mark.parametrize("kind", ["grpo", "sampling"])
def test_interrupted_stages_end_as_undisturbed_ones(finished, kind, capfd):
    """The other kinds, signals and moments: make test-nightly."""
    cases = ["--kinds", kind, "--signals", "KILL", "TERM", "--moments", "middle", "checkpoint"]
    code = kill_matrix.main(["--runs", str(finished[0].parent), *cases])
    output = capfd.readouterr().out
    assert code == 0 and "4 of 4 are equal" in output, output


def test_verified_lineage(finished, capsys):
    folder, _ = finished
    assert lineage.main([str(folder / "r1" / "general_rl"), "--verify"]) == 0
    output = capsys.readouterr().out
    assert "base.pretraining" in output and "r1.reasoning_rl" in output and "all payloads and manifests" in output


def test_the_lineage_is_whole(finished):
    folder, _ = finished
    parents = {name: {Path(path).name for path in manifest(folder / "r1" / name)["parents"]} for name in (
        "r1_zero", "cold_start_sft", "general_sft", "distillation", "general_rl"
    )}  # fmt: skip
    assert parents == {
        "r1_zero": {"base"},
        "cold_start_sft": {"base", "cold_start_data"},
        "general_sft": {"base", "rejection_sampling"},
        "distillation": {"student_base", "rejection_sampling"},
        "general_rl": {"general_sft", "helpful_reward_model", "safety_reward_model"},
    }


def test_filters_count_every_sample(finished):
    folder, _ = finished
    for name in ("cold_start_data", "rejection_sampling"):
        counts = manifest(folder / "r1" / name)["counts"]
        assert counts["total"] == sum(count for rule, count in counts.items() if rule != "total"), counts
        assert counts["wrong answer"] > 0


def test_policies_moved_and_ratios_were_live(finished):
    folder, _ = finished
    rows = [row for row in metrics(folder / "r1" / "r1_zero") if "held_out/seconds" not in row]
    assert any(row["grad_norm"] > 0 for row in rows)
    assert any(row["kl"] > 0 for row in rows)


def test_the_policy_is_measured_along_the_run(finished):
    folder, _ = finished
    for name in ("r1_zero", "reasoning_rl", "general_rl", "small_rl"):
        first, *later = [row for row in metrics(folder / "r1" / name) if "held_out/seconds" in row]
        assert first["step"] == 0 and first["held_out/kl"] == 0.0 and all(row["held_out/kl"] > 0 for row in later)
        for row in (first, *later):
            assert {"held_out/accuracy", "held_out/tokens", "held_out/format", "held_out/reflections"} <= row.keys()
            assert any(key.startswith("held_out/level_") for key in row)
    assert {"held_out/gold", "held_out/reward_model_score", "held_out/general_kl"} <= later[-1].keys() | {
        key for row in metrics(folder / "r1" / "general_rl") for key in row
    }
    assert "Held-out curves" in (folder / "r1" / "report" / "report.html").read_text()


def test_the_report_is_self_contained(finished):
    folder, _ = finished
    html = (folder / "r1" / "report" / "report.html").read_text()
    assert "general_rl" in html and 'src="http' not in html


def test_checkpoints_are_plain_transformers_ones(finished):
    folder, _ = finished
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = folder / "r1" / "general_rl" / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path)
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    output = model.generate(**tokenizer(text, return_tensors="pt"), max_new_tokens=4)
    assert output.shape[1] > len(tokenizer(text)["input_ids"])


def test_a_second_call_has_nothing_to_do(finished):
    folder, _ = finished
    again = snakemake(folder.parent, "recipe_r1", "-n")
    assert "Nothing to be done" in again.communicate(timeout=120)[0]


@pytest.fixture(scope="module")
def kimi(finished) -> Path:
    """Kimi's recipe from the same base; its RL was killed on the way and resumed."""
    folder = finished[0] / "kimi_k15"
    rl = folder / "policy_mirror_descent"
    killed_at_a_checkpoint(folder.parents[1], "kimi_k15_policy_mirror_descent", rl, "kimi_k15.policy_mirror_descent")
    whole(folder.parents[1], "kimi_k15")
    return folder


def test_kimi_s_rl_went_on_where_it_was(kimi):
    resumed = manifest(kimi / "policy_mirror_descent")["resumed"]
    assert len(resumed) == 1 and resumed[0]["step"] > 0
    check_steps(kimi / "policy_mirror_descent")


def test_kimi_evaluates_the_four_ways_to_short_thoughts(kimi):
    results = json.loads((kimi / "results.json").read_text())
    assert {row["checkpoint"] for row in results} == {
        "base", "long_context_sft", "long_cot_sft", "policy_mirror_descent", "checkpoint_choice", "merge",
        "shortest_sft", "long2short_dpo", "long2short_rl",
    }  # fmt: skip


def test_kimi_counts_every_prompt(kimi):
    counts = manifest(kimi / "prompt_curation")["counts"]
    assert counts["total"] == sum(count for rule, count in counts.items() if rule != "total"), counts
    assert counts["true or false"] > 0


def test_the_long_model_is_one_of_the_checkpoints_that_rl_kept(kimi):
    kept = sorted(path.name for path in (kimi / "policy_mirror_descent" / "model" / "kept").iterdir())
    assert kept == ["iteration_1", "iteration_2"]  # of three, the last of which is the model itself
    told = manifest(kimi / "checkpoint_choice")["headline"]
    assert told["checkpoints"] == 3
    name = told["chosen"]
    folder = kimi / "policy_mirror_descent" / "model" / ("." if name == "last" else f"kept/{name}")
    weights = [path / "model.safetensors" for path in (folder, kimi / "checkpoint_choice" / "model")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_merged_weights_are_the_mean(kimi):
    from transformers import AutoModelForCausalLM

    long, short, merged = (
        AutoModelForCausalLM.from_pretrained(kimi / name / "model").state_dict()
        for name in ("checkpoint_choice", "long_context_sft", "merge")
    )
    for name, weights in merged.items():
        assert (weights - (long[name] + short[name]) / 2).abs().max() < 1e-6, name


@pytest.fixture(scope="module")
def qwen3(finished) -> Path:
    """Qwen3's recipe from the same base."""
    whole(finished[0].parent, "qwen3")
    return finished[0] / "qwen3"


def test_qwen3_evaluates_both_modes_and_every_budget(qwen3):
    results = json.loads((qwen3 / "results.json").read_text())
    modes = {row["checkpoint"]: set() for row in results}
    for row in results:
        if row["benchmark"] == "reasoning":
            modes[row["checkpoint"]].add(row["mode"])
    assert modes["reasoning_rl"] == {None}
    for name in ("thinking_mode_fusion", "general_rl", "on_policy_distillation", "student_rl"):
        assert modes[name] == {"thinking", "non_thinking"}
    assert {row["budget"] for row in results if row["benchmark"] == "budget"} == {0, 8, 24}
    assert {row["checkpoint"] for row in results if row["benchmark"] == "think_follow"} >= {"general_rl", "student_rl"}


def test_every_rl_of_qwen3_is_measured_along_the_run(qwen3):
    for name in ("reasoning_rl", "general_rl", "on_policy_distillation", "student_rl"):
        check_steps(qwen3 / name)


def test_qwen3_trains_on_pairs_that_the_cold_start_has_not_seen(qwen3):
    from datasets import Dataset

    def ids(stage: str, table: str) -> set[str]:
        return set(Dataset.from_parquet(str(qwen3 / stage / "data" / f"{table}.parquet"))["id"])

    pairs = ids("query_verifier_pairs", "rows")
    assert pairs and not pairs & (ids("cold_start_data", "rows") | ids("cold_start_data", "validation"))


def test_qwen3_counts_every_query_and_response(qwen3):
    counts = manifest(qwen3 / "cold_start_data")["counts"]
    assert counts["queries with several questions"] > 0 and counts["queries not verifiable"] > 0
    rules = list(counts)[list(counts).index("total") + 1 :]
    assert counts["total"] == sum(counts[rule] for rule in rules), counts


def test_fusion_data_has_every_kind_of_flag(qwen3):
    from datasets import Dataset

    from data.text.modes import mode_of

    table = Dataset.from_parquet(str(qwen3 / "fusion_data" / "data" / "rows.parquet")).to_list()
    assert all(mode_of(row["prompt"]) == row["mode"] for row in table)
    texts = ["".join(message["content"] for message in row["prompt"]) for row in table]
    thinking = [text for text, row in zip(texts, table, strict=True) if row["mode"] == "thinking"]
    assert any("think" not in text for text in thinking), "every thinking row has a flag"
    assert any(row["prompt"][0]["role"] == "system" for row in table)
    assert any(len(row["prompt"]) >= 3 for row in table)
