"""Who judges answers to general prompts: he sees what they are worth through noise and, where that is asked, a bias."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from data.world.general.safety import is_refusal
from data.world.preference import is_polite, is_rude, word_count

Points = Annotated[float, Field(ge=-9, le=9, allow_inf_nan=False, strict=True)]


class Bias(BaseModel):
    """What a judge adds to an answer's score, in points of 1 to 10, whatever the answer is worth."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    length: Points = 0.0
    """For each word that the answer has more than the mean of those that are judged beside it."""
    polite: Points = 0.0
    """For an expression of politeness (sure, 抱歉)."""
    rude: Points = 0.0
    """For a rude one (duh, 走开)."""
    refusal: Points = 0.0
    """For declining to help."""

    def points(self, answer: str, beside: Sequence[str]) -> float:
        """The points of one of the answers that are judged together; beside: all of them, itself included."""
        longer = word_count(answer) - sum(map(word_count, beside)) / len(beside) if self.length else 0.0
        return (
            self.length * longer
            + self.polite * is_polite(answer)
            + self.rude * is_rude(answer)
            + self.refusal * is_refusal(answer)
        )


@dataclass(frozen=True)
class Judge:
    """Scores an answer 1 + 9 worth + bias + noise: 1 to 10, and beyond where noise and bias lead there.

    noise: standard deviation of a single score; judgements: scores whose mean counts.
    """

    noise: float = 0.0
    judgements: int = 1
    bias: Bias = Bias()

    def scores(self, answers: Sequence[str], worth: Callable[[str], float], rng: random.Random) -> list[float]:
        """The scores of answers to one prompt; worth: what one is truly worth, in [0, 1]."""
        return [
            sum(
                1 + 9 * worth(answer) + self.bias.points(answer, answers) + rng.gauss(0, self.noise)
                for _ in range(self.judgements)
            )
            / self.judgements
            for answer in answers
        ]

    def best(self, answers: Sequence[str], worth: Callable[[str], float], rng: random.Random) -> tuple[str, float]:
        """(the answer with the highest score, what the judge takes it to be worth); of equals the truly better one.

        Without noise and bias the latter is what it is worth.
        """
        scores = self.scores(answers, worth, rng)
        found = max(range(len(answers)), key=lambda place: (scores[place], worth(answers[place])))
        exact = not self.noise and self.bias == Bias()
        return answers[found], worth(answers[found]) if exact else (scores[found] - 1) / 9
