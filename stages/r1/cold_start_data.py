"""Cold-start data: a few thousand readable traces of R1-Zero, each with a summary.

CONSUMES     sampler: the R1-Zero model
PRODUCES     data/rows.parquet (prompt_text, completion: thinking in its tags, then the summary)
PAPER        DeepSeek-R1 v2 B.3.2: several trajectories a prompt at temperature 1.0; only correct final answers in a
             readable format are kept (repetition detection, language-mixing filter); a summary is written from the
             thoughts
DEVIATIONS   1 a rule writes the summary, where the paper asks DeepSeek-V3
             2 thoughts in mixed languages are dropped, where the paper translates them
             3 nobody rewrites the traces by hand
             4 code prompts come with their tests: none are written for prompts that have none, and none are chosen for
               the wrong submissions that they expose
             5 trivial mathematics is answered as it is, where the paper has DeepSeek-V3 keep it short
"""

from datasets import Dataset

from data.text.row import apply_rules
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import answers, open_engine
from stages.core.sampling.candidates import (
    at_most,
    candidates,
    in_one_language,
    not_repetitive,
    right_and_well_formed,
    with_summary,
)
from stages.core.sampling.drawing import draw_rows
from stages.r1.settings import ColdStartData


def main(run: Run) -> None:
    settings: ColdStartData = run.settings
    zero = open_engine(run, "sampler", settings.sampling_batch_size)
    prompts = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed + 1)
    sampled = answers(run, zero, prompts)

    rules = {
        **right_and_well_formed(zero.template),
        "mixed languages": in_one_language(settings.min_language_consistency),
        "repetition": not_repetitive(settings.repetition_ngram, settings.max_repetition),
    }
    kept, counts = apply_rules(candidates(prompts, sampled), rules)

    table = [with_summary(candidate, zero.tokenizer) for candidate in at_most(kept, settings.keep_per_prompt)]
    counts |= {"prompt had enough": counts["kept"] - len(table), "kept": len(table)}
    run.save_data({"rows": Dataset.from_list(table)}, {"rows": len(table)}, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
