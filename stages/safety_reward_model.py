"""Safety reward model: whether a whole response is safe.

CONSUMES     from: the general SFT model (Dev3)
PRODUCES     model/ with a scalar head (its sigmoid is the probability of safe)
PAPER        DeepSeek-R1 v2 s.3.1: responses labelled safe or unsafe by guidelines, pointwise loss, one epoch
DEVIATIONS   the labels are the world's own with some flipped
"""

from data.preference_data import labelled_responses
from stages.core.checkpoint import Run, stage_main
from stages.core.settings import SafetyRewardModel


def main(run: Run) -> None:
    import torch
    from transformers import Trainer, TrainingArguments

    from stages.core.callbacks import epoch_arguments, train, watch
    from stages.core.scoring import RewardScorer, scalar_head, scored_text

    settings: SafetyRewardModel = run.settings
    model, tokenizer = scalar_head(run)
    # With one label transformers would take a float target for a regression (MSE).
    model.config.problem_type = "multi_label_classification"
    examples = labelled_responses(settings.tasks, settings.examples, "train", settings.seed, settings.label_noise)
    held_out = labelled_responses(settings.tasks, settings.held_out, "validation", settings.seed, 0.0)

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
    watch(trainer, run)
    train(trainer, run)

    scorer = RewardScorer(model, tokenizer)
    scores = scorer.score([e["question"] for e in held_out], [e["response"] for e in held_out])
    accuracy = sum((score > 0) == (e["label"] > 0.5) for score, e in zip(scores, held_out, strict=True)) / len(held_out)
    run.save_model(model, tokenizer, "chat", {"held_out_accuracy": accuracy, "responses": len(examples)})


if __name__ == "__main__":
    stage_main(main, __doc__)
