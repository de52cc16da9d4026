"""Query-verifier pairs for reasoning RL: few queries that are new, learnable, hard and of all kinds.

CONSUMES     sampler: the cold-start model; data: the cold-start data (what it used, and the validation set)
PRODUCES     data/rows.parquet: queries with `pass_rate` (the lower, the harder)
PAPER        Qwen3 s.4.2: 3,995 pairs that the cold start has not used, that the cold-start model can learn, as
             challenging as possible, over a broad range of sub-domains
DEVIATIONS   1 learnable means right at least once and wrong at least once: the paper does not say
             2 the sub-domain is the row's task family
"""

from datasets import Dataset

from data.text.row import apply_rules
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import open_engine, pass_rates
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding
from stages.core.sampling.query_filters import select_pairs
from stages.qwen3.settings import QueryVerifierPairs


def main(run: Run) -> None:
    settings: QueryVerifierPairs = run.settings
    pool = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed + 7)
    used = set(run.load_rows(table="rows")["id"])
    reserved = set(run.load_rows(table="validation")["id"])
    rules = {
        "used in the cold start": lambda row: row["id"] not in used,
        "in the validation set": lambda row: row["id"] not in reserved,
    }
    new, counts = apply_rules(pool, rules)
    del counts["kept"]

    sampler = open_engine(run, "sampler", settings.sampling_batch_size)
    decoding = Decoding(settings.temperature, settings.max_completion_length)
    answers = sampler.answer(new, settings.samples_per_query, decoding, settings.seed, progress=run.metrics.log)
    rated = [row | {"pass_rate": rate} for row, rate in zip(new, pass_rates(new, answers), strict=True)]
    pairs, by_rate = select_pairs(rated, settings.pairs)
    del by_rate["total"]
    headline = {"rows": len(pairs), "pass_rate": sum(row["pass_rate"] for row in pairs) / max(1, len(pairs))}
    run.save_data({"rows": Dataset.from_list(pairs)}, headline, counts | by_rate)


if __name__ == "__main__":
    stage_main(main, __doc__)
