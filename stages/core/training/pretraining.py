"""Next-token training on documents, packed into rows."""

from collections.abc import Iterable, Iterator
from itertools import islice

import torch
from transformers import Trainer, TrainingArguments

from stages.core.run.stage import Run
from stages.core.training.callbacks import common_arguments, train, watch


def packed(texts: Iterable[str], tokenizer, length: int) -> Iterator[list[int]]:
    """Rows of at most `length` tokens, each of whole documents: a row starts where a document does, like a prompt."""
    row: list[int] = []
    for batch in batched(texts, 1000):
        for ids in tokenizer(batch, add_special_tokens=False)["input_ids"]:
            if len(row) + len(ids) > length:
                yield row
                row = []
            row += ids[:length]


def batched(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of `size` items (itertools.batched comes with Python 3.12)."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def train_on_rows(run: Run, model, rows: list[list[int]], padding: int, optimizer, schedule, batches: dict) -> float:
    """Cross-entropy on every token of `rows`, in their order, for the stage's `steps`; returns the last loss.

    padding: the id that fills short rows and is not learned; batches: of `micro_batches`.
    """
    settings = run.settings

    def collate(batch: list[dict]) -> dict[str, torch.Tensor]:
        ids = torch.full((len(batch), settings.max_length), padding)
        for number, example in enumerate(batch):
            ids[number, : len(example["input_ids"])] = torch.tensor(example["input_ids"])
        return {"input_ids": ids, "labels": ids.masked_fill(ids == padding, -100)}

    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            **common_arguments(run) | {"logging_steps": min(10, settings.steps)},
            **batches,
            max_steps=settings.steps,
            train_sampling_strategy="sequential",
            max_grad_norm=1.0,
            save_steps=max(1, settings.steps // 5),
            remove_unused_columns=False,
        ),
        train_dataset=[{"input_ids": ids} for ids in rows],
        data_collator=collate,
        optimizers=(optimizer, schedule),
    )
    watch(trainer, run)
    train(trainer, run)
    return next(entry["loss"] for entry in reversed(trainer.state.log_history) if "loss" in entry)
