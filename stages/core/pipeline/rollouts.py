"""Settings of what learns from its own samples: GRPO, mirror descent, on-policy distillation. Imports no torch."""

from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from stages.core.allowed.base import Adam, Settings
from stages.core.allowed.mixtures import Mixture, Prompts, QuestionsOrNone, has_split
from stages.core.allowed.sentences import disagree
from stages.core.allowed.values import (
    Count,
    Fraction,
    GroupSize,
    LearningRate,
    NotNegative,
    Positive,
    Rate,
    Schedule,
    Seed,
    Share,
    Temperature,
    Text,
    Weighted,
    no_repetition,
)
from stages.core.pipeline.guards import Guards

REFLECTION_WORDS = ("wait", "mistake", "however", "but", "retry", "error", "verify", "wrong", "evaluate", "check")
"""Those that DeepSeek-R1 counts along its run (v2 C.2)."""


class Rollouts(Settings):
    """What stages share whose policy learns from its own samples, and is measured on the way (training/held_out.py)."""

    run_fields = Settings.run_fields | {
        "guards", "held_out_every", "held_out_tasks", "held_out_split", "held_out_questions", "held_out_samples",
        "held_out_temperature", "held_out_top_p", "held_out_top_k", "held_out_max_completion_length", "held_out_kl",
        "held_out_seed", "reflection_words",
    }  # fmt: skip

    guards: Guards = Guards()
    """What is warned of while it trains, and which warning stops it."""
    held_out_every: Count = 0
    """Updates between two measurements on held-out questions, made before the first and after the last too; 0: none."""
    held_out_tasks: QuestionsOrNone = {}
    """What those questions are drawn from; by default what the stage's own reasoning prompts are drawn from."""
    held_out_split: Literal["validation", "test"] = "validation"
    """Of which split they are; the evaluation asks the test split."""
    held_out_questions: Positive = 64
    """How many of them are asked, at most, and as many general prompts where a model rewards answers to such."""
    held_out_samples: Positive = 1
    """Completions of each question in a measurement."""
    held_out_temperature: Temperature = 0.6
    """Temperature of those completions; by default that of R1's evaluation (v2 D.1)."""
    held_out_top_p: Share = 0.95
    """Least probable tokens beyond this mass are cut off in a measurement; 1 cuts none."""
    held_out_top_k: Count = 0
    """Most probable tokens that are left in a measurement, before top-p; 0 leaves all."""
    held_out_max_completion_length: Positive | None = None
    """Longest completion in a measurement, in tokens; null is the longest that the stage trains with."""
    held_out_kl: bool = False
    """Whether the divergence from the starting checkpoint is measured, which keeps a second model in memory."""
    held_out_seed: Seed = 42
    """What the choice of held-out questions and their samples start from, whatever the stage's own seed."""
    reflection_words: Annotated[list[Text], AfterValidator(no_repetition)] = list(REFLECTION_WORDS)
    """Words and signs, English and Chinese, that count as reflection; by default those of R1 (v2 C.2)."""

    def held_out_mixture(self) -> Mixture:
        """What the held-out questions are drawn from."""
        return self.held_out_tasks or getattr(self, "tasks", {})

    def held_out_length(self) -> int:
        """Tokens that a completion may have in a measurement."""
        return self.held_out_max_completion_length or max(self.lengths().values())

    def curves(self):
        names = ["accuracy", "format", "tokens", "language", "reflections"] + ["kl"] * self.held_out_kl
        names += ["weak_accuracy"] * ("weak_accuracy" in getattr(self, "rewards", ()))
        if getattr(self, "general_tasks", None):
            names += ["reward_model_score", "gold", "unsafe_refused"] + ["general_kl"] * self.held_out_kl
        return super().curves() | {f"held_out/{name}" for name in names if self.held_out_every}

    def lengths(self):
        longest = self.held_out_max_completion_length if self.held_out_every else None
        return super().lengths() | ({} if longest is None else {"held_out_max_completion_length": longest})

    @model_validator(mode="after")
    def _can_be_measured(self):
        if self.held_out_every and not self.held_out_mixture():
            disagree(
                ("held_out_tasks", "held_out_every"),
                f"`held_out_tasks` is {{}}, allowed where the stage draws no reasoning prompts itself: with "
                f"`held_out_every` 0, which is {self.held_out_every}",
            )
        if self.held_out_every:
            has_split(self.held_out_split, self.held_out_mixture(), ("held_out_split", "held_out_tasks"))
        return self


class GRPO(Rollouts):
    """Group relative policy optimisation with rewards by rule."""

    run_fields = Rollouts.run_fields | {"tasks", "prompts", "micro_batch_size", "save_every_rollouts"}
    reads = {"from": "policy"}

    template: Literal["r1_zero", "chat"]
    """The prompt's form: R1-Zero's (v2 Table 1), or the chat template."""
    rewards: Weighted[str]
    """Reward -> its weight."""
    learning_rate: LearningRate
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
    temperature: Temperature
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

    tasks: Prompts
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""
    save_every_rollouts: Positive = 1
    """Rollouts between two checkpoints."""

    @property
    def rollout_prompts(self) -> int:
        """Different prompts that one rollout takes."""
        return self.prompts_per_step * self.steps_per_rollout

    def curves(self):
        of_rewards = {f"rewards/{name}/mean" for name in self.rewards}
        return super().curves() | of_rewards | {"reward", "completions/mean_length", "kl", "entropy"}

    def batches(self):
        update = self.prompts_per_step * self.group_size
        return [(("prompts_per_step", "group_size"), update, self.micro_batch_size)]


class DrawnGRPO(GRPO):
    """GRPO on prompts that the stage itself draws once, for all of its rollouts."""

    @model_validator(mode="after")
    def _fill_a_rollout(self):
        if self.prompts < self.rollout_prompts:
            disagree(
                ("prompts", "prompts_per_step", "steps_per_rollout"),
                f"`prompts` is {self.prompts}, allowed: at least the {self.rollout_prompts} of a rollout "
                f"(`prompts_per_step` {self.prompts_per_step} x `steps_per_rollout` {self.steps_per_rollout})",
            )
        return self


class MirrorDescent(Rollouts):
    """Online policy mirror descent on curated prompts, with a reward for short answers."""

    run_fields = Rollouts.run_fields | {"micro_batch_size", "save_every_iterations"}
    reads = {"from": "policy", "data": "pass rates"}

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
    learning_rate: LearningRate
    """Peak learning rate."""
    learning_rate_schedule: Schedule
    """How the learning rate goes on from its peak."""
    max_gradient_norm: Rate
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    temperature: Temperature
    """Temperature of the completions."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    accuracy_weight: Rate
    """Weight of correctness among the rewards."""
    length_weight: NotNegative
    """Weight of the length reward beside correctness; 0 leaves it out."""
    repetition_ngram: Positive
    """Length of the runs of tokens whose repetition ends a rollout."""
    repetition_times: GroupSize
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

    def batches(self):
        update = self.prompts_per_iteration * self.group_size // self.updates_per_iteration
        return [(("prompts_per_iteration", "group_size", "updates_per_iteration"), update, self.micro_batch_size)]

    def curves(self):
        return super().curves() | {"reward", "completions/mean_length"}

    @model_validator(mode="after")
    def _whole_updates(self):
        samples = self.prompts_per_iteration * self.group_size
        if samples % self.updates_per_iteration:
            disagree(
                ("updates_per_iteration", "prompts_per_iteration", "group_size"),
                f"`updates_per_iteration` is {self.updates_per_iteration}, allowed: a divisor of the {samples} samples "
                f"of an iteration (`prompts_per_iteration` {self.prompts_per_iteration} x `group_size` "
                f"{self.group_size})",
            )
        return self


class OnPolicy(Rollouts):
    """Distillation on the student's own samples, towards the teacher's distribution."""

    run_fields = Rollouts.run_fields | {"tasks", "prompts", "micro_batch_size"}
    reads = {"from": "policy", "teacher": "policy"}

    divergence: Literal["forward_kl", "jensen_shannon", "reverse_kl"]
    """From teacher to student (forward), from student to teacher (reverse), or their mixture."""
    temperature: Temperature
    """Temperature of the completions."""
    learning_rate: LearningRate
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

    tasks: Prompts
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""

    def batches(self):
        return [(("prompts_per_step",), self.prompts_per_step, self.micro_batch_size)]
