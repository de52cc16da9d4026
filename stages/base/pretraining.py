"""The base model: a small Qwen3 pretrained from nothing on the procedural bilingual corpus.

CONSUMES     nothing
PRODUCES     model/ (weights, tokenizer, chat template)
PAPER        stands in for DeepSeek-V3-Base (v2 s.2): capable, undisciplined, never post-trained
DEVIATIONS   1 a million parameters and a made-up world instead of 671 B and the web
"""

from itertools import chain, islice

from data.world.corpus import documents
from data.world.general.entities import NAMES
from data.world.tokenizer import END_OF_TEXT, LEARNED_FROM, train_tokenizer
from stages.base.settings import Pretrain
from stages.core.run.stage import Run, stage_main


def main(run: Run) -> None:
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM
    from transformers.optimization import get_scheduler

    from stages.core.machines.weights import save_model
    from stages.core.training.callbacks import micro_batches
    from stages.core.training.optimizers import MuonWithAdamW
    from stages.core.training.pretraining import packed, train_on_rows, with_chunked_loss

    settings: Pretrain = run.settings
    texts = documents(settings.mixture, settings.seed, author=settings.author)
    first = list(islice(texts, LEARNED_FROM))
    tokenizer = train_tokenizer(first, settings.vocabulary_size, NAMES)
    rows = list(
        islice(packed(chain(first, texts), tokenizer, settings.max_length), settings.steps * settings.batch_size)
    )
    run.metrics.say(f"{len(rows):,} rows, {sum(map(len, rows)):,} tokens, vocabulary {len(tokenizer)}")

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
    model = with_chunked_loss(Qwen3ForCausalLM(config))
    model.generation_config.eos_token_id = ends
    model.generation_config.pad_token_id = tokenizer.pad_token_id

    optimizer = MuonWithAdamW(model, settings.matrix_learning_rate, settings.learning_rate)
    schedule = get_scheduler(
        "warmup_stable_decay",
        optimizer,
        num_warmup_steps=settings.steps // 50,
        num_training_steps=settings.steps,
        scheduler_specific_kwargs={"num_decay_steps": settings.steps * 4 // 10},
    )
    batches = micro_batches(settings.batch_size, settings.batch_size)
    loss = train_on_rows(run, model, rows, tokenizer.pad_token_id, optimizer, schedule, batches)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    save_model(run, model, tokenizer, template="r1_zero", headline={"loss": loss, "parameters": parameters})


if __name__ == "__main__":
    stage_main(main, __doc__)
