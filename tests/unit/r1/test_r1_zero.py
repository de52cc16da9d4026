"""R1-Zero: what is its own."""

import pytest
from transformers import AutoModelForCausalLM

from data.errors import InputError
from stages.core.machines import weights
from stages.core.run.stage import Run
from stages.r1 import r1_zero

SETTINGS = {
    "template": "r1_zero", "rewards": {"accuracy": 1.0, "format": 1.0}, "learning_rate": 1e-3,
    "learning_rate_schedule": "constant", "max_gradient_norm": 1.0, "kl_coefficient": 0.0, "clip_epsilon": 0.2,
    "temperature": 1.0, "group_size": 4, "prompts_per_step": 1, "steps_per_rollout": 1, "inner_epochs": 1, "steps": 1,
    "reference_refresh_steps": 1, "max_completion_length": 8, "extended_completion_length": 500,
    "extended_from_step": 1, "loss_aggregation": "grpo", "advantage_scaling": "group", "tasks": {"logic": 1.0},
    "prompts": 4, "micro_batch_size": 4,
}  # fmt: skip


def test_a_prompt_needs_room_for_the_extended_completion(tmp_path, monkeypatch, model_folder, tokenizer):
    """Else the last part of the run would sample beyond the context."""
    base = AutoModelForCausalLM.from_pretrained(model_folder)
    base.config.max_position_embeddings = 512
    monkeypatch.setattr(weights, "load_model", lambda run: base)
    monkeypatch.setattr(weights, "load_tokenizer", lambda run: tokenizer)
    run = Run({
        "recipe": "mine", "scale": "test", "stage": "r1_zero", "script": "r1.r1_zero", "system": {},
        "runs": str(tmp_path), "public_data": {}, "output": str(tmp_path / "r1_zero"), "inputs": {},
        "settings": SETTINGS,
    })  # fmt: skip
    with pytest.raises(InputError, match="completions of 500 tokens leave no room"):
        r1_zero.main(run)
