"""Families that are in no corpus and no training data of any stage, like others that are (benchmark `transfer`).

Their words are those of the world, put together anew. They are split as their likes are: the numbers of a test question
are in no training data in another dress either.
"""

import itertools
import random
from collections.abc import Iterator

from data.text.language import Language
from data.world.reasoning.chains import Chain, WordProblem
from data.world.reasoning.search import HIGHEST, PairSearch
from data.world.task import Author, Problem


class PairDifference(PairSearch):
    """Exactly one pair of the list has the difference: `pair_search` with another calculation."""

    name, sign = "pair_difference", "-"

    def problem(self, rng: random.Random, language: Language) -> Problem:
        while True:
            numbers = sorted(rng.sample(range(1, HIGHEST + 1), rng.choice(self.sizes)))
            low, high = rng.choice(list(itertools.combinations(numbers, 2)))
            target = high - low
            if sum(b - a == target for a, b in itertools.combinations(numbers, 2)) == 1:
                break
        listed = " ".join(map(str, numbers))
        question = (
            f"Pick two of {listed} that subtract to {target}."
            if language == "en"
            else f"从{listed}中选两个,大减小是{target}。"
        )
        info = {"numbers": numbers, "target": target, "level": len(numbers)}
        return Problem(self.name, self.domain, language, question, f"{high}-{low}", f"pair_search {listed}", info)

    def total(self, a: int, b: int) -> int:
        return a - b

    def order(self, numbers: list[int], target: int, rng: random.Random, author: Author) -> Iterator[tuple[int, int]]:
        """By the list alone."""
        return ((high, low) for low, high in itertools.combinations(numbers, 2))


class UnknownStart(WordProblem):
    """A story whose start is the solution of an equation: `word_problem` behind `equation`.

    The chain that solves it begins with the undone step, and is of its own split as any other.
    """

    name = "unknown_start"

    def describe(self, chain: Chain, rng: random.Random, language: Language) -> str:
        start, ((operator, operand), *steps) = chain
        equation = f"x{'-' if operator == '+' else '+'}{operand}={start}"
        index = 0 if language == "en" else 1
        person, thing = rng.choice(self.people)[index], rng.choice(self.things)[index]
        events = [(rng.choice(self.verbs[sign])[index], number) for sign, number in steps]
        if language == "en":
            story = ", ".join(f"{verb} {number}" for verb, number in events)
            return f"Solve {equation}. {person} has x {thing}, {story}. How many?"
        story = ",".join(f"{verb}{number}" for verb, number in events)
        return f"解方程{equation}。{person}有x{thing},{story}。剩几?"
