"""Losses that never hold all logits: the same loss and gradients as transformers' own."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy, linear
from trl.trainer import utils

from stages.core.machines.padding import without_padding
from stages.core.training import learned_tokens
from stages.core.training.pretraining import with_chunked_loss


@pytest.fixture
def batch(model):
    torch.manual_seed(1)
    mask = (torch.arange(12) < torch.tensor([12, 7, 3])[:, None]).long()
    ids = torch.randint(1, model.config.vocab_size, mask.shape)
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, -100)}


@pytest.mark.parametrize("count", [None, torch.tensor(50)])
def test_loss_in_chunks_is_the_models_own(model, batch, count):
    found = []
    for trained in (copy.deepcopy(model), without_padding(with_chunked_loss(copy.deepcopy(model)))):
        loss = trained(**batch, num_items_in_batch=count).loss
        loss.backward()
        found.append((loss, [parameter.grad for parameter in trained.parameters()]))
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-5)


OUTPUTS = ("log_probs", "entropy", "mean_logits", "is_top1")


@pytest.mark.parametrize(("temperature", "most"), [(1.0, 2**27), (0.7, 2**27), (0.7, 10)], ids=["one", "cold", "tiles"])
def test_learned_tokens_have_trls_values_and_gradients(model, batch, monkeypatch, temperature, most):
    """Of the last tokens of each row, the third of which has none; TRL's own makes logits of all tokens, in tiles."""
    labels = batch["labels"].clone()
    labels[:, :4] = -100
    scored = []
    monkeypatch.setattr(learned_tokens, "linear", lambda *given: scored.append(len(given[0])) or linear(*given))
    monkeypatch.setattr(learned_tokens, "LOGITS", most)
    found = []
    for own in (False, True):
        monkeypatch.setattr(utils, "_use_triton", learned_tokens.learned_alone if own else lambda device: False)
        function = learned_tokens.LogProbs if own else learned_tokens._tiles
        monkeypatch.setattr(utils, "_ChunkedLogProbFunction", function)
        trained = copy.deepcopy(model)
        utils.add_fused_lm_head(trained, temperature, outputs=OUTPUTS)
        output = trained(**batch | {"labels": labels}, fused_lm_head=True)
        (output.log_probs.sum() + 0.1 * output.entropy.sum()).backward()
        values = [getattr(output, name).float() for name in OUTPUTS]
        found.append((values, [parameter.grad for parameter in trained.parameters()]))
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-4)
    logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1] / temperature
    expected = -cross_entropy(logits.transpose(1, 2), labels[:, 1:], reduction="none")
    torch.testing.assert_close(found[1][0][0], expected, atol=1e-5, rtol=1e-5)
    assert scored == ([8 + 3] if most > 10 else [])


def test_a_batch_without_learned_tokens_has_gradients_of_zero(model, batch):
    utils.add_fused_lm_head(model)
    loss = model(**batch | {"labels": torch.full_like(batch["labels"], -100)}, fused_lm_head=True).loss
    loss.backward()
    assert loss == 0 and not model.get_input_embeddings().weight.grad.any()


@pytest.mark.parametrize("device, alone", [("cpu", True), ("mps", False)])
def test_elsewhere_it_is_as_trl_has_it(device, alone):
    assert learned_tokens.learned_alone(torch.device(device)) == alone
