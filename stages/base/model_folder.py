"""A folder with a published model: whether it is whole, by its files' names and heads alone. Imports no torch."""

import json
import re
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.allowed.sentences import shown

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def is_name(model: str) -> bool:
    """Whether it can be the name of a repository of the hub: `OWNER/NAME`, or an old one without an owner."""
    return re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", model, re.ASCII) is not None


def is_path(model: str) -> bool:
    """Whether it can be nothing but a folder: it begins like a path, or has more parts than a repository."""
    return model.startswith(("/", "./", "../", "~")) or model in (".", "..") or model.rstrip("/").count("/") > 1


def check_folder(folder: Path) -> None:
    """InputError where transformers could not load model and tokenizer from the folder."""
    if not folder.is_dir():
        raise InputError(f"`model` is {shown(str(folder))}: there is no such folder")
    if not (folder / "config.json").exists() and (folder / "adapter_config.json").exists():
        raise InputError(f"{folder} holds an adapter without its model: merge it into one first")
    config = _read_object(folder / "config.json", "a model's folder has one")
    if not isinstance(config.get("model_type"), str):
        raise InputError(
            f"{folder / 'config.json'}: `model_type` is {shown(config.get('model_type'))}, no model's name"
        )
    heads = config.get("architectures") or []
    if heads and not any("CausalLM" in str(head) or "ConditionalGeneration" in str(head) for head in heads):
        raise InputError(
            f"{folder / 'config.json'}: `architectures` is {shown(heads)}, where one that writes is needed"
        )
    _check_tokenizer(folder)
    _check_weights(folder)


def context_of(folder: Path) -> int | None:
    """The positions that a model's config.json declares; None where it declares none."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("max_position_embeddings")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, int) else None


def _check_tokenizer(folder: Path) -> None:
    if not any((folder / name).exists() for name in TOKENIZERS):
        raise InputError(f"{folder} holds no tokenizer; one of {', '.join(TOKENIZERS)} is needed")
    file = folder / "tokenizer.json"
    if file.exists() and not isinstance(_read_object(file, "a tokenizer").get("model"), dict):
        raise InputError(f"{file} holds no tokenizer: it has no `model`")


def _check_weights(folder: Path) -> None:
    first = next((folder / name for name in WEIGHTS if (folder / name).exists()), None)
    if first is None:
        raise InputError(f"{folder} holds no weights; one of {', '.join(WEIGHTS)} is needed")
    files = [first]
    if first.suffix == ".json":
        named = _read_object(first, "an index of weights").get("weight_map")
        if not isinstance(named, dict) or not named:
            raise InputError(f"{first}: `weight_map` is {shown(named)}, where tensors with their files are needed")
        files = [folder / str(name) for name in sorted(set(map(str, named.values())))]
    for file in files:
        if not file.is_file():
            raise InputError(f"{file} is missing: {first} names it")
        if file.suffix == ".safetensors" and not whole_tensors(file):
            raise InputError(f"{file} is damaged: it is not as long as its header says")


def whole_tensors(file: Path) -> bool:
    """Whether a safetensors file has a header, and is as long as that says."""
    try:
        with file.open("rb") as content:
            size = int.from_bytes(content.read(8), "little")
            if not 0 < size <= file.stat().st_size:
                return False
            header = json.loads(content.read(size))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        return bool(ends) and file.stat().st_size == 8 + size + max(ends)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return False


def _read_object(file: Path, what: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file} is missing: {what}") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{file} is damaged (not JSON): {what}") from None
    if not isinstance(found, dict):
        raise InputError(f"{file} is {shown(found)}, where a JSON object is needed")
    return found
