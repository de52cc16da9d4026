"""Next-token training on documents, packed into rows."""

from collections.abc import Iterable, Iterator
from itertools import islice
from types import MethodType

import torch
from torch.nn import LinearCrossEntropyOptions
from torch.nn.functional import linear_cross_entropy
from transformers import Trainer, TrainingArguments
from transformers.modeling_outputs import CausalLMOutput

from stages.core.machines.padding import without_padding
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


CHUNK = LinearCrossEntropyOptions(chunking_method=None, batch_chunk_size=512)
"""Logits of so many tokens at a time stay in a processor's cache, and their gradient is made on the spot."""


def with_chunked_loss(model):
    """A causal model whose head is one matrix; with labels it computes its own loss, but never all the logits."""

    def forward(self, input_ids, labels, attention_mask=None, num_items_in_batch=None, **kwargs) -> CausalLMOutput:
        hidden = self.base_model(input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state[:, :-1]
        following = labels[:, 1:]
        learned = following != -100
        head = self.get_output_embeddings().weight
        total = linear_cross_entropy(hidden[learned], head, following[learned], reduction="sum", options=CHUNK)
        return CausalLMOutput(loss=total / (learned.sum() if num_items_in_batch is None else num_items_in_batch))

    model.forward = MethodType(forward, model)
    return model


def train_on_rows(run: Run, model, rows: list[list[int]], padding: int, optimizer, schedule, batches: dict) -> float:
    """Cross-entropy on every token of `rows`, in their order, for the stage's `steps`; returns the last loss.

    padding: the id that fills short rows and is not learned; batches: of `micro_batches`.
    """
    settings = run.settings
    run.tokens["trained"] = sum(map(len, rows[: settings.steps * settings.batch_size]))

    def collate(batch: list[dict]) -> dict[str, torch.Tensor]:
        ids = torch.full((len(batch), settings.max_length), padding)
        for number, example in enumerate(batch):
            ids[number, : len(example["input_ids"])] = torch.tensor(example["input_ids"])
        learned = ids != padding
        return {"input_ids": ids, "attention_mask": learned.long(), "labels": ids.masked_fill(~learned, -100)}

    trainer = Trainer(
        model=without_padding(model),
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
