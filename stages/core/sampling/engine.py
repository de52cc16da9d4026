"""Offline sampling: one `generate` for curation, rejection sampling, teacher data and evaluation."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from data.text.chat import Template, render_prompt
from data.text.completion import Completion
from data.text.row import Row
from stages.core.run.parts import Parts


@dataclass(frozen=True)
class Decoding:
    """How a token is drawn, in this order: penalty, temperature, top-k, top-p; the same in both engines.

    temperature 0 is greedy decoding, of the penalised logits; max_tokens includes the end token. top_p is of the mass
    that top-k leaves; top_k 0 leaves all. presence_penalty is taken once off the logit of each token that the
    completion has, however often; the prompt's do not count (OpenAI's definition, and vLLM's).
    """

    temperature: float
    max_tokens: int
    top_p: float = 1.0
    top_k: int = 0
    presence_penalty: float = 0.0


class Engine(ABC):
    """A model that can be asked for completions."""

    tokenizer: Any
    template: Template
    parts: Parts = Parts()
    """Where the completions of finished parts of a call lie; by default they are not kept for another run."""
    tokens: Counter[str] | None = None
    """Where the tokens of prompts, once for all their samples, and of completions are counted, if anywhere."""

    @property
    @abstractmethod
    def end_ids(self) -> list[int]:
        """The tokens that end a completion."""

    @abstractmethod
    def generate(
        self,
        prompts: list[str],
        n: int,
        decoding: Decoding,
        seed: int,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[list[Completion]]:
        """n completions for each prompt, in the order of the prompts. progress: completions done and asked for."""

    def counted(self, prompts: list[str], found: list[list[Completion]]) -> list[list[Completion]]:
        """What was found for the prompts, its tokens counted."""
        if self.tokens is not None and prompts:
            self.tokens["prompt"] += sum(map(len, self.tokenizer(prompts)["input_ids"]))
            self.tokens["generated"] += sum(sample.tokens for group in found for sample in group)
        return found

    def answer(
        self,
        rows: list[Row],
        n: int,
        decoding: Decoding,
        seed: int,
        enable_thinking: bool = True,
        opening: str = "",
        **options,
    ) -> list[list[Completion]]:
        """`generate` for data set rows, their prompts rendered in the model's own template.

        enable_thinking: False pre-fills the empty think block, which the completions then do not hold. opening: what
        the completions of a model that may think begin with, in the chat template; they hold it, `tokens` does not
        count it.
        """
        opening = opening if enable_thinking and self.template == "chat" else ""
        prompts = [
            render_prompt(self.tokenizer, row["prompt"], self.template, enable_thinking) + opening for row in rows
        ]
        found = self.generate(prompts, n, decoding, seed, **options)
        return [[replace(c, text=opening + c.text) for c in group] for group in found] if opening else found


def as_list(ends: int | list[int]) -> list[int]:
    """The end tokens of a generation config, which may name one or several."""
    return ends if isinstance(ends, list) else [ends]
