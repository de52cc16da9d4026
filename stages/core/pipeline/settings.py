"""The kinds of settings that stages of all papers share: what a recipe and a scale may say. Imports no torch.

A stage's own class lies in its paper's room (`stages/r1/settings.py`), and is derived from one of these. A field is
either *of the method* (a paper states it or leaves it out, so a recipe must cite it or say `undisclosed`) or *of the
run* (`run_fields`: data mixture, seeds, memory; a scale's business).
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from stages.core.pipeline.guards import Guards

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
TopP = Annotated[float, Field(gt=0, le=1)]
GroupSize = Annotated[int, Field(ge=2)]
Schedule = Literal["constant", "linear", "cosine"]
Mixture = dict[str, NotNegative]
"""Task family or public data set (data/public/sources.py) -> weight; the weights need not sum to one."""
Payload = Literal["model", "data", "report"]


class Adam(BaseModel):
    """AdamW's own numbers; by default torch's, without decay."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    betas: tuple[Momentum, Momentum] = (0.9, 0.999)
    """Decay of the running means of the gradient and of its square."""
    epsilon: Rate = 1e-8
    """What is added to the root of the mean square."""
    weight_decay: NotNegative = 0.0
    """Share of each weight, times the learning rate, that an update takes off."""


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


class Rollouts(Settings):
    """What stages share whose policy learns from its own samples."""

    run_fields = Settings.run_fields | {"guards"}

    guards: Guards = Guards()
    """What is warned of while it trains, and which warning stops it."""


class GRPO(Rollouts):
    """Group relative policy optimisation with rewards by rule."""

    run_fields = Rollouts.run_fields | {"tasks", "prompts", "micro_batch_size", "save_every_rollouts"}

    template: Literal["r1_zero", "chat"]
    """The prompt's form: R1-Zero's (v2 Table 1), or the chat template."""
    rewards: dict[str, float]
    """Reward -> its weight."""
    learning_rate: Rate
    """Peak learning rate."""
    learning_rate_schedule: Schedule
    """How the learning rate goes on from its peak."""
    max_gradient_norm: Rate
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    kl_coefficient: NotNegative
    """Weight of the KL term that holds the policy to the reference; 0 keeps no reference."""
    clip_epsilon: Rate
    """The ratio of a token counts up to 1 + this for good answers, down to 1 - this for bad ones."""
    temperature: Rate
    """Temperature of the completions."""
    group_size: GroupSize
    """Completions of one prompt, among which their rewards are compared."""
    prompts_per_step: Positive
    """Prompts an update, each with a group."""
    steps_per_rollout: Positive
    """Updates that one rollout serves: above 1 the ratio is live."""
    inner_epochs: Positive
    """How often a rollout is gone through."""
    steps: Positive
    """Updates of the run."""
    reference_refresh_steps: Positive
    """Updates after which the reference becomes the policy of that moment."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    loss_aggregation: Literal["grpo", "dapo", "dr_grpo"]
    """How token losses are summed: a mean an answer (grpo), over all tokens (dapo), over a constant (dr_grpo)."""
    advantage_scaling: Literal["group", "batch", "none"]
    """By what a group's centred rewards are divided: its own deviation, that of the whole batch, or nothing."""

    tasks: Mixture
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""
    save_every_rollouts: Positive = 1
    """Rollouts between two checkpoints."""


class MirrorDescent(Rollouts):
    """Online policy mirror descent on curated prompts, with a reward for short answers."""

    run_fields = Rollouts.run_fields | {"micro_batch_size", "save_every_iterations"}

    tau: NotNegative
    """Weight of the squared log-ratio that holds the policy to the reference."""
    group_size: GroupSize
    """Completions of one prompt, among which their rewards are compared."""
    prompts_per_iteration: Positive
    """Prompts a rollout, each with a group."""
    updates_per_iteration: Positive
    """Updates on one rollout."""
    inner_epochs: Positive
    """How often a rollout is gone through."""
    iterations: Positive
    """Rollouts of the run, each with its own reference policy."""
    learning_rate: Rate
    """Peak learning rate."""
    learning_rate_schedule: Schedule
    """How the learning rate goes on from its peak."""
    max_gradient_norm: Rate
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    temperature: Rate
    """Temperature of the completions."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    accuracy_weight: Rate
    """Weight of correctness among the rewards."""
    length_weight: NotNegative
    """Weight of the length reward beside correctness; 0 leaves it out."""
    repetition_ngram: Positive
    """Length of the runs of tokens whose repetition ends a rollout."""
    repetition_times: Annotated[int, Field(ge=2)]
    """Repetitions in a row that end a rollout."""
    repetition_penalty: NotNegative
    """What a rollout loses that was ended for its repetition."""
    prompt_choice: Literal["uniform", "easy_to_hard", "curriculum", "prioritised", "curriculum_prioritised"]
    """Which prompts an iteration takes (sampling/prompt_choice.py)."""
    warm_up_fraction: Fraction
    """Share of the iterations in which all prompts are drawn alike, before the hard ones alone."""
    hard_pass_rate: Fraction
    """Prompts with at most this pass rate are the hard ones."""
    segment_tokens: Positive
    """Tokens that a rollout may grow by in an iteration; what is not done goes on in the next."""
    keep_earlier_segments: bool
    """Whether segments that an earlier policy wrote are in the loss."""

    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""
    save_every_iterations: Positive = 1
    """Iterations between two checkpoints."""


class SFT(Settings):
    """Supervised fine-tuning: cross-entropy on the completion tokens."""

    run_fields = Settings.run_fields | {"micro_batch_size"}

    epochs: Positive
    """How often each example is learned."""
    learning_rate: Rate
    """Peak learning rate."""
    final_learning_rate: NotNegative
    """Learning rate at the end, to which it falls by cosine."""
    warmup_fraction: Fraction
    """Share of the updates in which the learning rate rises to its peak."""
    max_gradient_norm: Rate = 1.0
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    batch_size: Positive
    """Sequences an update."""
    max_length: Positive
    """Longest example, in tokens; what is longer is left out."""

    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""


class RewardModel(Settings):
    """A scalar head on a chat model, trained on judged responses."""

    run_fields = Settings.run_fields | {"tasks", "micro_batch_size", "held_out"}

    epochs: Positive
    """How often each example is learned."""
    learning_rate: Rate
    """Peak learning rate."""
    learning_rate_schedule: Schedule
    """How the learning rate goes on from its peak."""
    max_gradient_norm: Rate = 1.0
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    batch_size: Positive
    """Examples an update."""
    max_length: Positive
    """Longest text, in tokens; what is longer is cut."""
    examples: Positive
    """Pairs or responses to learn from."""

    tasks: Mixture
    """What prompts are drawn from."""
    held_out: Positive
    """Examples on which its accuracy is measured."""
    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""


class PairwiseRewardModel(RewardModel):
    """A reward model of pairs: the chosen response above the rejected one."""

    judgements: Positive
    """Scores by the judge whose mean decides a pair."""
    judge_noise: NotNegative
    """Standard deviation of the judge's score, which lies in 1 to 10."""
    min_score_difference: NotNegative
    """Pairs whose mean scores, of 1 to 10, differ by no more than this are dropped."""
    balance_lengths: bool
    """Whether as many pairs have the longer response chosen as the shorter one."""
    center_coefficient: NotNegative
    """Weight of a term that holds the mean score of a pair around 0."""


class PointwiseRewardModel(RewardModel):
    """A reward model of single responses, each labelled good or bad."""

    label_noise: Fraction
    """Share of the labels that are flipped."""


class Sampled(Settings):
    """Data that a model samples: completions of prompts, the good ones kept."""

    payload = "data"
    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    """Completions that are sampled for each prompt."""
    keep_per_prompt: Positive
    """Completions that are kept of a prompt, at most."""
    temperature: Rate
    """Temperature of the completions."""
    top_p: TopP
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    min_language_consistency: Fraction
    """Least share of a thought's words in the prompt's language, in [0, 1]."""
    repetition_ngram: Positive
    """Length of the runs whose repetition is measured, in words; in tokens while a policy samples."""
    max_repetition: Fraction
    """Largest share of n-grams of a thought that occurred before, in [0, 1]."""

    tasks: Mixture
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""


class OnPolicy(Rollouts):
    """Distillation on the student's own samples, towards the teacher's distribution."""

    run_fields = Rollouts.run_fields | {"tasks", "prompts", "micro_batch_size"}

    divergence: Literal["forward_kl", "jensen_shannon", "reverse_kl"]
    """From teacher to student (forward), from student to teacher (reverse), or their mixture."""
    temperature: Rate
    """Temperature of the completions."""
    learning_rate: Rate
    """Peak learning rate."""
    learning_rate_schedule: Schedule
    """How the learning rate goes on from its peak."""
    max_gradient_norm: Rate
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    prompts_per_step: Positive
    """Prompts an update, each with one completion."""
    steps: Positive
    """Updates of the run."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""

    tasks: Mixture
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""


class Pretraining(Settings):
    """A base model: how long it learns from the corpus. Nothing here is of a paper."""

    several_processes = False
    run_fields = Settings.run_fields | {"mixture", "steps", "batch_size", "learning_rate", "max_length"}

    mixture: Mixture
    """What the documents of the corpus are drawn from."""
    steps: Count
    """Updates of the run."""
    batch_size: Positive
    """Rows of `max_length` tokens an update."""
    learning_rate: Rate
    """Learning rate of all but the matrices."""
    max_length: Positive
    """Tokens of a row, which holds whole documents."""


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
