"""What the stages of DeepSeek-R1 can be told."""

from typing import Literal

from stages.core.pipeline.settings import (
    GRPO,
    SFT,
    Count,
    Fraction,
    Mixture,
    PairwiseRewardModel,
    PointwiseRewardModel,
    Positive,
    Rate,
    Sampled,
    Settings,
)

RuleRewards = dict[Literal["accuracy", "format"], float]
"""Reward -> its weight."""


class R1Zero(GRPO):
    """`r1_zero`: from the base model, longer completions in the last part of the run."""

    rewards: RuleRewards
    extended_completion_length: Positive
    extended_from_step: Positive


class ColdStartData(Sampled):
    """`cold_start_data`: R1-Zero's readable traces with a summary."""


class ColdStartSFT(SFT):
    """`cold_start_sft`: the base model on the cold-start rows."""


class ReasoningRL(GRPO):
    """`reasoning_rl`: with the language-consistency reward."""

    rewards: dict[Literal["accuracy", "format", "language"], float]


class RejectionSampling(Sampled):
    """`rejection_sampling`: the RL model's correct, readable traces, and non-reasoning rows."""

    run_fields = Sampled.run_fields | {"general_tasks"}

    max_paragraph_words: Positive
    allow_code_blocks: bool
    non_reasoning_rows: Count
    no_cot_tasks: list[str]
    drafts: Positive
    unsafe_drafts: Positive

    general_tasks: Mixture


class GeneralSFT(SFT):
    """`general_sft`: the base model on what was sampled."""


class HelpfulRewardModel(PairwiseRewardModel):
    """`helpful_reward_model`: pairwise loss on judged pairs."""


class SafetyRewardModel(PointwiseRewardModel):
    """`safety_reward_model`: pointwise loss on responses labelled safe or unsafe."""


class GeneralRL(GRPO):
    """`general_rl`: rule rewards throughout, reward models on general prompts in the last steps."""

    run_fields = GRPO.run_fields | {"general_tasks"}

    rewards: dict[Literal["accuracy", "format", "language", "helpful", "safe"], float]
    preference_steps: Positive
    general_fraction: Fraction
    helpful_normalisation: Literal["none", "z_score"]
    helpful_clip: Rate

    general_tasks: Mixture


class Distillation(SFT):
    """`distillation`: a smaller base on what was sampled."""


class SmallRL(GRPO):
    """`small_rl`: the RL of R1-Zero on a smaller base."""

    rewards: RuleRewards


SCRIPTS: dict[str, type[Settings]] = {
    "r1_zero": R1Zero,
    "cold_start_data": ColdStartData,
    "cold_start_sft": ColdStartSFT,
    "reasoning_rl": ReasoningRL,
    "rejection_sampling": RejectionSampling,
    "general_sft": GeneralSFT,
    "helpful_reward_model": HelpfulRewardModel,
    "safety_reward_model": SafetyRewardModel,
    "general_rl": GeneralRL,
    "distillation": Distillation,
    "small_rl": SmallRL,
}
