"""A trainer's saved state is data: what would run code when it is loaded is refused, and runs nothing."""

import os

import pytest
import torch

from data.errors import InputError
from data.text.chat import render_completion, render_prompt
from data.world.families import rows
from stages.core.run.stage import Run
from stages.core.run.stopping import Stopped
from stages.core.training.callbacks import train
from stages.core.training.supervised import fitting, sft_trainer

SETTINGS = {
    "epochs": 2, "learning_rate": 1e-3, "final_learning_rate": 1e-4, "warmup_fraction": 0.0, "batch_size": 4,
    "max_length": 64, "micro_batch_size": 4,
}  # fmt: skip


class RunsCode:
    """A value whose loading makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def training(tmp_path, model, tokenizer):
    """An SFT stage and its trainer."""
    run = Run({
        "recipe": "mine", "scale": "small", "stage": "sft", "script": "r1.cold_start_sft", "runs": str(tmp_path),
        "output": str(tmp_path / "sft"), "system": {}, "public_data": {}, "inputs": {}, "settings": SETTINGS,
    })  # fmt: skip
    examples = [
        {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("", row["answer"]),
        }
        for row in rows({"arithmetic": 1.0}, 8, "train", 1)
    ]
    return run, sft_trainer(run, model, tokenizer, fitting(run, tokenizer, examples, 64))


@pytest.fixture
def saved(tmp_path, model, tokenizer):
    """The checkpoint of a run that was stopped after an epoch."""
    run, trainer = training(tmp_path, model, tokenizer)
    trainer.args.max_steps = 2
    run.stop_requested = True
    with pytest.raises(Stopped):
        train(trainer, run)
    (checkpoint,) = run.trainer_folder.glob("checkpoint-*")
    return checkpoint


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_state_that_would_run_code_is_refused(saved, tmp_path, model, tokenizer, name):
    run, trainer = training(tmp_path, model, tokenizer)
    assert (saved / name).exists()
    torch.save(RunsCode(tmp_path / "ran"), saved / name)
    with pytest.raises(InputError, match=f"{saved} holds more than numbers.*nothing will run: delete it"):
        train(trainer, run)
    assert not (tmp_path / "ran").exists()
    torch.load(saved / name, weights_only=False)
    assert (tmp_path / "ran").exists(), "it would have"


def test_weights_in_torchs_own_form_are_data_too(saved, tmp_path, model, tokenizer):
    run, trainer = training(tmp_path, model, tokenizer)
    (saved / "model.safetensors").unlink()
    torch.save(RunsCode(tmp_path / "ran"), saved / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds more than numbers"):
        train(trainer, run)
    assert not (tmp_path / "ran").exists()


def test_what_is_left_of_a_damaged_checkpoint_is_not_loaded(saved, tmp_path, model, tokenizer):
    optimizer = saved / "optimizer.pt"
    optimizer.write_bytes(optimizer.read_bytes()[:1000])
    run, trainer = training(tmp_path, model, tokenizer)
    train(trainer, run)
    assert run.metrics.first_step == 0 and trainer.state.global_step == 4
