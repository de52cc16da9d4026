"""An answer of a length that is asked for: say a word so many times."""

import re

from data.text.language import units
from data.text.row import Row, row_info
from data.world.general.answers import GeneralTask
from data.world.general.entities import DICTIONARY

MOST = 6


def length_score(answer: str, row: Row) -> float:
    """How near an answer is to the n repetitions asked for: max(0, 1 - |found - n| / n); 0 if it has other words."""
    info = row_info(row)
    word, count = info["word"][row["language"]], info["count"]
    pieces = [unit for unit in units(answer) if unit[0].isalnum()]
    whole = rf"(?<![A-Za-z]){word}(?![A-Za-z])" if word.isascii() else word
    found = len(re.findall(whole, answer, re.IGNORECASE))
    if len(pieces) != found * len(units(word)):
        return 0.0
    return max(0.0, 1.0 - abs(found - count) / count)


class RepeatWord(GeneralTask):
    """Say a word of the dictionary one to six times."""

    name = "repeat_word"
    weight = 0.0
    trivial = True
    capital = False

    def problem(self, rng, language):
        word, count = rng.choice(DICTIONARY), rng.randint(1, MOST)
        question = f"Say {word['en']} {count} times." if language == "en" else f"把{word['zh']}说{count}遍。"
        info = {"kind": "repeat", "word": word, "count": count}
        return self.make(question, language, self.bare(info, language), language, **info)

    def statement(self, info, language):
        return self.bare(info, language)

    def polite(self, info, language):
        return self.bare(info, language)

    def bare(self, info, language):
        return (" " if language == "en" else ",").join([info["word"][language]] * info["count"])

    def wrong(self, info, rng):
        return info | {"count": rng.choice([n for n in range(1, MOST + 1) if n != info["count"]])}

    def verify(self, answer, row):
        return length_score(answer, row) == 1.0
