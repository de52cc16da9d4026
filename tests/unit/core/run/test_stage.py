"""Manifests, parents, trainer state and metrics, with payloads of a few bytes."""

import errno
import json
import signal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from data.errors import InputError, run_command
from data.text.row import Row
from stages.core.machines.weights import save_model
from stages.core.pipeline.overview import clock
from stages.core.run import manifest as manifests
from stages.core.run.manifest import check_inputs, complete_checkpoint, load_config, verify, write_atomically
from stages.core.run.progress import Metrics, plain
from stages.core.run.stage import Run
from stages.core.run.stopping import Stopped
from stages.core.run.tables import read_rows

SFT = {"epochs": 1, "learning_rate": 0.1, "final_learning_rate": 0, "warmup_fraction": 0, "batch_size": 2,
       "max_length": 8, "micro_batch_size": 2}  # fmt: skip
DATA = {"samples_per_prompt": 1, "keep_per_prompt": 1, "temperature": 1, "top_p": 1, "max_completion_length": 8,
        "min_language_consistency": 1, "repetition_ngram": 2, "max_repetition": 0, "tasks": {"chain_sum": 1},
        "prompts": 1,
        "sampling_batch_size": 1}  # fmt: skip


class Fake:
    """A model, or a tokenizer."""

    def __init__(self, name: str, text: str = "x"):
        self.name, self.text = name, text

    def save_pretrained(self, folder):
        Path(folder).mkdir(exist_ok=True)
        Path(folder, self.name).write_text(self.text)


class Table:
    """A table of a data set."""

    column_names = ("licence",)

    def __init__(self, rows: int):
        self.rows = rows

    def __len__(self):
        return self.rows

    def unique(self, column):
        return ["CC0"]

    def to_parquet(self, path):
        Path(path).write_text("rows" * self.rows)


def run(
    tmp_path: Path, name: str = "child", inputs: dict | None = None, script: str = "r1.cold_start_sft", **settings
) -> Run:
    """A run of a stage."""
    return Run({
        "recipe": "mine", "scale": "small", "stage": name, "script": script, "runs": str(tmp_path),
        "output": str(tmp_path / name), "system": {}, "public_data": {}, "inputs": inputs or {},
        "settings": (SFT if script == "r1.cold_start_sft" else DATA) | settings, "paper": {}, "why": {},
    })  # fmt: skip


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A complete stage."""
    save_model(run(tmp_path, "parent"), Fake("model.safetensors"), Fake("tokenizer.json"), "chat", {"loss": 0.5})
    return tmp_path / "parent"


def test_the_manifest_says_where_a_checkpoint_came_from(tmp_path, parent):
    child = run(tmp_path, inputs={"from": str(parent), "checkpoints": {"parent": str(parent)}})
    assert child.parent("from") == child.parent("checkpoints", "parent") == parent
    child.tokens["trained"] = 10
    save_model(child, Fake("model.safetensors"), Fake("tokenizer.json"), "chat", {"loss": 0.25})
    written = json.loads((tmp_path / "child/manifest.json").read_text())
    assert written["parents"] == {str(parent): manifests.file_digests(parent / "manifest.json")["manifest.json"]}
    assert set(written["files"]) == {"model/model.safetensors", "model/tokenizer.json"}
    assert (written["template"], written["tokens"], written["headline"]) == ("chat", {"trained": 10}, {"loss": 0.25})
    assert written["config"]["settings"]["epochs"] == 1 and written["seed"] == 42
    assert written["versions"]["python"] and written["run_id"] != child.manifest("from")["run_id"]
    assert child.manifest("from")["headline"] == {"loss": 0.5}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda p: (p / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda p: (p / "manifest.json").write_text('{"stage": '), "damaged"),
        (lambda p: (p / "manifest.json").write_text("{}"), "no digests"),
        (lambda p: (p / "manifest.json").write_text("[]"), "no digests"),
        (lambda p: (p / "model/tokenizer.json").write_text("y"), "tokenizer.json differs"),
        (lambda p: (p / "model/tokenizer.json").unlink(), "tokenizer.json is missing"),
        (lambda p: (p / "model/adapter.json").write_text("y"), "adapter.json is not in its manifest"),
        (lambda p: __import__("shutil").rmtree(p / "model"), "model is missing"),
        (lambda p: __import__("shutil").rmtree(p), "parent is missing"),
    ],
)
def test_damaged_parents_are_refused(tmp_path, parent, damage, sentence):
    damage(parent)
    with pytest.raises(InputError, match=sentence):
        run(tmp_path, inputs={"from": str(parent)}).parent("from")


def test_snakemakes_own_file_is_no_part_of_a_payload(parent):
    (parent / "model/.snakemake_timestamp").touch()
    assert verify(parent)["stage"] == "parent"


def test_unknown_inputs_are_named(tmp_path, parent):
    child = run(tmp_path, inputs={"from": str(parent), "checkpoints": {"a": str(parent)}})
    with pytest.raises(InputError, match="no input `teacher`: it has from, checkpoints"):
        child.parent("teacher")
    with pytest.raises(InputError, match="`checkpoints` has no `b`: it has a"):
        child.parent("checkpoints", "b")


def test_a_payload_that_fails_half_way_leaves_the_last_result(tmp_path, parent):
    class Broken(Fake):
        def save_pretrained(self, folder):
            super().save_pretrained(folder)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        save_model(run(tmp_path, "parent"), Fake("model.safetensors", "new"), Broken("tokenizer.json"), "chat", {})
    verify(parent)
    assert (parent / "model/model.safetensors").read_text() == "x"


def test_no_manifest_if_its_writing_fails(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_model(run(tmp_path), Fake("model.safetensors"), Fake("tokenizer.json"), "chat", {})
    assert not (tmp_path / "child/manifest.json").exists()
    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "file", "text")
    assert not (tmp_path / "file").exists()


def test_empty_data_is_refused_with_the_counts(tmp_path):
    stage = run(tmp_path, "data", script="r1.cold_start_data")
    with pytest.raises(InputError, match=r"no row is left in `rows` after filtering \(wrong 3, mixed language 2\)"):
        stage.save_data({"rows": Table(0)}, {}, {"wrong": 3, "mixed language": 2})
    assert not (tmp_path / "data/manifest.json").exists()
    stage.save_data({"rows": Table(2), "all": Table(0)}, {}, {"wrong": 3})
    written = verify(tmp_path / "data")
    assert (written["rows"], written["counts"], written["licences"]) == ({"rows": 2, "all": 0}, {"wrong": 3}, ["CC0"])


def test_a_stage_writes_what_it_is_declared_to(tmp_path):
    with pytest.raises(ValueError, match="declared to write model"):
        run(tmp_path).save_report("<html>", {})


# -- resuming


def checkpoint(folder: Path, step: int, whole: bool = True) -> Path:
    """What a trainer saves."""
    made = folder / f"checkpoint-{step}"
    made.mkdir()
    header = json.dumps({"weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (made / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"1234"[: 4 if whole else 2])
    (made / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return made


def test_resumes_from_the_newest_whole_checkpoint(tmp_path, parent, capsys):
    first = run(tmp_path, inputs={"from": str(parent)})
    assert first.resume_from is None
    for step in (8, 16, 100):
        checkpoint(first.trainer_folder, step, whole=step != 100)
        first.metrics.log(step, reward=0.5)
    half = first.trainer_folder / "checkpoint-24"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"")
    second = run(tmp_path, inputs={"from": str(parent)})
    assert second.resume_from == str(tmp_path / "child/trainer/checkpoint-16")
    assert "resuming child at step 16" in capsys.readouterr().out
    assert not half.exists() and not (second.trainer_folder / "checkpoint-100").exists()
    rows = (tmp_path / "child/metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [8, 16]
    save_model(second, Fake("model.safetensors"), Fake("tokenizer.json"), "chat", {})
    assert json.loads((tmp_path / "child/manifest.json").read_text())["resumed"][0]["step"] == 16
    assert not (tmp_path / "child/trainer").exists()


def test_the_manifest_names_the_code_of_all_runs_whose_work_is_used(tmp_path, parent, monkeypatch):
    def coded(code: str) -> Run:
        monkeypatch.setattr("stages.core.run.stage.fingerprint", lambda script: code)
        return run(tmp_path, inputs={"from": str(parent)})

    assert coded("first").resume_from is None  # saves nothing
    second = coded("second")
    assert second.resume_from is None
    checkpoint(second.trainer_folder, 8)
    for code in ("third", "fourth"):
        last = coded(code)
        assert last.resume_from == str(tmp_path / "child/trainer/checkpoint-8")
    save_model(last, Fake("model.safetensors"), Fake("tokenizer.json"), "chat", {})
    written = json.loads((tmp_path / "child/manifest.json").read_text())
    assert (written["begun_with"], written["code_fingerprint"]) == ("second", "fourth")
    assert written["resumed"] == [{"step": 8, "code_fingerprint": code} for code in ("third", "fourth")]


def test_state_of_a_version_that_did_not_note_its_code_is_taken_up(tmp_path, parent):
    first = run(tmp_path, inputs={"from": str(parent)})
    checkpoint(first.trainer_folder, 8)
    file = first.trainer_folder / "config.json"
    state = json.loads(file.read_text())
    assert state.pop("begun_with") == first.fingerprint
    file.write_text(json.dumps(state))
    last = run(tmp_path, inputs={"from": str(parent)})
    assert last.resume_from == str(tmp_path / "child/trainer/checkpoint-8")
    save_model(last, Fake("model.safetensors"), Fake("tokenizer.json"), "chat", {})
    assert json.loads((tmp_path / "child/manifest.json").read_text())["begun_with"] is None


def test_state_of_other_settings_or_parents_is_wiped(tmp_path, parent, capsys):
    checkpoint(run(tmp_path, inputs={"from": str(parent)}).trainer_folder, 8)
    assert run(tmp_path, inputs={"from": str(parent)}, epochs=2).resume_from is None
    assert "starting afresh" in capsys.readouterr().out
    checkpoint(run(tmp_path, inputs={"from": str(parent)}, epochs=2).trainer_folder, 8)
    save_model(run(tmp_path, "parent"), Fake("model.safetensors", "other"), Fake("tokenizer.json"), "chat", {})
    assert run(tmp_path, inputs={"from": str(parent)}, epochs=2).resume_from is None


@pytest.mark.parametrize("name", ["optimizer.pt", "rng_state.pth", "global_step8/optim_states.pt"])
def test_checkpoints_with_half_a_file_of_torchs_do_not_count(tmp_path, name):
    import torch

    made = checkpoint(tmp_path, 8)
    file = made / name
    file.parent.mkdir(exist_ok=True)
    torch.save({"step": torch.zeros(1000)}, file)
    assert complete_checkpoint(made)
    file.write_bytes(file.read_bytes()[:-100])
    assert not complete_checkpoint(made)


@pytest.mark.parametrize("state", ["", "{", "{}", '{"global_step": 7}', "[]"])
def test_half_written_checkpoints_do_not_count(tmp_path, state):
    made = checkpoint(tmp_path, 8)
    assert complete_checkpoint(made)
    (made / "trainer_state.json").write_text(state)
    assert not complete_checkpoint(made)


def test_a_stopped_run_is_never_complete(tmp_path):
    stage = run(tmp_path)
    with pytest.raises(Stopped):  # nothing to save yet: stop at once
        stage.stop(signal.SIGTERM, None)
    stage = run(tmp_path)
    assert stage.trainer_folder.exists()
    stage.stop(signal.SIGTERM, None)  # the trainer saves first
    assert stage.stop_requested
    with pytest.raises(Stopped):
        save_model(stage, Fake("model.safetensors"), Fake("tokenizer.json"), "chat", {})
    with pytest.raises(Stopped):  # asked twice
        stage.stop(signal.SIGINT, None)
    assert not (tmp_path / "child/manifest.json").exists()


def test_several_processes_get_each_signal_twice(tmp_path, monkeypatch):
    """A cluster signals them and their launcher, which passes its own on."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    stage = run(tmp_path)
    assert stage.trainer_folder.exists()
    stage.stop(signal.SIGTERM, None)
    stage.stop(signal.SIGTERM, None)
    assert stage.stop_requested


def test_configs_that_are_none(tmp_path):
    file = tmp_path / "config.json"
    for content, sentence in (("[]", "missing"), ('{"stage": "a"}', "recipe, scale"), ("{", "damaged")):
        file.write_text(content)
        with pytest.raises(InputError, match=sentence):
            load_config(str(file))
    with pytest.raises(InputError, match="is missing"):
        load_config(str(tmp_path / "none.json"))


# -- metrics


def test_metrics_rows(tmp_path, capsys):
    metrics = Metrics(tmp_path / "metrics.jsonl", "stage")
    for step in range(1, 101):
        metrics.log(step, 100, reward=step / 100, empty=float("nan"), none=None)
    rows = [json.loads(line) for line in metrics.file.read_text().splitlines()]
    assert len(rows) == 100 and rows[49]["reward"] == 0.5 and rows[49]["empty"] is None
    lines = capsys.readouterr().out.splitlines()
    assert 9 <= len(lines) <= 12 and "100/100" in lines[-1] and "reward 1" in lines[-1]


def test_metrics_go_on_after_a_kill(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl", "stage")
    metrics.log(1, reward=0.0)
    metrics.log(2, reward=0.0)
    with metrics.file.open("a") as file:
        file.write('{"step": 3, "sec')
    again = Metrics(tmp_path / "metrics.jsonl", "stage")
    again.begin(1)
    again.log(2, reward=1.0)
    rows = [json.loads(line) for line in metrics.file.read_text().splitlines()]
    assert [(row["step"], row["reward"]) for row in rows] == [(1, 0.0), (2, 1.0)]
    Metrics(tmp_path / "metrics.jsonl", "stage").log(1, reward=2.0)
    assert len(metrics.file.read_text().splitlines()) == 1


def test_plain_and_clock():
    class Scalar:
        def item(self):
            return 1.5

    assert (plain(Scalar()), plain(float("inf")), plain("a"), plain(3)) == (1.5, None, "a", 3)
    assert (clock(5), clock(65), clock(3725)) == ("0:05", "1:05", "1:02:05")


# -- what a disk does, and a reader


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/disk/file"), "error: /disk/file: no space is left"),
        (OSError(errno.EROFS, "Read-only file system"), "error: the file system is read-only"),
        (PermissionError(errno.EACCES, "Permission denied", "/disk"), "error: /disk: permission is denied"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "error: no space is left"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), "error: a checkpoint"),
        (InputError("file: field"), "error: file: field"),
    ],
)
def test_what_ends_a_command_line_is_one_sentence(raised, sentence, capsys):
    def fails():
        try:
            raise raised
        except Exception as error:
            raise RuntimeError("while saving") from error

    assert run_command(fails if not isinstance(raised, InputError) else lambda: (_ for _ in ()).throw(raised)) == 2
    written = capsys.readouterr().err
    assert written.startswith(sentence) and written.count("\n") == 1


def test_a_mistake_in_the_code_is_no_trouble_of_the_disk():
    for raised in (ValueError("no"), FileNotFoundError(2, "No such file"), RuntimeError("index 28 of 3")):
        with pytest.raises(type(raised)):
            run_command(lambda raised=raised: (_ for _ in ()).throw(raised))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"inputs": None}, "`inputs` is None"),
        ({"inputs": {"from": 3}}, "inputs.from"),
        ({"system": None}, "`system` is None"),
        ({"system": {"engin": "vllm"}}, "unknown key `engin`; did you mean `engine`?"),
        ({"settings": []}, "`settings` is \\[\\]"),
        ({"output": 3}, "`output` is 3"),
        ({"outputs": "x"}, "unknown key `outputs`; did you mean `output`?"),
    ],
)
def test_a_config_that_was_edited_by_hand(tmp_path, changed, sentence):
    file = tmp_path / "config.json"
    config = run(tmp_path, inputs={"from": "a", "data": "b"}).config
    file.write_text(json.dumps(config | changed))
    with pytest.raises(InputError, match=sentence) as raised:
        load_config(str(file))
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\xff", b"[" * 100_000, b"9" * 10_000, b"null"])
def test_a_config_that_is_no_object(tmp_path, content):
    file = tmp_path / "config.json"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(InputError, match="config.json"):
        load_config(str(file))


def test_the_inputs_are_those_that_the_script_reads(tmp_path):
    config = run(tmp_path, inputs={"from": "a", "data": "b"}).config
    check_inputs(config)
    for inputs, sentence in (
        ({"from": "a"}, "`data` is missing"),
        ({"from": "a", "data": "b", "checkpoints": "c"}, "`checkpoints` is 'c', allowed: folders by name"),
        ({"from": {"a": "b"}, "data": "b"}, "`from` is"),
    ):
        with pytest.raises(InputError, match=sentence):
            check_inputs(config | {"inputs": inputs})


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (None, "cannot be read as parquet"),
        ({}, "the column `answer` is missing; its columns are none"),
        ({"drop": "prompt"}, "the column `prompt` is missing"),
        ({"prompt": ["2+3?"]}, "`prompt` holds string, needed is a list of turns"),
        ({"answer": [5]}, "`answer` holds int64, needed is text"),
        ({"answer": pyarrow.array([None], pyarrow.string())}, "`answer` has no value in some rows"),
        ({"rows": 0}, "has no rows"),
    ],
)
def test_tables_that_are_none(tmp_path, columns, sentence):
    file = tmp_path / "stage/data/rows.parquet"
    file.parent.mkdir(parents=True)
    row = {name: ["x"] for name in Row.__required_keys__} | {"prompt": [[{"role": "user", "content": "2+3?"}]]}
    if columns is None:
        file.write_bytes(b"PAR1 and not much more")
    else:
        row = {} if not columns else {key: value for key, value in row.items() if key != columns.get("drop")}
        row |= {key: value for key, value in columns.items() if key not in ("drop", "rows")}
        table = pyarrow.table(row)
        pyarrow.parquet.write_table(table.slice(0, columns.get("rows", 1)), file)
    with pytest.raises(InputError, match=sentence):
        read_rows(file)
