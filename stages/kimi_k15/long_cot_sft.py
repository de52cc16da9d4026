"""Long-CoT SFT: a lightweight warm-up on verified thoughts that plan, evaluate, reflect and explore.

CONSUMES     from: the vanilla SFT model; data: the curated prompts
PRODUCES     model/ that thinks before it answers
PAPER        Kimi k1.5 s.2.2: a small set of verified reasoning paths on the refined prompts, lightweight SFT
DEVIATIONS   1 the paths are worked solutions of the world's patient author, or a public data set's demonstrations,
               where the paper prompts a model for them
             2 epochs, rate, its fall by cosine, batch and length are the scale's: the paper names none
             3 rows longer than that are left out, not cut
"""

import random

from data.text.chat import parse, render_completion, render_prompt
from data.text.row import Row
from data.text.summary import state_answer, summarise
from data.world.corpus import join_steps
from data.world.families import PUZZLES, verify
from data.world.long_cot import long_thought
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.kimi_k15.settings import LongCotSFT


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: LongCotSFT = run.settings
    model, tokenizer = load_model(run), load_tokenizer(run)
    rows = [
        row | {"prompt_text": render_prompt(tokenizer, row["prompt"], "chat"), "completion": completion}
        for row, completion in (demonstrated(run) if settings.demonstrations else written(run))
    ]
    trainer = sft_trainer(run, model, tokenizer, fitting(run, tokenizer, rows, settings.max_length))
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


def demonstrated(run: Run) -> list[tuple[Row, str]]:
    """Rows of public data sets with their responses: those that are right, as far as a rule can say."""
    settings: LongCotSFT = run.settings
    drawn = draw_rows(run, settings.demonstrations, settings.examples, "train", settings.seed)
    return [
        (row, row["completion"])
        for row in drawn
        if "completion" in row and (row["verifier"] == "none" or verify(parse(row["completion"]), row))
    ]


def written(run: Run) -> list[tuple[Row, str]]:
    """Curated prompts with a worked solution of the world's author."""
    settings: LongCotSFT = run.settings
    rng = random.Random(settings.seed)
    prompts = [row for row in run.load_rows().to_list() if row["task"] not in PUZZLES]  # those have none
    examples = []
    for row in rng.sample(prompts, min(settings.examples, len(prompts))):
        trace = long_thought(row, rng, settings.slips)
        thought = join_steps(trace, [row["language"]] * len(trace.steps))
        if rng.random() < settings.concise:
            answer = state_answer(trace.answer, row["language"])
        else:
            answer = summarise(thought, trace.answer, row["language"])
        examples.append((row, render_completion(thought, answer)))
    return examples


if __name__ == "__main__":
    stage_main(main, __doc__)
