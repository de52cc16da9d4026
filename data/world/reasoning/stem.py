"""STEM and logic: multiple choice with 4 to 8 options, and propositional logic."""

import random
import re

from data.text.language import LANGUAGES, Language
from data.text.mention import stated
from data.text.row import Row, row_info
from data.world.reasoning.chains import LIMIT
from data.world.reasoning.search import GUESS, VERDICTS
from data.world.task import PERFECT, Author, Problem, Task, Trace

_LAWS: list[dict[Language, tuple[str, str, str]]] = [
    {"en": ("Speed", "time", "distance"), "zh": ("速度", "时间", "路程")},
    {"en": ("Mass", "acceleration", "force"), "zh": ("质量", "加速度", "力")},
    {"en": ("Current", "resistance", "voltage"), "zh": ("电流", "电阻", "电压")},
    {"en": ("Power", "time", "energy"), "zh": ("功率", "时间", "能量")},
    {"en": ("Density", "volume", "mass"), "zh": ("密度", "体积", "质量")},
]
"""Quantities with first * second = third."""
_LETTERS = "ABCDEFGH"
_GAP: dict[Language, str] = {"en": " ", "zh": ""}


class StemChoice(Task):
    """A law of physics, two given quantities, the third among 4-8 options, which are gone through one by one."""

    name, domain, unit = "stem_choice", "stem", "options"

    def problem(self, rng: random.Random, language: Language) -> Problem:
        law = rng.randrange(len(_LAWS))
        while True:
            a, b = rng.randint(2, 9), rng.randint(2, 9)
            if a * b <= LIMIT:
                break
        first, second, third = _LAWS[law][language]
        forward = rng.random() < 0.6
        given, wanted, operation, value = (
            ((first, a), (second, b)), third, f"{a}*{b}", a * b
        ) if forward else (((third.capitalize(), a * b), (second, b)), first.lower(), f"{a * b}/{b}", a)  # fmt: skip
        options, size = {value}, rng.choice((4, 4, 5, 6, 8))
        while len(options) < size:
            near = (a + b, a * b, a, b, value + 1, value - 1, rng.randint(1, LIMIT))
            options.add(max(1, rng.choice(near)))
        shuffled = rng.sample(sorted(options), len(options))
        letter = _LETTERS[shuffled.index(value)]
        gap = _GAP[language]
        choices = f",{gap}".join(f"{letter}{gap}{option}" for letter, option in zip(_LETTERS, shuffled, strict=False))
        question = (
            f"{given[0][0]} {given[0][1]}, {given[1][0]} {given[1][1]}. {wanted.capitalize()}? {choices}"
            if language == "en"
            else f"{given[0][0]}{given[0][1]},{given[1][0]}{given[1][1]}。{wanted}?{choices}"
        )
        info: dict = {"wanted": {key: names[2 if forward else 0] for key, names in _LAWS[law].items()}}
        info |= {"operation": operation, "value": value, "options": shuffled, "level": size}
        key = f"stem {law} {operation}"
        return Problem(self.name, self.domain, language, question, letter, key, info)

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        info = problem.info
        value = info["value"]
        if rng.random() < author.slip:
            value = rng.choice([option for option in info["options"] if option != value])
        lines: list[dict[Language, str]] = [
            {
                language: f"{name.lower()}{_GAP[language]}{info['operation']}={value}"
                for language, name in info["wanted"].items()
            }
        ]
        for letter, option in zip(_LETTERS, info["options"], strict=False):
            hit = option == value or rng.random() < author.careless
            verdict = VERDICTS["hit" if hit else "low" if option < value else "high"]
            lines.append({la: f"{letter}{_GAP[la]}{option} {word}" for la, word in verdict.items()})
            if hit:
                return Trace(lines, letter)
            if author.stops(len(lines) - 1, rng):
                break
        lines.append(GUESS)
        return Trace(lines, rng.choice(_LETTERS[: len(info["options"])]))

    def chance(self, row: Row) -> float:
        return 1 / len(row_info(row)["options"])

    def verify(self, answer: str, row: Row) -> bool:
        return _letter(answer) == row["answer"]

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        """Whether the option is tried and taken, in either language."""
        option = row_info(row)["value"]
        lines = (f"{row['answer']}{gap}{option} {hit}" for gap in _GAP.values() for hit in VERDICTS["hit"].values())
        return any(stated(line, thought) for line in lines)

    def canonical(self, answer: str, row: Row) -> str:
        return _letter(answer) or super().canonical(answer, row)


def _letter(answer: str) -> str | None:
    found = re.fullmatch(r"([A-H])(?: ?\d+)?", answer.strip(" ().\u3002").upper())
    return found[1] if found else None


_TRUE: dict[bool, dict[Language, str]] = {True: {"en": "true", "zh": "真"}, False: {"en": "false", "zh": "假"}}
_AND: dict[str, dict[Language, str]] = {"and": {"en": " and ", "zh": "且"}, "or": {"en": " or ", "zh": "或"}}
_NOT: dict[Language, str] = {"en": "not ", "zh": "非"}


class Logic(Task):
    """The truth value of a propositional formula with three variables."""

    name, domain, unit = "logic", "logic", "variables"

    def problem(self, rng: random.Random, language: Language) -> Problem:
        values = [rng.random() < 0.5 for _ in range(3)]
        negated = [rng.random() < 0.3 for _ in range(3)]
        connectives = [rng.choice(("and", "or")) for _ in range(2)]
        literals = [_NOT[language] * negation + name for negation, name in zip(negated, "pqr", strict=True)]
        formula = literals[0] + _AND[connectives[0]][language] + literals[1]
        formula = f"({formula})" + _AND[connectives[1]][language] + literals[2]
        facts = [f"{name}{_GAP[language]}{_TRUE[v][language]}" for name, v in zip("pqr", values, strict=True)]
        question = ", ".join(facts) + f". Is {formula}?" if language == "en" else ",".join(facts) + f"。{formula}?"
        info = {"values": values, "negated": negated, "connectives": connectives, "level": len(values)}
        truth = _truth(info)[-1]
        key = f"logic {values} {negated} {connectives}"
        return Problem(self.name, self.domain, language, question, _TRUE[truth][language], key, info)

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        info = problem.info
        literals, lines = [], []
        for name, value, negated in zip("pqr", info["values"], info["negated"], strict=True):
            literals.append((value != negated) != (rng.random() < author.slip))
            lines.append({la: _literal(name, value, negated, literals[-1], la) for la in LANGUAGES})
        left = literals[0]
        for number, (connective, right) in enumerate(zip(info["connectives"], literals[1:], strict=True)):
            result = (left and right) if connective == "and" else (left or right)
            if rng.random() < author.slip:
                result = not result
            lead: dict[Language, str] = {"en": "then ", "zh": "再"} if number else {"en": "first ", "zh": "先"}
            lines.append(
                {
                    language: word
                    + _AND[connective][language].join((_TRUE[left][language], _TRUE[right][language]))
                    + "="
                    + _TRUE[result][language]
                    for language, word in lead.items()
                }
            )
            left = result
        return Trace(lines, _TRUE[left][problem.language])

    def chance(self, row: Row) -> float:
        return 1 / len(_TRUE)

    def verify(self, answer: str, row: Row) -> bool:
        truth = row["answer"] in (_TRUE[True]["en"], _TRUE[True]["zh"])
        return answer.strip().lower() in _TRUE[truth].values()

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        """Whether the truth value is the result of a step, in either language."""
        truth = row["answer"] in _TRUE[True].values()
        return any(stated(f"={form}", thought) for form in _TRUE[truth].values())

    def canonical(self, answer: str, row: Row) -> str:
        said = answer.strip().lower()
        return next((form["en"] for form in _TRUE.values() if said in form.values()), super().canonical(answer, row))


def _literal(name: str, value: bool, negated: bool, result: bool, language: Language) -> str:
    """The given value of a variable, as the question has it, and what its negation makes of it."""
    gap = _GAP[language]
    text = f"{name}{gap}{_TRUE[value if negated else result][language]}"
    return f"{text} {_NOT[language]}{name}{gap}{_TRUE[result][language]}" if negated else text


def _truth(info: dict) -> list[bool]:
    p, q, r = (value != negation for value, negation in zip(info["values"], info["negated"], strict=True))
    left = (p and q) if info["connectives"][0] == "and" else (p or q)
    return [left, (left and r) if info["connectives"][1] == "and" else (left or r)]
