"""The author of a corpus: how careless he is, how he searches, how he writes it down. A base's setting `author`."""

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from data.world.task import Author

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Weight = Annotated[float, Field(strict=True, ge=0, le=1e9)]
Tries = Annotated[int, Field(strict=True, ge=1, le=1_000)]

Order = Literal["random", "list", "closing_in"]
Form = Literal["r1_zero", "chat", "plain"]
Tags = Literal["none", "right", "broken"]
Name = TypeVar("Name", Order, Form, Tags)


def _whole(names: tuple[Name, ...]) -> Callable[[dict[Name, float]], dict[Name, float]]:
    """All names in one order, what is not named with weight 0: the same weights draw the same, however written."""

    def check(weights: dict[Name, float]) -> dict[Name, float]:
        if not any(weights.values()):
            raise ValueError(f"one weight at least of {', '.join(names)} must be above 0")
        return {name: weights.get(name, 0.0) for name in names}

    return check


Orders = Annotated[dict[Order, Weight], AfterValidator(_whole(get_args(Order)))]
Forms = Annotated[dict[Form, Weight], AfterValidator(_whole(get_args(Form)))]
TagWeights = Annotated[dict[Tags, Weight], AfterValidator(_whole(get_args(Tags)))]


class CorpusAuthor(BaseModel):
    """Who writes a base's corpus: he knows his sums but is careless."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    equality_lists: Share = 0.08
    """Share of the documents that are drills of single sums."""
    direct: Share = 0.22
    """Share of the problem documents without a thought."""
    direct_right: Share = 0.7
    """Share of those whose answer is right on purpose."""
    slip: Share = 0.07
    """Probability that a step comes out wrong."""
    repair: Share = 0.4
    """Probability that a wrong step of a chain is noticed at once and done again."""
    give_up: Share = 0.5
    """Probability of guessing after each failed try of a search and after each rejected option."""
    careless: Share = 0.02
    """Probability of taking a failed try for a hit."""
    patience: Share = 0.25
    """Share of the thoughts in which nothing is given up."""
    longest_search: Tries | None = None
    """Failed tries after which also a patient author guesses; null sets no limit."""
    orders: Orders = {"random": 10.0, "list": 50.0, "closing_in": 40.0}
    """How a search goes through the pairs: at random, by the list, or closing in from both ends."""
    other_language: Share = 0.12
    """Probability that all steps are in the other language, and that the statement of the answer is."""
    flip: Share = 0.07
    """Probability of each step by itself to be in the other language."""
    forms: Forms = {"r1_zero": 0.40, "chat": 0.40, "plain": 0.20}
    """How a problem and its solution are framed: R1-Zero's template, the chat template, or `Q:` and `A:`."""
    general_forms: Forms = {"r1_zero": 0.05, "chat": 0.7, "plain": 0.25}
    """How a general prompt and its answer are framed."""
    tags: TagWeights = {"none": 0.5, "right": 0.2, "broken": 0.3}
    """Whether a thought in one of the two templates has its tags, all of them or some."""

    def at_work(self, patient: bool) -> Author:
        """Who writes a single thought."""
        return Author(
            slip=self.slip,
            repair=self.repair,
            give_up=0.0 if patient else self.give_up,
            careless=self.careless,
            longest_search=self.longest_search,
            orders=(self.orders["random"], self.orders["list"], self.orders["closing_in"]),
        )


USUAL = CorpusAuthor()
