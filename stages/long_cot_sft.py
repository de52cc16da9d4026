"""Long-CoT SFT: a lightweight warm-up on verified thoughts that plan, evaluate, reflect and explore.

CONSUMES     from: the vanilla SFT model; data: the curated prompts
PRODUCES     model/ that thinks before it answers
PAPER        Kimi k1.5 s.2.2: a small set of verified reasoning paths on the refined prompts, lightweight SFT
DEVIATIONS   the paths are a worked solution of the world's patient author, not prompted from a model
"""

import random

from data.chat import render_completion, render_prompt
from data.corpus import join_steps
from data.long_cot import long_thought
from data.summary import state_answer, summarise
from stages.core.checkpoint import Run, stage_main
from stages.core.settings import LongCotSFT


def main(run: Run) -> None:
    from stages.core.supervised import train_sft

    settings: LongCotSFT = run.settings
    tokenizer, rng = run.load_tokenizer(), random.Random(settings.seed)
    prompts = run.load_rows().to_list()
    examples = []
    for row in rng.sample(prompts, min(settings.examples, len(prompts))):
        trace = long_thought(row, rng, settings.slips)
        thought = join_steps(trace, [row["language"]] * len(trace.steps))
        if rng.random() < settings.concise:
            answer = state_answer(trace.answer, row["language"])
        else:
            answer = summarise(thought, trace.answer, row["language"])
        examples.append(
            {
                "prompt_text": render_prompt(tokenizer, row["prompt"], "chat"),
                "completion": render_completion(thought, answer),
            }
        )
    train_sft(run, examples)


if __name__ == "__main__":
    stage_main(main, __doc__)
