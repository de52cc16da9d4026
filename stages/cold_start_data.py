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

from data.chat import has_format, render_completion, render_prompt
from data.summary import summarise
from data.tasks import rows, verify
from stages.core.checkpoint import Run, stage_main
from stages.core.engine import Sampling, open_engine
from stages.core.filters import apply_rules, mixes_languages, repetition
from stages.core.settings import ColdStartData


def main(run: Run) -> None:
    settings: ColdStartData = run.settings
    zero = open_engine(run, "sampler", settings.sampling_batch_size)
    prompts = rows(settings.tasks, settings.prompts, "train", settings.seed + 1)
    sampling = Sampling(settings.temperature, settings.max_completion_length, settings.top_p)
    sampled = zero.answer(prompts, settings.samples_per_prompt, sampling, settings.seed, progress=run.metrics.log)

    candidates = [
        {"row": row, "sample": sample} for row, group in zip(prompts, sampled, strict=True) for sample in group
    ]
    rules = {
        "no end token": lambda c: c["sample"].finished,
        "malformed": lambda c: has_format(c["sample"].text, zero.template),
        "wrong answer": lambda c: verify(c["sample"].parsed.final, c["row"]),
        "mixed languages": lambda c: (
            not mixes_languages(c["sample"].thinking, c["row"]["language"], settings.min_language_consistency)
        ),
        "repetition": lambda c: repetition(c["sample"].thinking, settings.repetition_ngram) <= settings.max_repetition,
    }
    kept, counts = apply_rules(candidates, rules)

    table: list[dict] = []
    taken: dict[str, int] = {}
    for candidate in kept:
        row, sample = candidate["row"], candidate["sample"]
        taken[row["id"]] = taken.get(row["id"], 0) + 1
        if taken[row["id"]] > settings.keep_per_prompt:
            continue
        summary = summarise(sample.thinking, sample.parsed.final, row["language"])
        table.append(
            row
            | {
                "prompt_text": render_prompt(zero.tokenizer, row["prompt"], "chat"),
                "completion": render_completion(sample.thinking, summary),
            }
        )
    counts |= {"prompt had enough": counts["kept"] - len(table), "kept": len(table)}
    tokens = {"generated": sum(sample.tokens for group in sampled for sample in group)}
    run.save_data({"rows": Dataset.from_list(table)}, {"rows": len(table)}, counts, tokens)


if __name__ == "__main__":
    stage_main(main, __doc__)
