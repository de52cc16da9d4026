"""The rows of a public data set (data/public/sources.py), from the hub or from a folder of local files.

Local files have the hub's own columns. In the folder (an argument, or the environment variable SOURCES_FOLDER)
NAME.parquet or NAME.jsonl stands for the first of the source's splits, NAME.HUB_SPLIT.parquet or .jsonl for any.
"""

import hashlib
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.public.decontaminate import normalised
from data.public.hub_rows import BadRow
from data.public.sources import Source, find, revision_of
from data.text.language import language_consistency
from data.text.row import Row, question_of, row_info, split_of
from data.verifiers.math_answers import readable

FOLDER_VARIABLE = "SOURCES_FOLDER"

_TYPES: dict[str, Any] = {"text": str, "list": list, "dict": dict, "number": (int, float), "truth": bool, "any": object}


def load(name: str, split: str | None = None, folder: Path | str | None = None) -> tuple[list[Row], dict[str, int]]:
    """The rows of a source, of one of our splits or of all -> (rows, counts).

    counts: `hub rows`; for each reason how many of them were no use; `repeated` and `other split`, rows of ours that
    came before and that were not asked for; `rows`. One hub row can make several rows of ours (several generations),
    or several one (a pair), so these need not add up.
    Raises InputError where the source cannot be read or its columns are not what data/public/sources.py says.
    """
    source = find(name)
    rows: list[Row] = []
    seen: set[tuple[str, str]] = set()
    counts: Counter = Counter({"hub rows": 0})
    own = dict(source.splits)
    for ours, hub_split in source.splits:
        # a split of its own is all in it; what the hub lacks is held out of its train
        if split is None or split == ours or (ours == "train" and split not in own):
            for hub in _grouped(source, _hub_rows(name, source, hub_split, folder, counts)):
                try:
                    for parts in source.row(hub):
                        row = _row(name, source, parts, ours, own)
                        if split not in (None, row["split"]):
                            counts["other split"] += 1
                        elif (identity := (row["split"], row["id"])) in seen:
                            counts["repeated"] += 1
                        else:
                            seen.add(identity)
                            rows.append(row)
                except BadRow as reason:
                    counts[str(reason)] += 1
                except (KeyError, TypeError, AttributeError, IndexError) as error:
                    raise InputError(
                        f"source {name} ({source.repository}): a row cannot be read: {type(error).__name__}: {error}; "
                        f"needed are {_needed(source)}"
                    ) from error
    return rows, {**counts, "rows": len(rows)}


def asked(row: Row, instruction: str, answer_form: str) -> Row:
    """Free-form mathematics as it is asked: the instruction stands behind the last turn, `info` keeps the answer form.

    answer_form: `marked` or `anywhere` (data/world/families.py:verify). Other rows are as they were.
    """
    if row["verifier"] != "math":
        return row
    info, prompt = row_info(row) | {"answer_form": answer_form}, list(row["prompt"])
    if instruction:
        info["question"] = question_of(row)
        prompt[-1] = {"role": "user", "content": f"{prompt[-1]['content']}\n\n{instruction}"}
    return row | {"prompt": prompt, "info": json.dumps(info, ensure_ascii=False, sort_keys=True)}


def download(name: str) -> int:
    """Fetch every config and split that the source uses into the cache of `datasets` -> number of hub rows."""
    source = find(name)
    return sum(
        len(_hub_table(name, source, config, hub_split))
        for _, hub_split in source.splits
        for config in source.configs
    )  # fmt: skip


def _row(name: str, source: Source, parts: dict, ours: str, own: dict[str, str]) -> Row:
    """Our row (data/text/row.py) from what a row function yields."""
    question, prompt = parts["question"], parts.get("prompt", parts["question"])
    key = normalised(question)
    if not key:
        raise BadRow("empty question")
    verifier, answer, info = parts.get("verifier", source.verifier), parts["answer"], dict(parts.get("info", {}))
    if verifier == "math" and not readable(answer):
        if "completion" not in parts:
            raise BadRow("unreadable gold")
        verifier = "none"  # still worth imitating
    if isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    if [message["content"] for message in prompt if message["role"] == "user"] != [question]:
        info["question"] = question
    language = parts.get("language", source.language)
    if language is None:
        language = "zh" if (language_consistency(question, "zh") or 0.0) >= 0.5 else "en"
    split = ours
    if ours == "train":
        held_out = split_of(key)
        split = held_out if held_out not in own else "train"
    texts = {column: parts[column] for column in ("completion", "chosen", "rejected") if column in parts}
    identity = hashlib.sha256("|".join([name, key, *texts.values()]).encode()).hexdigest()[:16]
    return {
        "id": identity,
        "key": key,
        "prompt": prompt,
        "answer": answer,
        "task": name,
        "domain": parts.get("domain", source.domain),
        "language": language,
        "verifier": verifier,
        "source": name,
        "licence": source.licence,
        "split": split,
        "info": json.dumps(info, ensure_ascii=False, sort_keys=True),
        **texts,
    }


def _grouped(source: Source, hub_rows: Iterator[dict]) -> Iterator:
    if source.group is None:
        return hub_rows
    return (list(group) for _, group in itertools.groupby(hub_rows, key=lambda hub: hub[source.group]))


def _hub_rows(name: str, source: Source, hub_split: str, folder: Path | str | None, counts: Counter) -> Iterator[dict]:
    """The hub rows of a split, all configs, with the columns that are needed and their types checked."""
    local = _local_file(name, source, hub_split, folder)
    tables = (
        [_read(local)] if local else (_hub_table(name, source, config, hub_split) for config in source.configs)
    )  # fmt: skip
    for table in tables:
        _check_columns(name, source, table)
        for number, hub in enumerate(table):
            counts["hub rows"] += 1
            for column, needed in source.columns.items():
                value = hub.get(column)
                if value is not None and not isinstance(value, _TYPES[needed.type]):
                    raise InputError(
                        f"source {name} ({source.repository}): column '{column}' of row {number} holds "
                        f"{value!r:.60} ({type(value).__name__}), needed is {needed.type}{_hint(source, column)}"
                    )
            yield {column: hub.get(column) for column in source.columns}


def _check_columns(name: str, source: Source, table: Iterable[dict]) -> None:
    found = getattr(table, "column_names", None) or list(dict.fromkeys(key for hub in table for key in hub))
    for column in source.columns:
        if column not in found:
            raise InputError(
                f"source {name} ({source.repository}): no column '{column}', found are "
                f"{', '.join(found) or 'none'}, needed are {_needed(source)}{_hint(source, column)}"
            )


def _needed(source: Source) -> str:
    return ", ".join(f"{name} ({column.type})" for name, column in source.columns.items())


def _hint(source: Source, column: str) -> str:
    known = source.columns[column].verified
    return "" if known else " (the name is from memory: compare with the hub page and correct data/public/sources.py)"


def _local_file(name: str, source: Source, hub_split: str, folder: Path | str | None) -> Path | None:
    folder = folder or os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise InputError(f"{folder} is no folder: data sources cannot be read from it")
    first = hub_split == source.splits[0][1]
    for stem in (f"{name}.{hub_split}", *([name] if first else [])):
        for ending in ("parquet", "jsonl"):
            if (path := Path(folder) / f"{stem}.{ending}").is_file():
                return path
    return None


def _read(path: Path) -> list[dict]:
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet

            return pyarrow.parquet.read_table(path).to_pylist()
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise InputError(f"{path} cannot be read: {(str(error).splitlines() or [''])[0]}") from error
    if not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: each line must be a JSON object")
    return rows


def _hub_table(name: str, source: Source, config: str | None, hub_split: str):
    import datasets

    revision = revision_of(source)
    try:
        return datasets.load_dataset(source.repository, config, split=hub_split, revision=revision)
    except Exception as error:  # offline, gated, renamed: `datasets` and the hub's client have a dozen types for it
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        gated = source.gated or "gated" in str(error).lower()
        raise InputError(
            f"source {name}: {source.repository} at revision {revision} cannot be read ({type(error).__name__}: "
            f"{reason}): run `python -m data.public download {name}` where there is network"
            f"{', after accepting its terms on the hub and `hf auth login`' if gated else ''}"
        ) from error
