"""A checkpoint whose files are those of its manifest may still be no model: one sentence before anything is trained."""

import textwrap
from pathlib import Path
from typing import Any

import torch
import transformers

from data.errors import InputError

HEADS = {"score.weight", "score.bias"}
"""Of a reward model; a policy has none."""


def model_of(folder: Path, kind: Any, new_head: bool = False, **options: Any):
    """`kind.from_pretrained` of a folder that holds all of the model's weights and nothing else; InputError otherwise.

    new_head: the model may be a policy that is to become a reward model.
    """
    try:
        model, info = kind.from_pretrained(folder, output_loading_info=True, **options)
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # what a damaged file raises depends on the file and the library
        raise InputError(f"{folder} cannot be loaded as {called(kind)}: {reason(error)}") from error
    missing, more = set(info["missing_keys"]), set(info["unexpected_keys"])
    if new_head and missing <= HEADS:
        missing, more = set(), more - {"lm_head.weight"}
    for names, what in (
        (missing, "has no"),
        (more, "has beside it"),
        (set(info["mismatched_keys"]), "has in another size"),
    ):
        if names:
            raise InputError(f"{folder} is not {called(kind)}: it {what} {sorted(map(str, names))[0]}")
    return model


def check_finite(model: Any, folder: Path) -> None:
    """InputError where a weight is NaN or infinite."""
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise InputError(f"{folder}: the weight {name} is not finite: run the stage that made it again")


def tokenizer_of(folder: Path):
    """The tokenizer in a model's folder, if it is that of the model; InputError otherwise."""
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        config = transformers.AutoConfig.from_pretrained(folder)
        ends = transformers.GenerationConfig.from_model_config(config).eos_token_id
        size, most = max(tokenizer.get_vocab().values(), default=-1) + 1, config.get_text_config().vocab_size
    except Exception as error:
        raise InputError(f"{folder}: its tokenizer cannot be loaded: {reason(error)}") from error
    if not 0 < size <= most:
        raise InputError(f"{folder}: its tokenizer has {size} tokens, its model {most}")
    ends = ends if isinstance(ends, list) else [ends]
    if ends != [None] and tokenizer.eos_token_id not in ends:
        found = f"{tokenizer.eos_token!r} ({tokenizer.eos_token_id})"
        raise InputError(
            f"{folder}: its tokenizer ends a text with {found}, its model with {ends}: one is of another model"
        )
    return tokenizer


def called(kind: Any) -> str:
    """What a transformers auto class loads, in words."""
    return "a reward model" if "SequenceClassification" in kind.__name__ else "a language model"


def reason(error: Exception) -> str:
    """An exception in one line that is not too long."""
    return textwrap.shorten(str(error).strip() or type(error).__name__, 200)
