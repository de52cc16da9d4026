"""The nouns: a row of a data set, its messages, its domain; and how rows are split, opened and filtered.

Every table of the pipeline has these columns; a stage that adds one derives a class for it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, NotRequired, TypedDict, TypeVar

from data.text.language import Language

Domain = Literal["math", "code", "stem", "logic", "general", "safety"]
Split = Literal["train", "validation", "test"]

REASONING_DOMAINS = ("math", "code", "stem", "logic")
"""The domains whose answers are right or wrong; the others are general ones."""

_SHARES: tuple[tuple[Split, int], ...] = (("train", 80), ("validation", 90), ("test", 100))


class Message(TypedDict):
    """A turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Row(TypedDict):
    """A prompt with what judges an answer to it."""

    id: str
    """Hash of family, content and wording."""
    key: str
    """Names the content, whatever the wording: it decides the split, and intervals are over keys."""
    prompt: list[Message]
    answer: str
    """The right one; of general prompts the value to be named, or `refuse`."""
    task: str
    """The task family or public data set that it comes from."""
    domain: Domain
    language: Language
    """Of the response."""
    verifier: str
    """Who judges an answer (data/world/families.py)."""
    source: str
    licence: str
    split: Split
    info: str
    """What its family or verifier needs to know, as JSON."""
    completion: NotRequired[str]
    """A response to learn from; in tables for SFT, and with demonstrations of public data sets."""
    prompt_text: NotRequired[str]
    """The prompt as rendered for the model that learns the completion."""
    mode: NotRequired[Literal["thinking", "non_thinking"]]
    """Which mode the prompt asks for."""
    pass_rate: NotRequired[float]
    """Share of right answers of the model that sampled it, in [0, 1]."""


T = TypeVar("T")


def split_of(key: str) -> Split:
    """train, validation or test, by a hash of what names a question's content: 80, 10 and 10 percent."""
    percent = int(hashlib.sha256(key.encode()).hexdigest(), 16) % 100
    return next(name for name, limit in _SHARES if percent < limit)


def last_turn(row: Row) -> str:
    """The text of a prompt's last turn: what is asked, with its flag if it has one."""
    return row["prompt"][-1]["content"]


def question_of(row: Row) -> str:
    """The question behind a row, without options, instructions and system prompts."""
    return row_info(row).get("question") or "\n".join(
        message["content"] for message in row["prompt"] if message["role"] == "user"
    )


def row_info(row: Row) -> dict[str, Any]:
    """The `info` column of a row, which is JSON text in a table."""
    return json.loads(row["info"]) if isinstance(row["info"], str) else row["info"]


def level_of(row: Row) -> int | None:
    """How hard its family or data set says that a question is, as a whole number; None where it does not say.

    Families count what makes their questions long (steps, numbers, options, variables); MATH says `Level 5`.
    """
    level = row_info(row).get("level")
    found = re.fullmatch(r"(?:Level )?(\d{1,3})", str(level)) if isinstance(level, int | str) else None
    return int(found[1]) if found else None


def apply_rules(rows: Iterable[T], rules: dict[str, Callable[[T], bool]]) -> tuple[list[T], dict[str, int]]:
    """Keep the rows for which every rule is true -> (kept rows in their order, counts).

    counts: `total`, then for each rule how many rows it was the *first* to reject, then `kept`; so the rules' counts
    and `kept` add up to `total`. Later rules do not see a rejected row: put the cheap and the telling ones first.
    """
    if reserved := {"total", "kept"} & rules.keys():
        raise ValueError(f"a rule may not be named {' or '.join(sorted(reserved))}")
    kept: list[T] = []
    rejected = dict.fromkeys(rules, 0)
    total = 0
    for row in rows:
        total += 1
        for name, passes in rules.items():
            if not passes(row):
                rejected[name] += 1
                break
        else:
            kept.append(row)
    return kept, {"total": total, **rejected, "kept": len(kept)}
