"""A pointwise reward model: a yes or a no for each response."""

import torch
from transformers import Trainer, TrainingArguments

from data.world.preference_data import Labelled
from stages.core.machines.padding import without_padding
from stages.core.pipeline.settings import PointwiseRewardModel
from stages.core.rewards.scoring import RewardScorer, scored_text
from stages.core.run.stage import Run
from stages.core.training.callbacks import MeanOverUpdate, epoch_arguments, watch


class PointwiseTrainer(MeanOverUpdate, Trainer):
    """The Trainer on a model's own loss."""


def pointwise_trainer(run: Run, model, tokenizer, examples: list[Labelled]) -> Trainer:
    """Binary cross-entropy on the labels; the score's sigmoid is the probability of a yes."""
    settings: PointwiseRewardModel = run.settings
    # With one label transformers would take a float target for a regression (MSE).
    model.config.problem_type = "multi_label_classification"

    texts = [scored_text(tokenizer, example["question"], example["response"]) for example in examples]
    read = tokenizer(texts, truncation=True, max_length=settings.max_length)["input_ids"]
    run.tokens["trained"] = settings.epochs * sum(map(len, read))

    def collate(batch: list[dict]) -> dict[str, torch.Tensor]:
        ids = [{"input_ids": example["input_ids"]} for example in batch]
        inputs = tokenizer.pad(ids, padding_side="right", return_tensors="pt")
        return dict(inputs) | {"labels": torch.tensor([[example["label"]] for example in batch])}

    trainer = PointwiseTrainer(
        model=without_padding(model),
        args=TrainingArguments(
            **epoch_arguments(run),
            lr_scheduler_type=settings.learning_rate_schedule,
            remove_unused_columns=False,
        ),
        train_dataset=[
            {"input_ids": ids, "label": example["label"]} for ids, example in zip(read, examples, strict=True)
        ],
        data_collator=collate,
    )
    # The model's loss is a mean over its micro-batch, though it takes a number to divide by, as one over tokens does.
    trainer.model_accepts_loss_kwargs = False
    watch(trainer, run)
    return trainer


def pointwise_accuracy(model, tokenizer, examples: list[Labelled]) -> float:
    """Share of the responses whose score has the sign of their label, in [0, 1]."""
    scorer = RewardScorer(model, tokenizer)
    scores = scorer.score([e["question"] for e in examples], [e["response"] for e in examples])
    return sum((score > 0) == (e["label"] > 0.5) for score, e in zip(scores, examples, strict=True)) / len(examples)
