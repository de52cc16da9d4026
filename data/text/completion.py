"""The noun of what a policy writes."""

from dataclasses import dataclass

from data.text.chat import Parsed, Template, parse

MAX_CHARACTERS = 1 << 19
"""What of a completion is read: more than 65,536 tokens of any language have, less than tokens of spaces may."""


@dataclass(frozen=True)
class Completion:
    """What a policy wrote after a prompt, cut to MAX_CHARACTERS: whoever reads a sample reads it from here.

    `tokens` counts the end token; `finished` tells whether there was one; `cut`, whether a thinking budget ended its
    thought.
    """

    text: str
    tokens: int
    finished: bool
    template: Template
    cut: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text[:MAX_CHARACTERS])

    @property
    def parsed(self) -> Parsed:
        return parse(self.text)

    @property
    def thinking(self) -> str | None:
        return self.parsed.thinking

    @property
    def answer(self) -> str:
        return self.parsed.answer
