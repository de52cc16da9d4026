"""Linear equations in one unknown."""

import random

from data.text.language import Language
from data.text.row import Row
from data.verifiers.numbers import canonical_number, comes_out, same_number
from data.world.reasoning.chains import LIMIT, work
from data.world.task import PERFECT, Author, Problem, Task, Trace

_INVERSE = {"+": "-", "-": "+", "*": "/"}
_HIGHEST = 12
"""Of the unknown, which is 1 at least."""


class Equation(Task):
    """`2*x+3=11`: undo the steps in reverse order."""

    name, domain, unit = "equation", "math", "steps"

    def problem(self, rng: random.Random, language: Language) -> Problem:
        while True:
            unknown, factor = rng.randint(1, _HIGHEST), rng.choice((1, 2, 2, 3, 4))
            operator, operand = rng.choice("+-"), rng.randint(1, 9)
            right = factor * unknown + (operand if operator == "+" else -operand)
            if 0 <= right <= LIMIT and factor * unknown <= LIMIT:
                break
        left = f"{factor}*x" if factor > 1 else "x"
        equation = f"{left}{operator}{operand}={right}"
        question = f"Solve {equation}. x=?" if language == "en" else f"解方程{equation}。x=?"
        undo = [(_INVERSE[operator], operand)] + ([("/", factor)] if factor > 1 else [])
        info = {"start": right, "steps": undo, "level": len(undo)}
        return Problem(self.name, self.domain, language, question, str(unknown), f"equation {equation}", info)

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        return work(problem.info["start"], problem.info["steps"], rng, author)

    def chance(self, row: Row) -> float:
        return 1 / _HIGHEST

    def verify(self, answer: str, row: Row) -> bool:
        return same_number(row["answer"], answer)

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        return comes_out(answer, thought)

    def canonical(self, answer: str, row: Row) -> str:
        return canonical_number(answer) or super().canonical(answer, row)
