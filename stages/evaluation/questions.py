"""The questions of an evaluation: the data set that each is of, and how a set is asked."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from data.public.sources import SOURCES
from data.text.completion import Completion
from data.text.modes import Mode
from data.text.row import Row
from stages.core.sampling.engine import Decoding, Engine
from stages.evaluation.settings import Evaluation

Answers = list[list[Completion]]
Asked = tuple[int, Decoding]
"""Samples a question, and how they are drawn."""


def by_set(questions: Sequence[Row], benchmark: str, places: Iterable[int] | None = None) -> dict[str, list[int]]:
    """Data set -> the places of its questions, of all or of `places`.

    A public set has its own name, under which papers publish numbers. The world's questions of a benchmark are one set,
    `world_math`: no published number is of it.
    """
    found: dict[str, list[int]] = {}
    for place in range(len(questions)) if places is None else places:
        task = questions[place]["task"]
        found.setdefault(task if task in SOURCES else f"world_{benchmark}", []).append(place)
    return found


def decoding_of(settings: Evaluation, mode: Mode | None = None) -> Decoding:
    """How the stage draws samples: Qwen3 draws those of the two modes differently."""
    prefix = "non_thinking_" if mode == "non_thinking" else ""
    temperature, top_p, top_k, penalty = (
        getattr(settings, prefix + name) for name in ("temperature", "top_p", "top_k", "presence_penalty")
    )
    return Decoding(temperature, settings.max_completion_length, top_p, top_k, penalty)


def asked(settings: Evaluation, row: Row, decoding: Decoding) -> Asked:
    """How a question is asked: as its data set has it of its own, for the rest with the stage's decoding."""
    own = settings.by_data_set.get(row["task"], {})
    return own.get("samples_per_question", settings.samples_per_question), Decoding(
        own.get("temperature", decoding.temperature),
        own.get("max_completion_length", decoding.max_tokens),
        own.get("top_p", decoding.top_p),
        own.get("top_k", decoding.top_k),
        own.get("presence_penalty", decoding.presence_penalty),
    )


def ask(
    questions: Sequence[Row], how: Callable[[Row], Asked], answer: Callable[[list[Row], int, Decoding], Answers]
) -> Answers:
    """The completions of each question, in order; `answer` is called once for all that are asked alike."""
    alike: dict[Asked, list[int]] = {}
    for place, row in enumerate(questions):
        alike.setdefault(how(row), []).append(place)
    found: Answers = [[] for _ in questions]
    for (samples, decoding), places in alike.items():
        groups = answer([questions[place] for place in places], samples, decoding)
        for place, group in zip(places, groups, strict=True):
            found[place] = group
    return found


def answers_of(
    engine: Engine,
    settings: Evaluation,
    questions: Sequence[Row],
    decoding: Decoding,
    mode: Mode | None = None,
) -> Answers:
    """An engine's completions of each question, as its data set is asked."""
    return answers_as(engine, settings, questions, lambda row: asked(settings, row, decoding), mode)


def answers_to_all(
    engine: Engine, settings: Evaluation, sets: dict[str, list[Row]], decoding: Decoding, mode: Mode | None = None
) -> dict[str, Answers]:
    """`answers_of` each set's questions, all asked together: fewer batches, and fewer that are not full."""
    found = iter(answers_of(engine, settings, [row for rows in sets.values() for row in rows], decoding, mode))
    return {name: list(islice(found, len(rows))) for name, rows in sets.items()}


def answers_as(
    engine: Engine,
    settings: Evaluation,
    questions: Sequence[Row],
    how: Callable[[Row], Asked],
    mode: Mode | None = None,
) -> Answers:
    """An engine's completions of each question, asked as `how` says; without thinking in that mode alone."""
    switch: dict = {"enable_thinking": mode != "non_thinking", "opening": settings.opening}
    return ask(questions, how, lambda rows, samples, own: engine.answer(rows, samples, own, settings.seed, **switch))
