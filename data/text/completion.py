"""The noun of what a policy writes."""

from dataclasses import dataclass

from data.text.chat import Parsed, Template, parse


@dataclass(frozen=True)
class Completion:
    """What a policy wrote after a prompt. `tokens` counts the end token; `finished` tells whether there was one."""

    text: str
    tokens: int
    finished: bool
    template: Template

    @property
    def parsed(self) -> Parsed:
        return parse(self.text)

    @property
    def thinking(self) -> str | None:
        return self.parsed.thinking

    @property
    def answer(self) -> str:
        return self.parsed.answer
