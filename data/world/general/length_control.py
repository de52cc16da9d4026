"""An answer of a length that is asked for: say a word so many times, name so many things."""

import re

from data.text.language import units
from data.text.row import Row, row_info
from data.world.general.answers import GeneralTask
from data.world.general.entities import COLOURS, DICTIONARY, FOODS, THINGS, mentioned

MOST, MOST_NAMED = 6, 4


def length_score(answer: str, row: Row) -> float:
    """How near an answer is to the n repetitions, or things, asked for: max(0, 1 - |found - n| / n).

    0 if it says other words (of the dictionary, where things are named: a sentence around them is fine). A thing that
    is named twice is one.
    """
    info = row_info(row)
    listed = info.get("kind") == "list_n"
    found = _named(answer, info) if listed else _repetitions(answer, info["word"][row["language"]])
    return 0.0 if found is None else max(0.0, 1.0 - abs(found - info["count"]) / info["count"])


def _repetitions(answer: str, word: str) -> int | None:
    """How often an answer says a word; None if it says another one."""
    pieces = [unit for unit in units(answer) if unit[0].isalnum()]
    whole = rf"(?<![A-Za-z]){word}(?![A-Za-z])" if word.isascii() else word
    found = len(re.findall(whole, answer, re.IGNORECASE))
    return found if len(pieces) == found * len(units(word)) else None


def _named(answer: str, info: dict) -> int | None:
    """How many different things of its category an answer names; None if it names any other."""
    allowed = {word["en"] for word in CATEGORIES[info["category"]][0]} - {info["excluded"]}
    found = mentioned(answer, DICTIONARY)
    return len(found) if set(found) <= allowed else None


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


CATEGORIES = {
    "foods": (FOODS, {"en": "foods", "zh": "食物"}),
    "colours": (COLOURS, {"en": "colours", "zh": "颜色"}),
    "things": (THINGS, {"en": "things", "zh": "东西"}),
}
"""Its words, and what it is called."""


class ListN(GeneralTask):
    """Name one to four foods, colours or things, mostly with one excluded."""

    name = "list_n"
    weight = 0.0
    wordings = {
        "en": ("Name {} {}{}.", "List {} {}{}.", "Give me {} {}{}."),
        "zh": ("说{}种{}{}。", "列出{}种{}{}。", "给我{}种{}{}。"),
    }
    exclusions = {"en": ", not {}", "zh": ",不要{}"}

    def problem(self, rng, language):
        category, count = rng.choice(list(CATEGORIES)), rng.randint(1, MOST_NAMED)
        words, called = CATEGORIES[category]
        index = rng.randrange(len(words)) if rng.random() < 0.9 else None
        without = "" if index is None else self.exclusions[language].format(words[index][language])
        name = called[language][:-1] if language == "en" and count == 1 else called[language]
        question = rng.choice(self.wordings[language]).format(count, name, without)
        start = 0 if index is None else index + 1
        chosen = [words[(start + step) % len(words)] for step in range(count)]
        excluded = None if index is None else words[index]["en"]
        info = {"kind": "list_n", "category": category, "count": count, "excluded": excluded, "chosen": chosen}
        return self.make(question, language, self.bare(info, language), language, **info)

    def statement(self, info, language):
        verb = "有" if language == "zh" else "here is " if len(info["chosen"]) == 1 else "here are "
        return verb + self.bare(info, language)

    def bare(self, info, language):
        return (", " if language == "en" else ",").join(word[language] for word in info["chosen"])

    def wrong(self, info, rng):
        """Too many or too few, and others than the best answer's: not both of them together are as many as asked."""
        words = [word for word in CATEGORIES[info["category"]][0] if word["en"] != info["excluded"]]
        others = [word for word in words if word not in info["chosen"]]
        counts = [n for n in range(1, min(len(others), MOST_NAMED) + 1) if n != info["count"]]
        return info | {"chosen": rng.sample(others, rng.choice(counts))}

    def verify(self, answer, row):
        return length_score(answer, row) == 1.0

    def thought(self, problem):
        count, named = problem.info["count"], self.bare(problem.info, problem.language)
        return f"Name {count}: {named}." if problem.language == "en" else f"要说{count}种:{named}。"


LENGTH_TASKS: list[GeneralTask] = [RepeatWord(), ListN()]
LENGTH_ASKED = tuple(task.name for task in LENGTH_TASKS)
"""The families whose answers have a length that is asked for."""
