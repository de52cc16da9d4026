"""The objective of Kimi k1.5 against hand-computed losses and gradients, in float64."""

import pytest
import torch

from stages.core.training.objectives import (
    best_of_group,
    centred_rewards,
    mirror_descent_loss,
    mirror_descent_terms,
    rest_loss,
)

TAU = 0.4
MASK = torch.tensor([[1, 1, 0], [1, 1, 1], [1, 0, 0], [1, 1, 0]])
REWARDS = torch.tensor([1.0, 0.0, 1.0, 0.5], dtype=torch.float64)
LOGPS = torch.tensor(
    [[-0.5, -1.0, -9.0], [-0.2, -0.3, -0.5], [-2.0, -9.0, -9.0], [-1.0, -0.5, -9.0]], dtype=torch.float64
)
REFERENCE = torch.tensor(
    [[-0.6, -1.1, -3.0], [-0.2, -0.3, -0.1], [-1.5, -3.0, -3.0], [-1.0, -0.5, -3.0]], dtype=torch.float64
)
SUMS = [-1.5, -1.0, -2.0, -1.5]
LOG_RATIOS = [0.2, -0.4, -0.5, 0.0]
ADVANTAGES = [0.5, -0.5, 0.25, -0.25]  # two groups of two


def exactly(value):
    return pytest.approx(value, abs=1e-6)


def gradient(loss, logps):
    return torch.autograd.grad(loss, logps)[0]


def test_loss_by_hand():
    loss, metrics = mirror_descent_loss(LOGPS, REFERENCE, MASK, REWARDS, 2, TAU)
    # -a logp: 0.75 - 0.5 + 0.5 - 0.375 = 0.375; tau/2 ratio^2: 0.2 (0.04 + 0.16 + 0.25) = 0.09
    assert loss.item() == exactly((0.375 + 0.09) / 4)
    assert metrics["log_ratio"].item() == exactly(1.1 / 4)
    assert metrics["regulariser"].item() == exactly(0.09 / 4)
    assert metrics["logp"].item() == exactly(-6 / 4)
    assert metrics["advantage"].item() == exactly(1.5 / 4)
    assert not any(value.requires_grad for value in metrics.values())


def test_gradient_by_hand():
    logps, reference = LOGPS.clone().requires_grad_(), REFERENCE.clone().requires_grad_()
    loss, _ = mirror_descent_loss(logps, reference, MASK, REWARDS, 2, TAU)
    loss.backward()
    by_sample = [(-a + TAU * ratio) / 4 for a, ratio in zip(ADVANTAGES, LOG_RATIOS, strict=True)]
    for sample, value in enumerate(by_sample):  # the same for each token of the mask: no 1/|o|
        assert logps.grad[sample].tolist() == exactly([value * inside for inside in MASK[sample].tolist()])
    assert reference.grad is None


def test_first_step_is_reinforce_with_the_group_mean_as_baseline():
    torch.manual_seed(0)
    logits = torch.randn(4, 3, 7, dtype=torch.float64, requires_grad=True)
    tokens = torch.randint(7, (4, 3, 1))
    logps = logits.log_softmax(-1).gather(2, tokens).squeeze(2)
    loss, metrics = mirror_descent_loss(logps, logps, MASK, REWARDS, 2, TAU)
    got = gradient(loss, logits)
    # d logp / d logits = onehot - softmax, times -(r - mean r) / B
    onehot = torch.zeros(4, 3, 7, dtype=torch.float64).scatter(2, tokens, 1.0)
    by_hand = -(onehot - logits.detach().softmax(-1)) * MASK[:, :, None] * torch.tensor(ADVANTAGES)[:, None, None] / 4
    torch.testing.assert_close(got, by_hand, rtol=0, atol=1e-6)
    assert metrics["log_ratio"].item() == metrics["regulariser"].item() == 0


def test_squared_loss_has_the_same_gradient_up_to_two_tau():
    logps = LOGPS.clone().requires_grad_()
    log_ratio = ((logps - REFERENCE) * MASK).sum(1)
    squared = ((torch.tensor(ADVANTAGES, dtype=torch.float64) - TAU * log_ratio) ** 2).mean()
    loss, _ = mirror_descent_loss(logps, REFERENCE, MASK, REWARDS, 2, TAU)
    descent, ascent = gradient(squared, logps), -gradient(loss, logps)
    torch.testing.assert_close(-descent, 2 * TAU * ascent, rtol=0, atol=1e-6)


def test_equal_rewards_leave_the_regulariser_alone():
    logps = LOGPS.clone().requires_grad_()
    loss, _ = mirror_descent_loss(logps, REFERENCE, MASK, torch.ones(4, dtype=torch.float64), 2, TAU)
    assert loss.item() == exactly(0.09 / 4)
    at_reference, _ = mirror_descent_loss(logps, logps.detach(), MASK, torch.ones(4, dtype=torch.float64), 2, TAU)
    assert not gradient(at_reference, logps).any()


def test_no_division_by_the_deviation():
    assert centred_rewards(10 * REWARDS, 2).tolist() == exactly([5.0, -5.0, 2.5, -2.5])


def test_what_is_behind_the_mask_does_not_matter():
    torn = LOGPS.masked_fill(MASK == 0, -torch.inf)
    expected, _ = mirror_descent_loss(LOGPS, REFERENCE, MASK, REWARDS, 2, TAU)
    loss, metrics = mirror_descent_loss(torn, torn.clone(), MASK, REWARDS, 2, 0.0)
    assert loss.item() == exactly(0.375 / 4)
    assert metrics["log_ratio"].item() == 0
    assert mirror_descent_loss(torn, REFERENCE, MASK, REWARDS, 2, TAU)[0].item() == exactly(expected.item())


def test_empty_sample_is_in_the_baseline_unless_it_is_not_counted():
    mask = MASK.clone()
    mask[1] = 0
    loss, _ = mirror_descent_loss(LOGPS, REFERENCE, mask, REWARDS, 2, TAU)
    # sample 1 adds nothing, its group's mean is still 0.5: (0.75 + 0.5 - 0.375 + 0.2 (0.04 + 0.25)) / 4
    assert loss.item() == exactly((0.875 + 0.058) / 4)
    counted = torch.tensor([True, False, True, True])
    loss, metrics = mirror_descent_loss(LOGPS, REFERENCE, mask, REWARDS, 2, TAU, counted)
    # sample 0 is alone now, its advantage 0: (0.5 - 0.375 + 0.058) / 3
    assert loss.item() == exactly((0.125 + 0.058) / 3)
    assert metrics["logp"].item() == exactly((-1.5 - 2.0 - 1.5) / 3)


def test_nothing_counted_is_no_loss():
    logps = LOGPS.clone().requires_grad_()
    loss, _ = mirror_descent_loss(logps, REFERENCE, MASK, REWARDS, 2, TAU, torch.zeros(4, dtype=torch.bool))
    assert loss.item() == 0 and not gradient(loss, logps).any()


def test_uncounted_samples_do_not_leak():
    logps = LOGPS.clone()
    logps[1] = torch.nan
    rewards = REWARDS.clone()
    rewards[1] = torch.nan
    counted = torch.tensor([True, False, True, True])
    assert mirror_descent_loss(logps, REFERENCE, MASK, rewards, 2, TAU, counted)[0].isfinite()
    assert rest_loss(logps, MASK, rewards, 2, counted)[0].isfinite()


def test_terms_of_shuffled_micro_batches_add_up():
    advantages, order = centred_rewards(REWARDS, 2), torch.tensor([2, 0, 3, 1])
    whole, _ = mirror_descent_loss(LOGPS, REFERENCE, MASK, REWARDS, 2, TAU)
    parts = [
        mirror_descent_terms(LOGPS[rows], REFERENCE[rows], MASK[rows], advantages[rows], TAU)[0].sum()
        for rows in order.split(1)
    ]
    assert (sum(parts) / 4).item() == exactly(whole.item())


@pytest.mark.parametrize("function", [centred_rewards, best_of_group])
def test_broken_groups_are_refused(function):
    with pytest.raises(ValueError, match="4 rewards are no whole groups of 3"):
        function(REWARDS, 3)


# -- ReST


def test_rest_fits_the_best_samples_only():
    logps = LOGPS.clone().requires_grad_()
    loss, metrics = rest_loss(logps, MASK, REWARDS, 2)
    assert loss.item() == exactly((1.5 + 2.0) / 4)  # samples 0 and 2
    assert metrics["chosen"].item() == exactly(0.5)
    assert gradient(loss, logps).tolist() == [[-0.25, -0.25, 0], [0, 0, 0], [-0.25, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("rewards", "chosen"),
    [
        ([1.0, 1.0, 0.0, 1.0], [1, 1, 0, 1]),  # ties are all the best
        ([0.0, 0.0, 0.0, 0.0], [0, 0, 0, 0]),  # nothing right, nothing to fit
        ([-0.5, -1.0, 0.5, 1.5], [0, 0, 0, 1]),
    ],
)
def test_best_of_group(rewards, chosen):
    assert best_of_group(torch.tensor(rewards), 2).tolist() == chosen


def test_rest_leaves_out_what_is_not_counted():
    counted = torch.tensor([False, True, True, True])
    rewards = torch.tensor([1.0, 0.5, 0.0, 0.0], dtype=torch.float64)
    loss, _ = rest_loss(LOGPS, MASK, rewards, 2, counted)
    assert loss.item() == exactly(1.0 / 3)  # sample 1 is the best that counts
