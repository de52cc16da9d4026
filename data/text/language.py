"""Which words of a text are English, Chinese or of another script: the segmentation behind the language reward.

The paper does not say how words are found (v2 Eq. 7). Here a Han character is one Chinese word and a run of
Latin letters is one English word. Letters of any other script count against both: a run of them is one word, or, in
a script without spaces (kana, Thai), each of them, as in Chinese. Digits, signs, formulas, code, LaTeX commands, tags
and single Latin letters (variables, option labels) are no words; nor are Latin words with letters beyond A to Z, which
may be of either language (naïve, Straße), and one or two Greek letters, which are symbols (α, Δθ).
"""

import re
from typing import Literal

import regex

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Spoken = Language | Literal["other"]
"""What a word is of."""

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_NEITHER = re.compile(
    r"```.*?```|`[^`\n]*`|\$[^$]*\$|(?<!\\)\\\((?:[^\\]|\\[^()])*+\\\)|(?<!\\)\\\[(?:[^\\]|\\[^\[\]])*+\\\]"
    r"|</?(?:think|answer)>|<\|[^|]*\|>|(?<![A-Za-z_.])[A-Za-z_.]++\([^()\s]*\)",
    re.DOTALL,
)
"""Code, formulas, tags, calls. None is looked for twice from within itself: the time is linear."""
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_FULL_WIDTH = "\u3001\u3002\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\u201c\u201d"
_UNSPACED = r"\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_OTHER = rf"[\p{{L}}--[\p{{Han}}\p{{Latin}}\p{{Greek}}\p{{Common}}\p{{Inherited}}{_UNSPACED}]]"
"""Letters written with spaces between words. Mathematical letters (ℵ, 𝑥, µ) are of the script Common."""
_OTHER_WORD = regex.compile(
    rf"[\p{{L}}&&[{_UNSPACED}]]|{_OTHER}[{_OTHER}\p{{M}}]*(?:['\u2019-]{_OTHER}[{_OTHER}\p{{M}}]*)*", regex.V1
)
_GREEK_WORD = regex.compile(r"(?:[\p{L}&&\p{Greek}]\p{M}*){3,}", regex.V1)
_CHUNK = re.compile(rf"[{_HAN}]|[^\s{_HAN}{_FULL_WIDTH}]+")
_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['\u2019-][A-Za-z]+)*")
_ONE_LETTER_WORDS = {"a", "I"}


def words(text: str) -> list[tuple[str, Spoken]]:
    """The words of `text` in order, each with its language; what is no word is left out."""
    found: list[tuple[str, Spoken]] = []
    for chunk in _CHUNK.findall(_NEITHER.sub(" ", text)):
        if _HAN_CHARACTER.fullmatch(chunk):
            found.append((chunk, "zh"))
            continue
        # Neither formulas nor code are written in other scripts: like Han, their words count wherever they stand.
        place = 0
        for other in () if chunk.isascii() else _OTHER_WORD.finditer(chunk):
            found += [*_spaced(chunk[place : other.start()]), (other[0], "other")]
            place = other.end()
        found += _spaced(chunk[place:])
    return found


def _spaced(chunk: str) -> list[tuple[str, Spoken]]:
    """The Latin and Greek words of `chunk`, which holds no space: what stands between signs and is letters only."""
    found: list[tuple[str, Spoken]] = []
    for part in re.split(r"[,;:?!]", chunk):
        word = part.strip(".\"'()[]{}*_\u2018\u2019")
        if _LATIN_WORD.fullmatch(word) and (len(word) > 1 or word in _ONE_LETTER_WORDS):
            found.append((word, "en"))
        elif _GREEK_WORD.fullmatch(word):
            found.append((word, "other"))
    return found


def language_consistency(text: str, target: Language) -> float | None:
    """Share of the words of `text` that are in `target` (v2 Eq. 7), in [0, 1]; None where there are no words."""
    languages = [language for _, language in words(text)]
    return languages.count(target) / len(languages) if languages else None


def units(text: str) -> list[str]:
    """`text` cut into Han characters, Latin words, numbers and signs: the length measure for both languages."""
    return re.findall(rf"[{_HAN}]|[A-Za-z]+|\d+|[^\sA-Za-z\d{_HAN}]", text)
