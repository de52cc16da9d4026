"""The settings of every stage script: what a recipe and a scale may say. Imports no torch.

A field is either *of the method* (a paper states it or leaves it out, so a recipe must cite it or say
`undisclosed`) or *of the run* (`run_fields`: data mixture, seeds, memory; a scale's business).
"""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
TopP = Annotated[float, Field(gt=0, le=1)]
Mixture = dict[str, Annotated[float, Field(ge=0)]]
"""Task family -> weight; the weights need not sum to one."""

RewardName = Literal["accuracy", "format", "language", "helpful", "safe"]


class Settings(BaseModel):
    """What all stages share. `threads` and memory are resources, not settings: they change no result."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    run_fields: ClassVar[frozenset[str]] = frozenset({"seed"})

    seed: int = 42


class Pretrain(Settings):
    """`base`: a model trained from nothing on the procedural corpus."""

    run_fields = Settings.run_fields | {
        "hidden_size", "layers", "heads", "key_value_heads", "head_size", "feed_forward_size", "vocabulary_size",
        "mixture", "steps", "batch_size", "matrix_learning_rate", "learning_rate", "max_length",
    }  # fmt: skip

    hidden_size: Positive
    layers: Positive
    heads: Positive
    key_value_heads: Positive
    head_size: Positive = 32
    feed_forward_size: Positive
    vocabulary_size: Positive
    mixture: Mixture
    steps: Positive
    batch_size: Positive
    matrix_learning_rate: Rate
    learning_rate: Rate
    max_length: Positive


class GRPO(Settings):
    """`r1_zero`, `reasoning_rl`: group relative policy optimisation with rule rewards."""

    run_fields = Settings.run_fields | {"tasks", "prompts", "micro_batch_size", "save_every_rollouts"}

    template: Literal["r1_zero", "chat"]
    rewards: dict[RewardName, float]
    learning_rate: Rate
    learning_rate_schedule: Literal["constant", "linear", "cosine"]
    max_gradient_norm: Rate
    kl_coefficient: Annotated[float, Field(ge=0)]
    clip_epsilon: Rate
    temperature: Rate
    group_size: Annotated[int, Field(ge=2)]
    prompts_per_step: Positive
    steps_per_rollout: Positive
    inner_epochs: Positive
    steps: Positive
    reference_refresh_steps: Positive
    max_completion_length: Positive
    extended_completion_length: Positive
    extended_from_step: Positive
    loss_aggregation: Literal["grpo", "dapo", "dr_grpo"]
    advantage_scaling: Literal["group", "batch", "none"]

    tasks: Mixture
    prompts: Positive
    micro_batch_size: Positive
    save_every_rollouts: Positive = 1


class GeneralRL(GRPO):
    """`general_rl`: rule rewards throughout, reward models on general prompts in the last steps."""

    run_fields = GRPO.run_fields | {"general_tasks"}

    preference_steps: Positive
    general_fraction: Fraction
    helpful_normalisation: Literal["none", "z_score"]
    helpful_clip: Rate
    general_tasks: Mixture


class SFT(Settings):
    """`cold_start_sft`, `general_sft`, `distillation`: cross-entropy on the completion tokens."""

    run_fields = Settings.run_fields | {"micro_batch_size"}

    epochs: Positive
    learning_rate: Rate
    final_learning_rate: Annotated[float, Field(ge=0)]
    warmup_fraction: Fraction
    batch_size: Positive
    max_length: Positive
    micro_batch_size: Positive


class Sampled(Settings):
    """What `cold_start_data` and `rejection_sampling` share: draw completions, keep the good ones."""

    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    keep_per_prompt: Positive
    temperature: Rate
    top_p: TopP
    max_completion_length: Positive
    min_language_consistency: Fraction
    repetition_ngram: Positive
    max_repetition: Fraction

    tasks: Mixture
    prompts: Positive
    sampling_batch_size: Positive


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


class RewardModel(Settings):
    """What the two reward models share: a scalar head on the general SFT model."""

    run_fields = Settings.run_fields | {"tasks", "micro_batch_size", "held_out"}

    epochs: Positive
    learning_rate: Rate
    batch_size: Positive
    max_length: Positive
    examples: Positive

    tasks: Mixture
    held_out: Positive
    micro_batch_size: Positive


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


class VanillaSFT(SFT):
    """`vanilla_sft`: short answers, without a thought."""

    run_fields = SFT.run_fields | {"tasks"}

    examples: Positive
    direct_fraction: Fraction
    short_steps: Positive

    tasks: Mixture


class CodeTests(Settings):
    """`code_tests`: test cases for code prompts that have none."""

    run_fields = Settings.run_fields | {"tasks", "problems", "planted_wrong"}

    cases: Positive
    valid_cases: Positive
    submissions: Positive
    agreeing: Positive
    passing: Positive

    tasks: Mixture
    problems: Positive
    planted_wrong: Fraction


class PromptCuration(Settings):
    """`prompt_curation`: which prompts RL is worth doing on."""

    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    excluded: dict[str, list[str]]
    difficulty_samples: Positive
    difficulty_temperature: Rate
    guess_attempts: Positive
    guess_temperature: Rate
    max_completion_length: Positive
    max_domain_share: Fraction

    tasks: Mixture
    prompts: Positive
    sampling_batch_size: Positive


class LongCotSFT(SFT):
    """`long_cot_sft`: a small warm-up with long thoughts."""

    examples: Positive
    slips: Fraction
    concise: Fraction


class PolicyMirrorDescent(Settings):
    """`policy_mirror_descent`, `long2short_rl`: online policy mirror descent."""

    run_fields = Settings.run_fields | {"micro_batch_size", "save_every_iterations"}

    objective: Literal["mirror_descent", "rest"]
    tau: Annotated[float, Field(ge=0)]
    group_size: Annotated[int, Field(ge=2)]
    prompts_per_iteration: Positive
    updates_per_iteration: Positive
    inner_epochs: Positive
    iterations: Positive
    learning_rate: Rate
    learning_rate_schedule: Literal["constant", "linear", "cosine"]
    max_gradient_norm: Rate
    temperature: Rate
    max_completion_length: Positive
    length_weight: Annotated[float, Field(ge=0)]
    length_from_iteration: Count
    sampling: Literal["uniform", "easy_to_hard", "curriculum", "prioritised", "curriculum_prioritised"]
    warm_up_fraction: Fraction
    hard_pass_rate: Fraction
    repetition_ngram: Positive
    repetition_times: Annotated[int, Field(ge=2)]
    repetition_penalty: Annotated[float, Field(ge=0)]
    segment_tokens: Positive
    keep_earlier_segments: bool

    micro_batch_size: Positive
    save_every_iterations: Positive = 1


class Merge(Settings):
    """`merge`: the average of two models' weights."""

    weights: list[Fraction]


class ShortestRejectionSampling(Settings):
    """`shortest_rejection_sampling`: shortest correct responses, and pairs for DPO."""

    run_fields = Settings.run_fields | {"prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    temperature: Rate
    top_p: TopP
    max_completion_length: Positive
    length_ratio: Rate

    prompts: Positive
    sampling_batch_size: Positive


class DPO(Settings):
    """`long2short_dpo`: direct preference optimisation on pairs of a short and a long response."""

    run_fields = Settings.run_fields | {"micro_batch_size"}

    beta: Rate
    epochs: Positive
    learning_rate: Rate
    batch_size: Positive
    max_length: Positive
    micro_batch_size: Positive


class Evaluation(Settings):
    """`evaluation`: every checkpoint on the same held-out questions."""

    run_fields = Settings.run_fields | {
        "tasks", "reasoning_questions", "questions_per_benchmark", "pass_k_questions", "pass_k_samples",
        "bootstrap_samples", "sampling_batch_size", "split",
    }  # fmt: skip

    samples_per_question: Positive
    temperature: Rate
    top_p: TopP
    max_completion_length: Positive

    tasks: Mixture
    reasoning_questions: Positive
    questions_per_benchmark: Positive
    pass_k_questions: Positive
    pass_k_samples: Positive
    bootstrap_samples: Positive = 1000
    sampling_batch_size: Positive
    split: Literal["validation", "test"] = "test"


class Report(Settings):
    """`report`: one HTML file from manifests and metrics."""


SETTINGS: dict[str, type[Settings]] = {
    "base": Pretrain,
    "r1_zero": GRPO,
    "cold_start_data": ColdStartData,
    "cold_start_sft": SFT,
    "reasoning_rl": GRPO,
    "rejection_sampling": RejectionSampling,
    "general_sft": SFT,
    "helpful_reward_model": HelpfulRewardModel,
    "safety_reward_model": SafetyRewardModel,
    "general_rl": GeneralRL,
    "distillation": SFT,
    "vanilla_sft": VanillaSFT,
    "code_tests": CodeTests,
    "prompt_curation": PromptCuration,
    "long_cot_sft": LongCotSFT,
    "policy_mirror_descent": PolicyMirrorDescent,
    "merge": Merge,
    "shortest_rejection_sampling": ShortestRejectionSampling,
    "shortest_sft": SFT,
    "long2short_dpo": DPO,
    "evaluation": Evaluation,
    "report": Report,
}
"""Stage script -> its settings."""

_DATA = ("cold_start_data", "rejection_sampling", "code_tests", "prompt_curation", "shortest_rejection_sampling")
PAYLOAD: dict[str, Literal["model", "data", "report"]] = {
    **dict.fromkeys((*_DATA, "evaluation"), "data"),
    "report": "report",
}
"""Stage script -> what it writes beside its manifest; a script that is not listed writes a `model`."""
