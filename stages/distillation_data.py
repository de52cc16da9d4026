"""Distillation data: the teacher's responses in both modes.

CONSUMES     sampler: the teacher, a model with two modes
PRODUCES     data/rows.parquet (prompt, prompt_text, completion, mode)
PAPER        Qwen3 s.4.5: off-policy distillation combines the outputs of teachers with /think and /no_think
DEVIATIONS   which outputs are kept is not stated: wrong ones may be dropped, by a setting
"""

from datasets import Dataset

from data.chat import render_prompt
from data.conversations import in_both_modes
from data.modes import follows_mode
from data.tasks import REASONING_DOMAINS, verify
from stages.core.candidates import candidates, generated, has_ended
from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import draw_rows
from stages.core.engine import Sampling, open_engine
from stages.core.filters import apply_rules
from stages.core.settings import TeacherData


def main(run: Run) -> None:
    settings: TeacherData = run.settings
    teacher = open_engine(run, "sampler", settings.sampling_batch_size)
    general = round(settings.prompts * settings.general_fraction)
    pool = draw_rows(run, settings.tasks, settings.prompts - general, "train", settings.seed + 10)
    pool += draw_rows(run, settings.general_tasks, general, "train", settings.seed + 11)
    prompts = in_both_modes(pool, len(pool), settings.non_thinking_fraction, settings.seed)
    sampling = Sampling(settings.temperature, settings.max_completion_length, settings.top_p)
    sampled = teacher.answer(prompts, settings.samples_per_prompt, sampling, settings.seed, progress=run.metrics.log)
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
    run.save_data({"rows": Dataset.from_list(table)}, headline, counts, generated(sampled))


if __name__ == "__main__":
    stage_main(main, __doc__)
