"""Code to write: a described computation as a Python expression, computed on the inputs of tests."""

import json
import random
from collections import Counter
from functools import lru_cache

from data.text.language import Language
from data.text.mention import stated
from data.text.row import Row, row_info
from data.verifiers.expression import passes, printed
from data.verifiers.verdict import Verdict, shown
from data.world.task import PERFECT, Author, Problem, Task, Trace

_INPUTS = (0, 1, 2, 5, 11)
_OPERATORS, _OPERANDS = "+-*", (2, 9)
_WORDS: dict[str, dict[Language, str]] = {
    "+": {"en": "add", "zh": "加"},
    "-": {"en": "subtract", "zh": "减"},
    "*": {"en": "multiply by", "zh": "乘"},
}
_LEAD: list[dict[Language, str]] = [{"en": "first ", "zh": "先"}, {"en": "then ", "zh": "再"}]


def expression(steps: list[tuple[str, int]]) -> str:
    """The steps applied to x, with parentheses only where multiplication needs them."""
    text, sum_like = "x", False
    for operator, operand in steps:
        if operator == "*" and sum_like:
            text = f"({text})"
        text += f"{operator}{operand}"
        sum_like = operator != "*"
    return text


class Expression(Task):
    """Write an expression in x."""

    name, domain, unit = "expression", "code", "steps"
    sizes: tuple[int, ...] = (2, 2, 3)
    """Steps, one number as likely as the other."""

    def problem(self, rng: random.Random, language: Language) -> Problem:
        steps = [(rng.choice(_OPERATORS), rng.randint(*_OPERANDS)) for _ in range(rng.choice(self.sizes))]
        described = [f"{_WORDS[operator][language]}{' ' if language == 'en' else ''}{n}" for operator, n in steps]
        question = (
            f"Python for x: {', '.join(described)}." if language == "en" else f"写Python:x{',再'.join(described)}。"
        )
        tests = [(x, _run(steps, x)) for x in _INPUTS]
        key = "expression " + "".join(f"{operator}{n}" for operator, n in steps)
        info = {"steps": steps, "tests": tests, "level": len(steps)}
        return Problem(self.name, self.domain, language, question, expression(steps), key, info)

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        steps = [tuple(step) for step in problem.info["steps"]]
        lines: list[dict[Language, str]] = []
        text = "x"
        for number in range(1, len(steps) + 1):
            text = expression(steps[:number])
            if rng.random() < author.slip:  # the classic mistake: no parentheses
                text = text.replace("(", "").replace(")", "")
            lines.append({language: word + text for language, word in _LEAD[number > 1].items()})
        return Trace(lines, text)

    def chance(self, row: Row) -> float:
        """Of the computations with as many steps, those that come to the same."""
        steps = row_info(row)["steps"]
        found = _computations(len(steps))
        return found[_line(steps)] / sum(found.values())

    def verify(self, answer: str, row: Row) -> bool:
        tests = json.loads(row["info"])["tests"]
        return passes(answer.strip("` "), tests)

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        return stated(answer.strip("` "), thought)

    def explain(self, answer: str, row: Row) -> Verdict:
        code, tests = answer.strip("` "), json.loads(row["info"])["tests"]
        failed = [(x, expected) for x, expected in tests if not passes(code, [(x, expected)])]
        if not failed:
            return Verdict(bool(tests), code, f"{shown(code)} has the expected value at each of {len(tests)} inputs")
        x, expected = failed[0]
        found = printed(code, x)
        has = "has no value that may be written" if found is None else f"is {found}"
        return Verdict(False, code, f"{shown(code)} {has} at x = {x}, expected is {expected}")

    def canonical(self, answer: str, row: Row) -> str:
        """The values at the tests' inputs: an expression is what it computes."""
        found = [printed(answer.strip("` "), x) for x, _ in json.loads(row["info"])["tests"]]
        return super().canonical(answer, row) if None in found else f"values {' '.join(map(str, found))}"


def _line(steps: list[tuple[str, int]]) -> tuple[int, int]:
    """(a, b) of the function a x + b that the steps make of x."""
    constant = _run(steps, 0)
    return _run(steps, 1) - constant, constant


@lru_cache
def _computations(length: int) -> Counter[tuple[int, int]]:
    """(a, b) -> in how many ways so many steps make a x + b of x."""
    if length == 0:
        return Counter({(1, 0): 1})
    found: Counter[tuple[int, int]] = Counter()
    for (a, b), ways in _computations(length - 1).items():
        for n in range(_OPERANDS[0], _OPERANDS[1] + 1):
            for made in ((a, b + n), (a, b - n), (a * n, b * n)):
                found[made] += ways
    return found


def _run(steps: list[tuple[str, int]], x: int) -> int:
    for operator, n in steps:
        x = {"+": x + n, "-": x - n, "*": x * n}[operator]
    return x
