"""Kimi's RL as TRL's trainer runs it: a random model, three iterations."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch

from data.world.families import rows
from stages.core.rewards.length_reward import length_reward
from stages.core.run.stage import Run
from stages.core.sampling.partial_rollouts import RolloutBuffer
from stages.core.sampling.prompt_choice import PromptSampler
from stages.core.training import rollout_scores
from stages.core.training.callbacks import ResetOptimizer
from stages.core.training.mirror_descent import mirror_descent_trainer
from stages.core.training.objectives import centred_rewards, mirror_descent_terms
from tests.settings import MIRROR_DESCENT

SETTINGS = MIRROR_DESCENT | {
    "objective": "mirror_descent", "updates_per_iteration": 2, "inner_epochs": 2, "iterations": 3,
    "max_gradient_norm": 1.0, "max_completion_length": 24, "length_weight": 0.5, "length_from_iteration": 0,
    "segment_tokens": 16, "keep_every_iterations": 0, "micro_batch_size": 8,
}  # fmt: skip


@pytest.fixture
def trainer(model, tokenizer, tmp_path):
    run = Run({
        "recipe": "kimi_k15", "scale": "test", "stage": "rl", "script": "kimi_k15.policy_mirror_descent",
        "runs": str(tmp_path), "system": {}, "public_data": {}, "output": str(tmp_path / "rl"), "inputs": {},
        "settings": SETTINGS,
    })  # fmt: skip
    prompts = [row | {"pass_rate": 0.5} for row in rows({"arithmetic": 1.0, "equation": 1.0}, 12, "train", 1)]
    choice = partial(PromptSampler, strategy="uniform", seed=42, total_iterations=3, prompts_per_iteration=4)
    objective = partial(mirror_descent_terms, tau=0.1)
    made = mirror_descent_trainer(run, model, tokenizer, prompts, choice, length_reward(4), objective, centred_rewards)
    made.add_callback(ResetOptimizer(4))
    return made


@pytest.fixture
def trained(trainer):
    """The trainer after its run, and what the optimizer held at the start of each iteration."""
    held: list[int] = []
    iterate = trainer._iterate

    def watched():
        held.append(len(trainer.optimizer.state))
        return iterate()

    trainer._iterate = watched
    trainer.train()
    return trainer, held


def test_the_optimizer_starts_empty_in_every_iteration(trained):
    trainer, held = trained
    assert held == [0, 0, 0]
    assert len(trainer.optimizer.state) > 0


def test_the_ratio_is_zero_in_an_iteration_s_first_update_and_live_later(trained):
    trainer, _ = trained
    ratios = [entry["log_ratio"] for entry in trainer.state.log_history if "log_ratio" in entry]
    assert len(ratios) == 12
    for first in (0, 4, 8):
        assert ratios[first] == pytest.approx(0, abs=1e-4)
        assert max(ratios[first + 1 : first + 4]) > 1e-3


def test_no_group_is_lost_or_doubled_and_the_saved_buffer_is_the_one_in_memory(trained):
    trainer, _ = trained
    buffer = trainer.buffer
    assert buffer.added == buffer.taken + buffer.held
    assert buffer.taken > 0 and buffer.held > 0
    [folder] = Path(trainer.args.output_dir).glob("checkpoint-*")
    saved = RolloutBuffer.load(folder / trainer.BUFFER)
    assert saved.groups == buffer.groups
    assert json.loads((folder / trainer.SAMPLER).read_text())["iteration"] == trainer.prompt_sampler.iteration


def test_rollouts_of_an_earlier_policy_are_outside_the_loss(trained):
    trainer, _ = trained
    continued = [r for group in trainer.buffer.groups for r in group.rollouts if len(r.segments) > 1]
    masks = trainer.rollouts["env_mask"]
    assert all(len(mask) == len(ids) for mask, ids in zip(masks, trainer.rollouts["completion_ids"], strict=True))
    assert continued or any(0 in mask for mask in masks)


def test_only_what_this_policy_has_written_is_taken_from_the_sampler(trainer, monkeypatch):
    """Segments of earlier policies stay in the loss here: those rollouts are scored, and all log-probs are right."""
    trainer.run_settings = trainer.run_settings.model_copy(update={"keep_earlier_segments": True})
    roll, score, scored, moved = trainer._generate_and_score_completions, rollout_scores.log_probs_of, [], []
    generator = torch.Generator().manual_seed(1)

    def counted(trainer, model, output, rows=None):
        scored.append(rows)
        return score(trainer, model, output, rows)

    def watched(inputs):
        scored.clear()
        output = roll(inputs)
        gate, *unknown = scored
        counted = (output["completion_mask"] * output["tool_mask"]).bool()
        earlier = (counted & ~trainer.sampled_now(output)).any(dim=1)
        assert torch.equal(torch.cat([*unknown, earlier.new_zeros(0).long()]), earlier.nonzero()[:, 0])
        exact = score(trainer, trainer.model, output)
        assert (output["old_per_token_logps"] - exact)[counted].abs().max() < 1e-4
        moved.append((output["sampling_per_token_logps"] - exact)[counted].abs().max().item())
        with torch.no_grad():  # the next policy is another, whatever is rewarded
            for parameter in trainer.model.parameters():
                parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
        return output

    monkeypatch.setattr(rollout_scores, "log_probs_of", counted)
    trainer._generate_and_score_completions = watched
    trainer.train()
    assert len(moved) == 3 and max(moved) > 1e-3  # an earlier policy said otherwise
