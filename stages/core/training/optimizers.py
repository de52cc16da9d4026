"""Muon on the matrices, AdamW on the rest, as one optimizer."""

import torch


class MuonWithAdamW(torch.optim.Optimizer):
    """Two optimizers behind one interface, so that a Trainer schedules, saves and resumes them together."""

    def __init__(self, model: torch.nn.Module, matrix_learning_rate: float, learning_rate: float) -> None:
        embedding = model.get_input_embeddings().weight
        matrices = [p for p in model.parameters() if p.ndim == 2 and p is not embedding]
        others = [p for p in model.parameters() if p.ndim != 2 or p is embedding]
        self.parts = [
            torch.optim.Muon(matrices, lr=matrix_learning_rate, weight_decay=0.0),
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
