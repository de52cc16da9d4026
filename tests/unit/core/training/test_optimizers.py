"""Muon in float32: torch's own in float32 is the oracle, the singular value decomposition the aim."""

import pytest
import torch

from stages.core.training.optimizers import Muon, orthogonalised

SHAPES = ((8, 8), (12, 5), (5, 12), (1, 4))


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_are_torchs_in_float32(shape, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # torch's own would round here
    torch.manual_seed(0)
    start = torch.randn(shape)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    here, stock = Muon([ours], 0.02), torch.optim.Muon([theirs], lr=0.02, weight_decay=0.0)
    for _ in range(3):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        here.step()
        stock.step()
    assert not torch.equal(ours, start)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    assert here.state_dict()["state"].keys() == stock.state_dict()["state"].keys()


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_vectors_are_kept_and_values_near_one(shape):
    torch.manual_seed(1)
    matrix = torch.randn(shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = left.T @ orthogonalised(matrix[None])[0] @ right.T
    values = found.diagonal()
    assert float(values.min()) > 0.3 and float(values.max()) < 1.4
    torch.testing.assert_close(found, torch.diag(values), rtol=0, atol=1e-4)


def test_nothing_to_learn_changes_nothing():
    still, unused = torch.nn.Parameter(torch.ones(3, 2)), torch.nn.Parameter(torch.ones(2, 3))
    still.grad = torch.zeros(3, 2)
    Muon([still, unused], 0.02).step()
    assert torch.equal(still, torch.ones(3, 2)) and torch.equal(unused, torch.ones(2, 3))
