"""What is measured on a sampled completion before it is kept for training.

The paper names the filters (mixed languages, long paragraphs, code blocks: arXiv 2501.12948v1 s.2.3.3) but no
thresholds: those are settings of the stages.
"""

import re
from collections.abc import Sequence

from data.text.language import Language, language_consistency
from data.text.ngrams import ngrams, words_and_numbers

_FENCE = re.compile(r"```|^ {0,3}~~~", re.MULTILINE)
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def repetition(text: str | Sequence, ngram: int) -> float:
    """Fraction of n-grams that occurred before: 1 - distinct / all, in [0, 1); 0 for a text shorter than one n-gram.

    `text`: a string, cut into `words_and_numbers`, or a sequence of tokens, taken as it is.
    """
    if ngram < 1:
        raise ValueError(f"ngram must be at least 1, got {ngram}")
    pieces = words_and_numbers(text) if isinstance(text, str) else list(text)
    grams = ngrams(pieces, ngram)
    return 1.0 - len(set(grams)) / len(grams) if grams else 0.0


def has_code_block(text: str) -> bool:
    """Whether the text opens a Markdown fence: three backticks anywhere, or three tildes that begin a line."""
    return _FENCE.search(text) is not None


def longest_paragraph(text: str) -> int:
    """Length in `words_and_numbers` of the longest paragraph; a blank line ends one, a single line break does not."""
    return max(len(words_and_numbers(paragraph)) for paragraph in _BLANK_LINE.split(text.replace("\r\n", "\n")))


def mixes_languages(text: str, target: Language, minimum: float) -> bool:
    """Whether less than `minimum` of the text's words are in the `target` language ("en" or "zh").

    A text without a word counts as mixed: a thought of bare formulas is no readable thought.
    """
    consistency = language_consistency(text, target)
    return consistency is None or consistency < minimum
