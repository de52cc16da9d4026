"""Public data sets: files, columns, revisions, splits; what cannot be read is said in one sentence."""

import json
import re
from types import SimpleNamespace

import datasets
import httpx
import huggingface_hub
import pyarrow
import pyarrow.parquet
import pytest
from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError
from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled

from data.errors import InputError
from data.public import __main__ as command_line
from data.public import loading, sources
from data.public.decontaminate import normalised
from data.public.loading import load
from data.public.sources import SOURCES
from data.text.chat import parse
from data.text.prompts import BOX_INSTRUCTION, EVALUATION_INSTRUCTION
from data.text.row import question_of, split_of
from data.world.families import VERIFIERS, verify
from data.world.joined import join
from stages.core.pipeline.system import PublicData
from stages.core.sampling.drawing import draw_rows
from tests.hub_samples import SAMPLES


def loaded(put, name, rows=None):
    put(name, SAMPLES[name] if rows is None else rows)
    return load(name)


@pytest.mark.parametrize("name", SOURCES)
def test_every_missing_column_is_named(put, name):
    for column, declared in SOURCES[name].columns.items():
        put(name, [{key: value for key, value in hub.items() if key != column} for hub in SAMPLES[name]])
        with pytest.raises(InputError) as error:
            load(name)
        message = str(error.value)
        assert f"source {name} ({SOURCES[name].repository}): no column '{column}', found are" in message
        assert ("from memory" in message) is not declared.verified


def test_a_column_of_another_type(put):
    put("gsm8k", [{"question": "What?", "answer": 7}])
    with pytest.raises(InputError, match=r"source gsm8k .*column 'answer' of row 0 holds 7 \(int\), needed is text$"):
        load("gsm8k")
    put("tulu_3_sft", [{"messages": [{"content": "no role"}, {"content": "x"}]}])
    with pytest.raises(InputError, match="source tulu_3_sft .*'role'; needed are messages"):
        load("tulu_3_sft")


def test_an_empty_file_and_a_broken_one(put, tmp_path):
    put("gsm8k", [])
    with pytest.raises(InputError, match="no column 'question', found are none"):
        load("gsm8k")
    (tmp_path / "gsm8k.train.jsonl").write_text('{"question": ')
    with pytest.raises(InputError, match="gsm8k.train.jsonl cannot be read"):
        load("gsm8k")
    (tmp_path / "gsm8k.train.jsonl").write_text("[1]")
    with pytest.raises(InputError, match="JSON object"):
        load("gsm8k")
    (tmp_path / "deepscaler.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="deepscaler.parquet cannot be read"):
        load("deepscaler")
    with pytest.raises(InputError, match="is no folder"):
        load("gsm8k", folder=tmp_path / "absent")


def test_a_parquet_file_without_a_split_stands_for_the_first_one(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: asked.append(kwargs["split"]) or 1 / 0)
    table = pyarrow.Table.from_pylist(SAMPLES["gsm8k"])
    pyarrow.parquet.write_table(table, tmp_path / "gsm8k.parquet")
    assert load("gsm8k", "train", tmp_path)[1]["hub rows"] == 1
    with pytest.raises(InputError):  # its test split is another file
        load("gsm8k", "test", tmp_path)
    assert asked == ["test"]


def test_the_hub_is_asked_for_every_config_at_the_pinned_revision(monkeypatch, tmp_path):
    asked = []

    def load_dataset(repository, config, split, revision):
        asked.append((repository, config, split, revision))
        return datasets.Dataset.from_list([SAMPLES["hendrycks_math"][0] | {"problem": f"What is $1/4$ in {config}?"}])

    monkeypatch.delenv(loading.FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(sources, "REVISIONS", tmp_path / "revisions.json")
    rows, _ = load("hendrycks_math", "test")
    assert len(rows) == 7 and {row["split"] for row in rows} == {"test"}
    (tmp_path / "revisions.json").write_text(json.dumps({"EleutherAI/hendrycks_math": "abc123"}))
    load("hendrycks_math", "test")
    assert {call[0] for call in asked} == {"EleutherAI/hendrycks_math"} and {call[2] for call in asked} == {"test"}
    assert [call[3] for call in asked] == ["main"] * 7 + ["abc123"] * 7
    assert {call[1] for call in asked} == set(SOURCES["hendrycks_math"].configs)


def response(status):
    return httpx.Response(status, request=httpx.Request("GET", "https://huggingface.co/x"))


@pytest.mark.parametrize(
    "error",
    [
        DatasetNotFoundError("Dataset 'openai/gsm8k' doesn't exist on the Hub or cannot be accessed."),
        DataFilesNotFoundError("No (supported) data files found"),
        OfflineModeIsEnabled("Cannot reach the hub: offline mode is enabled.\nMore lines."),
        ConnectionError("Couldn't reach 'openai/gsm8k' on the Hub (LocalEntryNotFoundError)"),
        httpx.ConnectError("Name or service not known"),
        GatedRepoError("403 Client Error: gated repo", response=response(403)),
        ValueError("BuilderConfig 'main' not found. Available: []"),
        RuntimeError("Dataset scripts are no longer supported"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_hub_that_cannot_be_read_is_one_sentence(monkeypatch, error):
    def load_dataset(*args, **kwargs):
        raise error

    monkeypatch.delenv(loading.FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(sources, "REVISIONS", sources.REVISIONS.with_name("absent.json"))
    with pytest.raises(InputError) as raised:
        load("gsm8k")
    message = str(raised.value)
    assert "\n" not in message and "openai/gsm8k at revision main cannot be read" in message
    assert "`python -m data.public download gsm8k`" in message
    assert ("accepting its terms" in message) is isinstance(error, GatedRepoError)
    with pytest.raises(InputError, match="accepting its terms"):
        load("gpqa_diamond")


# -- splits and the table


def test_questions_are_held_out_by_hash_where_the_hub_does_not(put):
    hub = [{"problem": f"What is {n} plus 1?", "answer": str(n + 1), "solution": ""} for n in range(300)]
    rows, _ = loaded(put, "deepscaler", hub)
    assert all(row["split"] == split_of(normalised(question_of(row))) for row in rows)
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    parts = {split: load("deepscaler", split) for split in ("train", "validation", "test")}
    assert sorted(row["id"] for part, _ in parts.values() for row in part) == sorted(row["id"] for row in rows)
    assert all(counts["other split"] + len(part) == 300 for part, counts in parts.values())


def test_a_question_has_one_split_however_it_is_written(put):
    for n in range(30):
        ways = (f"What is ${n}+1$?", f"what is {n} + 1", f"WHAT  is {n}+1 ?!")
        hub = [{"problem": way, "answer": str(n + 1), "solution": ""} for way in ways]
        assert len({loaded(put, "deepscaler", [row])[0][0]["split"] for row in hub}) == 1


def test_own_splits_of_the_hub_stay(put):
    hub = [{"question": f"What is {n} plus 1?", "answer": f"#### {n + 1}"} for n in range(200)]
    put("gsm8k", hub, "train")
    put("gsm8k", [{"question": f"What is {n} plus 2?", "answer": f"#### {n + 2}"} for n in range(50)], "test")
    assert len(load("gsm8k", "test")[0]) == 50
    train, validation = load("gsm8k", "train")[0], load("gsm8k", "validation")[0]
    assert len(train) + len(validation) == 200 and 5 < len(validation) < 40


@pytest.mark.parametrize("name", SOURCES)
def test_the_table_is_sound(name):
    source = SOURCES[name]
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.repository) and source.licence
    assert source.verifier in VERIFIERS and source.language in ("en", "zh", None)
    assert {ours for ours, _ in source.splits} <= {"train", "validation", "test"}
    assert ("train" not in dict(source.splits)) is (source.kind == "evaluation" or name == "xstest")
    if "NC" in source.licence or source.licence in ("not checked", "none stated"):
        assert not source.commercial_ok


def test_an_unknown_source():
    with pytest.raises(InputError, match="no data source is called 'gsm9k': known are gsm8k, "):
        load("gsm9k")


def test_the_command_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sources, "REVISIONS", tmp_path / "revisions.json")

    class Api:
        def dataset_info(self, repository, revision):
            return type("Info", (), {"sha": f"sha of {repository}"})()

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert command_line.main(["pin", "gsm8k", "ceval"]) == 0
    assert command_line.main(["pin", "mbpp"]) == 0
    pinned = json.loads((tmp_path / "revisions.json").read_text())
    assert set(pinned) == {"openai/gsm8k", "ceval/ceval-exam", "google-research-datasets/mbpp"}
    capsys.readouterr()
    assert command_line.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SOURCES) + 1 and lines[1].split()[-4:] == ["yes", "sha", "of", "openai/gsm8k"]
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: [{}] * 3)
    assert command_line.main(["download", "hendrycks_math"]) == 0
    assert capsys.readouterr().out == "hendrycks_math  42 rows\n"
    assert command_line.main(["download", "gsm9k"]) == 2
    assert "no data source" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command_line.main(["pin"])


def test_pinning_without_network(monkeypatch, tmp_path, capsys):
    class Api:
        def dataset_info(self, repository, revision):
            raise httpx.ConnectError("Name or service not known")

    monkeypatch.setattr(sources, "REVISIONS", tmp_path / "revisions.json")
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert command_line.main(["pin", "gsm8k"]) == 2
    assert "openai/gsm8k" in capsys.readouterr().err and not (tmp_path / "revisions.json").exists()


# -- as a stage asks


def drawn(name, split="test", **public):
    """The rows of a source as a stage draws them."""
    settings = PublicData(**public)
    metrics = SimpleNamespace(say=lambda text: None)
    run = SimpleNamespace(public_data=settings, sources={}, metrics=metrics, stage="evaluation")
    return draw_rows(run, {name: 1.0}, 100, split, 1)


def test_mathematics_is_asked_for_a_box_as_the_paper_advises(put):
    put("math_500", SAMPLES["math_500"])
    plain = {row["id"]: row for row in load("math_500")[0]}
    for row in drawn("math_500"):
        before = plain[row["id"]]
        question = before["prompt"][-1]["content"]
        assert row["prompt"] == [{"role": "user", "content": f"{question}\n\n{EVALUATION_INSTRUCTION}"}]
        assert question_of(row) == question and row["key"] == before["key"]
        assert json.loads(row["info"])["answer_form"] == "marked"
        said = [f"<think>\nso\n</think>\n\n{text}" for text in (f"\\boxed{{{row['answer']}}}", row["answer"])]
        assert [verify(parse(text), row) for text in said] == [True, False]
        assert not verify(question, row)  # the question is not its answer
    assert EVALUATION_INSTRUCTION.endswith("put your final answer within \\boxed{}.")


def test_training_asks_for_the_format_alone(put):
    put("deepscaler", [{"problem": f"What is {n} + {n}?", "answer": str(2 * n), "solution": ""} for n in range(30)])
    asked_for = drawn("deepscaler", "train")
    assert len(asked_for) > 10
    for row in asked_for:
        assert row["prompt"][-1]["content"] == f"{question_of(row)}\n\n{BOX_INSTRUCTION}"
    assert "step" not in BOX_INSTRUCTION and "\\boxed{}" in BOX_INSTRUCTION


def test_a_scale_may_ask_otherwise(put):
    put("math_500", SAMPLES["math_500"])
    for row in drawn("math_500", evaluation_instruction="", math_answer="anywhere"):
        assert row["prompt"][-1]["content"] == question_of(row)
        assert verify(parse(f"So it is\n{row['answer']}"), row)


def test_other_questions_are_asked_as_they_are(put):
    put("gpqa_diamond", SAMPLES["gpqa_diamond"])
    assert drawn("gpqa_diamond") == load("gpqa_diamond", "test")[0] != []


def test_two_questions_as_one_hide_neither(put):
    put("math_500", SAMPLES["math_500"])
    row = drawn("math_500")[0]
    assert question_of(join(row, row)).startswith("(1) ")
