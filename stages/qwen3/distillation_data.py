"""Distillation data: the teacher's responses in both modes.

CONSUMES     sampler: the teacher, a model with two modes
PRODUCES     data/rows.parquet (prompt, prompt_text, completion, mode)
PAPER        Qwen3 s.4.5: off-policy distillation combines the outputs of teachers with /think and /no_think
DEVIATIONS   1 wrong outputs may be dropped, by a setting: the paper does not say which are kept
             2 one teacher, the recipe's own, where the paper has Qwen3-32B and Qwen3-235B-A22B
"""

from datasets import Dataset

from data.text.chat import render_prompt
from data.text.conversations import in_both_modes
from data.text.modes import follows_mode
from data.text.row import REASONING_DOMAINS, apply_rules
from data.world.families import verify
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import answers, open_engine
from stages.core.sampling.candidates import candidates, has_ended
from stages.core.sampling.drawing import draw_rows
from stages.qwen3.settings import DistillationData


def main(run: Run) -> None:
    settings: DistillationData = run.settings
    teacher = open_engine(run, "sampler", settings.sampling_batch_size)
    general = round(settings.prompts * settings.general_fraction)
    pool = draw_rows(run, settings.tasks, settings.prompts - general, "train", settings.seed + 10)
    pool += draw_rows(run, settings.general_tasks, general, "train", settings.seed + 11)
    prompts = in_both_modes(pool, len(pool), settings.non_thinking_fraction, settings.seed)
    sampled = answers(run, teacher, prompts)
    rules = {
        "no end token": has_ended,
        "other mode": lambda c: follows_mode(c.sample.text, c.row["mode"]),
        "wrong answer": lambda c: (
            not settings.only_correct or c.row["domain"] not in REASONING_DOMAINS or verify(c.sample.parsed, c.row)
        ),
    }
    kept, counts = apply_rules(candidates(prompts, sampled), rules)
    table = [
        c.row | {"completion": c.sample.text, "prompt_text": render_prompt(teacher.tokenizer, c.row["prompt"], "chat")}
        for c in kept
    ]
    headline = {mode: sum(row["mode"] == mode for row in table) for mode in ("thinking", "non_thinking")}
    run.save_data({"rows": Dataset.from_list(table)}, headline, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
