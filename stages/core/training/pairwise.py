"""A pairwise reward model: of two responses to a question, the chosen one shall score higher."""

from datasets import Dataset
from trl import RewardConfig, RewardTrainer

from data.world.judge import Judge
from data.world.preference_data import Pair, judged_pairs, public_pairs
from stages.core.machines.padding import without_padding
from stages.core.pipeline.settings import PairwiseRewardModel
from stages.core.rewards.scoring import RewardScorer, scored_text
from stages.core.run.stage import Run
from stages.core.sampling.drawing import by_kind, draw_rows
from stages.core.training.callbacks import MeanOverUpdate, epoch_arguments, watch


def drawn_pairs(run: Run, count: int, split: str) -> list[Pair]:
    """Pairs of the world, judged as the settings say, and of public data sets, which are judged already."""
    settings: PairwiseRewardModel = run.settings
    (families, own), (sources, wanted) = by_kind(settings.tasks, count)
    pairs: list[Pair] = []
    if families:
        judge = Judge(settings.judge_noise, settings.judgements, settings.judge_bias)
        kept = (settings.min_score_difference, settings.balance_lengths)
        pairs, counts = judged_pairs(families, own, split, settings.seed, judge, *kept)
        run.metrics.say(f"judged pairs ({split}): " + ", ".join(f"{rule} {number}" for rule, number in counts.items()))
    if wanted:
        rows = draw_rows(run, sources, wanted, split, settings.seed)
        public, counts = public_pairs(rows, settings.balance_lengths)
        run.metrics.say(f"public pairs ({split}): " + ", ".join(f"{rule} {number}" for rule, number in counts.items()))
        pairs += public
    return pairs


class PairwiseTrainer(MeanOverUpdate, RewardTrainer):
    """TRL's reward trainer."""


def pairwise_trainer(run: Run, model, tokenizer, pairs: list[Pair]) -> RewardTrainer:
    """-log sigmoid(score of the chosen - score of the rejected), a mean over the pairs."""
    settings: PairwiseRewardModel = run.settings
    texts = [
        {key: scored_text(tokenizer, pair["question"], pair[key]) for key in ("chosen", "rejected")} for pair in pairs
    ]
    trainer = PairwiseTrainer(
        model=without_padding(model),
        args=RewardConfig(
            **epoch_arguments(run),
            lr_scheduler_type=settings.learning_rate_schedule,
            max_length=settings.max_length,
            center_rewards_coefficient=settings.center_coefficient,
        ),
        train_dataset=Dataset.from_list(texts),
        processing_class=tokenizer,
    )
    ids = trainer.train_dataset
    run.tokens["trained"] = settings.epochs * sum(map(len, [*ids["chosen_ids"], *ids["rejected_ids"]]))
    watch(trainer, run)
    return trainer


def pairwise_accuracy(model, tokenizer, pairs: list[Pair]) -> float:
    """Share of the pairs whose chosen response scores higher, in [0, 1]."""
    scorer = RewardScorer(model, tokenizer)
    questions = [pair["question"] for pair in pairs]
    chosen = scorer.score(questions, [pair["chosen"] for pair in pairs])
    rejected = scorer.score(questions, [pair["rejected"] for pair in pairs])
    return sum(better > worse for better, worse in zip(chosen, rejected, strict=True)) / len(pairs)
