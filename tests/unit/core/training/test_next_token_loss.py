"""Losses that never hold all logits: the same loss and gradients as transformers' own."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy
from trl.trainer.utils import add_fused_lm_head

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


def test_logits_are_made_of_learned_tokens_alone(model, batch, monkeypatch):
    """labels: of the last tokens of each row; their log-probs as of all logits, 0 elsewhere."""
    labels = batch["labels"].clone()
    labels[:, :4] = -100  # the third row has none then
    logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    expected = -cross_entropy(logits.transpose(1, 2), labels[:, 1:], reduction="none")
    add_fused_lm_head(model)
    projected, multiply = [], torch.mm
    monkeypatch.setattr(
        torch, "mm", lambda left, *args, **kwargs: projected.append(len(left)) or multiply(left, *args, **kwargs)
    )
    found = model(**batch | {"labels": labels}, fused_lm_head=True).log_probs
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert projected == [8 + 3]


def test_a_batch_without_learned_tokens_has_gradients_of_zero(model, batch):
    add_fused_lm_head(model)
    loss = model(**batch | {"labels": torch.full_like(batch["labels"], -100)}, fused_lm_head=True).loss
    loss.backward()
    assert loss == 0 and not model.get_input_embeddings().weight.grad.any()


@pytest.mark.parametrize("device, alone", [("cpu", True), ("mps", False)])
def test_elsewhere_it_is_as_trl_has_it(device, alone):
    assert learned_tokens.learned_alone(torch.device(device)) == alone
