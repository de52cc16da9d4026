"""Log-probs where prompts are run once: those, and the gradients, of every sample run alone."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from stages.core.training import log_probs
from stages.core.training.log_probs import completion_log_probs, groups_of, in_trimmed_halves, shares_prompts

PROMPTS = [[301, 302, 303], [304], [301, 302, 303, 305, 306, 307], [308, 309]]
SAMPLES = [(0, 4), (1, 7), (0, 1), (2, 3), (3, 9), (0, 6), (2, 9), (1, 2)]
"""Which prompt, and how many tokens follow it: no order of length, groups apart."""


@pytest.fixture
def model(model_folder):
    return AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float64)


@pytest.fixture
def batch(tokenizer):
    """(ids, mask, completion width, the sequences alone): wider than they have to be on both sides."""
    left, right, pad = 8, 10, tokenizer.pad_token_id
    generator = torch.Generator().manual_seed(1)
    ids = torch.full((len(SAMPLES), left + right), pad)
    mask = torch.zeros_like(ids)
    alone = []
    for row, (prompt, count) in enumerate(SAMPLES):
        begin = PROMPTS[prompt]
        end = torch.randint(300, 1000, (count,), generator=generator).tolist()
        place = slice(left - len(begin), left + count)
        ids[row, place], mask[row, place] = torch.tensor(begin + end), 1
        alone.append((begin, end))
    return ids, mask, right, alone


def one_by_one(model, batch, temperature):
    """(B, T) log-probs and entropies from the definition, each sequence run alone."""
    ids, _, width, alone = batch
    logps, entropies = (torch.zeros(len(ids), width, dtype=torch.float64) for _ in range(2))
    for row, (begin, end) in enumerate(alone):
        logits = model(torch.tensor([begin + end])).logits[0, len(begin) - 1 : -1] / temperature
        found = logits.log_softmax(dim=-1)
        logps[row, : len(end)] = found.gather(1, torch.tensor(end)[:, None])[:, 0]
        entropies[row, : len(end)] = -(found.exp() * found).sum(dim=-1)
    return logps, entropies


def weighed(logps, entropies):
    """A number that every log-prob and entropy has a part in of its own."""
    weights = torch.linspace(-1, 1, logps.numel(), dtype=logps.dtype).view_as(logps)
    return (weights * logps).sum() + (weights.flip(0) * entropies).sum()


@pytest.mark.parametrize(("like", "head_tokens"), [(1.0, 5), (0.6, 1024), (0.0, 1)])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_log_probs_entropies_and_gradients_are_those_of_each_sample_alone(
    model, batch, monkeypatch, like, head_tokens, temperature
):
    monkeypatch.setattr(log_probs, "LIKE", like)
    monkeypatch.setattr(log_probs, "HEAD_TOKENS", head_tokens)
    ids, mask, width, _ = batch
    gradients = []
    found = completion_log_probs(model, ids, mask, width, temperature, with_entropy=True)
    expected = one_by_one(model, batch, temperature)
    for values, exact in zip(found, expected, strict=True):
        assert values.shape == (len(ids), width) and exact.abs().max() > 0.5
        assert torch.allclose(values.double(), exact, atol=1e-5)  # TRL's kernel sums in float32
        assert (values[mask[:, -width:] == 0] == 0).all()
    for pair in (found, expected):
        model.zero_grad()
        weighed(*pair).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert (gradients[0] - gradients[1]).norm() < 1e-5 * gradients[1].norm()
    logps, entropies = completion_log_probs(model, ids, mask, width, temperature)
    assert entropies is None and torch.equal(logps, found[0])


def test_each_prompt_runs_once_and_padding_makes_no_logits(model, batch, monkeypatch):
    """Four prompts of 3, 1, 6 and 2 tokens, the last of each beginning its completions: 4 x 5 tokens, not 8 x 8.

    Completions of 9, 9, 7, 6, 4, 3, 2 and 1 tokens make groups of 9, 9 | 7, 6 | 4 | 3 | 2 | 1.
    """
    monkeypatch.setattr(log_probs, "LIKE", 0.8)
    ids, mask, width, _ = batch
    read, scored = [], []
    model.model.embed_tokens.register_forward_hook(lambda module, given, result: read.append(given[0].shape))
    kernel = log_probs.ChunkedLogProbFunction.apply

    def watched(hidden, *rest):
        scored.append(len(hidden))
        return kernel(hidden, *rest)

    monkeypatch.setattr(log_probs.ChunkedLogProbFunction, "apply", watched)
    with torch.no_grad():
        completion_log_probs(model, ids, mask, width, 1.0)
    assert read == [(1, 4 * 5 + 2 * 9 + 2 * 7 + 4 + 3 + 2 + 1)]
    assert scored == [sum(count for _, count in SAMPLES)]


def test_a_model_attends_as_before_once_its_log_probs_are_known(model, batch):
    ids, mask, width, _ = batch
    with torch.no_grad():
        before = model(ids, attention_mask=mask).logits
        completion_log_probs(model, ids, mask, width, 1.0)
        assert torch.equal(model(ids, attention_mask=mask).logits, before)
    with pytest.raises(IndexError):
        completion_log_probs(model, ids + len(model.model.embed_tokens.weight), mask, width, 1.0)
    assert model.config._attn_implementation == "sdpa"


def test_prompts_of_one_token_and_empty_completions(model, batch):
    ids, mask, width, _ = batch
    rows = [row for row, (prompt, _) in enumerate(SAMPLES) if prompt == 1]
    with torch.no_grad():
        whole = completion_log_probs(model, ids, mask, width, 1.0)[0]
        short = completion_log_probs(model, ids[rows], mask[rows], width, 1.0)[0]  # no cache to go on from
    assert torch.allclose(short, whole[rows], atol=1e-6)
    mask[:, -width:] = 0
    logps = completion_log_probs(model, ids, mask, width, 1.0)[0]
    assert torch.equal(logps, torch.zeros(len(ids), width)) and logps.requires_grad


def test_the_plain_way_gives_the_same(model, batch):
    ids, mask, width, alone = batch

    def compute(ids, mask, width):
        logits = model(input_ids=ids, attention_mask=mask).logits[:, -width - 1 : -1]
        return logits.log_softmax(dim=-1).gather(2, ids[:, -width:, None])[..., 0], None, None

    with torch.no_grad():
        exact, _ = one_by_one(model, batch, 1.0)
        used = mask[:, -width:].bool()
        for size in (None, 1, 3, 100):
            logps, entropies = in_trimmed_halves(compute, ids, mask, width, size)
            assert entropies is None and logps.shape == used.shape
            assert torch.allclose(logps[used], exact[used], atol=1e-9)


def test_groups_by_hand(monkeypatch):
    """Rows of 2, 5 and 4 tokens; the prompts have 2 tokens and none in front of their last."""
    monkeypatch.setattr(log_probs, "LIKE", 0.8)
    long, short = groups_of([2, 5, 4], torch.tensor([0, 0, 1]), torch.tensor([2, 0]))
    assert (long.rows, long.width, long.prompts.tolist()) == ([1, 2], 5, [0, 1])
    assert (short.rows, short.width, short.prompts.tolist()) == ([0], 2, [0])
    assert short.mask.int().tolist() == [[[[1, 1, 1, 0], [1, 1, 1, 1]]]]
    assert long.mask[:, 0, :, :2].int().tolist() == [[[1, 1]] * 5, [[0, 0]] * 5]
    assert (long.mask[:, 0, :, 2:] == torch.ones(5, 5).tril().bool()).all()


def test_what_prompts_cannot_be_shared_in(model):
    assert shares_prompts(model)
    model.gradient_checkpointing_enable()
    assert not shares_prompts(model)
    model.gradient_checkpointing_disable()
    for name, value in (("final_logit_softcapping", 30.0), ("logit_scale", 0.5)):
        setattr(model.config, name, value)
        assert not shares_prompts(model)
        setattr(model.config, name, None)
    model._supports_attention_backend = False
    assert not shares_prompts(model)
    model._supports_attention_backend = True
    model.config.layer_types, model.config.sliding_window = ["full_attention", "sliding_attention"], 4
    assert not shares_prompts(model)
