"""What a task family is: problems in two languages, worked solutions of a chosen discipline, a verifier."""

import hashlib
import json
import random
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from data.text.language import Language
from data.text.mention import stated
from data.text.row import Domain, Row, Split, last_turn, split_of
from data.verifiers.verdict import Verdict, compared

LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Problem:
    """One question. `key` names its content, not its wording: the splits are disjoint by key."""

    task: str
    domain: Domain
    language: Language
    question: str
    answer: str
    key: str
    info: dict = field(default_factory=dict)

    @property
    def split(self) -> Split:
        """train, validation or test, by a hash of the content."""
        return split_of(self.key)

    @classmethod
    def from_row(cls, row: Row) -> "Problem":
        """The problem behind a row."""
        question = last_turn(row)
        info = json.loads(row["info"])
        return cls(row["task"], row["domain"], row["language"], question, row["answer"], row["key"], info)

    def row(self) -> Row:
        """The data set row (data/text/row.py)."""
        identity = hashlib.sha256(f"{self.task}|{self.key}|{self.question}".encode()).hexdigest()[:16]
        return {
            "id": identity,
            "key": self.key,
            "prompt": [{"role": "user", "content": self.question}],
            "answer": self.answer,
            "task": self.task,
            "domain": self.domain,
            "language": self.language,
            "verifier": self.task,
            "source": "reasoning-gym" if self.info.get("reasoning_gym") else "procedural",
            "licence": LICENCE,
            "split": self.split,
            "info": json.dumps(self.info, ensure_ascii=False, sort_keys=True),
        }


@dataclass(frozen=True)
class Author:
    """Who writes a worked solution. The default makes no mistakes and finishes what he starts."""

    slip: float = 0.0
    """Probability that a step comes out wrong."""
    repair: float = 0.0
    """Probability that a wrong step is noticed at once and done again."""
    give_up: float = 0.0
    """Probability of guessing after each failed try of a search."""
    careless: float = 0.0
    """Probability of taking a failed try for a hit."""
    thorough: float = 0.0
    """Probability of trying a list's pairs from the first to the last, where others also close in or try at random."""
    orders: tuple[float, float, float] = (10.0, 50.0, 40.0)
    """Weights of the ways through a list's pairs: at random, from the first to the last, closing in from both ends."""
    longest_search: int | None = None
    """Failed tries after which he guesses."""

    def stops(self, failed: int, rng: random.Random) -> bool:
        """Whether he guesses after so many failed tries."""
        return rng.random() < self.give_up or failed == self.longest_search


PERFECT = Author()


@dataclass(frozen=True)
class Trace:
    """A worked solution: its steps, each in both languages, and the answer that they lead to (may be wrong)."""

    steps: list[dict[Language, str]]
    answer: str


class Task(ABC):
    """A family of problems."""

    name: str
    domain: Domain
    languages: tuple[Language, ...] = ("en", "zh")
    unit: str = ""
    """What a question's level counts: steps, numbers, options."""

    @abstractmethod
    def problem(self, rng: random.Random, language: Language) -> Problem:
        """A random problem in `language`."""

    @abstractmethod
    def solve(self, problem: Problem, rng: random.Random, author: Author = PERFECT) -> Trace:
        """A worked solution as `author` would write it."""

    @abstractmethod
    def verify(self, answer: str, row: Row) -> bool:
        """Whether a bare final answer is right for a row."""

    def chance(self, row: Row) -> float | None:
        """What a guesser scores who takes any plausible answer as likely as another; None where nobody can list them.

        Plausible is what the question and the world allow: an option, a pair of the list, a number of the world.
        """
        return None

    def holds(self, thought: str, answer: str, row: Row) -> bool:
        """Whether a thought comes to a right answer as a worked solution does; by default, where it stands in it."""
        return stated(answer, thought)

    def explain(self, answer: str, row: Row) -> Verdict:
        """`verify`, with what was read and why."""
        gold = self.canonical(row["answer"], row)
        return compared(self.verify(answer, row), self.canonical(answer, row), gold)

    def canonical(self, answer: str, row: Row) -> str:
        """One text for all answers that `verify` takes for the same; what it cannot read stands for itself."""
        return answer.strip()
