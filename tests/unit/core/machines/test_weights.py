"""A policy without dropout: in training mode its log-probs are those that it samples by."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Qwen3Config, Qwen3ForCausalLM

from stages.core.machines.adapters import with_adapter
from stages.core.machines.weights import without_dropout
from stages.core.pipeline.system import Lora

IDS = torch.arange(24).reshape(2, 12)


def gpt2():
    return GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=2, n_head=2))


def qwen3(attention_dropout=0.2):
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
            head_dim=8, intermediate_size=32, attention_dropout=attention_dropout,
        )
    )  # fmt: skip


def adapted():
    model = with_adapter(qwen3(0.0), Lora(r=4, alpha=8, dropout=0.3, target_modules="all-linear"), seed=1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero at first: an adapter that changes nothing shows no dropout
            torch.nn.init.normal_(parameter)
    return model


@pytest.mark.parametrize("made", [gpt2, qwen3, adapted])
@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
def test_training_mode_computes_what_is_sampled_by(made, kernel):
    torch.manual_seed(0)
    model = made()
    model.set_attn_implementation(kernel)
    expected = model.eval()(IDS).logits
    assert (model.train()(IDS).logits - expected).abs().max() > 1e-3
    assert torch.allclose(without_dropout(model).train()(IDS).logits, expected, atol=1e-6)


def test_the_configuration_that_is_saved_keeps_its_dropout(tmp_path):
    without_dropout(qwen3()).save_pretrained(tmp_path)
    assert Qwen3ForCausalLM.from_pretrained(tmp_path).config.attention_dropout == 0.2
