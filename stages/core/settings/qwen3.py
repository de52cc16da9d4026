"""What the scripts of Qwen3 can be told."""

from typing import Annotated, Literal

from pydantic import Field

from stages.core.settings.common import (
    GRPO,
    Count,
    Evaluation,
    Fraction,
    Mixture,
    Positive,
    Rate,
    RewardModel,
    Sampled,
    Settings,
    TopP,
)


class LongCotColdStartData(Sampled):
    """`long_cot_cold_start_data`: Qwen3's two-phase filter, of queries and of a teacher's responses."""

    run_fields = Sampled.run_fields | {"validation_queries", "several_questions"}

    guess_attempts: Positive
    guess_temperature: Annotated[float, Field(ge=0)]
    min_reasoning_words: Positive
    similarity_ngram: Positive
    max_similarity: Fraction
    examples: Positive

    validation_queries: Positive
    several_questions: Fraction


class QueryVerifierPairs(Settings):
    """`query_verifier_pairs`: few, learnable, hard queries that the cold start has not seen."""

    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    pairs: Positive
    samples_per_query: Positive
    temperature: Rate
    max_completion_length: Positive

    tasks: Mixture
    prompts: Positive
    sampling_batch_size: Positive


class FusionData(Settings):
    """`fusion_data`: the RL model's own thoughts, and answers without a thought."""

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


class ReferenceRewardModel(RewardModel):
    """`reference_reward_model`: whether a response agrees with a reference answer."""

    label_noise: Fraction


class GeneralTaskRL(GRPO):
    """`general_task_rl`: many tasks, three types of reward, both modes."""

    run_fields = GRPO.run_fields | {"general_tasks"}

    general_fraction: Fraction
    non_thinking_fraction: Fraction
    multi_turn: Fraction
    system_flags: Fraction
    preference_normalisation: Literal["none", "z_score"]
    preference_clip: Rate
    general_tasks: Mixture


class TeacherData(Settings):
    """`distillation_data`: a teacher's responses in both modes."""

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


class OnPolicyDistillation(Settings):
    """`on_policy_distillation`: the student's own samples, the teacher's logits."""

    run_fields = Settings.run_fields | {"tasks", "prompts", "micro_batch_size"}

    divergence: Literal["forward_kl", "jensen_shannon", "reverse_kl"]
    temperature: Rate
    learning_rate: Rate
    learning_rate_schedule: Literal["constant", "linear", "cosine"]
    max_gradient_norm: Rate
    prompts_per_step: Positive
    steps: Positive
    max_completion_length: Positive
    non_thinking_fraction: Fraction

    tasks: Mixture
    prompts: Positive
    micro_batch_size: Positive


class ModeEvaluation(Evaluation):
    """`evaluation_in_both_modes`: thinking and non-thinking, flags in conversations, thinking budgets."""

    run_fields = Evaluation.run_fields | {"budgets", "conversations"}

    both_modes: list[str]
    non_thinking_temperature: Rate
    non_thinking_top_p: TopP
    budget_checkpoint: str

    budgets: list[Count]
    conversations: Positive
