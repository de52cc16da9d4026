"""A text as countable pieces, and runs of them."""

from collections.abc import Sequence

from data.text.language import units


def words_and_numbers(text: str) -> list[str]:
    """The countable pieces of a text: a Han character, a Latin word, a number; signs and punctuation do not count."""
    return [unit for unit in units(text) if unit[0].isalnum()]


def ngrams(pieces: Sequence, ngram: int) -> list[tuple]:
    """Every run of `ngram` pieces, in order; none where there are fewer pieces."""
    return [tuple(pieces[start : start + ngram]) for start in range(len(pieces) - ngram + 1)]
