"""What a single setting may be: bounded, finite numbers, shares, texts. A truth value is no number."""

from collections.abc import Hashable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

LARGEST_WHOLE = 2**31 - 1
LARGEST = 1e9
"""Of a number: sums and squares of such ones stay finite in single precision."""


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed, not a truth value")
    return value


Whole = Annotated[int, BeforeValidator(_no_truth)]
Positive = Annotated[Whole, Field(gt=0, le=LARGEST_WHOLE)]
Count = Annotated[Whole, Field(ge=0, le=LARGEST_WHOLE)]
GroupSize = Annotated[Whole, Field(ge=2, le=LARGEST_WHOLE)]
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
"""numpy takes no larger one."""
Port = Annotated[Whole, Field(gt=0, lt=2**16)]

Number = Annotated[float, BeforeValidator(_no_truth), Field(allow_inf_nan=False)]
Rate = Annotated[Number, Field(gt=0, le=LARGEST)]
NotNegative = Annotated[Number, Field(ge=0, le=LARGEST)]
LearningRate = Annotated[Number, Field(gt=0, le=1)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Part = Annotated[Number, Field(ge=0, lt=1)]
"""A share that leaves something."""
Share = Annotated[Number, Field(gt=0, le=1)]
"""A share of something, not of nothing."""
Temperature = Annotated[Number, Field(ge=0.01, le=100)]
"""Below, logits overflow; above, all tokens are alike."""


def _greedy_or_warm(value: float) -> float:
    if 0 < value < 0.01:
        raise ValueError("0, which is greedy, or at least 0.01 is allowed")
    return value


TemperatureOrGreedy = Annotated[Number, Field(ge=0, le=100), AfterValidator(_greedy_or_warm)]

Text = Annotated[str, Field(pattern=r"\S")]
"""Not empty."""
Schedule = Literal["constant", "linear", "cosine"]


def no_repetition(values: list[Any]) -> list[Any]:
    """A list in which nothing stands twice."""
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise ValueError(f"{twice[0]!r} is there twice")
    return values


def _one_counts(weights: dict[Any, float]) -> dict[Any, float]:
    if not any(weights.values()):
        raise ValueError("one weight at least must be above 0")
    return weights


Name = TypeVar("Name", bound=Hashable)
Weighted = Annotated[dict[Name, NotNegative], AfterValidator(_one_counts)]
"""Name -> its weight; 0 measures without counting."""
