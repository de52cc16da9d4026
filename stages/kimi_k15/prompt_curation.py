"""Prompt curation: which prompts reinforcement learning is worth doing on.

CONSUMES     sampler: the SFT model; data: code prompts with generated tests (optional)
PRODUCES     data/rows.parquet: prompts with `pass_rate` (the lower, the harder)
PAPER        Kimi k1.5 s.2.1: no multiple choice, true/false or proofs; difficulty is the pass rate of 10 answers at a
             high temperature; trivial prompts out; general questions out that are guessed without any chain of thought
             within 8 attempts; domains balanced
DEVIATIONS   1 the domain of a prompt is the row's own, where the paper trains a tagger
             2 general questions are those of neither mathematics nor code: the paper does not draw the line. Once
               the excluded kinds are out the scales' prompts are mathematics and code, and none is tried
             3 what no answer solves may be left out as well, by a setting: the paper names trivial prompts alone
             4 balanced means that no domain has more than a share of the prompts: the paper does not say
             5 prompts have no images
"""

from collections import Counter

from datasets import Dataset

from data.text.row import apply_rules
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import guessed_without_thinking, open_engine, pass_rates
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding
from stages.kimi_k15.settings import PromptCuration


def main(run: Run) -> None:
    settings: PromptCuration = run.settings
    engine = open_engine(run, "sampler", settings.sampling_batch_size)
    pool = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed + 4)
    if "data" in run.config["inputs"]:
        pool += run.load_rows().to_list()
    kinds = {task: kind for kind, tasks in settings.excluded.items() for task in tasks}
    rules = {kind: lambda row, kind=kind: kinds.get(row["task"]) != kind for kind in settings.excluded}
    pool, counts = apply_rules(pool, rules)

    decoding = Decoding(settings.difficulty_temperature, settings.max_completion_length)
    answers = engine.answer(pool, settings.difficulty_samples, decoding, settings.seed, progress=run.metrics.log)
    for row, rate in zip(pool, pass_rates(pool, answers), strict=True):
        row["pass_rate"] = rate
    guessable = [row for row in pool if row["domain"] in settings.guessed_domains]
    guesses = guessed_without_thinking(
        engine, guessable, settings.guess_attempts, settings.guess_temperature, settings.max_completion_length,
        settings.seed + 1,
    )  # fmt: skip
    guessed = {row["id"] for row, found in zip(guessable, guesses, strict=True) if found}
    by_difficulty = {
        "trivial": lambda row: row["pass_rate"] <= settings.max_pass_rate,
        "hopeless": lambda row: row["pass_rate"] >= settings.min_pass_rate,
        "guessed without thinking": lambda row: row["id"] not in guessed,
    }
    kept, by_answer = apply_rules(pool, by_difficulty)

    limit = int(settings.max_domain_share * len(kept))
    taken: Counter[str] = Counter()
    balanced = []
    for row in kept:
        taken[row["domain"]] += 1
        if taken[row["domain"]] <= limit:
            balanced.append(row)
    del counts["kept"]
    counts |= {rule: by_answer[rule] for rule in by_difficulty}
    counts |= {"domain had enough": len(kept) - len(balanced), "kept": len(balanced)}
    mean = sum(row["pass_rate"] for row in balanced) / max(1, len(balanced))
    headline = {"rows": len(balanced), "pass_rate": mean}
    run.save_data({"rows": Dataset.from_list(balanced)}, headline, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
