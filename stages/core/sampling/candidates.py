"""Sampled responses on their way into a data set: what they are checked for, how many of a prompt are kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from data.text.chat import Template, has_format, render_completion, render_prompt
from data.text.completion import Completion
from data.text.row import Row
from data.text.summary import closing, summarise
from data.world.families import REASONING, verify
from stages.core.sampling.filters import mixes_languages, repetition


@dataclass(frozen=True)
class Candidate:
    """A prompt's row and one of its samples."""

    row: Row
    sample: Completion


Rule = Callable[[Candidate], bool]
"""Whether a candidate passes; for `stages.core.sampling.filters.apply_rules`."""


def candidates(rows: list[Row], sampled: list[list[Completion]]) -> list[Candidate]:
    """Every sample with its row, prompt by prompt."""
    return [Candidate(row, sample) for row, group in zip(rows, sampled, strict=True) for sample in group]


def has_ended(candidate: Candidate) -> bool:
    """Whether the response has its end token."""
    return candidate.sample.finished


def right_and_well_formed(template: Template) -> dict[str, Rule]:
    """The rules that every kept response to a reasoning prompt passes, the cheap ones first."""
    return {
        "no end token": has_ended,
        "malformed": lambda c: has_format(c.sample.text, template),
        "wrong answer": lambda c: verify(c.sample.parsed, c.row),
    }


def in_one_language(minimum: float) -> Rule:
    """Whether at least `minimum` of the thought's words are in the prompt's language."""
    return lambda c: not mixes_languages(c.sample.thinking, c.row["language"], minimum)


def not_repetitive(ngram: int, maximum: float) -> Rule:
    """Whether at most `maximum` of the thought's n-grams occurred before."""
    return lambda c: repetition(c.sample.thinking, ngram) <= maximum


def at_most(kept: Iterable[Candidate], count: int) -> list[Candidate]:
    """The first `count` candidates of each prompt, in their order."""
    found: list[Candidate] = []
    taken: dict[str, int] = {}
    for candidate in kept:
        identity = candidate.row["id"]
        taken[identity] = taken.get(identity, 0) + 1
        if taken[identity] <= count:
            found.append(candidate)
    return found


def with_summary(candidate: Candidate, tokenizer) -> dict:
    """The row as an SFT example in the chat template: the thought in its tags, then a summary of it."""
    row, sample = candidate.row, candidate.sample
    if row["task"] in REASONING:
        summary = summarise(sample.thinking, sample.parsed.final, row["language"])
    else:
        summary = closing(sample.thinking, sample.parsed, row)
    return row | {
        "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
        "completion": render_completion(sample.thinking, summary),
    }
