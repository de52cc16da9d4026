"""What the scripts of DeepSeek-R1 can be told."""

from typing import Annotated, Literal

from pydantic import Field

from stages.core.settings.common import GRPO, Count, Fraction, Mixture, Positive, Rate, RewardModel, Sampled


class GeneralRL(GRPO):
    """`general_rl`: rule rewards throughout, reward models on general prompts in the last steps."""

    run_fields = GRPO.run_fields | {"general_tasks"}

    preference_steps: Positive
    general_fraction: Fraction
    helpful_normalisation: Literal["none", "z_score"]
    helpful_clip: Rate
    general_tasks: Mixture


class ColdStartData(Sampled):
    """`cold_start_data`: R1-Zero's readable traces with a summary."""


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


class HelpfulRewardModel(RewardModel):
    """`helpful_reward_model`: pairwise loss on judged pairs."""

    judgements: Positive
    judge_noise: Annotated[float, Field(ge=0)]
    min_score_difference: Annotated[float, Field(ge=0)]
    balance_lengths: bool
    center_coefficient: Annotated[float, Field(ge=0)]


class SafetyRewardModel(RewardModel):
    """`safety_reward_model`: pointwise loss on responses labelled safe or unsafe."""

    label_noise: Fraction
