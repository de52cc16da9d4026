"""The kinds of settings that stages of all papers share: what a recipe and a scale may say. Imports no torch.

A stage's own class lies in its paper's room (`stages/r1/settings.py`), and is derived from one of these. A field is
either *of the method* (a paper states it or leaves it out, so a recipe must cite it or say `undisclosed`) or *of the
run* (`run_fields`: data mixture, seeds, memory; a scale's business).
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
TopP = Annotated[float, Field(gt=0, le=1)]
GroupSize = Annotated[int, Field(ge=2)]
Schedule = Literal["constant", "linear", "cosine"]
Mixture = dict[str, NotNegative]
"""Task family or public data set (data/public/sources.py) -> weight; the weights need not sum to one."""
Payload = Literal["model", "data", "report"]


class Settings(BaseModel):
    """What all stages share. `threads` and memory are resources, not settings: they change no result.

    payload: what the stage writes beside its manifest; several_processes: whether a scale's `processes` train it;
    collects: whether one stage reads all seeds and arms of what it names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    payload: ClassVar[Payload] = "model"
    several_processes: ClassVar[bool] = True
    collects: ClassVar[bool] = False
    run_fields: ClassVar[frozenset[str]] = frozenset({"seed"})

    seed: int = 42
    """What all random choices of the stage start from."""


class GRPO(Settings):
    """Group relative policy optimisation with rewards by rule."""

    run_fields = Settings.run_fields | {"tasks", "prompts", "micro_batch_size", "save_every_rollouts"}

    template: Literal["r1_zero", "chat"]
    rewards: dict[str, float]
    learning_rate: Rate
    learning_rate_schedule: Schedule
    max_gradient_norm: Rate
    kl_coefficient: NotNegative
    clip_epsilon: Rate
    temperature: Rate
    group_size: GroupSize
    prompts_per_step: Positive
    steps_per_rollout: Positive
    inner_epochs: Positive
    steps: Positive
    reference_refresh_steps: Positive
    max_completion_length: Positive
    loss_aggregation: Literal["grpo", "dapo", "dr_grpo"]
    advantage_scaling: Literal["group", "batch", "none"]

    tasks: Mixture
    prompts: Positive
    micro_batch_size: Positive
    save_every_rollouts: Positive = 1


class MirrorDescent(Settings):
    """Online policy mirror descent on curated prompts, with a reward for short answers."""

    run_fields = Settings.run_fields | {"micro_batch_size", "save_every_iterations"}

    tau: NotNegative
    group_size: GroupSize
    prompts_per_iteration: Positive
    updates_per_iteration: Positive
    inner_epochs: Positive
    iterations: Positive
    learning_rate: Rate
    learning_rate_schedule: Schedule
    max_gradient_norm: Rate
    temperature: Rate
    max_completion_length: Positive
    length_weight: NotNegative
    repetition_ngram: Positive
    repetition_times: Annotated[int, Field(ge=2)]
    repetition_penalty: NotNegative
    segment_tokens: Positive
    keep_earlier_segments: bool

    micro_batch_size: Positive
    save_every_iterations: Positive = 1


class SFT(Settings):
    """Supervised fine-tuning: cross-entropy on the completion tokens."""

    run_fields = Settings.run_fields | {"micro_batch_size"}

    epochs: Positive
    learning_rate: Rate
    final_learning_rate: NotNegative
    warmup_fraction: Fraction
    batch_size: Positive
    max_length: Positive

    micro_batch_size: Positive


class RewardModel(Settings):
    """A scalar head on a chat model, trained on judged responses."""

    run_fields = Settings.run_fields | {"tasks", "micro_batch_size", "held_out"}

    epochs: Positive
    learning_rate: Rate
    batch_size: Positive
    max_length: Positive
    examples: Positive

    tasks: Mixture
    held_out: Positive
    micro_batch_size: Positive


class PairwiseRewardModel(RewardModel):
    """A reward model of pairs: the chosen response above the rejected one."""

    judgements: Positive
    judge_noise: NotNegative
    min_score_difference: NotNegative
    balance_lengths: bool
    center_coefficient: NotNegative


class PointwiseRewardModel(RewardModel):
    """A reward model of single responses, each labelled good or bad."""

    label_noise: Fraction


class Sampled(Settings):
    """Data that a model samples: completions of prompts, the good ones kept."""

    payload = "data"
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


class OnPolicy(Settings):
    """Distillation on the student's own samples, towards the teacher's distribution."""

    run_fields = Settings.run_fields | {"tasks", "prompts", "micro_batch_size"}

    divergence: Literal["forward_kl", "jensen_shannon", "reverse_kl"]
    temperature: Rate
    learning_rate: Rate
    learning_rate_schedule: Schedule
    max_gradient_norm: Rate
    prompts_per_step: Positive
    steps: Positive
    max_completion_length: Positive

    tasks: Mixture
    prompts: Positive
    micro_batch_size: Positive


class Pretraining(Settings):
    """A base model: how long it learns from the corpus. Nothing here is of a paper."""

    several_processes = False
    run_fields = Settings.run_fields | {"mixture", "steps", "batch_size", "learning_rate", "max_length"}

    mixture: Mixture
    steps: Count
    batch_size: Positive
    learning_rate: Rate
    max_length: Positive


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
