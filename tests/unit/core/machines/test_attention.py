"""Attention on a CPU: what `sdpa` computes, forward and backward, prefilled and token by token."""

import copy
import json

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from stages.core.machines.adapters import load_weights
from stages.core.machines.attention import NAME, additive_mask, with_cpu_attention

SIZES = {
    "vocab_size": 50, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 6, "intermediate_size": 32,
    "initializer_range": 0.3,
}  # fmt: skip
IDS = torch.randint(0, 50, (3, 9), generator=torch.Generator().manual_seed(1))
PADDED = torch.tensor([[0] * 4 + [1] * 5, [1] * 9, [0] * 1 + [1] * 8])


def llama(key_value_heads: int):
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(num_key_value_heads=key_value_heads, **SIZES)).eval()


def sliding():
    torch.manual_seed(0)
    return MistralForCausalLM(MistralConfig(num_key_value_heads=2, sliding_window=4, **SIZES)).eval()


@pytest.fixture(params=[lambda: llama(1), lambda: llama(3), lambda: llama(6), sliding])
def sides(request, monkeypatch):
    """A model with `sdpa`, and the same weights with ours."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    plain = request.param()
    plain.set_attn_implementation("sdpa")
    ours = with_cpu_attention(copy.deepcopy(plain))
    assert (plain.config._attn_implementation, ours.config._attn_implementation) == ("sdpa", NAME)
    return plain, ours


def gradients(model, mask):
    logits = model(IDS, attention_mask=mask).logits
    shown = logits[torch.ones_like(IDS, dtype=torch.bool) if mask is None else mask.bool()]
    model.zero_grad()
    shown.logsumexp(dim=-1).sum().backward()
    return [shown.detach(), *(parameter.grad for parameter in model.parameters())]


@pytest.mark.parametrize("mask", [None, PADDED, PADDED.flip(1)])
def test_logits_and_gradients_are_those_of_sdpa(sides, mask):
    for found, expected in zip(*(gradients(model, mask) for model in reversed(sides)), strict=True):
        assert torch.isfinite(found).all()
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_token_by_token_the_logits_are_those_of_sdpa(sides):
    def steps(model):
        cache, found = None, []
        for start, end in ((0, 5), (5, 6), (6, 7), (7, 9)):
            output = model(IDS[:, start:end], attention_mask=PADDED[:, :end], past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            found.append(output.logits[:, -1])
        return torch.stack(found)

    with torch.no_grad():
        assert torch.allclose(steps(sides[1]), steps(sides[0]), atol=1e-5)


def test_a_single_query_sees_all_that_is_a_token():
    mask = torch.tensor([[False, True, True], [True, True, True]])
    assert additive_mask(1, 3, attention_mask=mask).tolist() == [[[[-torch.inf, 0.0, 0.0]]], [[[0.0, 0.0, 0.0]]]]
    assert additive_mask(1, 3, attention_mask=mask[1:]) is None


@pytest.mark.parametrize(("own", "gpu"), [("sdpa", True), ("eager", False)])
def test_on_a_gpu_or_with_another_kernel_the_model_keeps_its_own(monkeypatch, own, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    model = llama(3)
    model.set_attn_implementation(own)
    assert with_cpu_attention(model).config._attn_implementation == own


def test_what_is_loaded_has_it_and_what_is_saved_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    llama(3).save_pretrained(tmp_path / "plain")
    model = load_weights(tmp_path / "plain", AutoModelForCausalLM)
    assert model.config._attn_implementation == NAME
    model.save_pretrained(tmp_path / "again")
    configs = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("plain", "again")]
    assert configs[0] == configs[1]
    reference = AutoModelForCausalLM.from_pretrained(tmp_path / "again", attn_implementation=NAME)  # as TRL asks for
    with torch.no_grad():
        assert torch.equal(reference(IDS).logits, model(IDS).logits)
