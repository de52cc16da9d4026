"""Beyond what was trained on: questions harder than any in training, families that no training has; accuracy by level
of difficulty, and what a guesser scores.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from data.text.modes import Mode
from data.text.row import Row, level_of
from data.world.families import VERIFIERS, chance
from stages.core.rewards.rules import accuracy
from stages.core.run.stage import Run
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding, Engine
from stages.evaluation.questions import answers_of, by_set
from stages.evaluation.recorder import Recorder, Values, values_of
from stages.evaluation.settings import Evaluation

Asked = dict[str, list[Row]]
"""Benchmark -> its questions."""


def beyond_training(run: Run) -> Asked:
    """The questions of `extrapolation` and of `transfer`, of the split that the others are of."""
    settings: Evaluation = run.settings
    wanted = {
        "extrapolation": (settings.extrapolation_tasks, settings.extrapolation_questions),
        "transfer": (settings.transfer_tasks, settings.transfer_questions),
    }
    return {
        benchmark: draw_rows(run, tasks, count, settings.split, settings.seed)
        for benchmark, (tasks, count) in wanted.items()
    }


def harder_or_new(
    recorder: Recorder, name: str, engine: Engine, beyond: Asked, decoding: Decoding, mode: Mode | None = None
) -> None:
    """How one checkpoint does on them; beyond: as of `beyond_training`."""
    settings: Evaluation = recorder.run.settings
    room = settings.extrapolation_max_completion_length or decoding.max_tokens
    for benchmark, questions in beyond.items():
        harder = benchmark == "extrapolation"
        own = replace(decoding, max_tokens=room) if harder else decoding
        answers = answers_of(engine, settings, questions, own, mode)
        recorder.keep(name, benchmark, questions, answers, accuracy, mode)
        pairs = list(zip(questions, answers, strict=True))
        right = values_of(questions, [[accuracy(c, row) for c in group] for row, group in pairs])
        tokens = values_of(questions, [[float(c.tokens) for c in group] for _, group in pairs])
        sets = by_set(questions, benchmark)
        recorder.add_sets(name, benchmark, "pass@1", sets, right, mode)
        recorder.add_sets(name, benchmark, "mean_tokens", sets, tokens, mode)
        guessed(recorder, name, benchmark, sets, questions, mode)
        part_of = level_in_words if harder else lambda row: row["task"]
        by_part(recorder, name, benchmark, questions, right, part_of, mode)


def by_part(
    recorder: Recorder,
    name: str,
    benchmark: str,
    questions: Sequence[Row],
    right: Values,
    part_of: Callable[[Row], str | None],
    mode: Mode | None = None,
) -> None:
    """pass@1 of each part of some questions, as of each level (R1 v2 C.1): `pass@1 (5 steps)`.

    part_of: the name of a question's part; None where it is in none.
    """
    parts: dict[str, list[int]] = {}
    for place, row in enumerate(questions):
        if part := part_of(row):
            parts.setdefault(part, []).append(place)
    for part, places in sorted(parts.items()):
        recorder.add_sets(name, benchmark, f"pass@1 ({part})", {benchmark: places}, right, mode)


def level_in_words(row: Row) -> str | None:
    """`5 steps`, `1 step`; None where a question has no level, or nobody says what it counts."""
    level, unit = level_of(row), getattr(VERIFIERS.get(row["verifier"]), "unit", "")
    return f"{level} {unit.removesuffix('s') if level == 1 else unit}" if unit and level is not None else None


def guessed(
    recorder: Recorder,
    name: str,
    benchmark: str,
    sets: dict[str, list[int]],
    questions: Sequence[Row],
    mode: Mode | None = None,
) -> None:
    """`chance`, beside the accuracy of each data set: what a guesser scores; nothing where of one nobody can say."""
    found = values_of(questions, [[chance(row)] for row in questions])
    known = {part: places for part, places in sets.items() if all(place in found for place in places)}
    if len(known) == len(sets):
        recorder.add_sets(name, benchmark, "chance", sets, found, mode)
    else:
        for part, places in known.items():
            recorder.add_sets(name, part, "chance", {part: places}, found, mode)
