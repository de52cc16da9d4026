"""How hard a query is for a model: its share of right answers, and whether it is right without any thought."""

from data.text.chat import parse, render_prompt
from data.text.completion import Completion
from data.text.row import Row
from data.text.summary import answer_opening
from data.world.families import verify
from stages.core.sampling.engine import Decoding, Engine


def guessed_without_thinking(
    engine: Engine, rows: list[Row], attempts: int, temperature: float, max_tokens: int, seed: int
) -> list[bool]:
    """Whether one of the attempts is right without any thought: the think block is closed, the statement begun.

    The prompts are in the chat template, whatever the engine's own.
    """
    openings = [answer_opening(row["language"]) for row in rows]
    prompts = [
        render_prompt(engine.tokenizer, row["prompt"], "chat", enable_thinking=False) + opening
        for row, opening in zip(rows, openings, strict=True)
    ]
    found = engine.generate(prompts, attempts, Decoding(temperature, max_tokens), seed)
    return [
        any(verify(parse(opening + attempt.text), row) for attempt in group)
        for row, opening, group in zip(rows, openings, found, strict=True)
    ]


def pass_rates(rows: list[Row], answers: list[list[Completion]]) -> list[float]:
    """Share of right answers for each row, in [0, 1]; answers: one group for each row, at least one answer in it."""
    return [
        sum(verify(answer.parsed, row) for answer in group) / len(group)
        for row, group in zip(rows, answers, strict=True)
    ]
