"""Which words of a text are English and which are Chinese: the segmentation behind the language reward.

The paper does not say how words are found (v2 Eq. 7). Here a Han character is one Chinese word and a run of
Latin letters is one English word. Digits, formulas, code, LaTeX commands, tags and single letters (variables,
option labels) belong to neither language.
"""

import re
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_NEITHER = re.compile(
    r"```.*?```|`[^`\n]*`|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|</?(?:think|answer)>|<\|[^|]*\|>|[A-Za-z_.]+\([^()\s]*\)",
    re.DOTALL,
)
"""Code, formulas, tags, calls."""
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_FULL_WIDTH = "\u3001\u3002\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\u201c\u201d"
_CHUNK = re.compile(rf"[{_HAN}]|[^\s{_HAN}{_FULL_WIDTH}]+")
_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['\u2019-][A-Za-z]+)*")
_ONE_LETTER_WORDS = {"a", "I"}


def words(text: str) -> list[tuple[str, Language]]:
    """The words of `text` in order, each with its language; what belongs to neither language is left out."""
    found: list[tuple[str, Language]] = []
    for chunk in _CHUNK.findall(_NEITHER.sub(" ", text)):
        if _HAN_CHARACTER.fullmatch(chunk):
            found.append((chunk, "zh"))
            continue
        for part in re.split(r"[,;:?!]", chunk):
            word = part.strip(".\"'()[]{}*_\u2018\u2019")
            if _LATIN_WORD.fullmatch(word) and (len(word) > 1 or word in _ONE_LETTER_WORDS):
                found.append((word, "en"))
    return found


def language_consistency(text: str, target: Language) -> float | None:
    """Share of the words of `text` that are in `target` (v2 Eq. 7), in [0, 1]; None where there are no words."""
    languages = [language for _, language in words(text)]
    return languages.count(target) / len(languages) if languages else None


def units(text: str) -> list[str]:
    """`text` cut into Han characters, Latin words, numbers and signs: the length measure for both languages."""
    return re.findall(rf"[{_HAN}]|[A-Za-z]+|\d+|[^\sA-Za-z\d{_HAN}]", text)
