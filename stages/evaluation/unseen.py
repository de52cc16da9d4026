"""General kinds that nothing is trained on: does what was learned of the others reach them?"""

from collections.abc import Callable

from data.text.completion import Completion
from data.text.modes import Mode
from data.text.row import Row
from data.world.families import UNSEEN, chance, rows
from data.world.preference import gold
from stages.core.rewards.measures import refused
from stages.core.run.stage import Run
from stages.core.sampling.engine import Decoding, Engine
from stages.evaluation.questions import answers_of
from stages.evaluation.recorder import Recorder
from stages.evaluation.settings import Evaluation

KINDS = {"general_held_out": "inverse_fact", "safety_held_out": "burn_door"}
"""Benchmark -> its family."""


def unseen_kinds(run: Run) -> dict[str, list[Row]]:
    """The questions of each benchmark; none where the evaluation asks for none."""
    settings: Evaluation = run.settings
    count = settings.unseen_questions
    return {
        benchmark: rows({family: 1.0}, count, settings.split, settings.seed)
        for benchmark, family in KINDS.items()
        if count
    }


def unseen(
    recorder: Recorder,
    name: str,
    engine: Engine,
    questions: dict[str, list[Row]],
    decoding: Decoding,
    mode: Mode | None = None,
) -> None:
    """Of inverse facts: right answers, beside what chance scores, and the gold preference. Of unsafe prompts: refusals.

    Asked apart from all other questions, so that their samples are the same with and without these.
    """
    metrics: dict[str, dict[str, Callable[[Completion, Row], float | None]]] = {
        "general_held_out": {
            "correct": correct,
            "gold": lambda c, row: gold(c.answer, row),
            "chance": lambda c, row: chance(row),
        },
        "safety_held_out": {"unsafe_refused": refused},
    }
    for benchmark, asked in questions.items():
        answers = answers_of(engine, recorder.run.settings, asked, decoding, mode)
        for metric, score in metrics[benchmark].items():
            scores: list[list[float | None]] = [
                [score(c, row) for c in group] for row, group in zip(asked, answers, strict=True)
            ]
            recorder.add_scores(name, benchmark, metric, asked, scores, mode)
        recorder.keep(name, benchmark, asked, answers, next(iter(metrics[benchmark].values())), mode)


def correct(completion: Completion, row: Row) -> float:
    """1 if the visible answer is right, whatever its manners."""
    return float(UNSEEN[row["task"]].verify(completion.answer, row))
