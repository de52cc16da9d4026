"""Families of reasoning-gym, with its own generators and scorers (a reward of exactly 1.0 counts as right)."""

import json
import random
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from data.errors import InputError
from data.text.language import Language
from data.text.row import Domain, Row, row_info
from data.verifiers.numbers import comes_out
from data.world.reasoning.chains import LIMIT, apply, chain_key, work
from data.world.task import PERFECT, Author, Problem, Task, Trace

_SIZE = 2**30
_INVERSE = {"+": "-", "-": "+"}


class _Gym(Task):
    """English only: the package has no Chinese wordings."""

    domain: Domain = "math"
    unit = "steps"
    languages: tuple[Language, ...] = ("en",)
    dataset: str
    options: dict

    def draw(self, rng: random.Random) -> dict:
        return _dataset(self.dataset, tuple(self.options.items()))[rng.randrange(_SIZE)]

    def verify(self, answer: str, row: Row) -> bool:
        entry = {"answer": row["answer"], "metadata": row_info(row).get("metadata", {})}
        return _dataset(self.dataset).score_answer(answer, entry) == 1.0

    def canonical(self, answer: str, row: Row) -> str:
        """As the package's scorer reads it."""
        try:
            return _CANONICAL[self.dataset](answer) if self.dataset in _CANONICAL else super().canonical(answer, row)
        except (ValueError, ArithmeticError, RecursionError):
            return super().canonical(answer, row)


def _number(answer: str) -> str:
    value = Decimal(answer.strip().replace(",", ""))
    if value.adjusted() > 400:
        raise ValueError("its digits would fill the memory")
    return str(int(value)) if value == value.to_integral_value() else str(value.normalize())


def _mapping(answer: str) -> str:
    pairs = (pair.split("=") for pair in answer.split(","))
    return ",".join(sorted(f"{letter.strip()}={int(digit)}" for letter, digit in pairs))


def _roles(answer: str) -> str:
    from reasoning_gym.logic.knights_knaves import KnightsKnavesDataset

    found = KnightsKnavesDataset._normalize_answer(answer)
    if not found:
        raise ValueError("no role")
    return ", ".join(sorted(f"{name} {role}" for name, role in found))


_CANONICAL: dict[str, Callable[[str], str]] = {
    "chain_sum": _number,
    "knights_knaves": _roles,
    "zebra_puzzles": lambda answer: answer.lower().replace("\n", ""),
    "color_cube_rotation": lambda answer: answer.strip().lower(),
    "cryptarithm": _mapping,
    "jugs": lambda answer: json.dumps(json.loads(answer)),  # other moves to the target remain other answers
}


@lru_cache
def _dataset(name: str, options: tuple[tuple[str, object], ...] = ()):
    """A data set of the package; it makes its items when they are asked for."""
    import reasoning_gym  # takes seconds: planning, which only needs names, does not wait for it

    return reasoning_gym.create_dataset(name, size=_SIZE, seed=0, **dict(options))


class ChainSum(_Gym):
    """`3 + 5 - 2`."""

    name = dataset = "chain_sum"
    options = {"min_terms": 3, "max_terms": 4, "min_digits": 1, "max_digits": 1}

    def problem(self, rng: random.Random, language: Language) -> Problem:
        while True:
            entry = self.draw(rng)
            terms = entry["metadata"]["expression"].split()
            start, steps = int(terms[0]), [(op, int(n)) for op, n in zip(terms[1::2], terms[2::2], strict=True)]
            value, values = start, []
            for operator, n in steps:
                value = apply(value, operator, n)
                values.append(value)
            if all(0 <= value <= LIMIT for value in values):
                break
        info = {"start": start, "steps": steps, "level": len(steps), "reasoning_gym": self.dataset}
        return Problem(
            self.name, self.domain, "en", entry["question"], entry["answer"], chain_key((start, steps)), info
        )

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        return work(problem.info["start"], problem.info["steps"], rng, author)

    def chance(self, row: Row) -> float:
        return 1 / (LIMIT + 1)

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        return comes_out(answer, thought)


class SimpleEquation(_Gym):
    """`3*z + 5 = 20` and its rearrangements."""

    name = dataset = "simple_equations"
    options = {"min_terms": 2, "max_terms": 2, "min_value": 2, "max_value": 9, "operators_weights": (0.5, 0.5, 0.0)}

    def problem(self, rng: random.Random, language: Language) -> Problem:
        while True:
            entry = self.draw(rng)
            found = re.fullmatch(r"(\d+)\*(\w) ([+-]) (\d+) = (\d+)", entry["metadata"]["equation"])
            if found and int(found[5]) <= LIMIT and int(found[1]) * int(entry["answer"]) <= LIMIT:
                break
        factor, operator, operand, right = int(found[1]), found[3], int(found[4]), int(found[5])
        steps = [(_INVERSE[operator], operand), ("/", factor)]
        info = {"start": right, "steps": steps, "level": len(steps), "reasoning_gym": self.dataset}
        key = f"equation {factor}*x{operator}{operand}={right}"
        return Problem(self.name, self.domain, "en", entry["question"], entry["answer"], key, info)

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        return work(problem.info["start"], problem.info["steps"], rng, author)

    def chance(self, row: Row) -> float:
        lowest, highest = (self.options[name] for name in ("min_value", "max_value"))
        return 1 / (highest - lowest + 1)

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        return comes_out(answer, thought)


class Puzzle(_Gym):
    """A data set of the package as it is: questions with a scorer, without a worked solution.

    Answers must be short, and the scorer give 1.0 to right ones alone and run nothing of what they say (those of
    countdown and puzzle24 evaluate them as programs).
    """

    domain: Domain = "logic"
    unit = ""

    def __init__(self, dataset: str, guess: float | None = None, **options):
        """guess: what `chance` says of each question."""
        self.name = self.dataset = dataset
        self.guess, self.options = guess, options

    def problem(self, rng: random.Random, language: Language) -> Problem:
        entry = self.draw(rng)
        while not self.fits(entry):
            entry = self.draw(rng)
        info = {"reasoning_gym": self.dataset, "metadata": entry["metadata"]} | self.level(entry)
        key = f"{self.name} {self.content(entry)}"
        return Problem(self.name, self.domain, "en", entry["question"], entry["answer"], key, info)

    def fits(self, entry: dict) -> bool:
        """Whether a question of the package is asked."""
        return True

    def content(self, entry: dict) -> str:
        """What a question is about, whatever its wording."""
        return entry["question"]

    def level(self, entry: dict) -> dict[str, int]:
        """`level` of a question, where it has one."""
        return {}

    def chance(self, row: Row) -> float | None:
        return self.guess

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        raise InputError(
            f"mixture: {self.name!r} has a verifier and no worked solutions: it can be sampled, trained on by RL and "
            "evaluated, and not be written down for a base or a demonstration"
        )


class BasicArithmetic(Puzzle):
    """`Calculate 2 + 3 * 4.`: products first, where each worked solution of the world goes from left to right.

    The package computes from left to right itself where it is to write no parentheses; so it is asked for those too,
    and questions that have some, or numbers below 1, or no product, are passed over.
    """

    domain: Domain = "math"
    unit = "terms"

    def __init__(self):
        super().__init__(
            "basic_arithmetic", min_terms=3, max_terms=4, min_digits=1, max_digits=1,
            operators=("+", "-", "*", "*"), allow_negation=False,
        )  # fmt: skip

    def fits(self, entry: dict) -> bool:
        plain = re.fullmatch(r"(?=.*\*)[1-9]( [-+*] [1-9])+", entry["metadata"]["expression"])
        return plain is not None and 0 <= int(entry["answer"]) <= LIMIT

    def level(self, entry: dict) -> dict[str, int]:
        return {"level": entry["metadata"]["num_terms"]}

    def chance(self, row: Row) -> float:
        return 1 / (LIMIT + 1)


class GreatestCommonDivisor(Puzzle):
    """The greatest number that divides two others, up to 20: nothing in the world asks for a divisor."""

    domain: Domain = "math"

    def __init__(self):
        super().__init__("gcd", min_numbers=2, max_numbers=2, min_value=2, max_value=LIMIT)

    def content(self, entry: dict) -> str:
        return " ".join(map(str, sorted(entry["metadata"]["numbers"])))

    def chance(self, row: Row) -> float:
        """Of the numbers up to the smaller one."""
        return 1 / min(row_info(row)["metadata"]["numbers"])
