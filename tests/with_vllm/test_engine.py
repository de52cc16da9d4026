"""Offline sampling: vLLM writes what transformers writes, ends where it ends, and repeats itself for the same seed."""

import pytest

from data.errors import InputError
from data.text.chat import render_prompt
from data.world.families import rows
from stages.core.machines.adapters import ADAPTER_FILE
from stages.core.pipeline.system import System
from stages.core.run.vllm_environment import prepare_vllm
from stages.core.sampling.engine import Decoding
from stages.core.sampling.generation import TransformersEngine
from stages.core.sampling.vllm_engine import VLLMEngine

GREEDY = Decoding(0.0, 64)
SYSTEM = System(engine="vllm")


@pytest.fixture(scope="module")
def engines(base):
    """The same checkpoint in both."""
    prepare_vllm()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = base / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    vllm = VLLMEngine(folder, tokenizer, "r1_zero", 32, SYSTEM)
    yield vllm, TransformersEngine(model, tokenizer, "r1_zero", 32)
    vllm.close()


@pytest.fixture(scope="module")
def questions():
    return rows({"equation": 1.0, "logic": 1.0, "facts": 1.0}, 96, "train", 3)


def written(engine, *arguments):
    """The completions, and the ids of each: what the engine handed to the tokenizer."""
    ids, decode = [], engine.tokenizer.decode

    def record(tokens, **options):
        ids.append(tuple(tokens))
        return decode(tokens, **options)

    engine.tokenizer.decode = record
    try:
        return engine.generate(*arguments), sorted(ids)
    finally:
        engine.tokenizer.decode = decode


def facts(found):
    return [[(c.text, c.tokens, c.finished) for c in group] for group in found]


@pytest.mark.parametrize("template", ["r1_zero", "chat"])
def test_greedy_is_transformers_token_for_token(engines, questions, template):
    prompts = [render_prompt(engines[0].tokenizer, row["prompt"], template) for row in questions]
    (vllm, ids), (expected, expected_ids) = (written(engine, prompts, 1, GREEDY, 0) for engine in engines)
    assert ids == expected_ids
    assert facts(vllm) == facts(expected)
    # The base says something: different things of different lengths, most of them to the end.
    assert len(set(ids)) > 30 and len({len(row) for row in ids}) > 5
    assert sum(group[0].finished for group in vllm) > 30


def test_an_end_token_is_counted_and_ends(engines, questions):
    engine = engines[0]
    prompts = [render_prompt(engine.tokenizer, row["prompt"], "r1_zero") for row in questions]
    found, ids = written(engine, prompts, 2, Decoding(1.0, 12), 1)
    flat = [completion for group in found for completion in group]
    assert sorted(c.tokens for c in flat) == sorted(map(len, ids))
    assert all(not set(row[:-1]) & set(engine.end_ids) for row in ids)
    assert sum(c.finished for c in flat) == sum(row[-1] in engine.end_ids for row in ids)
    assert {c.finished for c in flat} == {True, False}
    assert all(c.finished or c.tokens == 12 for c in flat)


def test_each_of_two_ends_stops(engines, questions, monkeypatch):
    """Tokens that this model writes at once, taken for ends: what the real ones do, seen on every completion."""
    prompts = [render_prompt(engines[0].tokenizer, row["prompt"], "r1_zero") for row in questions[:32]]
    _, ids = written(engines[1], prompts, 1, GREEDY, 0)
    common = sorted({token for row in ids for token in row}, key=lambda token: -sum(token in row for row in ids))
    ends = common[2:4]
    for engine in engines:
        monkeypatch.setattr(type(engine), "end_ids", property(lambda self: ends))
    (vllm, cut), (expected, expected_cut) = (written(engine, prompts, 1, GREEDY, 0) for engine in engines)
    assert cut == expected_cut and facts(vllm) == facts(expected)
    assert {row[-1] for row in cut} >= set(ends)


def test_same_seed_same_completions(engines, questions):
    engine, some = engines[0], questions[:24]
    decoding = Decoding(1.0, 32, 0.95)
    first = engine.answer(some, 4, decoding, 7)
    assert [len(group) for group in first] == [4] * 24
    assert facts(engine.answer(some, 4, decoding, 7)) == facts(first)
    assert facts(engine.answer(some, 4, decoding, 8)) != facts(first)
    assert sum(len({c.text for c in group}) > 1 for group in first) > 12  # the samples of a prompt differ
    twice = engine.answer([some[0], some[0]], 4, decoding, 7)  # and so do those of a prompt that is there twice
    assert facts(twice)[0] != facts(twice)[1]


def test_top_p_leaves_out_the_unlikely(engines, questions):
    import torch

    vllm, transformers = engines
    prompt = render_prompt(vllm.tokenizer, questions[0]["prompt"], "chat")
    inputs = vllm.tokenizer([prompt], return_tensors="pt")
    with torch.no_grad():
        likely, tokens = transformers.model(**inputs).logits[0, -1].softmax(dim=-1).sort(descending=True)
    nucleus = tokens[likely.cumsum(dim=0) - likely < 0.6].tolist()
    drawn = {row[0] for row in written(vllm, [prompt], 400, Decoding(1.0, 1, 0.6), 3)[1]}
    free = {row[0] for row in written(vllm, [prompt], 400, Decoding(1.0, 1), 3)[1]}
    assert drawn == set(nucleus) or (drawn < set(nucleus) and len(nucleus) > 10)
    assert not free <= set(nucleus)


def test_top_k_and_penalty_are_those_of_transformers(engines, questions):
    """Greedy with a penalty token for token; with top-k 2 nothing but the two likeliest tokens is drawn."""
    import torch

    prompts = [render_prompt(engines[0].tokenizer, row["prompt"], "r1_zero") for row in questions[:32]]
    penalty = Decoding(0.0, 24, presence_penalty=1.5)
    (vllm, ids), (expected, expected_ids) = (written(engine, prompts, 1, penalty, 0) for engine in engines)
    assert ids == expected_ids and facts(vllm) == facts(expected)
    assert ids != written(engines[0], prompts, 1, Decoding(0.0, 24), 0)[1]
    inputs = engines[0].tokenizer(prompts[:1], return_tensors="pt")
    with torch.no_grad():
        likeliest = set(engines[1].model(**inputs).logits[0, -1].topk(2).indices.tolist())
    for engine in engines:
        drawn, free = (
            {row[0] for row in written(engine, prompts[:1], 200, Decoding(2.0, 1, top_k=k), 3)[1]} for k in (2, 0)
        )
        assert drawn <= likeliest and not free <= likeliest


def test_progress_counts_every_completion(engines, questions):
    seen = []
    engines[0].answer(questions[:40], 2, Decoding(1.0, 8), 0, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (80, 80) and seen == sorted(seen) and len(seen) > 1
    assert engines[0].generate([], 2, GREEDY, 0) == []


def test_a_prompt_without_room_is_one_sentence(engines):
    context = engines[1].model.config.max_position_embeddings
    with pytest.raises(InputError, match="no room in a context"):
        engines[0].generate(["7 " * context], 1, GREEDY, 0)


def test_an_adapter_is_merged(engines, base, questions, tmp_path):
    """And a second engine takes the first one's place, which comes back when it is asked."""
    import torch
    from transformers import AutoModelForCausalLM

    from stages.core.machines.adapters import load_weights, save_adapted, with_adapter
    from stages.core.pipeline.system import Lora

    first, plain = engines
    prompts = [render_prompt(first.tokenizer, row["prompt"], "chat") for row in questions[:16]]
    before = facts(first.generate(prompts, 1, GREEDY, 0))
    whole = AutoModelForCausalLM.from_pretrained(base / "model", dtype=torch.float32)
    model = with_adapter(whole, Lora(r=4, alpha=8), 0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    save_adapted(model, tmp_path / "model", base / "model")
    first.tokenizer.save_pretrained(tmp_path / "model")
    assert (tmp_path / "model" / ADAPTER_FILE).exists()
    adapted = VLLMEngine(tmp_path / "model", first.tokenizer, "chat", 32, SYSTEM)
    merged = load_weights(tmp_path / "model", AutoModelForCausalLM, dtype=torch.float32)
    expected = facts(TransformersEngine(merged, first.tokenizer, "chat", 32).generate(prompts, 1, GREEDY, 0))
    assert facts(adapted.generate(prompts, 1, GREEDY, 0)) == expected != before
    assert facts(first.generate(prompts, 1, GREEDY, 0)) == before
