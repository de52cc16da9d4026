"""What the stages of Kimi k1.5 can be told."""

from typing import Literal

from stages.core.pipeline.settings import (
    SFT,
    Count,
    Fraction,
    MirrorDescent,
    Mixture,
    Positive,
    Rate,
    Settings,
    TopP,
)


class VanillaSFT(SFT):
    """`vanilla_sft`: short answers, without a thought."""

    run_fields = SFT.run_fields | {"tasks"}

    examples: Positive
    direct_fraction: Fraction
    short_steps: Positive

    tasks: Mixture


class CodeTests(Settings):
    """`code_tests`: test cases for code prompts that have none."""

    payload = "data"
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

    payload = "data"
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


class PolicyMirrorDescent(MirrorDescent):
    """`policy_mirror_descent`: prompts by their difficulty, the length reward after a warm-up."""

    objective: Literal["mirror_descent", "rest"]
    length_from_iteration: Count
    prompt_choice: Literal["uniform", "easy_to_hard", "curriculum", "prioritised", "curriculum_prioritised"]
    warm_up_fraction: Fraction
    hard_pass_rate: Fraction


class Merge(Settings):
    """`merge`: the average of two models' weights."""

    several_processes = False

    weights: list[Fraction]


class ShortestRejectionSampling(Settings):
    """`shortest_rejection_sampling`: shortest correct responses, and pairs for DPO."""

    payload = "data"
    run_fields = Settings.run_fields | {"prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    temperature: Rate
    top_p: TopP
    max_completion_length: Positive
    length_ratio: Rate

    prompts: Positive
    sampling_batch_size: Positive


class ShortestSFT(SFT):
    """`shortest_sft`: on the shortest correct responses."""


class Long2ShortDPO(Settings):
    """`long2short_dpo`: direct preference optimisation on pairs of a short and a long response."""

    run_fields = Settings.run_fields | {"micro_batch_size"}

    beta: Rate
    epochs: Positive
    learning_rate: Rate
    batch_size: Positive
    max_length: Positive
    micro_batch_size: Positive


class Long2ShortRL(MirrorDescent):
    """`long2short_rl`: the second phase, with the length reward from the first iteration on."""


SCRIPTS: dict[str, type[Settings]] = {
    "vanilla_sft": VanillaSFT,
    "code_tests": CodeTests,
    "prompt_curation": PromptCuration,
    "long_cot_sft": LongCotSFT,
    "policy_mirror_descent": PolicyMirrorDescent,
    "merge": Merge,
    "shortest_rejection_sampling": ShortestRejectionSampling,
    "shortest_sft": ShortestSFT,
    "long2short_dpo": Long2ShortDPO,
    "long2short_rl": Long2ShortRL,
}
