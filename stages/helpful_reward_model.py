"""Helpful reward model: which of two answers would be preferred.

CONSUMES     from: the general SFT model (Dev3)
PRODUCES     model/ with a scalar head
PAPER        DeepSeek-R1 v2 s.3.1: pairs judged four times, order randomised, kept where the mean scores differ by more
             than 1, lengths balanced; pairwise loss, one epoch
DEVIATIONS   the judge is the world's gold preference seen through noise, not DeepSeek-V3; pairs of public data sets are
             judged already
"""

from datasets import Dataset

from data.preference_data import Pair, judged_pairs, public_pairs
from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import by_kind, draw_rows
from stages.core.settings import HelpfulRewardModel


def main(run: Run) -> None:
    from trl import RewardConfig, RewardTrainer

    from stages.core.callbacks import epoch_arguments, train, watch
    from stages.core.scoring import RewardScorer, scalar_head, scored_text

    settings: HelpfulRewardModel = run.settings
    model, tokenizer = scalar_head(run)
    pairs, held_out = judged(run, settings.examples, "train"), judged(run, settings.held_out, "validation")

    texts = [
        {key: scored_text(tokenizer, pair["question"], pair[key]) for key in ("chosen", "rejected")} for pair in pairs
    ]
    trainer = RewardTrainer(
        model=model,
        args=RewardConfig(
            **epoch_arguments(run),
            lr_scheduler_type="cosine",
            max_length=settings.max_length,
            center_rewards_coefficient=settings.center_coefficient,
        ),
        train_dataset=Dataset.from_list(texts),
        processing_class=tokenizer,
    )
    watch(trainer, run)
    train(trainer, run)

    scorer = RewardScorer(model, tokenizer)
    questions = [pair["question"] for pair in held_out]
    margins = [
        chosen - rejected
        for chosen, rejected in zip(
            scorer.score(questions, [pair["chosen"] for pair in held_out]),
            scorer.score(questions, [pair["rejected"] for pair in held_out]),
            strict=True,
        )
    ]
    accuracy = sum(margin > 0 for margin in margins) / len(margins)
    run.save_model(trainer, tokenizer, "chat", {"held_out_accuracy": accuracy, "pairs": len(pairs)})


def judged(run: Run, count: int, split: str) -> list[Pair]:
    """Pairs of the world and of public data sets."""
    settings: HelpfulRewardModel = run.settings
    (families, own), (sources, wanted) = by_kind(settings.tasks, count)
    pairs: list[Pair] = []
    if families:
        judge = (settings.judgements, settings.judge_noise, settings.min_score_difference, settings.balance_lengths)
        pairs, counts = judged_pairs(families, own, split, settings.seed, *judge)
        run.metrics.say(f"judged pairs ({split}): " + ", ".join(f"{rule} {number}" for rule, number in counts.items()))
    if wanted:
        rows = draw_rows(run, sources, wanted, split, settings.seed)
        public, counts = public_pairs(rows, settings.balance_lengths)
        run.metrics.say(f"public pairs ({split}): " + ", ".join(f"{rule} {number}" for rule, number in counts.items()))
        pairs += public
    return pairs


if __name__ == "__main__":
    stage_main(main, __doc__)
