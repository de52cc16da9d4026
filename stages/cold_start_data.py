"""Cold-start data: a few thousand readable traces of R1-Zero, each with a summary.

CONSUMES     sampler: the R1-Zero model
PRODUCES     data/rows.parquet (prompt_text, completion: thinking in its tags, then the summary)
PAPER        DeepSeek-R1 v2 B.3.2: several trajectories a prompt at temperature 1.0; only correct final answers in a
             readable format are kept (repetition detection, language-mixing filter); a summary is written from the
             thoughts
DEVIATIONS   a rule writes the summary where the paper asks DeepSeek-V3; mixed-language thoughts are dropped, not
             translated; no human rewriting
"""

from datasets import Dataset

from stages.core.candidates import (
    at_most,
    candidates,
    generated,
    in_one_language,
    not_repetitive,
    right_and_well_formed,
    with_summary,
)
from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import draw_rows
from stages.core.engine import Sampling, open_engine
from stages.core.filters import apply_rules
from stages.core.settings import ColdStartData


def main(run: Run) -> None:
    settings: ColdStartData = run.settings
    zero = open_engine(run, "sampler", settings.sampling_batch_size)
    prompts = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed + 1)
    sampling = Sampling(settings.temperature, settings.max_completion_length, settings.top_p)
    sampled = zero.answer(prompts, settings.samples_per_prompt, sampling, settings.seed, progress=run.metrics.log)

    rules = {
        **right_and_well_formed(zero.template),
        "mixed languages": in_one_language(settings.min_language_consistency),
        "repetition": not_repetitive(settings.repetition_ngram, settings.max_repetition),
    }
    kept, counts = apply_rules(candidates(prompts, sampled), rules)

    table = [with_summary(candidate, zero.tokenizer) for candidate in at_most(kept, settings.keep_per_prompt)]
    counts |= {"prompt had enough": counts["kept"] - len(table), "kept": len(table)}
    run.save_data({"rows": Dataset.from_list(table)}, {"rows": len(table)}, counts, generated(sampled))


if __name__ == "__main__":
    stage_main(main, __doc__)
