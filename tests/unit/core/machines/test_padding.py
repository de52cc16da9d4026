"""A batch without its padding: the same outputs, losses and gradients as with it."""

import copy

import pytest
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3ForSequenceClassification,
    StableLmConfig,
    StableLmForCausalLM,
)

from stages.core.machines.padding import groups_of, without_padding

SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "pad_token_id": 0,
}
MODELS = {
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SIZES, head_dim=8)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZES)),
    "scores": lambda: Qwen3ForSequenceClassification(Qwen3Config(**SIZES, head_dim=8, num_labels=1)),
}


@pytest.fixture(params=MODELS)
def models(request):
    torch.manual_seed(0)
    plain = MODELS[request.param]()
    return plain, without_padding(copy.deepcopy(plain))


def batch(lengths=(9, 3, 8, 20, 1)):
    torch.manual_seed(1)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return {"input_ids": torch.randint(1, 50, mask.shape) * mask, "attention_mask": mask}


def outputs_and_gradients(model, inputs):
    logits = model(**inputs).logits
    if logits.dim() == 3:
        logits = logits[inputs["attention_mask"].bool()]
    logits.square().sum().backward()
    return logits, [parameter.grad for parameter in model.parameters()]


def test_rows_of_like_length_are_together():
    assert groups_of([9, 3, 8, 20, 1]) == [([3], 20), ([0, 2], 9), ([1], 3), ([4], 1)]
    assert groups_of([0, 5]) == [([1], 5), ([0], 1)]


def test_outputs_and_gradients_are_those_of_the_padded_batch(models):
    plain, ours = (outputs_and_gradients(model, batch()) for model in models)
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-4)


def test_only_what_is_in_a_group_is_computed(models):
    seen = []
    backbone = models[1].base_model
    backbone.layers[0].register_forward_hook(lambda module, args, output: seen.append(output.shape[:2]))
    models[1](**batch())
    assert seen == [(1, 20 + 2 * 9 + 3 + 1)]


@pytest.mark.parametrize("change", ["left", "packed", "cache"])
def test_other_batches_are_computed_as_they_were(models, change):
    inputs = batch()
    if change == "left":
        inputs = {name: value.flip(1) for name, value in inputs.items()}
    elif change == "packed":
        inputs = {"input_ids": inputs["input_ids"][:1], "position_ids": torch.tensor([[*range(9), *range(11)]])}
    else:
        inputs["use_cache"] = True
    plain, ours = (model(**inputs) for model in models)
    torch.testing.assert_close(ours.logits, plain.logits, atol=1e-5, rtol=1e-4)
    assert (ours.past_key_values is None) == (plain.past_key_values is None)


@pytest.mark.parametrize("change", ["attention", "window", "windows", "options", "twice"])
def test_other_models_stay_as_they_are(change):
    model = MODELS["qwen3"]()
    if change == "windows":  # of all layers, in a configuration without their types
        model = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=4))
    elif change == "options":
        model = StableLmForCausalLM(StableLmConfig(**SIZES))
    elif change == "attention":
        model.set_attn_implementation("eager")
    elif change == "window":
        model.config.layer_types, model.config.sliding_window = ["full_attention", "sliding_attention"], 4
    else:
        without_padding(model)
    before = model.config._attn_implementation, len(model.model._forward_pre_hooks)
    assert without_padding(model) is model
    assert (model.config._attn_implementation, len(model.model._forward_pre_hooks)) == before


def test_what_is_saved_does_not_tell(models, tmp_path):
    models[0].save_pretrained(tmp_path / "plain")
    models[1].save_pretrained(tmp_path / "ours")
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "plain" / file).read_bytes() == (tmp_path / "ours" / file).read_bytes()
