"""TRL's SFT trainer: a stage's settings become its arguments."""

from datasets import Dataset
from pyarrow import compute
from trl import SFTConfig, SFTTrainer

from data.errors import InputError
from data.text.row import Row
from stages.core.machines.padding import without_padding
from stages.core.pipeline.settings import SFT
from stages.core.run.stage import Run
from stages.core.run.tables import need_columns
from stages.core.training import learned_tokens  # noqa: F401
from stages.core.training.callbacks import EachRowOnce, epoch_arguments, train, watch


class SupervisedTrainer(EachRowOnce, SFTTrainer):
    """TRL's SFT trainer."""


def sft_trainer(run: Run, model, tokenizer, examples: list[dict[str, str]], packing: bool = False) -> SFTTrainer:
    """Cross-entropy on the completion tokens of examples (`fitting`); the learning rate falls by cosine.

    packing: examples share sequences of `max_length` tokens; each sees itself alone and counts its own positions.
    """
    settings: SFT = run.settings
    config = SFTConfig(
        **epoch_arguments(run),
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr": settings.final_learning_rate},
        warmup_steps=settings.warmup_fraction,
        max_length=settings.max_length,
        completion_only_loss=True,
        packing=packing,
    )
    trainer = SupervisedTrainer(
        model=without_padding(model),
        args=config,
        train_dataset=Dataset.from_list(examples),
        processing_class=tokenizer,
    )
    labels = compute.list_flatten(trainer.train_dataset.data.column("labels"))
    learned = compute.sum(compute.not_equal(labels, -100)).as_py()
    run.tokens.update(prompt=settings.epochs * (len(labels) - learned), trained=settings.epochs * learned)
    watch(trainer, run)
    return trainer


def train_supervised(run: Run, trainer: SFTTrainer) -> dict[str, float]:
    """Run the stage; returns the last loss and token accuracy, and how many rows were learned."""
    learned = trainer.train_dataset
    rows = sum(map(len, learned["seq_lengths"])) if trainer.args.packing else len(learned)
    train(trainer, run)
    last: dict = next((entry for entry in reversed(trainer.state.log_history) if "loss" in entry), {})
    return {"loss": last.get("loss", 0.0), "token_accuracy": last.get("mean_token_accuracy", 0.0), "rows": rows}


def fitting(run: Run, tokenizer, rows: list[Row], limit: int) -> list[dict[str, str]]:
    """Prompt and completion of the rows that fit into `limit` tokens with their end token; TRL would cut the others.

    Raises InputError where none fits.
    """
    need_columns(rows, ("prompt_text", "completion"), run.stage)
    lengths = [len(ids) for ids in tokenizer([row["prompt_text"] + row["completion"] for row in rows])["input_ids"]]
    kept = [row for row, length in zip(rows, lengths, strict=True) if length < limit]
    if not kept:
        shortest = min(lengths)
        raise InputError(f"{run.stage}: max_length {limit}: none of {len(rows)} rows fits, the shortest has {shortest}")
    if len(kept) < len(rows):
        run.metrics.say(f"{len(rows) - len(kept)} of {len(rows)} rows are left out: longer than max_length {limit}")
    return [{"prompt": row["prompt_text"], "completion": row["completion"]} for row in kept]
