"""Training a pointwise reward model: a yes or a no for each response."""

import torch
from transformers import Trainer, TrainingArguments

from stages.core.callbacks import epoch_arguments, train, watch
from stages.core.checkpoint import Run
from stages.core.scoring import RewardScorer, scalar_head, scored_text
from stages.core.settings.common import RewardModel


def train_pointwise(run: Run, examples: list[dict], held_out: list[dict]) -> None:
    """Binary cross-entropy on {question, response, label}; the score's sigmoid is the probability of a yes."""
    settings: RewardModel = run.settings
    model, tokenizer = scalar_head(run)
    # With one label transformers would take a float target for a regression (MSE).
    model.config.problem_type = "multi_label_classification"

    def collate(batch: list[dict]) -> dict[str, torch.Tensor]:
        texts = [scored_text(tokenizer, example["question"], example["response"]) for example in batch]
        inputs = tokenizer(
            texts,
            return_tensors="pt",
            padding=True,
            padding_side="right",
            truncation=True,
            max_length=settings.max_length,
        )
        return dict(inputs) | {"labels": torch.tensor([[example["label"]] for example in batch])}

    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            **epoch_arguments(run),
            lr_scheduler_type="cosine",
            remove_unused_columns=False,
        ),
        train_dataset=examples,
        data_collator=collate,
    )
    # The model's loss is a mean over its micro-batch, though it takes a number to divide by, as one over tokens does.
    trainer.model_accepts_loss_kwargs = False
    watch(trainer, run)
    train(trainer, run)

    scorer = RewardScorer(model, tokenizer)
    scores = scorer.score([e["question"] for e in held_out], [e["response"] for e in held_out])
    accuracy = sum((score > 0) == (e["label"] > 0.5) for score, e in zip(scores, held_out, strict=True)) / len(held_out)
    run.save_model(trainer, tokenizer, "chat", {"held_out_accuracy": accuracy, "responses": len(examples)})
