"""Folders whose files are whole but hold no model, or that of another tokenizer: one sentence each."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from data.errors import InputError
from stages.core.machines.adapters import load_weights
from stages.core.machines.checks import check_finite, tokenizer_of


@pytest.fixture
def folder(model_folder, tmp_path):
    return shutil.copytree(model_folder, tmp_path / "model")


def with_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def with_config(folder, **changed):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))


def with_layers(folder, number):
    with_config(folder, num_hidden_layers=number, layer_types=["full_attention"] * number, max_window_layers=number)


def name_of(weights):
    return next(name for name in weights if "mlp" in name)


def cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def doubled(weights):
    weights[name_of(weights)] = torch.cat([weights[name_of(weights)]] * 2)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut, "cannot be loaded as a language model"),
        (lambda f: with_weights(f, lambda w: w.pop(name_of(w))), "it has no model.layers"),
        (lambda f: with_weights(f, lambda w: w.update({"more.weight": torch.ones(2)})), "it has beside it more.weight"),
        (lambda f: with_weights(f, doubled), "model"),
        (lambda f: with_config(f, hidden_size=64), "model"),
        (lambda f: with_layers(f, 3), "it has no model.layers.2"),
        (lambda f: with_layers(f, 1), "it has beside it model.layers.1"),
        (lambda f: with_config(f, model_type="nosuch"), "cannot be loaded"),
        (lambda f: with_config(f, model_type="gpt2", n_embd=8, n_head=2), "model"),
        (lambda f: (f / "config.json").write_text("{}"), "cannot be loaded"),
        (lambda f: (f / "adapter_config.json").write_text("{}"), "its adapter cannot be loaded"),
        (
            lambda f: (f / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(f)})),
            "names itself",
        ),
    ],
)
def test_weights_that_are_none(folder, damage, sentence):
    load_weights(folder, AutoModelForCausalLM)
    damage(folder)
    with pytest.raises(InputError, match=sentence) as raised:
        load_weights(folder, AutoModelForCausalLM)
    assert str(folder) in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(folder, value):
    with_weights(folder, lambda weights: weights[name_of(weights)].view(-1)[:1].fill_(value))
    with pytest.raises(InputError, match="mlp.* is not finite"):
        check_finite(load_weights(folder, AutoModelForCausalLM), folder)


def test_a_policy_and_a_reward_model_are_told_apart(folder, tmp_path):
    reward_model = load_weights(folder, AutoModelForSequenceClassification, new_head=True, num_labels=1)
    with pytest.raises(InputError, match="is not a reward model: it has no score.weight"):
        load_weights(folder, AutoModelForSequenceClassification, num_labels=1)
    reward_model.save_pretrained(tmp_path / "reward")
    load_weights(tmp_path / "reward", AutoModelForSequenceClassification)
    with pytest.raises(InputError, match="is not a language model: it has beside it score.weight"):
        load_weights(tmp_path / "reward", AutoModelForCausalLM)


def shorter(folder):
    """Another vocabulary, in which a text ends with another token."""
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token": "<think>"}))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "tokenizer.json").write_text("{}"), "its tokenizer cannot be loaded"),
        (lambda f: (f / "tokenizer.json").write_text("{"), "its tokenizer cannot be loaded"),
        (lambda f: [file.unlink() for file in f.glob("tokenizer*")], "its tokenizer"),
        (lambda f: with_config(f, vocab_size=100), "its tokenizer has [0-9]+ tokens, its model 100"),
        (shorter, "ends a text with '<think>'"),
    ],
)
def test_tokenizers_of_something_else(folder, damage, sentence):
    tokenizer_of(folder)
    damage(folder)
    with pytest.raises(InputError, match=sentence):
        tokenizer_of(folder)
