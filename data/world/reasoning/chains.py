"""Multi-step arithmetic in three dresses: bare, as a story, as a small program. One content key for all three."""

import random

from data.text.language import Language
from data.text.row import Row
from data.verifiers.numbers import canonical_number, comes_out, same_number
from data.world.task import PERFECT, Author, Problem, Task, Trace

LIMIT = 20
LENGTHS = {2: 3, 3: 4, 4: 3, 5: 2}
"""Steps of a chain -> weight."""
_FIRST: dict[Language, str] = {"en": "first ", "zh": "先"}
_THEN: dict[Language, str] = {"en": "then ", "zh": "再"}
_AGAIN: dict[Language, str] = {"en": "wait, ", "zh": "不对,"}

Chain = tuple[int, list[tuple[str, int]]]


def apply(left: int, operator: str, right: int) -> int:
    """One exact step; division only where it leaves no rest."""
    return {"+": left + right, "-": left - right, "*": left * right, "/": left // right if right else 0}[operator]


def random_chain(rng: random.Random, operators: str, lengths: dict[int, int] = LENGTHS) -> Chain:
    """A start and some steps (`lengths`: how many -> weight) whose values stay in 0..20."""
    value = start = rng.randint(1, 12)
    steps: list[tuple[str, int]] = []
    for _ in range(rng.choices(list(lengths), list(lengths.values()))[0]):
        while True:
            operator = rng.choice(operators)
            operand = rng.randint(2, 3) if operator == "*" else rng.randint(1, 9)
            if 0 <= apply(value, operator, operand) <= LIMIT:
                break
        value = apply(value, operator, operand)
        steps.append((operator, operand))
    return start, steps


def chain_key(chain: Chain) -> str:
    """The tuple of operands and operators, whatever the wording."""
    return f"chain {chain[0]}" + "".join(f"{operator}{operand}" for operator, operand in chain[1])


def work(value: int, steps: list[tuple[str, int]], rng: random.Random, author: Author) -> Trace:
    """Apply the steps one after another; a slip is repaired at once or carried on."""
    lines: list[dict[Language, str]] = []
    for number, (operator, operand) in enumerate(steps):
        lead = _FIRST if number == 0 else _THEN
        right = apply(value, operator, operand)
        result = right
        if rng.random() < author.slip:
            result = max(0, right + rng.choice((-2, -1, 1, 2)))
        lines.append({language: f"{word}{value}{operator}{operand}={result}" for language, word in lead.items()})
        if result != right and rng.random() < author.repair:
            lines.append({language: f"{word}{value}{operator}{operand}={right}" for language, word in _AGAIN.items()})
            result = right
        value = result
    return Trace(lines, str(value))


class ChainTask(Task):
    """A chain of steps in some dress."""

    unit = "steps"
    operators = "+-"
    lengths = LENGTHS

    def describe(self, chain: Chain, rng: random.Random, language: Language) -> str:
        raise NotImplementedError

    def problem(self, rng: random.Random, language: Language) -> Problem:
        chain = random_chain(rng, self.operators, self.lengths)
        value = chain[0]
        for operator, operand in chain[1]:
            value = apply(value, operator, operand)
        question = self.describe(chain, rng, language)
        info = {"start": chain[0], "steps": chain[1], "level": len(chain[1])}
        return Problem(self.name, self.domain, language, question, str(value), chain_key(chain), info)

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        return work(problem.info["start"], problem.info["steps"], rng, author)

    def chance(self, row: Row) -> float:
        return 1 / (LIMIT + 1)

    def verify(self, answer: str, row: Row) -> bool:
        return same_number(row["answer"], answer)

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        return comes_out(answer, thought)

    def canonical(self, answer: str, row: Row) -> str:
        return canonical_number(answer) or super().canonical(answer, row)


class Arithmetic(ChainTask):
    """Left-to-right arithmetic."""

    name, domain, operators = "arithmetic", "math", "+-+-*"

    def describe(self, chain: Chain, rng: random.Random, language: Language) -> str:
        steps = [f"{operator}{operand}" for operator, operand in chain[1]]
        if language == "en":
            return f"Start at {chain[0]}: {', '.join(steps)}. Result?"
        return f"从{chain[0]}开始:{','.join(steps)}。结果?"


class WordProblem(ChainTask):
    """Somebody gets and loses things."""

    name, domain = "word_problem", "math"
    people = (("Tom", "汤姆"), ("Ann", "安娜"), ("Bo", "小波"), ("Lily", "莉莉"))
    things = (("pears", "个梨"), ("books", "本书"), ("pens", "支笔"), ("eggs", "个蛋"))
    verbs = {
        "+": (("gets", "得到"), ("buys", "买了"), ("finds", "找到")),
        "-": (("loses", "丢了"), ("eats", "吃了"), ("sells", "卖了")),
    }

    def describe(self, chain: Chain, rng: random.Random, language: Language) -> str:
        index = 0 if language == "en" else 1
        person, thing = rng.choice(self.people)[index], rng.choice(self.things)[index]
        events = [rng.choice(self.verbs[operator])[index] for operator, _ in chain[1]]
        numbers = [operand for _, operand in chain[1]]
        if language == "en":
            story = ", ".join(f"{verb} {number}" for verb, number in zip(events, numbers, strict=True))
            return f"{person} has {chain[0]} {thing}, {story}. How many?"
        story = ",".join(f"{verb}{number}" for verb, number in zip(events, numbers, strict=True))
        return f"{person}有{chain[0]}{thing},{story}。剩几?"


class CodeOutput(ChainTask):
    """What a small program prints."""

    name, domain, operators = "code_output", "code", "+-+-*"

    def describe(self, chain: Chain, rng: random.Random, language: Language) -> str:
        name = rng.choice("xyn")
        steps = "".join(f"{name}={name}{operator}{operand};" for operator, operand in chain[1])
        program = f"{name}={chain[0]};{steps}print({name})"
        return f"Output of {program}?" if language == "en" else f"{program}输出?"
