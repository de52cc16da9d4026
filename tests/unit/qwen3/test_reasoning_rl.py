"""Qwen3's reasoning RL: what its page hands to the trainer."""

import pytest
from datasets import Dataset

from stages.core.machines import weights
from stages.core.run.stage import Run
from stages.core.training import grpo
from stages.qwen3 import reasoning_rl

SETTINGS = {
    "template": "chat", "rewards": {"accuracy": 1.0}, "learning_rate": 1e-3, "learning_rate_schedule": "constant",
    "max_gradient_norm": 1.0, "kl_coefficient": 0.05, "clip_epsilon": 0.2, "entropy_coefficient": 0.03,
    "temperature": 1.0, "group_size": 4, "prompts_per_step": 2, "steps_per_rollout": 2, "inner_epochs": 1, "steps": 4,
    "reference_refresh_steps": 4, "max_completion_length": 8, "loss_aggregation": "grpo", "advantage_scaling": "group",
    "tasks": {"arithmetic": 1.0}, "prompts": 16, "micro_batch_size": 8,
}  # fmt: skip


class Reached(Exception):
    """The page has made its trainer."""


def test_the_objective_has_the_recipes_numbers(monkeypatch, tmp_path):
    """Entropy among them: Qwen3 s.4.2."""

    def trainer(run, model, tokenizer, rows, rewards, objective, refresh_reference_every):
        assert objective.keywords == {"clip_epsilon": 0.2, "kl_coefficient": 0.05, "entropy_coefficient": 0.03}
        raise Reached

    for module, name, value in (
        (weights, "load_model", lambda run: None),
        (weights, "load_tokenizer", lambda run: None),
        (Run, "load_rows", lambda run: Dataset.from_list([])),
        (grpo, "policy_trainer", trainer),
    ):
        monkeypatch.setattr(module, name, value)
    run = Run({
        "recipe": "qwen3", "scale": "small", "stage": "reasoning_rl", "script": "qwen3.reasoning_rl",
        "runs": str(tmp_path), "output": str(tmp_path / "reasoning_rl"), "system": {}, "public_data": {}, "inputs": {},
        "settings": SETTINGS, "paper": {}, "why": {},
    })  # fmt: skip
    with pytest.raises(Reached):
        reasoning_rl.main(run)
