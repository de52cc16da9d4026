"""What stage scripts of all papers can be told."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
TopP = Annotated[float, Field(gt=0, le=1)]
Mixture = dict[str, Annotated[float, Field(ge=0)]]
"""Task family or public data set (data/sources.py) -> weight; the weights need not sum to one."""

RewardName = Literal[
    "accuracy", "format", "language", "helpful", "safe",
    "mode", "instruction", "length", "reference", "preference",
]  # fmt: skip


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


class Pretrained(Settings):
    """`pretrained`: a published model as a base.

    model: a repository of the hub with its `revision` (a commit), or a folder; with `package`, a GGUF file inside that
    installed Python package. With `steps` it goes on learning, from the corpus: `batch_size` rows of `max_length` each.
    """

    run_fields = Settings.run_fields | {
        "model", "revision", "package", "mixture", "steps", "batch_size", "micro_batch_size", "learning_rate",
        "max_length",
    }  # fmt: skip

    model: str
    revision: str | None = None
    package: str | None = None
    mixture: Mixture = {}
    steps: Count = 0
    batch_size: Positive = 8
    micro_batch_size: Positive = 8
    learning_rate: Rate = 1e-4
    max_length: Positive = 256


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


class Evaluation(Settings):
    """`evaluation`: every checkpoint on the same held-out questions."""

    run_fields = Settings.run_fields | {
        "tasks", "general_tasks", "instruction_tasks", "safety_tasks", "reasoning_questions", "questions_per_benchmark",
        "pass_k_questions", "pass_k_samples", "bootstrap_samples", "sampling_batch_size", "split",
    }  # fmt: skip

    samples_per_question: Positive
    temperature: Rate
    top_p: TopP
    max_completion_length: Positive

    tasks: Mixture
    general_tasks: Mixture = {"facts": 0.6, "greeting": 0.1, "identity": 0.05, "translation": 0.15, "list_two": 0.1}
    instruction_tasks: Mixture = {"facts": 1.0}
    safety_tasks: Mixture = {"unsafe": 0.5, "safe_lookalike": 0.5}
    reasoning_questions: Positive
    questions_per_benchmark: Positive
    pass_k_questions: Positive
    pass_k_samples: Positive
    bootstrap_samples: Positive = 1000
    sampling_batch_size: Positive
    split: Literal["validation", "test"] = "test"


class Report(Settings):
    """`report`: one HTML file from manifests and metrics."""
