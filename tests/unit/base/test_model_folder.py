"""A folder as a base: what is missing or broken in it is told when a run is planned, by its files' heads alone."""

import json
import struct
from pathlib import Path

import pytest

from data.errors import InputError
from stages.base.model_folder import is_name, is_path
from stages.base.settings import Pretrained
from stages.core.pipeline.workspace import load_workspace

CONFIG = {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "max_position_embeddings": 64}


def tensors(size: int = 4) -> bytes:
    """A safetensors file with one tensor of `size` bytes."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


@pytest.fixture
def model(tmp_path, monkeypatch) -> Path:
    """A whole folder beside a scale `mine` that starts from it."""
    monkeypatch.chdir(tmp_path)
    Path("recipes/scales").mkdir(parents=True)
    folder = Path("model")
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {}}))
    (folder / "model.safetensors").write_bytes(tensors())
    return folder


def plan(model: str = "./model", more: str = "") -> None:
    base = f"{{script: base.pretrained, model: {model!r}{more}}}"
    Path("recipes/scales/mine.yaml").write_text(f"description: x\nbases: {{base: {base}}}\n")
    load_workspace({"scale": "mine"})


def test_a_whole_folder(model):
    plan()
    plan(str(model.absolute()))
    plan("model")
    assert Pretrained(model="./model").context() == 64
    model.rename("a model")
    plan("a model")
    assert Pretrained(model="some/where").context() is None and Pretrained(model="some/where").folder() is None


@pytest.mark.parametrize("name", ["./nosuch", "/no/such", "../nosuch", "~/nosuch_folder", "a/b/c", "models/x/y/"])
def test_a_missing_folder_is_no_matter_of_a_download(model, name):
    with pytest.raises(InputError, match="recipes/scales/mine.yaml: bases.base: `model` is .* there is no such folder"):
        plan(name)


@pytest.mark.parametrize("name", ["", "  ", "a b", "a/b@c", "-x/y", "a//b c", "org/na:me"])
def test_what_is_neither_a_folder_nor_a_repository(model, name):
    with pytest.raises(InputError, match="`model` is "):
        plan(name)


def test_names_and_paths():
    assert is_name("Qwen/Qwen3-14B-Base") and is_name("gpt2") and not is_name("/a/b") and not is_name("a/b/c")
    assert is_path("/a") and is_path("./a") and is_path("~/a") and is_path("a/b/c") and not is_path("a/b")


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("config.json", None, "config.json is missing"),
        ("config.json", b"{", "config.json is damaged"),
        ("config.json", b"[" * 5000, "config.json is damaged"),
        ("config.json", b"[]", "where a JSON object is needed"),
        ("config.json", b"{}", "`model_type` is None"),
        ("config.json", b'{"model_type": "qwen3", "architectures": ["Qwen3ForSequenceClassification"]}',
         "where one that writes is needed"),
        ("tokenizer.json", None, "holds no tokenizer"),
        ("tokenizer.json", b"{}", "it has no `model`"),
        ("tokenizer.json", b"nonsense", "tokenizer.json is damaged"),
        ("model.safetensors", None, "holds no weights"),
        ("model.safetensors", b"", "is damaged: it is not as long"),
        ("model.safetensors", tensors()[:-1], "is damaged: it is not as long"),
        ("model.safetensors", tensors() + b"x", "is damaged: it is not as long"),
        ("model.safetensors", tensors()[:12], "is damaged: it is not as long"),
        ("model.safetensors", b"\xff" * 64, "is damaged: it is not as long"),
        ("model.safetensors", struct.pack("<Q", 2) + b"{}", "is damaged: it is not as long"),
    ],
)  # fmt: skip
def test_a_broken_folder(model, file, content, words):
    (model / file).unlink() if content is None else (model / file).write_bytes(content)
    with pytest.raises(InputError) as error:
        plan()
    sentence = str(error.value)
    assert words in sentence and sentence.startswith("recipes/scales/mine.yaml: bases.base: ") and "\n" not in sentence


def test_weights_in_several_files(model):
    (model / "model.safetensors").unlink()
    index = model / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    (model / "one.safetensors").write_bytes(tensors())
    with pytest.raises(InputError, match="two.safetensors is missing"):
        plan()
    (model / "two.safetensors").write_bytes(tensors(8)[:-2])
    with pytest.raises(InputError, match="two.safetensors is damaged"):
        plan()
    (model / "two.safetensors").write_bytes(tensors(8))
    plan()
    index.write_text("{}")
    with pytest.raises(InputError, match="`weight_map` is None"):
        plan()


def test_an_adapter_alone(model):
    (model / "config.json").rename(model / "adapter_config.json")
    with pytest.raises(InputError, match="holds an adapter without its model"):
        plan()


def test_what_does_not_go_together(model):
    for more, words in {
        ", package: 'a b'": "`package` is 'a b'",
        ", package: llm, revision: main": "`revision` is 'main', allowed: without `package`",
        ", steps: 3": "`mixture` is {}, allowed: with `steps` 0",
        ", steps: 3, mixture: {arithmetic: 1}, batch_size: 8, micro_batch_size: 3": "`micro_batch_size` is 3",
        ", revision: ''": "`revision` is ''",
    }.items():
        with pytest.raises(InputError, match=words):
            plan(more=more)


def test_a_base_that_is_complete_needs_its_folder_no_more(model):
    Path("runs/mine/base").mkdir(parents=True)
    Path("runs/mine/base/manifest.json").write_text("{}")
    plan("./nosuch")
