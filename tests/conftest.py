"""What several test files need: the project's tokenizer and a random model, both tiny, and local data sets."""

import json
from itertools import islice

import pytest

import stages  # noqa: F401  before torch: how its threads wait


@pytest.fixture(scope="session")
def corpus_documents() -> list[str]:
    """500 documents of all families of the tiny world in equal parts."""
    from data.world.corpus import documents
    from data.world.families import GENERAL, REASONING

    return list(islice(documents(dict.fromkeys(REASONING | GENERAL, 1.0), seed=7), 500))


@pytest.fixture(scope="session")
def tokenizer(corpus_documents):
    """The project's tokenizer, trained on those documents."""
    from data.world.general.entities import NAMES
    from data.world.tokenizer import train_tokenizer

    return train_tokenizer(corpus_documents, 1120, NAMES)


@pytest.fixture(scope="session")
def model_folder(tokenizer, tmp_path_factory):
    """A saved Qwen3 with large random weights: what it writes is nonsense, but not the same token for ever."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|endoftext|>")]
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=32,
            intermediate_size=64,
            max_position_embeddings=512,
            rope_theta=10_000.0,
            tie_word_embeddings=True,
            initializer_range=0.3,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=ends[0],
            bos_token_id=None,
        )
    )
    model.generation_config.eos_token_id = ends
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    folder = tmp_path_factory.mktemp("tiny") / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def model(model_folder):
    """That model, loaded afresh for each test."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()


@pytest.fixture
def put(tmp_path, monkeypatch):
    """put(name, rows, hub_split): lay a local file of a source; nothing may go to the hub."""
    import datasets

    from data.public import loading
    from data.public.sources import SOURCES

    monkeypatch.setenv(loading.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: pytest.fail(f"went to the hub: {args}"))

    def write(name, rows, hub_split=None):
        for split in [hub_split] if hub_split else [hub for _, hub in SOURCES[name].splits]:
            (tmp_path / f"{name}.{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))

    return write
