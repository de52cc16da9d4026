"""Trainer callbacks that all stages share. Imports no TRL."""

from transformers import TrainerCallback

from stages.core.checkpoint import Run


class MetricsCallback(TrainerCallback):
    """Every logged row goes to the stage's metrics."""

    def __init__(self, run: Run, total: int | None = None) -> None:
        self.run, self.total = run, total

    def on_log(self, args, state, control, logs=None, **kwargs):
        values = {key: value for key, value in (logs or {}).items() if isinstance(value, int | float)}
        if "train_runtime" not in values:
            self.run.metrics.log(state.global_step, self.total or state.max_steps, **values)


class StopCallback(TrainerCallback):
    """SIGTERM: save at the end of the current step, then stop."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def on_step_end(self, args, state, control, **kwargs):
        if self.run.stop_requested:
            control.should_save = control.should_training_stop = True
