"""What the stages of Qwen3 can be told."""

from typing import Annotated, Literal

from pydantic import Field

from stages.core.pipeline.settings import (
    GRPO,
    SFT,
    Fraction,
    Mixture,
    OnPolicy,
    PairwiseRewardModel,
    PointwiseRewardModel,
    Positive,
    Rate,
    Sampled,
    Settings,
    TopP,
)


class ColdStartData(Sampled):
    """`cold_start_data`: Qwen3's two-phase filter, of queries and of a teacher's responses."""

    run_fields = Sampled.run_fields | {"validation_queries", "several_questions"}

    guess_attempts: Positive
    guess_temperature: Annotated[float, Field(ge=0)]
    min_reasoning_words: Positive
    similarity_ngram: Positive
    max_similarity: Fraction
    examples: Positive

    validation_queries: Positive
    several_questions: Fraction


class ColdStartSFT(SFT):
    """`cold_start_sft`: a minimal SFT, so as not to take RL's place."""


class QueryVerifierPairs(Settings):
    """`query_verifier_pairs`: few, learnable, hard queries that the cold start has not seen."""

    payload = "data"
    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    pairs: Positive
    samples_per_query: Positive
    temperature: Rate
    max_completion_length: Positive

    tasks: Mixture
    prompts: Positive
    sampling_batch_size: Positive


class ReasoningRL(GRPO):
    """`reasoning_rl`: on the query-verifier pairs."""

    rewards: dict[Literal["accuracy", "format"], float]


class FusionData(Settings):
    """`fusion_data`: the RL model's own thoughts, and answers without a thought."""

    payload = "data"
    run_fields = Settings.run_fields | {"tasks", "general_tasks", "sampling_batch_size"}

    samples_per_query: Positive
    keep_per_query: Positive
    temperature: Rate
    top_p: TopP
    max_completion_length: Positive
    non_thinking_rows: Positive
    general_fraction: Fraction
    drafts: Positive
    min_checklist_score: Fraction
    thoughtful: Fraction
    conversations_per_response: Positive
    unflagged_thinking: Fraction
    system_flags: Fraction
    multi_turn: Fraction
    max_turns: Annotated[int, Field(ge=2)]
    max_length: Positive

    tasks: Mixture
    general_tasks: Mixture
    sampling_batch_size: Positive


class ThinkingModeFusion(SFT):
    """`thinking_mode_fusion`: both modes in one model."""


class PreferenceRewardModel(PairwiseRewardModel):
    """`preference_reward_model`: the reward without a reference answer."""


class ReferenceRewardModel(PointwiseRewardModel):
    """`reference_reward_model`: whether a response agrees with a reference answer."""


class GeneralRL(GRPO):
    """`general_rl`: many tasks, three types of reward, both modes."""

    run_fields = GRPO.run_fields | {"general_tasks"}

    rewards: dict[
        Literal[
            "accuracy", "format", "language", "mode", "instruction", "length_asked", "preference", "reference",
        ],
        float,
    ]  # fmt: skip
    general_fraction: Fraction
    non_thinking_fraction: Fraction
    multi_turn: Fraction
    system_flags: Fraction
    preference_normalisation: Literal["none", "z_score"]
    preference_clip: Rate
    general_tasks: Mixture


class DistillationData(Settings):
    """`distillation_data`: a teacher's responses in both modes."""

    payload = "data"
    run_fields = Settings.run_fields | {"tasks", "general_tasks", "prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    temperature: Rate
    top_p: TopP
    max_completion_length: Positive
    non_thinking_fraction: Fraction
    general_fraction: Fraction
    only_correct: bool

    tasks: Mixture
    general_tasks: Mixture
    prompts: Positive
    sampling_batch_size: Positive


class OffPolicyDistillation(SFT):
    """`off_policy_distillation`: the student on the teacher's responses."""


class OnPolicyDistillation(OnPolicy):
    """`on_policy_distillation`: the student's own samples, the teacher's logits."""

    non_thinking_fraction: Fraction


class StudentRL(GRPO):
    """`student_rl`: the RL that distillation is compared with."""

    rewards: dict[Literal["accuracy", "format"], float]


SCRIPTS: dict[str, type[Settings]] = {
    "cold_start_data": ColdStartData,
    "cold_start_sft": ColdStartSFT,
    "query_verifier_pairs": QueryVerifierPairs,
    "reasoning_rl": ReasoningRL,
    "fusion_data": FusionData,
    "thinking_mode_fusion": ThinkingModeFusion,
    "preference_reward_model": PreferenceRewardModel,
    "reference_reward_model": ReferenceRewardModel,
    "general_rl": GeneralRL,
    "distillation_data": DistillationData,
    "off_policy_distillation": OffPolicyDistillation,
    "on_policy_distillation": OnPolicyDistillation,
    "student_rl": StudentRL,
}
