"""What the stages of DeepSeek-R1 can be told."""

from typing import Literal

from pydantic import model_validator

from stages.core.allowed.base import draws_general_prompts, in_order
from stages.core.allowed.mixtures import GeneralPrompts, Known, Responses, SafetyLabels, must_be_refused
from stages.core.allowed.sentences import disagree
from stages.core.allowed.values import Count, Fraction, NotNegative, Positive, Rate, Weighted
from stages.core.pipeline.settings import (
    GRPO,
    SFT,
    DrawnGRPO,
    PairwiseRewardModel,
    PointwiseRewardModel,
    Sampled,
    Settings,
)


class R1Zero(DrawnGRPO):
    """`r1_zero`: from the base model, longer completions in the last part of the run."""

    rewards: Weighted[Literal["accuracy", "weak_accuracy", "format"]]
    """Reward -> its weight; 0 measures without counting. `weak_accuracy` is that of a verifier that can be fooled."""
    extended_completion_length: Positive
    """Longest completion in the last part of the run, in tokens."""
    extended_from_step: Positive
    """Update from which completions may be that long."""

    def lengths(self):
        return super().lengths() | {"extended_completion_length": self.extended_completion_length}

    @model_validator(mode="after")
    def _extends(self):
        in_order(self, "max_completion_length", "extended_completion_length")
        in_order(self, "extended_from_step", "steps")
        return self


class ColdStartData(Sampled):
    """`cold_start_data`: R1-Zero's readable traces with a summary."""


class ColdStartSFT(SFT):
    """`cold_start_sft`: the base model on the cold-start rows."""


class ReasoningRL(DrawnGRPO):
    """`reasoning_rl`: with the language-consistency reward."""

    rewards: Weighted[Literal["accuracy", "format", "language"]]
    """Reward -> its weight."""


class RejectionSampling(Sampled):
    """`rejection_sampling`: the RL model's correct, readable traces, and non-reasoning rows."""

    run_fields = Sampled.run_fields | {"general_tasks"}

    max_paragraph_words: Positive
    """Longest paragraph of a thought, in words; longer ones are filtered out."""
    allow_code_blocks: bool
    """Whether a thought with a fenced code block may be kept."""
    reasoning_rows: Positive
    """Sampled rows that are kept, at most."""
    non_reasoning_rows: Count
    """Rows beside the sampled ones that no verifier checks."""
    no_cot_tasks: list[Known]
    """Task families that are answered without a thought."""
    drafts: Positive
    """Answers of the world's author of which the best is taken."""
    unsafe_drafts: Positive
    """Answers to unsafe prompts of which the best is taken."""
    draft_judge_noise: NotNegative = 0.0
    """Standard deviation of the score, 1 to 10, by which the best of such answers is taken; 0 knows the best one."""

    general_tasks: Responses
    """What general prompts are drawn from."""

    @model_validator(mode="after")
    def _has_general_prompts(self):
        if self.non_reasoning_rows and not self.general_tasks:
            disagree(
                ("general_tasks", "non_reasoning_rows"), "`general_tasks` is {}, allowed: with `non_reasoning_rows` 0"
            )
        return self


class GeneralSFT(SFT):
    """`general_sft`: the base model on what was sampled."""


class HelpfulRewardModel(PairwiseRewardModel):
    """`helpful_reward_model`: pairwise loss on judged pairs."""


class SafetyRewardModel(PointwiseRewardModel):
    """`safety_reward_model`: pointwise loss on responses labelled safe or unsafe."""

    tasks: SafetyLabels
    """What prompts are drawn from."""


class GeneralRL(GRPO):
    """`general_rl`: rule rewards throughout, reward models on general prompts in the last steps."""

    run_fields = GRPO.run_fields | {"general_tasks", "min_held_out_accuracy"}
    reads = GRPO.reads | {"reward_models": "reward model"}
    names = {"reward_models": ("helpful_reward_model", "safety_reward_model")}

    rewards: Weighted[Literal["accuracy", "format", "language", "helpful", "safe"]]
    """Reward -> its weight."""
    preference_steps: Positive
    """Updates at the end of the run in which general prompts and reward models take part."""
    general_fraction: Fraction
    """Share of general prompts where they are mixed in, in [0, 1]."""
    unsafe_fraction: Fraction | None = None
    """Share of the general prompts that are of the safety set, in [0, 1]; null: as `general_tasks` weighs them."""
    helpful_normalisation: Literal["none", "z_score"]
    """Whether the helpful score is standardised by what the starting policy earns."""
    helpful_clip: Rate
    """Bound of the standardised helpful score, in standard deviations."""

    general_tasks: GeneralPrompts
    """What general prompts are drawn from."""
    min_held_out_accuracy: dict[Literal["helpful_reward_model", "safety_reward_model"], Fraction] = {}
    """Reward model -> the held-out accuracy, in [0, 1], below which it is refused."""

    @model_validator(mode="after")
    def _prefers_within_its_steps(self):
        in_order(self, "preference_steps", "steps")
        return self

    @model_validator(mode="after")
    def _has_prompts_of_both_sets(self):
        found, share = {must_be_refused(name) for name in self.general_tasks}, self.unsafe_fraction
        if share is None or not self.general_fraction:
            return self
        if (share and True not in found) or (share < 1 and False not in found):
            only = "no prompt of the safety set" if True not in found else "prompts of the safety set alone"
            disagree(
                ("unsafe_fraction", "general_tasks"),
                f"`unsafe_fraction` is {share:g}, and `general_tasks` has {only}; allowed: null, or prompts of both",
            )
        return self

    @model_validator(mode="after")
    def _rewards_all_prompts(self):
        draws_general_prompts(self, self.helpful_normalisation)
        only_general = self.preference_steps == self.steps and self.general_fraction == 1
        if not only_general and not any(self.rewards.get(rule) for rule in ("accuracy", "format", "language")):
            disagree(
                ("rewards",),
                f"`rewards` is {self.rewards}: none of them is of reasoning prompts; allowed: a weight above 0 for "
                "accuracy, format or language",
            )
        return self


class Distillation(SFT):
    """`distillation`: a smaller base on what was sampled."""


class SmallRL(DrawnGRPO):
    """`small_rl`: the RL of R1-Zero on a smaller base."""

    rewards: Weighted[Literal["accuracy", "format"]]
    """Reward -> its weight."""


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
