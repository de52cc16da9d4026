"""Shortest rejection sampling: of several answers to a question, the shortest correct one; and pairs for DPO.

CONSUMES     sampler: the chosen long-CoT model; data: the curated prompts
PRODUCES     data/rows.parquet (for SFT), data/pairs.parquet (prompt, chosen, rejected for long2short DPO)
PAPER        Kimi k1.5 s.2.4: n = 8; DPO's negatives are longer wrong answers, and correct ones 1.5 times longer
DEVIATIONS   1 "1.5 times longer" is read as at least
"""

from datasets import Dataset

from data.errors import InputError
from data.text.chat import render_prompt
from data.world.families import verify
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import answers, open_engine
from stages.kimi_k15.pairs import dpo_pair, shortest_correct
from stages.kimi_k15.settings import ShortestRejectionSampling


def main(run: Run) -> None:
    settings: ShortestRejectionSampling = run.settings
    engine = open_engine(run, "sampler", settings.sampling_batch_size)
    prompts = run.load_rows().shuffle(settings.seed).to_list()[: settings.prompts]
    sampled = answers(run, engine, prompts)

    shortest, pairs = [], []
    for row, group in zip(prompts, sampled, strict=True):
        judged = [(c.text, c.tokens, c.finished and verify(c.parsed, row)) for c in group]
        prompt = render_prompt(engine.tokenizer, row["prompt"], "chat")
        best = shortest_correct(judged)
        if best is not None:
            shortest.append(row | {"prompt_text": prompt, "completion": best[0]})
        pairs += [
            {"prompt": prompt, "chosen": chosen[0], "rejected": rejected[0]}
            for chosen, rejected in dpo_pair(judged, settings.length_ratio)
        ]
    if not shortest or not pairs:
        raise InputError(
            f"{run.stage}: {len(shortest)} of {len(prompts)} prompts have a correct answer, {len(pairs)} pairs of a "
            "short and a long one: nothing to train on"
        )
    counts = {"total": len(prompts), "no correct answer": len(prompts) - len(shortest), "kept": len(shortest)}
    tables = {"rows": Dataset.from_list(shortest), "pairs": Dataset.from_list(pairs)}
    run.save_data(tables, {"rows": len(shortest), "pairs": len(pairs)}, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
