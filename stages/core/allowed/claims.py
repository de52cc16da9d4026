"""What a study may claim: a statement of a paper, and the test that decides whether a run shows it. Imports no torch.

A test is data, never code. It takes an effect from what was measured, and says where the effect's 95 % interval must
lie; `stages/evaluation/claims.py` computes both.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from stages.core.allowed.sentences import disagree
from stages.core.allowed.values import NotNegative, Number, Positive, Rate, Text, no_repetition

Mode = Literal["thinking", "non_thinking"]
Budget = Literal["least", "middle", "most"]
"""Of those that the scale tries."""
BOUNDS = ("above", "below", "within")


class Measured(NamedTuple):
    """What an evaluation measures of a checkpoint, question by question, as a claim names it.

    metric: with `k` for the number of samples, which is the scale's (`cons@k`), as is a budget's number; mode: of a
    checkpoint that has two. In the evaluation's tables both are numbers.
    """

    benchmark: str
    metric: str
    mode: str | None = None
    budget: int | str | None = None


class Part(BaseModel):
    """What all parts of a claim share."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)


class Series(Part):
    """The values of one checkpoint; what a side leaves out, the test says of both."""

    checkpoint: Text | None = None
    """The stage's name; with its arms, without its seed."""
    benchmark: Text | None = None
    """Whose questions."""
    metric: Text | None = None
    """What of the answers."""
    mode: Mode | None = None
    """In which mode the checkpoint answered, where it has two."""
    budget: Budget | None = None
    """With which thinking budget."""

    @property
    def measured(self) -> Measured:
        """Without the checkpoint."""
        return Measured(str(self.benchmark), str(self.metric), self.mode, self.budget)

    @property
    def what(self) -> str:
        """What is measured, as a table shows it."""
        return f"{self.benchmark} {self.metric}"

    @property
    def whose(self) -> str:
        """Of which checkpoint, as a table shows it."""
        about = [str(self.mode).replace("_", "-")] * (self.mode is not None)
        about += [f"{self.budget} budget"] * (self.budget is not None)
        return f"{self.checkpoint} ({', '.join(about)})" if about else str(self.checkpoint)

    def __str__(self) -> str:
        return f"{self.what} of {self.whose}"


def _named(value: Any) -> Any:
    return {"checkpoint": value} if isinstance(value, str) else value


Side = Annotated[Series, BeforeValidator(_named, json_schema_input_type=str | Series)]
"""`reasoning_rl`, or a mapping of what is otherwise than the test says."""


class Asked(Part):
    """Of what a test is, where a side of it does not say otherwise."""

    benchmark: Text = "reasoning"
    """Whose questions."""
    metric: Text = "pass@1"
    """What of the answers."""
    mode: Mode | None = None
    """In which mode checkpoints answered that have two."""
    budget: Budget | None = None
    """With which thinking budget."""

    def filled(self, side: Series, **others: Any) -> Series:
        """A side with what the test says of both."""
        own = {field: getattr(self, field) for field in Asked.model_fields}
        said = {field: getattr(side, field) for field in side.model_fields_set}
        return Series(**own | said | others)


class Bounded(Part):
    """Where the interval of the effect must lie: one of the three, in the metric's unit (a share in [0, 1])."""

    above: Number | None = None
    """Wholly above this."""
    below: Number | None = None
    """Wholly below this."""
    within: Rate | None = None
    """Wholly between minus this and this."""

    @property
    def bound(self) -> tuple[str, float]:
        """Which, and its value."""
        return next((name, getattr(self, name)) for name in BOUNDS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _one_bound(self):
        given = [name for name in BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(f"`{name}`" for name in given) or "none of them"
            disagree(BOUNDS, f"a test has one of `above`, `below` and `within`, found {found}")
        return self


class Level(Bounded, Asked):
    """The value itself."""

    kind: Literal["level"]
    of: Side
    """Whose value."""

    def sides(self) -> list[Series]:
        """Whose values it needs."""
        return [self.filled(self.of)]

    def __str__(self) -> str:
        of = self.filled(self.of)
        return f"{of.what}: {of.whose}"


class Difference(Bounded, Asked):
    """`of` minus `over`, question by question and seed by seed."""

    kind: Literal["difference"]
    of: Side
    """What is held against another."""
    over: Side
    """What it is held against."""
    times: Rate = 1.0
    """`over` counts so many times: with 0.85, `of` keeps 85 % of it where the effect is above 0."""

    def sides(self) -> list[Series]:
        """Whose values it needs."""
        return [self.filled(self.of), self.filled(self.over)]

    @model_validator(mode="after")
    def _two_sides(self):
        of, over = self.sides()
        if of == over:
            disagree(("of", "over"), f"`of` and `over` are the same, {of}")
        return self

    def __str__(self) -> str:
        of, over = self.sides()
        minus = "minus" if self.times == 1 else f"minus {self.times:g} times"
        if of.what == over.what:
            return f"{of.what}: {of.whose} {minus} {over.whose}"
        return f"{of.whose}: {of.what} {minus} {over.what}" if of.whose == over.whose else f"{of} {minus} {over}"


class Gains(Bounded, Asked):
    """What `of` gains between two checkpoints minus what `over` gains between the same two."""

    kind: Literal["gains"]
    from_: Text = Field(alias="from")
    """The checkpoint before."""
    to: Text
    """The checkpoint after."""
    of: Series
    """Which metric is expected to gain more."""
    over: Series
    """Which metric is expected to gain less."""

    def sides(self) -> list[Series]:
        """Whose values it needs: of `of` before and after, of `over` before and after."""
        places = [(side, name) for side in (self.of, self.over) for name in (self.from_, self.to)]
        return [self.filled(side, checkpoint=name) for side, name in places]

    @model_validator(mode="after")
    def _of_both(self):
        if self.of.checkpoint or self.over.checkpoint:
            disagree(("of", "over"), "`of` and `over` name a metric here; the checkpoints are `from` and `to`")
        return self

    def __str__(self) -> str:
        of, over = self.sides()[1], self.sides()[3]
        return f"gain from {self.from_} to {self.to}: {of.what} minus {over.what}"


class Order(Asked):
    """Checkpoints from the highest value to the lowest: each above the next."""

    kind: Literal["order"]
    of: Annotated[list[Side], Field(min_length=2), AfterValidator(no_repetition)]
    """The highest first."""
    by: NotNegative = 0.0
    """How far each is above the next, in the metric's unit."""

    def steps(self) -> list[Difference]:
        """One difference for each neighbour."""
        asked = {field: getattr(self, field) for field in Asked.model_fields}
        pairs = zip(self.of, self.of[1:], strict=False)
        return [Difference(kind="difference", of=of, over=over, above=self.by, **asked) for of, over in pairs]


class Curve(Bounded):
    """What a stage measured along its run, one number a seed; minus that of another stage where there is one."""

    kind: Literal["curve"]
    metric: Text
    """A column of the stage's metrics.jsonl."""
    of: Text
    """Whose curve."""
    over: Text | None = None
    """Whose number is taken off."""
    take: Literal["last", "mean", "rise", "peak", "fall"]
    """Its end; its mean over steps; the end, or the highest point, minus the beginning; the end minus the highest."""
    ends: Positive = 1
    """Points whose mean is the beginning, the end, and each point of which the highest is sought."""

    def stages(self) -> list[str]:
        """Whose curves it needs."""
        return [self.of] if self.over is None else [self.of, self.over]

    def metrics(self) -> list[str]:
        """Which."""
        return [self.metric]

    def __str__(self) -> str:
        minus = f" minus that of {self.over}" if self.over else ""
        return f"{self.take} of {self.metric} along {self.of}{minus}"


class Correlation(Bounded):
    """Whether two metrics of a stage move together along its run: Spearman's rank correlation, one number a seed."""

    kind: Literal["correlation"]
    of: Text
    """Whose curves."""
    first: Text
    """A column of the stage's metrics.jsonl."""
    second: Text
    """Another column."""

    def stages(self) -> list[str]:
        """Whose curves it needs."""
        return [self.of]

    def metrics(self) -> list[str]:
        """Which."""
        return [self.first, self.second]

    def __str__(self) -> str:
        return f"rank correlation of {self.first} and {self.second} along {self.of}"


class Several(Part):
    """Several tests, of which one is enough (`any`), or none may fail (`all`)."""

    kind: Literal["any", "all"]
    tests: list["Test"] = Field(min_length=2)
    """The tests."""


Effect = Level | Difference | Gains | Curve | Correlation
"""A test of one number."""
Test = Annotated[Level | Difference | Gains | Order | Curve | Correlation | Several, Field(discriminator="kind")]
KINDS: dict[str, type[BaseModel]] = {
    "level": Level, "difference": Difference, "gains": Gains, "order": Order, "curve": Curve,
    "correlation": Correlation, "any": Several, "all": Several,
}  # fmt: skip
Several.model_rebuild()


class Claim(Part):
    """A statement that a run reproduces or does not."""

    statement: Text
    """What the source says, in our words."""
    source: Text
    """Where: paper, section, table or figure."""
    tests: list[Test] = []
    """What must hold, all of it."""
    cannot: Text | None = None
    """Why it cannot be tested at this scale, instead of tests."""

    @model_validator(mode="after")
    def _tests_or_a_reason(self):
        if bool(self.tests) == bool(self.cannot):
            disagree(("tests", "cannot"), "a claim has `tests`, or `cannot` with the reason why there are none")
        return self

    def effects(self) -> Iterator[Effect]:
        """All its tests of one number."""
        return effects(self.tests)


def effects(tests: list[Any]) -> Iterator[Effect]:
    """The tests of one number that tests consist of."""
    for test in tests:
        if isinstance(test, Several):
            yield from effects(test.tests)
        elif isinstance(test, Order):
            yield from test.steps()
        else:
            yield test


def claim_keys() -> dict[tuple[str, ...], list[str]]:
    """Place in a recipe file -> the keys that are allowed there; `*` stands for any name."""

    def keys(model: type[BaseModel]) -> list[str]:
        return [field.alias or name for name, field in model.model_fields.items()]

    found: dict[tuple[str, ...], list[str]] = {("claims", "*"): keys(Claim)}
    tests = ("claims", "*", "tests", "*")
    for kind, model in KINDS.items():
        for place in ((*tests, kind), (*tests, "*", "tests", "*", kind)):
            found |= {place: keys(model)} | {(*place, side): keys(Series) for side in ("of", "over")}
            found[(*place, "of", "*")] = keys(Series)
    return found
