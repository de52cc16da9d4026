"""Words of reflection: how often a text says that it checks, doubts or mends what it thinks (R1 v2 C.2)."""

import re
from collections.abc import Sequence
from functools import lru_cache


def reflections(text: str, words: Sequence[str]) -> int:
    """How often one of `words` stands in `text`.

    Latin ones count as whole words, whatever their case: `check`, not `checked`. Chinese has no spaces, so its words
    count wherever they stand. No character counts twice: where two fit, the longer one does.
    """
    return sum(1 for _ in _pattern(tuple(words)).finditer(text)) if words else 0


@lru_cache(maxsize=64)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, the longest first."""
    return re.compile("|".join(map(_whole, sorted(words, key=len, reverse=True))), re.IGNORECASE)


def _whole(word: str) -> str:
    """A word that does not go on in Latin letters at an end that is one."""
    before, after = (r"(?<![A-Za-z])" if _latin(word[0]) else ""), (r"(?![A-Za-z])" if _latin(word[-1]) else "")
    return f"{before}{re.escape(word)}{after}"


def _latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()
