"""What the stages of Qwen3 can be told."""

from typing import Literal

from pydantic import model_validator

from stages.core.allowed.base import draws_general_prompts, in_order
from stages.core.allowed.mixtures import GeneralPrompts, Prompts, References, Responses
from stages.core.allowed.sentences import disagree
from stages.core.allowed.values import (
    Fraction,
    GroupSize,
    NotNegative,
    Part,
    Positive,
    Rate,
    Share,
    Temperature,
    TemperatureOrGreedy,
    Weighted,
)
from stages.core.pipeline.settings import (
    GRPO,
    SFT,
    DrawnGRPO,
    OnPolicy,
    PairwiseRewardModel,
    PointwiseRewardModel,
    Sampled,
    Settings,
)


class ColdStartData(Sampled):
    """`cold_start_data`: Qwen3's two-phase filter, of queries and of a teacher's responses."""

    run_fields = Sampled.run_fields | {"validation_queries", "several_questions"}
    makes = Sampled.makes | {"queries", "validation"}
    reads = {"sampler": "policy", "teacher": "policy"}

    guess_attempts: Positive
    """Attempts at an answer without any thought."""
    guess_temperature: TemperatureOrGreedy
    """Temperature of those attempts."""
    min_reasoning_words: Positive
    """A thought of fewer words before its answer is a guess."""
    similarity_ngram: Positive
    """Length of the runs of words that are compared with the validation set."""
    max_similarity: Fraction
    """Largest share of n-grams that a query or a thought may have in common with the validation set."""
    examples: Positive
    """Examples to learn from, at most."""

    validation_queries: Positive
    """Queries that are reserved, to be trained on by no stage."""
    several_questions: Part
    """Share of the queries that are made of two, to be filtered out."""

    @model_validator(mode="after")
    def _leaves_queries(self):
        if self.validation_queries >= self.prompts:
            disagree(
                ("validation_queries", "prompts"),
                f"`validation_queries` is {self.validation_queries}, allowed: fewer than `prompts`, which is "
                f"{self.prompts}: none would be left to learn from",
            )
        return self


class ColdStartSFT(SFT):
    """`cold_start_sft`: a minimal SFT, so as not to take RL's place."""


class QueryVerifierPairs(Settings):
    """`query_verifier_pairs`: few, learnable, hard queries that the cold start has not seen."""

    payload = "data"
    makes = frozenset({"prompts", "pass rates"})
    reads = {"sampler": "policy", "data": "validation"}
    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    pairs: Positive
    """Query-verifier pairs that are kept, at most."""
    samples_per_query: GroupSize
    """Responses that are sampled for each query, of which some must be right and some wrong."""
    temperature: Temperature
    """Temperature of the completions."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""

    tasks: Prompts
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""


class ReasoningRL(GRPO):
    """`reasoning_rl`: on the query-verifier pairs."""

    reads = GRPO.reads | {"data": "prompts"}

    rewards: Weighted[Literal["accuracy", "format"]]
    """Reward -> its weight."""
    entropy_coefficient: NotNegative
    """Weight of the policy's entropy, which is added to the objective to hold it up; 0 leaves it alone."""


class FusionData(Settings):
    """`fusion_data`: the RL model's own thoughts, and answers without a thought."""

    payload = "data"
    makes = frozenset({"prompts", "examples"})
    reads = {"sampler": "policy", "data": "queries"}
    run_fields = Settings.run_fields | {"tasks", "general_tasks", "sampling_batch_size"}

    samples_per_query: Positive
    """Responses that are sampled for each query."""
    keep_per_query: Positive
    """Responses that are kept of a query, at most."""
    temperature: Temperature
    """Temperature of the completions."""
    top_p: Share
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    non_thinking_rows: Positive
    """Rows without a thought."""
    general_fraction: Fraction
    """Share of general prompts, in [0, 1]; the others are reasoning prompts."""
    drafts: Positive
    """Answers of the world's author of which the best is taken."""
    min_checklist_score: Fraction
    """Least score of a general answer on the checklist, in [0, 1]."""
    draft_judge_noise: NotNegative = 0.0
    """Standard deviation of the score, 1 to 10, that chooses among drafts and fills in the checklist; 0 is exact."""
    visible_steps: Fraction = 0.0
    """Share of the reasoning rows without a thought whose answer shows the last step or two before it is stated."""
    thoughtful: Fraction
    """Share of the general prompts that are answered with a thought."""
    conversations_per_response: Positive
    """Prompts, each with its own history and flags, that one response is learned behind."""
    unflagged_thinking: Fraction
    """Share of the thinking prompts without a flag where none is needed."""
    system_flags: Fraction
    """Share of the flagged prompts whose flag stands in the system message."""
    multi_turn: Fraction
    """Share of the prompts that end a conversation of several turns."""
    max_turns: GroupSize
    """Longest conversation, in user turns."""
    max_length: Positive
    """Longest conversation, in tokens; a longer one is cut to its last turn."""

    tasks: Prompts
    """What reasoning prompts are drawn from."""
    general_tasks: Responses
    """What general prompts are drawn from."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""

    @model_validator(mode="after")
    def _can_fill_its_shares(self):
        in_order(self, "keep_per_query", "samples_per_query")
        draws_general_prompts(self)
        return self


class ThinkingModeFusion(SFT):
    """`thinking_mode_fusion`: both modes in one model."""


class PreferenceRewardModel(PairwiseRewardModel):
    """`preference_reward_model`: the reward without a reference answer."""


class ReferenceRewardModel(PointwiseRewardModel):
    """`reference_reward_model`: whether a response agrees with a reference answer."""

    contrast: bool = False
    """Whether each question has a right and a wrong response, so that nothing but the reference tells them apart."""

    tasks: References
    """What prompts are drawn from."""


class GeneralRL(GRPO):
    """`general_rl`: many tasks, three types of reward, both modes."""

    run_fields = GRPO.run_fields | {"general_tasks", "min_held_out_accuracy"}
    reads = GRPO.reads | {"reward_models": "reward model"}
    names = {"reward_models": ("preference_reward_model", "reference_reward_model")}

    rewards: Weighted[
        Literal["accuracy", "format", "language", "mode", "instruction", "length_asked", "preference", "reference"]
    ]
    """Reward -> its weight."""
    general_fraction: Fraction
    """Share of general prompts where they are mixed in, in [0, 1]."""
    non_thinking_fraction: Fraction
    """Share of the prompts that ask for an answer without a thought, in [0, 1]."""
    multi_turn: Fraction
    """Share of the prompts that end a conversation of several turns."""
    system_flags: Fraction
    """Share of the flagged prompts whose flag stands in the system message."""
    preference_normalisation: Literal["none", "z_score"]
    """Whether the preference score is standardised by what the starting policy earns."""
    preference_clip: Rate
    """Bound of the standardised preference score, in standard deviations."""
    general_tasks: GeneralPrompts
    """What general prompts are drawn from."""
    min_held_out_accuracy: dict[Literal["preference_reward_model", "reference_reward_model"], Fraction] = {}
    """Reward model -> the held-out accuracy, in [0, 1], below which it is refused."""

    @model_validator(mode="after")
    def _mixes(self):
        draws_general_prompts(self, self.preference_normalisation)
        return self


class DistillationData(Settings):
    """`distillation_data`: a teacher's responses in both modes."""

    payload = "data"
    makes = frozenset({"prompts", "examples"})
    reads = {"sampler": "policy"}
    run_fields = Settings.run_fields | {"tasks", "general_tasks", "prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    """Completions that are sampled for each prompt."""
    temperature: Temperature
    """Temperature of the completions."""
    top_p: Share
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    non_thinking_fraction: Fraction
    """Share of the prompts that ask for an answer without a thought, in [0, 1]."""
    general_fraction: Fraction
    """Share of general prompts, in [0, 1]; the others are reasoning prompts."""
    only_correct: bool
    """Whether wrong responses to reasoning prompts are dropped."""
    wrong_without_thinking: bool = False
    """Whether wrong responses without a thought are kept all the same: they are many, and the mode is in them too."""
    multi_turn: Fraction = 0.0
    """Share of the prompts that end a conversation of several turns."""
    system_flags: Fraction = 0.0
    """Share of the flagged prompts whose flag stands in the system message."""
    switched_off: Fraction = 0.0
    """Share of the rows without a thought that have no flag and are given the empty think block."""

    tasks: Prompts
    """What reasoning prompts are drawn from."""
    general_tasks: GeneralPrompts
    """What general prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""

    @model_validator(mode="after")
    def _mixes(self):
        draws_general_prompts(self)
        return self


class OffPolicyDistillation(SFT):
    """`off_policy_distillation`: the student on the teacher's responses."""


class OnPolicyDistillation(OnPolicy):
    """`on_policy_distillation`: the student's own samples, the teacher's logits."""

    non_thinking_fraction: Fraction
    """Share of the prompts that ask for an answer without a thought, in [0, 1]."""


class StudentRL(DrawnGRPO):
    """`student_rl`: the RL that distillation is compared with."""

    rewards: Weighted[Literal["accuracy", "format"]]
    """Reward -> its weight."""


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
