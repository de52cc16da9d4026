"""What the scripts of Kimi k1.5 can be told."""

from typing import Annotated, Literal

from pydantic import Field

from stages.core.settings.common import SFT, Count, Fraction, Mixture, Positive, Rate, Settings, TopP


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
    """`long_cot_sft`: a small warm-up with long thoughts: on the curated prompts, or `demonstrations` where given."""

    run_fields = SFT.run_fields | {"demonstrations"}

    demonstrations: Mixture = {}
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
