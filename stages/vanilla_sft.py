"""Vanilla SFT: the base model learns to answer at once or after a few words; the short model of long2short.

CONSUMES     from: the base checkpoint
PRODUCES     model/ that answers without a thought
PAPER        Kimi k1.5 s.2.5.2: about a million examples of general and reasoning questions
DEVIATIONS   answers of the world's own author; reasoning questions only
"""

import random

from data.chat import render_completion, render_prompt
from data.corpus import join_steps
from data.tasks import TASKS
from data.tasks.base import Problem
from data.written import solution, statement
from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import draw_rows
from stages.core.settings import VanillaSFT


def main(run: Run) -> None:
    from stages.core.supervised import train_sft

    settings: VanillaSFT = run.settings
    tokenizer, rng = run.load_tokenizer(), random.Random(settings.seed)
    examples = [
        {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("", short_answer(row, settings, rng)),
        }
        for row in draw_rows(run, settings.tasks, settings.examples, "train", settings.seed)
    ]
    train_sft(run, examples)


def short_answer(row: dict, settings: VanillaSFT, rng: random.Random) -> str:
    """The bare statement, or a short chain of thought before it where the solution is short enough."""
    stated = statement(row)
    if row["task"] not in TASKS:
        short = solution(row) if rng.random() >= settings.direct_fraction else ""
        return f"{short}\n{stated}" if short else stated
    problem = Problem.from_row(row)
    trace = TASKS[row["task"]].solve(problem, rng)
    if len(trace.steps) > settings.short_steps or rng.random() < settings.direct_fraction:
        return stated
    return f"{join_steps(trace, [problem.language] * len(trace.steps))}\n{stated}"


if __name__ == "__main__":
    stage_main(main, __doc__)
