"""Whether a training text holds an evaluation question: exact match, and n-gram overlap (R1 v2 D.1, n = 10).

The paper drops any text that shares a 10-gram with an evaluation question or its reference solution, and admits that
paraphrases pass. A gram is a run of `words_and_numbers`: a Chinese character counts as one word.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from data.text.language import units
from data.text.ngrams import ngrams, words_and_numbers

NGRAM = 10
_IGNORED = frozenset(".,?!;:'\"`$\u3001\u3002\u201c\u201d\u2018\u2019")


def normalised(question: str) -> str:
    """A question without case, spacing, punctuation and formula delimiters; the signs of arithmetic stay."""
    folded = unicodedata.normalize("NFKC", question).casefold()
    return " ".join(unit for unit in units(folded) if unit not in _IGNORED)


def grams(text: str, ngram: int = NGRAM) -> set[tuple[str, ...]]:
    """The text's n-grams of `words_and_numbers`; empty for a text shorter than one."""
    pieces = words_and_numbers(unicodedata.normalize("NFKC", text).casefold())
    return set(ngrams(pieces, ngram))


@dataclass(frozen=True)
class EvaluationTexts:
    """What must not occur in training data."""

    questions: frozenset[str]
    """Normalised."""
    grams: frozenset[tuple[str, ...]]
    ngram: int = NGRAM

    @classmethod
    def of(cls, questions: Iterable[str], solutions: Iterable[str] = (), ngram: int = NGRAM) -> "EvaluationTexts":
        """From the evaluation questions and their reference solutions."""
        questions = list(questions)
        found = {gram for text in (*questions, *solutions) for gram in grams(text, ngram)}
        return cls(frozenset(map(normalised, questions)), frozenset(found), ngram)

    def is_question(self, text: str) -> bool:
        """Whether the text is an evaluation question, up to normalisation."""
        return normalised(text) in self.questions

    def overlaps(self, *texts: str) -> bool:
        """Whether one of the texts shares an n-gram with an evaluation question or solution."""
        return any(not self.grams.isdisjoint(grams(text, self.ngram)) for text in texts)
