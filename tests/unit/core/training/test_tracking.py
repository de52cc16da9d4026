"""Tracking: what a tracker was told is what the stage's own metrics say; a gradient that is no number ends the run."""

import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data.errors import InputError
from data.text.chat import render_completion, render_prompt
from data.world.families import rows
from stages.core.pipeline.workspace import load_workspace
from stages.core.run.stage import Run
from stages.core.training import callbacks
from stages.core.training.supervised import fitting, sft_trainer, train_supervised

SETTINGS = {
    "epochs": 2, "learning_rate": 1e-3, "final_learning_rate": 1e-4, "warmup_fraction": 0.0, "batch_size": 4,
    "max_length": 64, "micro_batch_size": 4,
}  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    return Run({
        "recipe": "mine", "scale": "small", "stage": "cold_start_sft", "script": "r1.cold_start_sft",
        "runs": str(tmp_path), "output": str(tmp_path / "sft"), "system": {"report_to": "tensorboard"},
        "public_data": {}, "inputs": {}, "settings": SETTINGS, "paper": {}, "why": {},
    })  # fmt: skip


@pytest.fixture
def examples(tokenizer):
    return [
        {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("", row["answer"]),
        }
        for row in rows({"arithmetic": 1.0}, 8, "train", 1)
    ]


@pytest.fixture
def learn(run, model, tokenizer, examples):
    """The stage's training, from a model that no parent has made."""

    def learned() -> None:
        train_supervised(run, sft_trainer(run, model, tokenizer, fitting(run, tokenizer, examples, 64)))

    return learned


def test_the_event_files_hold_the_curve(run, learn):
    learn()
    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    told = {event.step: event.value for event in events.Scalars("train/loss")}
    metrics = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert told == pytest.approx({row["step"]: row["loss"] for row in metrics}, abs=1e-6) and len(told) == 4


def test_a_gradient_that_is_no_number_ends_the_run_and_is_not_saved(run, learn, model):
    steps = []

    def poison(gradient):
        steps.append(gradient)
        return gradient * float("nan") if len(steps) == 2 else gradient

    model.model.norm.weight.register_hook(poison)
    with pytest.raises(InputError, match="cold_start_sft: the gradient of step 2 is nan"):
        learn()
    assert not list(run.trainer_folder.glob("checkpoint-*"))


def test_a_missing_package_is_one_sentence(run, monkeypatch):
    monkeypatch.setattr(callbacks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="`tensorboard` needs a package that is not installed: pip install"):
        callbacks.tracker_of(run)


def test_a_tracker_is_no_reason_to_run_again():
    plain, tracked = (load_workspace(configuration).rules() for configuration in ({}, {"report_to": "wandb"}))
    assert [stage.key for stage in plain] == [stage.key for stage in tracked]
    assert {stage.config["system"]["report_to"] for stage in tracked} == {"wandb"}


def test_an_unknown_tracker_is_refused():
    with pytest.raises(InputError, match="--config report_to: found 'tensorbord'; did you mean `tensorboard`?"):
        load_workspace({"report_to": "tensorbord"})
