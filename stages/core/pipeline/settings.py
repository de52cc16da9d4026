"""The kinds of settings that stages of all papers share: what a recipe and a scale may say. Imports no torch.

A stage's own class lies in its paper's room (`stages/r1/settings.py`), and is derived from one of these. A field is
either *of the method* (a paper states it or leaves it out, so a recipe must cite it or say `undisclosed`) or *of the
run* (`run_fields`: data mixture, seeds, memory; a scale's business).
"""

from typing import Annotated, Any

from pydantic import Field, model_validator

from data.world.author import USUAL, CorpusAuthor
from data.world.judge import Bias
from stages.core.allowed.base import Adam, Settings, in_order
from stages.core.allowed.mixtures import Anything, Corpus, Mixture, Preferences, Prompts
from stages.core.allowed.values import (
    Count,
    Fraction,
    GroupSize,
    LearningRate,
    NotNegative,
    Part,
    Positive,
    Rate,
    Schedule,
    Share,
    Temperature,
)
from stages.core.pipeline.rollouts import GRPO, DrawnGRPO, MirrorDescent, OnPolicy, Rollouts

__all__ = [
    "GRPO", "KINDS", "SFT", "Adam", "DrawnGRPO", "MirrorDescent", "Mixture", "OnPolicy", "PairwiseRewardModel",
    "PointwiseRewardModel", "Pretraining", "RewardModel", "Rollouts", "Sampled", "Settings", "trains_in_several",
]  # fmt: skip


class SFT(Settings):
    """Supervised fine-tuning: cross-entropy on the completion tokens."""

    run_fields = Settings.run_fields | {"micro_batch_size"}
    reads = {"from": "policy", "data": "examples"}

    epochs: Positive
    """How often each example is learned."""
    learning_rate: LearningRate
    """Peak learning rate."""
    final_learning_rate: NotNegative
    """Learning rate at the end, to which it falls by cosine."""
    warmup_fraction: Part
    """Share of the updates in which the learning rate rises to its peak."""
    max_gradient_norm: Rate = 1.0
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    batch_size: Positive
    """Sequences an update."""
    max_length: Positive
    """Longest example, in tokens; what is longer is left out."""

    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""

    def batches(self):
        return [(("batch_size",), self.batch_size, self.micro_batch_size)]

    @model_validator(mode="after")
    def _falls(self):
        in_order(self, "final_learning_rate", "learning_rate", "the rate falls")
        return self


class RewardModel(Settings):
    """A scalar head on a chat model, trained on judged responses."""

    run_fields = Settings.run_fields | {"tasks", "micro_batch_size", "held_out"}
    makes = frozenset({"reward model"})
    reads = {"from": "policy"}

    epochs: Positive
    """How often each example is learned."""
    learning_rate: LearningRate
    """Peak learning rate."""
    learning_rate_schedule: Schedule
    """How the learning rate goes on from its peak."""
    max_gradient_norm: Rate = 1.0
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    batch_size: Positive
    """Examples an update."""
    max_length: Positive
    """Longest text, in tokens; what is longer is cut."""
    examples: Positive
    """Pairs or responses to learn from."""

    tasks: Anything
    """What prompts are drawn from."""
    held_out: Positive
    """Examples on which its accuracy is measured."""
    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""

    def batches(self):
        return [(("batch_size",), self.batch_size, self.micro_batch_size)]


class PairwiseRewardModel(RewardModel):
    """A reward model of pairs: the chosen response above the rejected one."""

    judgements: Positive
    """Scores by the judge whose mean decides a pair."""
    judge_noise: NotNegative
    """Standard deviation of the judge's score, which lies in 1 to 10; 0 leaves the preferences without noise."""
    judge_bias: Bias = Bias()
    """What the judge adds to an answer's score, whatever the answer is worth."""
    min_score_difference: Annotated[NotNegative, Field(lt=9)]
    """Pairs whose mean scores, of 1 to 10, differ by no more than this are dropped."""
    balance_lengths: bool
    """Whether as many pairs have the longer response chosen as the shorter one."""
    center_coefficient: NotNegative
    """Weight of a term that holds the mean score of a pair around 0."""

    tasks: Preferences
    """What prompts are drawn from."""


class PointwiseRewardModel(RewardModel):
    """A reward model of single responses, each labelled good or bad."""

    label_noise: Fraction
    """Share of the labels that are flipped."""


class Sampled(Settings):
    """Data that a model samples: completions of prompts, the good ones kept."""

    payload = "data"
    makes = frozenset({"prompts", "examples"})
    reads = {"sampler": "policy"}
    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    """Completions that are sampled for each prompt."""
    keep_per_prompt: Positive
    """Completions that are kept of a prompt, at most."""
    temperature: Temperature
    """Temperature of the completions."""
    top_p: Share
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    min_language_consistency: Fraction
    """Least share of a thought's words in the prompt's language, in [0, 1]."""
    repetition_ngram: Positive
    """Length of the runs whose repetition is measured, in words; in tokens while a policy samples."""
    max_repetition: Fraction
    """Largest share of n-grams of a thought that occurred before, in [0, 1]."""

    tasks: Prompts
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""

    @model_validator(mode="after")
    def _keeps_of_what_it_samples(self):
        in_order(self, "keep_per_prompt", "samples_per_prompt")
        return self


class Pretraining(Settings):
    """A base model: how long it learns from the corpus. Nothing here is of a paper."""

    several_processes = False
    run_fields = Settings.run_fields | {"mixture", "author", "steps", "batch_size", "learning_rate", "max_length"}

    mixture: Corpus
    """What the documents of the corpus are drawn from."""
    author: CorpusAuthor = USUAL
    """Who writes the corpus: how careless he is, how he searches, how he writes it down."""
    steps: Count
    """Updates of the run."""
    batch_size: Positive
    """Rows of `max_length` tokens an update."""
    learning_rate: LearningRate
    """Learning rate of all but the matrices."""
    max_length: GroupSize
    """Tokens of a row, which holds whole documents."""


KINDS: dict[str, type[Settings]] = {
    "grpo": GRPO,
    "mirror_descent": MirrorDescent,
    "sft": SFT,
    "reward_model": RewardModel,
    "sampled": Sampled,
}
"""What a scale may say for all stages of a kind."""


def trains_in_several(settings: type[Settings], system: dict[str, Any]) -> bool:
    """Whether a stage with such settings is started in more than one process."""
    return system.get("processes", 1) > 1 and settings.payload == "model" and settings.several_processes
