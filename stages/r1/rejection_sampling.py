"""Rejection sampling: the RL model's correct and readable answers, and data that no verifier checks.

CONSUMES     sampler: the reasoning RL model (Dev2)
PRODUCES     data/rows.parquet (prompt_text, completion): reasoning rows, then non-reasoning rows
PAPER        DeepSeek-R1 v1 s.2.3.3, v2 B.3.3: several responses a prompt, only correct ones are kept; thoughts with
             mixed languages, long paragraphs or code blocks are filtered out; beside them non-reasoning data, where
             trivial prompts get no thought
DEVIATIONS   1 non-reasoning answers are the better of some drafts of the world's own author, as a judge of the scale's
               noise has it, good and not perfect, or a public data set's, where the paper reuses its own SFT data and
               asks DeepSeek-V3
             2 no generative judge: every prompt here has a rule
             3 thresholds of the filters are the scale's; repetitive, unfinished and malformed responses are dropped as
               well
             4 some of the non-reasoning prompts may be unsafe ones: the paper's are writing, factual questions,
               self-cognition and translation
"""

import random

from datasets import Dataset

from data.text.chat import render_completion, render_prompt
from data.text.row import apply_rules
from data.world.judge import Judge
from data.world.written import response
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import answers, open_engine
from stages.core.sampling.candidates import (
    candidates,
    in_one_language,
    not_repetitive,
    right_and_well_formed,
)
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.filters import has_code_block, longest_paragraph
from stages.r1.settings import RejectionSampling


def main(run: Run) -> None:
    settings: RejectionSampling = run.settings
    sampler = open_engine(run, "sampler", settings.sampling_batch_size)
    prompts = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed + 2)
    sampled = answers(run, sampler, prompts)

    rules = {
        **right_and_well_formed(sampler.template),
        "mixed languages": in_one_language(settings.min_language_consistency),
        "long paragraph": lambda c: longest_paragraph(c.sample.thinking) <= settings.max_paragraph_words,
        "code block": lambda c: settings.allow_code_blocks or not has_code_block(c.sample.thinking),
        "repetition": not_repetitive(settings.repetition_ngram, settings.max_repetition),
    }
    kept, counts = apply_rules(candidates(prompts, sampled), rules)
    table, duplicates = [], 0
    seen: dict[str, set[str]] = {}
    for candidate in kept:
        row, sample = candidate.row, candidate.sample
        texts = seen.setdefault(row["id"], set())
        if sample.text in texts or len(texts) == settings.keep_per_prompt:
            duplicates += 1
            continue
        texts.add(sample.text)
        table.append(row | {"completion": sample.text})
    over = max(0, len(table) - settings.reasoning_rows)
    if over:  # prompts may come data set by data set: none is to lose more than its share
        table = random.Random(settings.seed).sample(table, settings.reasoning_rows)
    counts |= {"prompt had enough": duplicates, "more than wanted": over, "kept": len(table)}

    general = draw_rows(run, settings.general_tasks, settings.non_reasoning_rows, "train", settings.seed + 3)
    judge = Judge(settings.draft_judge_noise)
    rng, judging = random.Random(settings.seed), random.Random(f"{settings.seed} judge")
    for row in general:
        drafts = settings.unsafe_drafts if row["task"] == "unsafe" else settings.drafts
        found = response(row, drafts, rng, judge, judging)
        thought = "" if row["task"] in settings.no_cot_tasks else found.thought
        table.append(row | {"completion": render_completion(thought, found.answer)})

    for row in table:
        row["prompt_text"] = render_prompt(sampler.tokenizer, row["prompt"], "chat")
    rng.shuffle(table)
    headline = {"reasoning_rows": counts["kept"], "non_reasoning_rows": len(general)}
    run.save_data({"rows": Dataset.from_list(table)}, headline, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
