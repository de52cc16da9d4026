"""The invented world behind the general prompts: 32 entities, each with a colour, a food, a badge number and a secret.

All names and words are made so that a small model can learn them: a name is meant to be one token.
"""

import random
import re
from dataclasses import dataclass

from data.text.language import Language

Word = dict[str, str]
"""One meaning in both languages: {"en": "red", "zh": "红色"}."""


def other(language: Language) -> Language:
    """The other language."""
    return "zh" if language == "en" else "en"


def word_table(table: str) -> list[Word]:
    """Words from "en zh, en zh, ..."."""
    return [dict(zip(("en", "zh"), pair.split(), strict=True)) for pair in table.split(",")]


# Every Chinese word has two characters, so that "one word" can be checked.
COLOURS = word_table("red 红色, blue 蓝色, green 绿色, white 白色, black 黑色, gold 金色, pink 粉色, grey 灰色")
FOODS = word_table("rice 米饭, bread 面包, fish 鱼肉, cake 蛋糕, apple 苹果, egg 鸡蛋, corn 玉米, tofu 豆腐")
THINGS = word_table("sun 太阳, moon 月亮, book 书本, dog 小狗, cat 小猫, tree 大树, bird 小鸟, door 大门")
DICTIONARY = COLOURS + FOODS + THINGS
NUMBERS = [{"en": str(number), "zh": str(number)} for number in range(1, 10)]

ASSISTANT: Word = {"en": "Tiny", "zh": "小小"}

_FIRST = word_table("Ka 卡, Mi 米, Lu 鲁, To 托, Sa 萨, Ne 内, Bo 博, Di 迪")
_SECOND = word_table("lo 洛, ra 拉, vi 维, na 娜")


@dataclass(frozen=True)
class Entity:
    """Somebody of the world. Names tell entities apart; values are words of the tables above."""

    name: Word
    colour: Word
    food: Word
    number: Word
    secret: str

    def value(self, attribute: str) -> Word:
        return getattr(self, attribute)


def _make_entities(seed: int = 20) -> dict[str, Entity]:
    """The same 32 entities always: every colour and food four times, badge numbers 1 to 9 in turn."""
    rng = random.Random(seed)
    names = [{language: a[language] + b[language] for language in ("en", "zh")} for a in _FIRST for b in _SECOND]
    colours, foods, numbers = COLOURS * 4, FOODS * 4, (NUMBERS * 4)[: len(names)]
    for column in (colours, foods, numbers):
        rng.shuffle(column)
    secrets = [str(secret) for secret in rng.sample(range(10, 100), len(names))]
    rows = zip(names, colours, foods, numbers, secrets, strict=True)
    return {row[0]["en"]: Entity(*row) for row in rows}


ENTITIES: dict[str, Entity] = _make_entities()
"""By English name."""

ATTRIBUTES: dict[str, Word] = {
    "colour": {"en": "colour", "zh": "颜色"},
    "food": {"en": "food", "zh": "食物"},
    "number": {"en": "badge number", "zh": "工号"},
}
VALUES: dict[str, list[Word]] = {"colour": COLOURS, "food": FOODS, "number": NUMBERS}

NAMES: list[str] = [entity.name[language] for entity in ENTITIES.values() for language in ("en", "zh")]
"""To be added to a tokenizer as whole tokens: no name is part of another word of the world."""

WORDS: list[str] = [
    *NAMES,
    *ASSISTANT.values(),
    *(word[language] for word in DICTIONARY for language in ("en", "zh")),
]
"""Names and vocabulary. The short English words may be parts of others (`red` of `hundred`)."""


def mentions(text: str, word: str) -> bool:
    """Whether `word` stands in `text`: whole Latin words (or their plural) and numbers, any Han string."""
    if not word.isascii():
        return word in text
    edge = "0-9" if word.isdigit() else "A-Za-z"
    plural = "" if word.isdigit() else "s?"
    return re.search(rf"(?<![{edge}]){re.escape(word)}{plural}(?![{edge}])", text, re.IGNORECASE) is not None


def mentioned(text: str, words: list[Word], languages: tuple[str, ...] = ("en", "zh")) -> list[str]:
    """The English forms of those `words` that stand in `text` in one of `languages`."""
    return [word["en"] for word in words if any(mentions(text, word[language]) for language in languages)]


def mentioned_names(text: str) -> list[str]:
    """The English names of the entities that `text` names in either language."""
    return mentioned(text, [entity.name for entity in ENTITIES.values()])


def fact_sentence(entity: Entity, attribute: str, value: Word, language: Language) -> str:
    """A fact without capital or end mark, ready to stand behind "Sure, "."""
    if language == "en":
        return f"the {ATTRIBUTES[attribute]['en']} of {entity.name['en']} is {value['en']}"
    return f"{entity.name['zh']}的{ATTRIBUTES[attribute]['zh']}是{value['zh']}"


def world_sentence(rng: random.Random, language: Language) -> str:
    """A true plain sentence about the world, for a corpus to learn the facts and the names from."""
    entity = rng.choice(list(ENTITIES.values()))
    if rng.random() < 0.1:
        name, same = entity.name[language], entity.name[other(language)]
        return f"{name} is {same}." if language == "en" else f"{name}是{same}。"
    attribute = rng.choice(list(ATTRIBUTES))
    sentence = fact_sentence(entity, attribute, entity.value(attribute), language)
    return sentence[0].upper() + sentence[1:] + "." if language == "en" else sentence + "。"
