"""Search with verification: pick two numbers with a given sum. Trying on pays, so the length of a thought matters."""

import itertools
import json
import math
import random
import re
from collections.abc import Iterator

from data.text.language import Language
from data.text.mention import stated
from data.text.row import Row, row_info
from data.world.task import PERFECT, Author, Problem, Task, Trace

HIGHEST = 12
VERDICTS: dict[str, dict[Language, str]] = {
    "hit": {"en": "yes", "zh": "对"},
    "low": {"en": "low", "zh": "小"},
    "high": {"en": "high", "zh": "大"},
}
"""What an author writes behind a try."""
GUESS: dict[Language, str] = {"en": "guess", "zh": "猜"}
"""What he writes where he tries no further."""


class PairSearch(Task):
    """Exactly one pair of the list has the sum. An undisciplined author guesses before he has found it."""

    name, domain, unit, sign = "pair_search", "math", "numbers", "+"
    sizes: tuple[int, ...] = (4, 4, 5, 6)
    """Numbers of a list, one as likely as the other."""

    def problem(self, rng: random.Random, language: Language) -> Problem:
        while True:
            numbers = sorted(rng.sample(range(1, HIGHEST + 1), rng.choice(self.sizes)))
            pair = rng.choice(list(itertools.combinations(numbers, 2)))
            target = sum(pair)
            if sum(a + b == target for a, b in itertools.combinations(numbers, 2)) == 1:
                break
        listed = " ".join(map(str, numbers))
        question = (
            f"Pick two of {listed} that add to {target}." if language == "en" else f"从{listed}中选两个,和是{target}。"
        )
        info = {"numbers": numbers, "target": target, "level": len(numbers)}
        answer = f"{pair[0]}+{pair[1]}"
        return Problem(self.name, self.domain, language, question, answer, f"pair_search {listed}", info)

    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        numbers, target = problem.info["numbers"], problem.info["target"]
        lines: list[dict[Language, str]] = []
        for a, b in self.order(numbers, target, rng, author):
            total = self.total(a, b)
            if rng.random() < author.slip:
                total += rng.choice((-1, 1))
            hit = total == target or rng.random() < author.careless
            low = total < target
            verdict = VERDICTS["hit" if hit else "low" if low else "high"]
            lines.append({language: f"{a}{self.sign}{b}={total} {word}" for language, word in verdict.items()})
            if hit:
                return Trace(lines, f"{a}{self.sign}{b}")
            if author.stops(len(lines), rng):
                break
        lines.append(GUESS)
        guess = sorted(rng.sample(numbers, 2), reverse=self.sign == "-")
        return Trace(lines, f"{guess[0]}{self.sign}{guess[1]}")

    def total(self, a: int, b: int) -> int:
        """What a pair comes to."""
        return a + b

    def order(self, numbers: list[int], target: int, rng: random.Random, author: Author) -> Iterator[tuple[int, int]]:
        """The pairs in the order in which an author tries them: by chance, by the list, closing in from both ends."""
        pairs = list(itertools.combinations(numbers, 2))
        if author.thorough and rng.random() < author.thorough:
            style = "list"
        else:
            style = rng.choices(("random", "list", "two_pointer"), author.orders)[0]
        if style == "random":
            rng.shuffle(pairs)
        if style != "two_pointer":
            yield from pairs
            return
        low, high = 0, len(numbers) - 1
        while low < high:
            yield numbers[low], numbers[high]
            if numbers[low] + numbers[high] < target:
                low += 1
            else:
                high -= 1

    def chance(self, row: Row) -> float:
        """Of the pairs of the list one is right."""
        return 1 / math.comb(len(row_info(row)["numbers"]), 2)

    def verify(self, answer: str, row: Row) -> bool:
        info = json.loads(row["info"])
        pair = _pair(answer, info["target"])
        if pair is None or len({*pair}) != 2 or not {*pair} <= {*info["numbers"]}:
            return False
        return self.total(max(pair), min(pair)) == info["target"]

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        """Whether the pair is tried, with the result that is asked for."""
        target = row_info(row)["target"]
        pair = _pair(answer, target)
        tries = [f"{a}{self.sign}{b}={target}" for a, b in (pair, pair[::-1])] if pair else []
        return any(stated(line, thought) for line in tries)

    def canonical(self, answer: str, row: Row) -> str:
        pair = _pair(answer, json.loads(row["info"])["target"])
        return f"{pair[0]}+{pair[1]}" if pair else super().canonical(answer, row)


def _pair(answer: str, target: int) -> tuple[int, int] | None:
    """The two numbers that an answer names, the smaller one first; None where it names others than two."""
    found = [
        int(number[:400]) for number in re.findall(r"\d+", answer)
    ]  # of thousands of digits Python makes no number
    if len(found) == 3 and found[2] == target:  # "3+12=15"
        found = found[:2]
    return (min(found), max(found)) if len(found) == 2 else None
