"""The tree of ancestors, what --verify finds, and manifests that cannot be true."""

import json
import shutil
from pathlib import Path

import pytest

from data.errors import run_command
from stages import lineage
from stages.core.machines.weights import save_model
from stages.core.run.stage import Run

SFT = {"epochs": 1, "learning_rate": 0.1, "final_learning_rate": 0, "warmup_fraction": 0, "batch_size": 2,
       "max_length": 8, "micro_batch_size": 2}  # fmt: skip


class Saved:
    """A model or a tokenizer of one file."""

    def __init__(self, name: str):
        self.name = name

    def save_pretrained(self, folder):
        Path(folder).mkdir(exist_ok=True)
        Path(folder, self.name).write_text(self.name)


class Rows:
    """A table of five rows."""

    column_names = ("licence",)

    def __len__(self):
        return 5

    def unique(self, column):
        return ["CC0", "MIT"]

    def to_parquet(self, path):
        Path(path).write_text("rows")


@pytest.fixture
def runs(tmp_path) -> Path:
    """base -> data -> sft, which comes from the base too."""

    def run(name: str, script: str = "r1.cold_start_sft", settings: dict = SFT, **inputs: str) -> Run:
        return Run({
            "recipe": "mine", "scale": "small", "stage": name, "script": script, "runs": str(tmp_path / "runs"),
            "output": str(tmp_path / "runs" / name), "system": {}, "public_data": {}, "settings": settings,
            "inputs": {role: str(tmp_path / "runs" / parent) for role, parent in inputs.items()},
        })  # fmt: skip

    def trained(name: str, **inputs: str) -> None:
        save_model(run(name, **inputs), Saved("model.safetensors"), Saved("tokenizer.json"), "chat", {})

    trained("base")
    sampled = {"samples_per_prompt": 1, "keep_per_prompt": 1, "temperature": 1, "top_p": 1, "max_completion_length": 8,
               "min_language_consistency": 1, "repetition_ngram": 2, "max_repetition": 0, "tasks": {"arithmetic": 1},
               "prompts": 1, "sampling_batch_size": 1}  # fmt: skip
    stage = run("data", "r1.cold_start_data", sampled, sampler="base")
    stage.sources["gsm8k (train, seed 42)"] = {"revision": "abc123", "too long": 3}
    stage.save_data({"rows": Rows()}, {})
    trained("sft", **{"from": "base"}, data="data")
    return tmp_path / "runs"


def edit(folder: Path, **changes) -> None:
    """Change a manifest by hand."""
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def told(capsys, folder: Path, *options: str) -> tuple[int, str, str]:
    code = run_command(lambda: lineage.main([str(folder), *options]))
    output, errors = capsys.readouterr()
    assert "Traceback" not in output + errors
    return code, output, errors


def test_the_tree_names_everything_once(runs, capsys):
    code, output, errors = told(capsys, runs / "sft", "--verify", "--full")
    assert (code, errors) == (0, "")
    assert output.count(f"{runs}/base\n") == 1 and output.count(f"{runs}/base: see above") == 1
    for name in ("base", "data", "sft"):
        manifest = json.loads((runs / name / "manifest.json").read_text())
        for key in ("script", "run_id", "config_hash", "code_fingerprint", "digest"):
            assert manifest[key] in output, (name, key)
        assert lineage.manifest_digest(runs / name) in output
    assert "5 rows; licences: CC0, MIT" in output and "revision abc123" in output
    assert output.count("python 3") == 1 and "3 stages: all payloads and manifests" in output


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda runs: (runs / "base/model/tokenizer.json").write_text("other"), "base/model/tokenizer.json differs"),
        (lambda runs: (runs / "data/data/more.parquet").write_text("rows"), "more.parquet is not in its manifest"),
        (lambda runs: shutil.rmtree(runs / "base/model"), "base/model is missing"),
        (lambda runs: edit(runs / "base", seed=7), "base/manifest.json is not the one that"),
        (lambda runs: edit(runs / "sft", digest="0" * 64), "its digest is not that of its files"),
    ],
)  # fmt: skip
def test_verify_says_what_is_not_as_it_was(runs, capsys, damage, sentence):
    damage(runs)
    assert told(capsys, runs / "sft")[0] == 0  # without it nothing but manifests is read
    code, output, errors = told(capsys, runs / "sft", "--verify")
    assert code == 1 and sentence in errors and "all payloads" not in output


def test_a_missing_ancestor_is_named(runs, capsys):
    shutil.rmtree(runs / "base")
    code, output, errors = told(capsys, runs / "sft")
    assert code == 1 and f"{runs}/base: MISSING" in output
    assert errors == f"error: {runs}/base is missing or not complete: an ancestor\n"


def test_runs_that_were_moved_as_a_whole_are_found(runs, capsys, tmp_path, monkeypatch):
    moved = runs.rename(tmp_path / "elsewhere")
    assert told(capsys, moved / "sft", "--verify")[0] == 0
    monkeypatch.chdir(moved / "sft")
    assert told(capsys, Path("."), "--verify")[0] == 0


@pytest.mark.parametrize("parent", ["/etc", "{runs}/../secret", "../base", "base"])
def test_a_parent_outside_of_the_runs_is_refused(runs, capsys, parent):
    place = parent.format(runs=runs)
    edit(runs / "sft", parents={place: "0" * 64})
    code, output, errors = told(capsys, runs / "sft")
    assert (code, output) == (2, "") and f"the parent {place} is not below the runs folder" in errors


def forge_circle(runs: Path) -> None:
    config = json.loads((runs / "base/manifest.json").read_text())["config"]
    edit(runs / "base", parents={f"{runs}/sft": "0" * 64}, config=config | {"inputs": {"from": f"{runs}/sft"}})


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (forge_circle, "a stage cannot be its own ancestor: {runs}/sft <- {runs}/base <- {runs}/sft"),
        (lambda runs: edit(runs / "sft", parents={}), "its parents are not the inputs of its config: {runs}/base"),
        (lambda runs: (runs / "base/manifest.json").write_text("{"), "base/manifest.json is damaged (not JSON)"),
        (lambda runs: (runs / "base/manifest.json").write_text("[]"), "base/manifest.json is damaged: it"),
        (lambda runs: edit(runs / "data", rows={"rows": "many"}), "data/manifest.json is damaged: rows.rows"),
        (lambda runs: edit(runs / "sft", payload="../../etc"), "sft/manifest.json is damaged: payload"),
        (lambda runs: shutil.rmtree(runs / "sft"), "sft/manifest.json is missing"),
    ],
)
def test_manifests_that_cannot_be_true_are_one_sentence(runs, capsys, damage, sentence):
    damage(runs)
    code, output, errors = told(capsys, runs / "sft", "--verify")
    assert (code, output) == (2, "") and sentence.format(runs=runs) in errors and errors.count("\n") == 1


def test_a_manifest_cannot_talk_to_the_terminal(runs, capsys):
    edit(runs / "sft", script="\x1b]0;title\x07\nr1.sft")
    assert "\x1b" not in told(capsys, runs / "sft")[1]
