"""Muon on the matrices, AdamW on the rest, as one optimizer."""

import math

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic whose slope at zero is the steepest (Jordan et al. 2024, Muon)."""
ITERATIONS = 5


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """The singular vectors of (N, rows, columns) matrices with singular values near one, in the precision they have.

    Newton-Schulz: x <- a x + (b g + c g g) x with g = x x^T, from x of Frobenius norm one (Jordan et al. 2024, Muon).
    Zero stays zero.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT.contiguous() if tall else matrices  # so that g is the smaller of two
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Muon):
    """torch's Muon without weight decay, orthogonalised in the weights' precision.

    torch's own rounds to bfloat16: on a processor without instructions for it that takes twenty times as long, and
    processors differ in what they add up.
    """

    def __init__(self, matrices: list[torch.nn.Parameter], learning_rate: float) -> None:
        super().__init__(matrices, lr=learning_rate, weight_decay=0.0)

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            learned = [weight for weight in group["params"] if weight.grad is not None]
            for rows, columns in dict.fromkeys(weight.shape for weight in learned):
                alike = [weight for weight in learned if weight.shape == (rows, columns)]  # together they are faster
                updates = orthogonalised(torch.stack([self._momentum(weight, group["momentum"]) for weight in alike]))
                for weight, update in zip(alike, updates, strict=True):
                    weight.add_(update, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))

    def _momentum(self, weight: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        """Nesterov's: the gradient drawn towards its running mean."""
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        mean = state["momentum_buffer"].lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(mean, momentum)


class MuonWithAdamW(torch.optim.Optimizer):
    """Two optimizers behind one interface, so that a Trainer schedules, saves and resumes them together."""

    def __init__(self, model: torch.nn.Module, matrix_learning_rate: float, learning_rate: float) -> None:
        embedding = model.get_input_embeddings().weight
        matrices = [p for p in model.parameters() if p.ndim == 2 and p is not embedding]
        others = [p for p in model.parameters() if p.ndim != 2 or p is embedding]
        self.parts = [
            Muon(matrices, matrix_learning_rate),
            torch.optim.AdamW(others, lr=learning_rate, weight_decay=0.0, betas=(0.9, 0.95), fused=True),
        ]
        super().__init__([{"params": matrices}, {"params": others}], {})
        # The groups themselves are shared, so that a scheduler that sets `lr` here sets it there.
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    @torch.no_grad()
    def step(self, closure=None):
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]
