"""Vanilla SFT: the base model learns to answer at once or after a few words; after a second epoch the short model.

CONSUMES     from: the base checkpoint; for the second epoch (`long_context_sft`) that of the first
PRODUCES     model/ that answers without a thought
PAPER        Kimi k1.5 s.2.5.2: about a million examples of general and reasoning questions, packed; one epoch at 32k,
             then one at 128k from a learning rate that rises again
DEVIATIONS   1 the world's own author answers, or a public data set, where the paper has people and rejection sampling
             2 of the made-up world reasoning questions only, where the paper has half a million general ones
             3 rows that do not fit into the context are left out, not cut
             4 the rate falls by cosine, after the scale's warm-up: the paper prints its ends
"""

import random

from data.text.chat import render_completion, render_prompt
from data.text.row import Row
from data.text.summary import statement
from data.world.corpus import join_steps
from data.world.families import TASKS
from data.world.task import Problem
from data.world.written import solution
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.kimi_k15.settings import VanillaSFT


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: VanillaSFT = run.settings
    base, tokenizer, rng = load_model(run), load_tokenizer(run), random.Random(settings.seed)
    rows = [
        row
        | {
            "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
            "completion": render_completion("", short_answer(row, settings, rng)),
        }
        for row in draw_rows(run, settings.tasks, settings.examples, "train", settings.seed)
    ]
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, base, tokenizer, examples, packing=settings.packing)
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


def short_answer(row: Row, settings: VanillaSFT, rng: random.Random) -> str:
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
