"""What the settings of all stages share, and what a stage makes of what. Imports no torch."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from stages.core.allowed.claims import Measured
from stages.core.allowed.sentences import disagree
from stages.core.allowed.values import NotNegative, Part, Rate, Seed

Payload = Literal["model", "data", "report"]
Product = Literal["policy", "reward model", "prompts", "examples", "pass rates", "pairs", "queries", "validation"]
"""What a later stage can read of a stage: weights that write, weights that judge, or tables (prompts; prompts with
responses; prompts with their pass rates; pairs of responses; the tables of Qwen3's cold start)."""


class Adam(BaseModel):
    """AdamW's own numbers; by default torch's, without decay."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    betas: tuple[Part, Part] = (0.9, 0.999)
    """Decay of the running means of the gradient and of its square."""
    epsilon: Rate = 1e-8
    """What is added to the root of the mean square."""
    weight_decay: NotNegative = 0.0
    """Share of each weight, times the learning rate, that an update takes off."""


class Settings(BaseModel):
    """What all stages share. `threads` and memory are resources, not settings: they change no result.

    payload: what the stage writes beside its manifest; several_processes: whether a scale's `processes` train it;
    collects: whether one stage reads all seeds and arms of what it names; makes: what others can read of it; reads: by
    role what it needs, also where it can do without (`optional`); names: by role the stages that it asks for by name;
    measuring: those of its run fields that say what is measured, which a study may set, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    payload: ClassVar[Payload] = "model"
    several_processes: ClassVar[bool] = True
    collects: ClassVar[bool] = False
    makes: ClassVar[frozenset[Product]] = frozenset({"policy"})
    reads: ClassVar[Mapping[str, Product]] = {}
    optional: ClassVar[frozenset[str]] = frozenset()
    names: ClassVar[Mapping[str, Sequence[str]]] = {}
    run_fields: ClassVar[frozenset[str]] = frozenset({"seed"})
    measuring: ClassVar[frozenset[str]] = frozenset()

    seed: Seed = 42
    """What all random choices of the stage start from."""

    def batches(self) -> list[tuple[Sequence[str], int, int]]:
        """(settings that make it up, sequences an update, sequences in memory at a time) of what it trains on."""
        return []

    def lengths(self) -> dict[str, int]:
        """Where it is said -> tokens that a completion may have."""
        length = getattr(self, "max_completion_length", None)
        return {} if length is None else {"max_completion_length": length}

    def context(self) -> int | None:
        """Tokens that a base can read; None where nobody can say before it is there."""
        return None

    def adapted_layers(self) -> frozenset[str] | None:
        """Names of the layers of a base that an adapter can be put on; None where nobody can say."""
        return None

    def check_inputs(self, inputs: Mapping[str, Sequence[str]]) -> None:
        """Misfit where names among the settings and the inputs (role -> stages) do not fit."""

    def measured(self, checkpoint: str) -> Mapping[Measured, Measured]:
        """What it measures of a checkpoint, question by question, as a claim names it -> as its tables do."""
        return {}

    def curves(self) -> frozenset[str]:
        """What it measures along its run: columns of its metrics.jsonl."""
        return frozenset()

    def check_files(self) -> None:
        """InputError where a file that the stage reads, and no stage makes, cannot be used."""


def in_order(settings: Settings, less: str, more: str, why: str = "") -> None:
    """For a validator: one setting may be as large as another, and no larger."""
    small, large = getattr(settings, less), getattr(settings, more)
    if small > large:
        because = f": {why}" if why else ""
        disagree((less, more), f"`{less}` is {small}, allowed: at most `{more}`, which is {large}{because}")


def draws_general_prompts(settings: Any, normalisation: str = "none") -> None:
    """For a validator: a share of general prompts, and a scale that is measured on them, need some to draw from."""
    if not settings.general_tasks and (settings.general_fraction or normalisation == "z_score"):
        needed = "`general_fraction` 0" + (" and without z_score" if normalisation == "z_score" else "")
        disagree(("general_tasks", "general_fraction"), f"`general_tasks` is {{}}, allowed: with {needed}")
