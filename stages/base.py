"""The base model: a small Qwen3 pretrained from nothing on the procedural bilingual corpus.

CONSUMES     nothing
PRODUCES     model/ (weights, tokenizer, chat template)
PAPER        stands in for DeepSeek-V3-Base (v2 s.2): capable, undisciplined, never post-trained
DEVIATIONS   a million parameters and a made-up world instead of 671 B and the web
"""

import random

from data.corpus import documents
from data.tasks.entities import NAMES
from data.tokenizer import END_OF_TEXT, train_tokenizer
from stages.core.checkpoint import Run, stage_main
from stages.core.settings import Pretrain


def main(run: Run) -> None:
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM, Trainer, TrainingArguments
    from transformers.optimization import get_scheduler

    from stages.core.callbacks import watch
    from stages.core.optimizers import MuonWithAdamW

    settings: Pretrain = run.settings
    texts = list(documents(settings.mixture, settings.steps * settings.batch_size, settings.seed))
    tokenizer = train_tokenizer(texts[:8000], settings.vocabulary_size, NAMES)
    encoded = [ids[: settings.max_length] for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
    run.metrics.say(f"{len(encoded):,} documents, {sum(map(len, encoded)):,} tokens, vocabulary {len(tokenizer)}")

    torch.manual_seed(settings.seed)
    ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(END_OF_TEXT)]
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.key_value_heads,
        head_dim=settings.head_size,
        intermediate_size=settings.feed_forward_size,
        max_position_embeddings=1024,
        rope_theta=10_000.0,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=ends[0],
        bos_token_id=None,
    )
    model = Qwen3ForCausalLM(config)
    model.generation_config.eos_token_id = ends
    model.generation_config.pad_token_id = tokenizer.pad_token_id

    def collate(batch: list[dict]) -> dict[str, torch.Tensor]:
        width = max(len(example["input_ids"]) for example in batch)
        ids = torch.full((len(batch), width), tokenizer.pad_token_id)
        labels = torch.full((len(batch), width), -100)
        for row, example in enumerate(batch):
            ids[row, : len(example["input_ids"])] = torch.tensor(example["input_ids"])
            labels[row, : len(example["input_ids"])] = torch.tensor(example["input_ids"])
        return {"input_ids": ids, "labels": labels}

    optimizer = MuonWithAdamW(model, settings.matrix_learning_rate, settings.learning_rate)
    schedule = get_scheduler(
        "warmup_stable_decay",
        optimizer,
        num_warmup_steps=settings.steps // 50,
        num_training_steps=settings.steps,
        scheduler_specific_kwargs={"num_decay_steps": settings.steps * 4 // 10},
    )
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(run.trainer_folder),
            max_steps=settings.steps,
            per_device_train_batch_size=settings.batch_size,
            train_sampling_strategy="sequential",
            max_grad_norm=1.0,
            use_cpu=not torch.cuda.is_available(),
            logging_steps=10,
            save_steps=max(1, settings.steps // 5),
            save_total_limit=1,
            seed=settings.seed,
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
        ),
        train_dataset=[{"input_ids": ids} for ids in bucketed(encoded, settings.batch_size, settings.seed)],
        data_collator=collate,
        optimizers=(optimizer, schedule),
    )
    watch(trainer, run)
    trainer.train(resume_from_checkpoint=run.resume_from)
    run.check_stopped()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    loss = next(entry["loss"] for entry in reversed(trainer.state.log_history) if "loss" in entry)
    run.save_model(model, tokenizer, template="r1_zero", headline={"loss": loss, "parameters": parameters})


def bucketed(encoded: list[list[int]], batch_size: int, seed: int) -> list[list[int]]:
    """The documents reordered: batches of like length, the batches themselves in random order."""
    rng = random.Random(seed)
    batches = []
    for start in range(0, len(encoded), 2 * batch_size):
        chunk = sorted(encoded[start : start + 2 * batch_size], key=len)
        batches += [chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size)]
    rng.shuffle(batches)
    return [ids for batch in batches for ids in batch]


if __name__ == "__main__":
    stage_main(main, __doc__)
