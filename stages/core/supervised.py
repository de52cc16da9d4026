"""TRL's SFT trainer: a stage's settings become its arguments."""

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from stages.core.callbacks import epoch_arguments, train, watch
from stages.core.checkpoint import Run
from stages.core.errors import InputError
from stages.core.settings import SFT


def train_sft(run: Run, rows: list[dict] | None = None) -> None:
    """Cross-entropy on the completion tokens of `rows` (default: the data's), from the weights of the parent."""
    settings: SFT = run.settings
    model, tokenizer, rows = run.load_model(), run.load_tokenizer(), rows or run.load_rows().to_list()
    examples = fitting(run, tokenizer, rows)
    config = SFTConfig(
        **epoch_arguments(run),
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr": settings.final_learning_rate},
        warmup_steps=settings.warmup_fraction,
        max_length=settings.max_length,
        completion_only_loss=True,
    )
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(examples),
        processing_class=tokenizer,
    )
    watch(trainer, run)
    train(trainer, run)
    last = next((entry for entry in reversed(trainer.state.log_history) if "loss" in entry), {})
    headline = {
        "loss": last.get("loss", 0.0),
        "token_accuracy": last.get("mean_token_accuracy", 0.0),
        "rows": len(examples),
    }
    run.save_model(trainer, tokenizer, "chat", headline)


def fitting(run: Run, tokenizer, rows: list[dict]) -> list[dict]:
    """Prompt and completion of the rows that fit into `max_length` with their end token; TRL would cut the others.

    Raises InputError where none fits.
    """
    limit = run.settings.max_length
    lengths = [len(ids) for ids in tokenizer([row["prompt_text"] + row["completion"] for row in rows])["input_ids"]]
    kept = [row for row, length in zip(rows, lengths, strict=True) if length < limit]
    if not kept:
        shortest = min(lengths)
        raise InputError(f"{run.stage}: max_length {limit}: none of {len(rows)} rows fits, the shortest has {shortest}")
    if len(kept) < len(rows):
        run.metrics.say(f"{len(rows) - len(kept)} of {len(rows)} rows are left out: longer than max_length {limit}")
    return [{"prompt": row["prompt_text"], "completion": row["completion"]} for row in kept]
