"""What all trainers share: arguments, metrics, stopping. Imports no TRL."""

import importlib.util
import math
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback

from data.errors import InputError
from stages.core.machines.adapters import LoadAdapter, is_adapted
from stages.core.machines.sharding import largest
from stages.core.machines.weights import keep_weights
from stages.core.pipeline.guards import Lookout, Warned
from stages.core.pipeline.settings import Adam
from stages.core.run.last_good import forget, keep, last_good
from stages.core.run.processes import is_main, rank, world_size
from stages.core.run.stage import Run


def watch(trainer: Trainer, run: Run) -> None:
    """Metrics go to the stage's progress (and are not printed beside it); a request to stop is obeyed."""
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(MetricsCallback(run))
    trainer.add_callback(StopCallback(run))
    if hasattr(run.settings, "guards"):
        trainer.add_callback(GuardCallback(run, trainer))


def train(trainer: Trainer, run: Run) -> None:
    """Train from where an interrupted run was; a run that was asked to stop goes no further.

    Every part of the saved state is read with `weights_only`: InputError for one that would run code.
    """
    with trainer.accelerator.main_process_first():
        checkpoint = run.resume_from
    if trainer.args.device.type == "cpu":
        trainer.args.__dict__["_setup_devices"] = torch.device("cpu")  # torch.load puts nothing on `cpu:0`
    # Its gradient is NaN for sequences of some lengths on Hopper GPUs (pytorch issue 196678).
    torch.backends.cuda.enable_cudnn_sdp(False)
    if checkpoint and is_adapted(trainer.model):
        trainer.callback_handler.callbacks.insert(0, LoadAdapter(checkpoint))  # before any that asks the policy
    trainer._run_epoch = unless_complete(trainer)
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
    except pickle.UnpicklingError:
        raise InputError(
            f"{checkpoint} holds more than numbers, which no trainer has saved and nothing will run: delete it"
        ) from None
    run.check_stopped()


def unless_complete(trainer: Trainer) -> Callable[..., None]:
    """A trainer's `_run_epoch`, which would take one step too many from the checkpoint of the last step."""
    run_epoch = trainer._run_epoch

    def run(**arguments) -> None:
        if trainer.state.global_step < trainer.state.max_steps:
            run_epoch(**arguments)
        else:
            trainer.control.should_training_stop = True

    return run


def last_tenth(trainer: Trainer, name: str) -> list[dict]:
    """The last tenth, at least one, of the rows of a trainer's log that have `name`."""
    logged = [entry for entry in trainer.state.log_history if name in entry]
    return logged[-max(1, len(logged) // 10) :]


def logged_means(entries: list[dict], names: list[str]) -> dict[str, float]:
    """The mean of each name over the rows that have a value of it; None is a reward that applied to no prompt."""
    found = {name: [entry[name] for entry in entries if entry.get(name) is not None] for name in names}
    return {name: sum(values) / len(values) for name, values in found.items() if values}


def micro_batches(batch_size: int, micro_batch_size: int) -> dict:
    """A batch in micro-batches over the processes, as trainer arguments; InputError where they do not make it up."""
    processes = world_size()
    each = min(batch_size // processes, micro_batch_size)
    if not each or batch_size % (each * processes):
        raise InputError(
            f"a batch of {batch_size} cannot be cut into micro-batches of {micro_batch_size} in {processes} processes: "
            "choose a batch that is a multiple of micro-batch times processes"
        )
    return {"per_device_train_batch_size": each, "gradient_accumulation_steps": batch_size // (each * processes)}


class EachRowOnce:
    """For a Trainer in several processes: without the rows with which accelerate fills an epoch's last batches.

    They are the epoch's first rows, a second time. A process that has no others keeps one row, which counts nothing.
    """

    accelerator: Any
    args: Any
    counted: list[int]
    """Rows of each micro-batch of the update, or pairs twice."""

    def _get_num_items_in_batch(self, batches: list, device):
        end, size = self.accelerator.gradient_state, self.args.per_device_train_batch_size
        self.counted = [len(batch["input_ids"]) for batch in batches]
        if world_size() > 1 and batches and end.end_of_dataloader and end.remainder > 0:
            own = min(max(end.remainder - rank() * size, 0), size)
            batches[-1] = first_rows(batches[-1], size, max(own, 1))
            self.counted[-1] = len(batches[-1]["input_ids"]) if own else 0
            if not own and "labels" in batches[-1] and not batches[-1]["labels"].is_floating_point():
                batches[-1]["labels"] = torch.full_like(batches[-1]["labels"], -100)
        return super()._get_num_items_in_batch(batches, device)  # type: ignore[misc]


def first_rows(batch: Mapping[str, Any], size: int, count: int) -> dict[str, Any]:
    """The first `count` of the `size` rows of a batch, whose tensors may hold chosen rows, then as many rejected ones.

    Packed rows, which lie in one sequence, stay as they are.
    """
    if len(batch["input_ids"]) % size:
        return dict(batch)
    return {
        name: value.unflatten(0, (-1, size))[:, :count].flatten(0, 1)
        if torch.is_tensor(value) and value.dim() and len(value) % size == 0
        else value
        for name, value in batch.items()
    }


class MeanOverUpdate(EachRowOnce):
    """For a Trainer whose loss is a mean over its micro-batch: made one over the update, whose last may be smaller."""

    current_gradient_accumulation_steps: int

    def get_batch_samples(self, *args, **kwargs):
        found = super().get_batch_samples(*args, **kwargs)  # type: ignore[misc]
        self.rows_of_update, self.rows_of_next = sum(self.counted), iter(self.counted)
        return found

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        rows = torch.tensor(float(self.rows_of_update), device=inputs["input_ids"].device)
        # The Trainer divides by the micro-batches of the update and takes the mean over the processes.
        fair = self.accelerator.reduce(rows, "mean") / self.current_gradient_accumulation_steps
        weight = next(self.rows_of_next) / fair
        with uneven_rows(self.accelerator):
            found = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)  # type: ignore[misc]
        return (found[0] * weight, found[1]) if return_outputs else found * weight


@contextmanager
def uneven_rows(accelerator) -> Iterator[None]:
    """Inside, TRL's metrics may gather a value for each row though the processes have different numbers of rows."""
    gather = accelerator.gather

    def padded(values: torch.Tensor) -> torch.Tensor:
        if world_size() == 1 or not values.dim():
            return gather(values)
        found = gather(accelerator.pad_across_processes(values.float(), pad_index=float("nan")))
        return found[~found.flatten(1).isnan().any(1)] if found.dim() > 1 else found[~found.isnan()]

    accelerator.gather = padded
    try:
        yield
    finally:
        del accelerator.gather


def epoch_arguments(run: Run) -> dict:
    """What the trainers that go through their data in epochs share."""
    settings = run.settings
    return {
        **common_arguments(run),
        **adam_arguments(settings.adam),
        **micro_batches(settings.batch_size, settings.micro_batch_size),
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "max_grad_norm": settings.max_gradient_norm,
        "save_strategy": "epoch",
    }


def adam_arguments(adam: Adam) -> dict:
    """AdamW as a recipe has it."""
    return {
        "adam_beta1": adam.betas[0],
        "adam_beta2": adam.betas[1],
        "adam_epsilon": adam.epsilon,
        "weight_decay": adam.weight_decay,
    }


def common_arguments(run: Run) -> dict:
    """What all trainers share."""
    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(run.trainer_folder),
        "seed": run.settings.seed,
        "use_cpu": not gpu,
        "bf16": run.system.precision == "bfloat16",
        "gradient_checkpointing": run.system.gradient_checkpointing,
        "dataloader_num_workers": 0,
        "logging_steps": 1,
        "report_to": tracker_of(run),
        "run_name": f"{run.scale}/{run.recipe or 'base'}/{run.stage}",
        "disable_tqdm": True,
        "save_total_limit": 1,
    }


def tracker_of(run: Run) -> str:
    """The tracker that the system names, told where to write; an InputError where its package is missing."""
    tracker = run.system.report_to
    package = {"none": None, "tensorboard": "tensorboard", "trackio": "trackio", "wandb": "wandb"}[tracker]
    if package and importlib.util.find_spec(package) is None:
        raise InputError(f"report_to: `{tracker}` needs a package that is not installed: pip install {package}")
    # Beside the stage's own metrics; trackio and wandb have their own places and a project to put runs into.
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(run.folder / "tensorboard"))
    os.environ.setdefault("TRACKIO_PROJECT", "reasoning-recipes")
    os.environ.setdefault("WANDB_PROJECT", "reasoning-recipes")
    return tracker


HEADLINE = {
    "rewards/accuracy/mean": "accuracy",
    "rewards/format/mean": "format",
    "rewards/language/mean": "language",
    "completions/mean_length": "tokens",
    "kl": "kl",
    "loss": "loss",
    "mean_token_accuracy": "token accuracy",
    "accuracy": "accuracy",
}
"""What the progress bar shows of a trainer's log, in this order."""


class MetricsCallback(TrainerCallback):
    """Every logged row goes to the stage's metrics."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.headline: dict[str, float] = {}

    def on_log(self, args, state, control, logs=None, **kwargs):
        values = {key: value for key, value in (logs or {}).items() if isinstance(value, int | float)}
        if "train_runtime" in values:
            return
        if not math.isfinite(values.get("grad_norm", 0.0)):
            raise InputError(
                f"{self.run.stage}: the gradient of step {state.global_step} is {values['grad_norm']}: nothing after "
                "it is worth saving; try a lower learning rate, or `precision: float32`"
            )
        # With several updates a rollout, rewards are logged on the generating steps only: the bar keeps the last ones.
        self.headline |= {short: values[name] for name, short in HEADLINE.items() if name in values}
        self.run.metrics.log(state.global_step, state.max_steps, self.headline, **values)


class StopCallback(TrainerCallback):
    """SIGTERM: save at the end of the current step, then stop."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def on_step_end(self, args, state, control, **kwargs):
        if largest(int(self.run.stop_requested)):
            self.run.stop_requested = True
            control.should_save = control.should_training_stop = True


class GuardCallback(TrainerCallback):
    """Says what the guards see, ends the stage where its settings ask for it, keeps the last checkpoint before it."""

    def __init__(self, run: Run, trainer: Trainer) -> None:
        self.run, self.trainer = run, trainer
        self.lookout = Lookout(run.settings.guards)
        self.stopped_by: Warned | None = None

    def on_train_begin(self, args, state, control, **kwargs):
        for row in state.log_history:  # of the run that is resumed
            self.lookout.see(row)
        if not state.global_step and is_main():  # what is kept is another run's
            forget(self.run)

    def on_log(self, args, state, control, logs=None, **kwargs):
        for warned in self.lookout.see({"step": state.global_step, **(logs or {})}):
            self.run.metrics.say(f"warning of the guard `{warned.guard}` at {warned.told()}")
        stops = [warned for guard, warned in self.lookout.active.items() if guard in self.lookout.guards.stop_on]
        if stops and self.stopped_by is None:  # in all processes, which log the same
            self.stopped_by = stops[0]
            control.should_save = control.should_training_stop = True

    def on_save(self, args, state, control, **kwargs):
        self.trainer.accelerator.wait_for_everyone()  # each process has written its part
        if self.lookout.calm and is_main():
            keep(self.run, Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def on_train_end(self, args, state, control, **kwargs):
        if self.run.stop_requested and self.stopped_by is None:
            return
        active = [self.stopped_by] if self.stopped_by else list(self.lookout.active.values())
        kept = last_good(self.run, min(warned.since for warned in active)) if active else None
        before = f"the last checkpoint before it is {kept}" if kept else "there is no checkpoint before it"
        if is_main():
            forget(self.run, but=kept)
        if self.stopped_by is not None:
            raise InputError(
                f"{self.run.stage}: stopped by the guard `{self.stopped_by.guard}` at {self.stopped_by.told()}; "
                f"{before}; without that name in `guards.stop_on` the same command goes on from here"
            )
        if active:
            self.run.metrics.say(f"warned until its end by {', '.join(self.lookout.active)}: {before}")


class CompletionLengthCallback(TrainerCallback):
    """Longer completions in the last part of a run; length: in tokens, from_step: the first update that has them."""

    def __init__(self, trainer: Trainer, length: int, from_step: int) -> None:
        self.trainer, self.length, self.from_step = trainer, length, from_step

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step >= self.from_step:
            self.trainer.max_completion_length = self.length


class ResetOptimizer(TrainerCallback):
    """The optimizer starts empty every `steps` updates: a new iteration is a new problem (Kimi k1.5 s.2.3.2)."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step_begin(self, args, state, control, optimizer=None, **kwargs):
        if state.global_step % self.steps == 0:
            optimizer.state.clear()


class KeepCheckpoints(TrainerCallback):
    """Every `every` iterations, of `steps` updates each, the policy of that moment is kept beside the last."""

    def __init__(self, run: Run, trainer: Trainer, tokenizer, every: int, steps: int) -> None:
        self.run, self.trainer, self.tokenizer, self.every, self.steps = run, trainer, tokenizer, every, steps

    def on_step_end(self, args, state, control, **kwargs):
        iteration, rest = divmod(state.global_step, self.steps)
        if self.every and not rest and iteration % self.every == 0 and state.global_step < state.max_steps:
            keep_weights(self.run, self.trainer, self.tokenizer, f"iteration_{iteration}")
