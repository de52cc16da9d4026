"""Measurements along a run: when they are made, what they say, and that training does not notice them."""

import json
import random
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, TrainerCallback

from data.world.families import GENERAL, rows
from stages.core.machines.adapters import with_adapter
from stages.core.pipeline.system import Lora
from stages.core.rewards.length_reward import length_reward
from stages.core.rewards.preference import PreferenceReward
from stages.core.rewards.rules import accuracy, weak_accuracy, weighted
from stages.core.run.stage import Run
from stages.core.run.stopping import Stopped
from stages.core.sampling.prompt_choice import PromptSampler
from stages.core.training import held_out
from stages.core.training.callbacks import train
from stages.core.training.grpo import policy_trainer, train_policy
from stages.core.training.held_out import SECONDS, HeldOut, divergences, own_places, random_states_kept
from stages.core.training.mirror_descent import mirror_descent_trainer
from stages.core.training.objectives import centred_rewards, grpo_terms, mirror_descent_terms
from stages.core.training.on_policy_distillation import distillation_trainer
from tests.settings import MIRROR_DESCENT

RL = {
    "template": "chat", "rewards": {"accuracy": 1.0}, "learning_rate": 1e-2, "learning_rate_schedule": "linear",
    "max_gradient_norm": 1.0, "kl_coefficient": 0.1, "clip_epsilon": 0.2, "temperature": 1.0, "group_size": 4,
    "prompts_per_step": 2, "steps_per_rollout": 2, "inner_epochs": 1, "steps": 6, "reference_refresh_steps": 2,
    "max_completion_length": 12, "loss_aggregation": "grpo", "advantage_scaling": "group",
    "tasks": {"arithmetic": 1.0, "logic": 1.0}, "prompts": 16, "micro_batch_size": 8,
}  # fmt: skip
KIMI = MIRROR_DESCENT | {
    "updates_per_iteration": 2, "iterations": 2, "max_gradient_norm": 1.0, "max_completion_length": 12,
    "length_weight": 0.5, "segment_tokens": 8, "micro_batch_size": 8, "held_out_tasks": {"arithmetic": 1.0},
}  # fmt: skip
OPD = {
    "divergence": "reverse_kl", "temperature": 1.0, "learning_rate": 1e-2, "learning_rate_schedule": "constant",
    "max_gradient_norm": 1.0, "prompts_per_step": 4, "steps": 3, "max_completion_length": 8, "prompts": 12,
    "non_thinking_fraction": 0.5, "tasks": {"logic": 1.0}, "micro_batch_size": 4,
}  # fmt: skip
MEASURED = {"held_out_every": 2, "held_out_questions": 5, "held_out_samples": 2, "held_out_kl": True}


def run_of(folder, script: str, settings: dict, system: dict | None = None) -> Run:
    return Run({
        "recipe": "mine", "scale": "test", "stage": "rl", "script": script, "system": system or {}, "inputs": {},
        "runs": str(folder), "public_data": {}, "output": str(folder / "rl"), "settings": settings,
    })  # fmt: skip


def brief(completions, batch):
    return [-float(len(c.text)) for c in completions]


def grpo(run, model, tokenizer, rewards=None):
    prompts = rows(run.settings.tasks, 16, "train", 0)
    objective = partial(grpo_terms, clip_epsilon=0.2, kl_coefficient=0.1)
    return policy_trainer(run, model, tokenizer, prompts, rewards or {"accuracy": brief}, objective, 2)


def mirror(run, model, tokenizer):
    prompts = [row | {"pass_rate": 0.5} for row in rows({"arithmetic": 1.0, "equation": 1.0}, 12, "train", 1)]
    choice = partial(PromptSampler, strategy="uniform", seed=42, total_iterations=2, prompts_per_iteration=4)
    objective = partial(mirror_descent_terms, tau=0.1)
    return mirror_descent_trainer(run, model, tokenizer, prompts, choice, length_reward(4), objective, centred_rewards)


def student(run, model, tokenizer):
    prompts = [row | {"mode": "thinking"} for row in rows({"logic": 1.0}, 12, "train", 0)]
    teacher = AutoModelForCausalLM.from_pretrained(model.name_or_path, dtype=torch.float32)
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return distillation_trainer(run, model, teacher, tokenizer, prompts)


def metrics(run: Run) -> list[dict]:
    return [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]


def curve(run: Run) -> list[dict]:
    """The rows of the measurements, without what a clock says."""
    return [
        {name: value for name, value in row.items() if name not in ("seconds", SECONDS)}
        for row in metrics(run)
        if SECONDS in row
    ]


def fresh(model_folder):
    return AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)


# -- training does not notice


@pytest.mark.parametrize(
    ("build", "script", "settings"),
    [
        (grpo, "r1.small_rl", RL), (mirror, "kimi_k15.long2short_rl", KIMI),
        (student, "qwen3.on_policy_distillation", OPD),
    ],
)  # fmt: skip
def test_weights_are_the_same_with_and_without_measurements(build, script, settings, model_folder, tokenizer, tmp_path):
    """Bit for bit: after several updates that differ where one random number or one moment of Adam does."""
    found = {}
    for name, more in (("without", {}), ("with", MEASURED | {"held_out_every": 1})):
        run = run_of(tmp_path / name, script, settings | more)
        trainer = build(run, fresh(model_folder), tokenizer)
        train(trainer, run)
        rows = [row for row in trainer.state.log_history if SECONDS not in row]
        logged = [{key: row[key] for key in ("loss", "grad_norm") if key in row} for row in rows]
        found[name] = trainer.model.state_dict(), logged, random.random(), np.random.rand(), torch.rand(3).tolist()
        steps = [row["step"] for row in curve(run)]
        assert steps == (list(range(trainer.state.max_steps + 1)) if more else [])
    (first, *others), (second, *same) = found.values()
    assert others == same
    assert all(torch.equal(first[key], second[key]) for key in first)
    moved = fresh(model_folder).state_dict()
    assert not all(torch.equal(first[key], moved[key]) for key in first)


def test_random_states_are_put_back():
    def draw():
        return random.random(), np.random.rand(), torch.rand(2).tolist()

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = draw()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    with pytest.raises(ZeroDivisionError), random_states_kept():
        torch.manual_seed(7)
        draw()
        raise ZeroDivisionError
    assert draw() == expected


# -- what is measured


def test_a_measurement_says_what_it_found_and_what_it_cost(model_folder, tokenizer, tmp_path, capsys):
    run = run_of(tmp_path, "r1.small_rl", RL | MEASURED | {"reflection_words": ["e"]})
    trainer = grpo(run, fresh(model_folder), tokenizer)
    headline = train_policy(run, trainer)
    found = curve(run)
    assert [row["step"] for row in found] == [0, 2, 4, 6]
    names = {"accuracy", "tokens", "format", "reflections", "generated", "kl"}
    assert all(names <= {name.removeprefix("held_out/") for name in row} for row in found)
    assert any(name.startswith("held_out/level_") for name in found[0])
    first, *later = (row["held_out/kl"] for row in found)
    assert first == 0.0 and all(value > 0 for value in later), later
    assert all(0 < row["held_out/generated"] == 10 * row["held_out/tokens"] <= 120 for row in found)
    costs = [row[SECONDS] for row in metrics(run) if SECONDS in row]
    assert all(0 < cost < 60 for cost in costs)
    said = capsys.readouterr().out
    assert "held out: 5 questions of the validation split, 2 completions each, every 2 updates" in said
    assert "held out at step 4: accuracy" in said
    # What training counts and shows is its own.
    trained = [row for row in metrics(run) if SECONDS not in row]
    assert [row["step"] for row in trained] == [1, 2, 3, 4, 5, 6]
    assert run.tokens["generated"] == sum(row.get("tokens/generated", 0) for row in trained)
    assert "reward" in headline and not any("held_out" in name for name in headline)


def test_where_a_weak_verifier_rewards_the_curve_has_its_verdict(model_folder, tokenizer, tmp_path):
    weak, longer = {"weak_accuracy": 1.0, "accuracy": 0.0}, {"extended_completion_length": 12, "extended_from_step": 1}
    run = run_of(tmp_path, "r1.r1_zero", RL | MEASURED | longer | {"rewards": weak})
    rewards = weighted(run.settings.rewards, accuracy=accuracy, weak_accuracy=weak_accuracy)
    train(grpo(run, fresh(model_folder), tokenizer, rewards), run)
    assert all(row["held_out/weak_accuracy"] >= row["held_out/accuracy"] for row in curve(run))
    assert {"held_out/weak_accuracy", "rewards/accuracy/mean"} <= run.settings.curves() & {
        name for row in metrics(run) for name in row
    }


def test_the_last_update_is_measured_whatever_the_distance(model_folder, tokenizer, tmp_path):
    run = run_of(tmp_path, "r1.small_rl", RL | MEASURED | {"held_out_every": 4})
    train(grpo(run, fresh(model_folder), tokenizer), run)
    assert [row["step"] for row in curve(run)] == [0, 4, 6]


def test_the_same_questions_for_every_seed_of_the_training(model_folder, tokenizer, tmp_path):
    asked = []
    for seed in (1, 2):
        run = run_of(tmp_path / str(seed), "r1.small_rl", RL | MEASURED | {"seed": seed})
        trainer = grpo(run, fresh(model_folder), tokenizer)
        measuring = next(c for c in trainer.callback_handler.callbacks if isinstance(c, HeldOut))
        assert {row["split"] for row in measuring.rows} == {"validation"}
        with random_states_kept():
            torch.manual_seed(0)
            asked.append((measuring.rows, measuring.ask()))
    assert asked[0] == asked[1]


class Longer:
    """Scores an answer by its length."""

    def score(self, questions, responses):
        return [float(len(response)) for response in responses]


def test_general_prompts_are_asked_where_a_model_rewards_them(model_folder, tokenizer, tmp_path):
    general = {"general_tasks": {"facts": 1.0, "unsafe": 1.0}, "preference_steps": 2, "general_fraction": 0.5}
    scaled = {"helpful_normalisation": "none", "helpful_clip": 1.0, "rewards": {"accuracy": 1.0, "helpful": 1.0}}
    run = run_of(tmp_path, "r1.general_rl", RL | MEASURED | general | scaled | {"held_out_questions": 8})
    reward = PreferenceReward(Longer(), lambda row: row["domain"] == "general", 0.0, 1.0, 1.0)
    trainer = grpo(run, fresh(model_folder), tokenizer, {"accuracy": brief, "helpful": reward})
    measuring = next(c for c in trainer.callback_handler.callbacks if isinstance(c, HeldOut))
    unsafe = sum(row["task"] == "unsafe" for row in measuring.rows) * run.settings.held_out_samples
    train(trainer, run)
    for row in curve(run):
        found = {name.removeprefix("held_out/"): value for name, value in row.items()}
        assert {"accuracy", "gold", "reward_model_score", "unsafe_refused", "kl", "general_kl"} <= found.keys()
        assert found["reward_model_score"] > 1.0  # as it is, not cut off as the reward is
        assert 0 <= found["gold"] <= 1 and found["unsafe_refused"] in [count / unsafe for count in range(unsafe + 1)]
    assert {row["task"] for row in measuring.rows if row["task"] in GENERAL} == {"facts", "unsafe"}


def test_an_adapter_is_measured_against_the_model_without_it(model_folder, tokenizer, tmp_path):
    run = run_of(tmp_path, "r1.small_rl", RL | MEASURED, {"lora": {"r": 4, "alpha": 8.0}})
    trainer = grpo(run, with_adapter(fresh(model_folder), Lora(r=4, alpha=8.0), 0), tokenizer)
    measuring = next(c for c in trainer.callback_handler.callbacks if isinstance(c, HeldOut))
    train(trainer, run)
    first, *later = (row["held_out/kl"] for row in curve(run))
    assert measuring.start is None and first == pytest.approx(0, abs=1e-5) and all(value > 1e-4 for value in later)


def test_divergences_by_hand():
    own = torch.tensor([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]]).log()
    other = torch.tensor([[0.25, 0.75], [0.9, 0.1], [0.5, 0.5]]).log()
    tokens = torch.tensor([[True, True, True], [True, False, False]])
    first = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    found = divergences(own.expand(2, 3, 2), other.expand(2, 3, 2), tokens)
    assert found == pytest.approx([first + 0 + np.log(2), first], abs=1e-6)


def test_the_log_probs_are_those_of_the_completions_alone(model):
    """Whatever stands beside a sequence in its batch; at the temperature of the samples."""
    prompts, completions = [[5, 6, 7], [8]], [[9, 10], [11, 12, 13, 14]]
    found, tokens = held_out.next_log_probs(model, prompts, completions, 0.5)
    assert tokens.sum(dim=1).tolist() == [2, 4] and found.shape[:2] == tokens.shape
    for row, (prompt, written) in enumerate(zip(prompts, completions, strict=True)):
        with torch.no_grad():
            logits = model(torch.tensor([prompt + written])).logits[0, len(prompt) - 1 : -1]
        assert torch.allclose(found[row][tokens[row]], (logits / 0.5).log_softmax(-1), atol=1e-5)


def test_every_process_asks_equally_often(monkeypatch):
    def share(number, processes, count):
        monkeypatch.setattr(held_out, "rank", lambda: number)
        monkeypatch.setattr(held_out, "world_size", lambda: processes)
        return own_places(count)

    assert share(0, 1, 4) == [0, 1, 2, 3]
    assert [share(number, 3, 7) for number in range(3)] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert [share(number, 4, 2) for number in range(4)] == [[0], [1], [2], [3]]


# -- when, over interruptions


class StopAt(TrainerCallback):
    """A signal that comes during an update."""

    def __init__(self, run: Run, step: int) -> None:
        self.run, self.step = run, step

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        self.run.stop_requested |= state.global_step + 1 == self.step


class Killed(Exception):
    pass


@pytest.mark.parametrize("step", [2, 3, 4, 6])
def test_a_run_that_was_stopped_has_the_same_curve(step, model_folder, tokenizer, tmp_path):
    """Stopped where a measurement is due, between two, and at its end."""
    settings = RL | MEASURED
    whole = run_of(tmp_path / "whole", "r1.small_rl", settings)
    train(grpo(whole, fresh(model_folder), tokenizer), whole)
    run = run_of(tmp_path / "stopped", "r1.small_rl", settings)
    trainer = grpo(run, fresh(model_folder), tokenizer)
    trainer.callback_handler.callbacks.insert(0, StopAt(run, step))
    with pytest.raises(Stopped):
        train(trainer, run)
    before = [row["step"] for row in curve(run)]
    assert before == [due for due in (0, 2, 4, 6) if due < step]
    again = run_of(tmp_path / "stopped", "r1.small_rl", settings)
    train(grpo(again, fresh(model_folder), tokenizer), again)
    assert curve(again) == curve(whole)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_was_killed_has_the_same_curve_and_repeats_nothing(
    moment, model_folder, tokenizer, tmp_path, monkeypatch
):
    """Killed at step 4, whose checkpoint is saved: while it is measured, and when that is done."""
    settings = RL | MEASURED
    whole = run_of(tmp_path / "whole", "r1.small_rl", settings)
    train(grpo(whole, fresh(model_folder), tokenizer), whole)
    asked, ask = [], HeldOut.ask

    def dying(measuring):
        asked.append(measuring.trainer.state.global_step)
        if asked == [0, 2, 4] and moment == "before":
            raise Killed
        return ask(measuring)

    class Kill(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == 4 and len(asked) == 3:
                raise Killed

    monkeypatch.setattr(HeldOut, "ask", dying)
    run = run_of(tmp_path / "killed", "r1.small_rl", settings)
    trainer = grpo(run, fresh(model_folder), tokenizer)
    trainer.add_callback(Kill())
    with pytest.raises(Killed):
        train(trainer, run)
    again = run_of(tmp_path / "killed", "r1.small_rl", settings)
    train(grpo(again, fresh(model_folder), tokenizer), again)
    assert again.metrics.first_step == 4
    assert asked == ([0, 2, 4, 4, 6] if moment == "before" else [0, 2, 4, 6])
    assert sorted(curve(again), key=lambda row: row["step"]) == curve(whole)


def test_a_measurement_leaves_the_row_of_its_update_due():
    """The last one is made within `on_step_end`, where the row of the update is asked for but not yet written."""
    logged = []
    control = SimpleNamespace(should_log=True)
    trainer = SimpleNamespace(
        args=SimpleNamespace(include_num_input_tokens_seen="no"), control=control,
        state=SimpleNamespace(global_step=6, max_steps=6, epoch=None, log_history=[]),
    )  # fmt: skip

    def on_log(args, state, control, logs):
        control.should_log = False
        logged.append(logs)
        return control

    trainer.callback_handler = SimpleNamespace(on_log=on_log)
    measuring = object.__new__(HeldOut)
    measuring.trainer, measuring.ask = trainer, lambda: {"accuracy": 0.5}
    measuring.settings = SimpleNamespace(held_out_every=4, held_out_seed=0)
    measuring.run = SimpleNamespace(
        stop_requested=False, metrics=SimpleNamespace(steps_with=lambda name: set(), say=lambda text: None)
    )
    measuring.on_step_end(None, trainer.state, control)
    assert control.should_log and logged[0]["held_out/accuracy"] == 0.5 and SECONDS in logged[0]
    measuring.run.metrics.steps_with = lambda name: {6}
    measuring.on_train_begin(None, trainer.state, control)
    assert len(logged) == 1
