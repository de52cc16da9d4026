"""What all trainers share: arguments, metrics, stopping. Imports no TRL."""

import importlib.util
import math
import os

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback

from stages.core.adapters import LoadAdapter, is_adapted
from stages.core.checkpoint import Run
from stages.core.errors import InputError
from stages.core.processes import any_process, world_size


def watch(trainer: Trainer, run: Run) -> None:
    """Metrics go to the stage's progress (and are not printed beside it); a request to stop is obeyed."""
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(MetricsCallback(run))
    trainer.add_callback(StopCallback(run))


def train(trainer: Trainer, run: Run) -> None:
    """Train from where an interrupted run was; a run that was asked to stop goes no further."""
    with trainer.accelerator.main_process_first():
        checkpoint = run.resume_from
    if trainer.args.device.type == "cpu":
        trainer.args.__dict__["_setup_devices"] = torch.device("cpu")  # torch.load puts nothing on `cpu:0`
    # Its gradient is NaN for sequences of some lengths on Hopper GPUs (pytorch issue 196678).
    torch.backends.cuda.enable_cudnn_sdp(False)
    if checkpoint and is_adapted(trainer.model):
        trainer.add_callback(LoadAdapter(checkpoint))
    trainer.train(resume_from_checkpoint=checkpoint)
    run.check_stopped()


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


def whole_weights(trained: Trainer):
    """(model, options for its `save_pretrained`) of what a trainer has trained.

    Where the weights lie in shards, every process must ask, and the main one gets them all, on the CPU.
    """
    accelerator = trained.accelerator
    model = accelerator.unwrap_model(trained.model, keep_torch_compile=False)
    sharded = trained.is_fsdp_enabled or trained.is_deepspeed_enabled
    if sharded and is_adapted(model):
        raise InputError("system.lora trains whole models on every GPU: choose accelerate `ddp`, or no lora")
    return model, {"state_dict": accelerator.get_state_dict(trained.model_wrapped)} if sharded else {}


def epoch_arguments(run: Run) -> dict:
    """What the trainers that go through their data in epochs share."""
    settings = run.settings
    return {
        **common_arguments(run),
        **micro_batches(settings.batch_size, settings.micro_batch_size),
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "save_strategy": "epoch",
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
        if any_process(self.run.stop_requested):
            self.run.stop_requested = True
            control.should_save = control.should_training_stop = True
