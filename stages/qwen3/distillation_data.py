"""Distillation data: the teacher's responses in both modes.

CONSUMES     sampler: the teacher, a model with two modes
PRODUCES     data/rows.parquet (prompt, prompt_text, completion, mode)
PAPER        Qwen3 s.4.5: off-policy distillation combines the outputs of teachers with /think and /no_think
DEVIATIONS   1 wrong outputs may be dropped, by a setting: the paper does not say which are kept
             2 one teacher, the recipe's own, where the paper has Qwen3-32B and Qwen3-235B-A22B
"""

import random

from datasets import Dataset

from data.text.chat import THINK_CLOSE, render_prompt
from data.text.conversations import in_both_modes
from data.text.modes import follows_mode, without_flags
from data.text.row import REASONING_DOMAINS, Row, apply_rules
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
    share, turns, flags = settings.non_thinking_fraction, settings.multi_turn, settings.system_flags
    prompts = in_both_modes(pool, len(pool), share, settings.seed, turns, flags)
    sampled = answers(run, teacher, prompts)
    rules = {
        "no end token": has_ended,
        "other mode": lambda c: follows_mode(c.sample.text, c.row["mode"]),
        "wrong answer": lambda c: not must_be_right(c.row, settings) or verify(c.sample.parsed, c.row),
    }
    kept, counts = apply_rules(candidates(prompts, sampled), rules)
    switching = random.Random(f"{settings.seed} switch")
    table = []
    for candidate in kept:
        row = candidate.row | {"completion": candidate.sample.text}
        off = row["mode"] == "non_thinking" and switching.random() < settings.switched_off
        table.append(switched_off(row, teacher.tokenizer) if off else with_prompt_text(row, teacher.tokenizer))
    headline = {mode: sum(row["mode"] == mode for row in table) for mode in ("thinking", "non_thinking")}
    run.save_data({"rows": Dataset.from_list(table)}, headline, counts)


def must_be_right(row: Row, settings: DistillationData) -> bool:
    """Whether a wrong response to a prompt is dropped."""
    kept = settings.wrong_without_thinking and row["mode"] == "non_thinking"
    return settings.only_correct and not kept and row["domain"] in REASONING_DOMAINS


def with_prompt_text(row: Row, tokenizer, enable_thinking: bool = True) -> Row:
    """A row with the text that its completion follows."""
    return row | {"prompt_text": render_prompt(tokenizer, row["prompt"], "chat", enable_thinking)}


def switched_off(row: Row, tokenizer) -> Row:
    """A row without a thought as where a user switches thinking off: no flag in the last turn, the empty block given.

    Flags of earlier turns stay: they are part of the conversation.
    """
    *earlier, last = row["prompt"]
    if earlier and earlier[0]["role"] == "system":  # it holds a flag alone
        earlier = earlier[1:]
    prompt = [*earlier, last | {"content": without_flags(last["content"])}]
    answer = row["completion"].partition(THINK_CLOSE)[2].lstrip("\n")
    return with_prompt_text(row | {"prompt": prompt, "completion": answer}, tokenizer, enable_thinking=False)


if __name__ == "__main__":
    stage_main(main, __doc__)
