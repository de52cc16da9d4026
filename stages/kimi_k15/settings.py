"""What the stages of Kimi k1.5 can be told."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from data.text.row import Domain
from data.world.test_cases import MOST_CASES
from stages.core.allowed.base import in_order
from stages.core.allowed.mixtures import CodePrompts, Demonstrations, Known, Prompts, ShortAnswers
from stages.core.allowed.sentences import Misfit, disagree
from stages.core.allowed.values import (
    Count,
    Fraction,
    LearningRate,
    Part,
    Positive,
    Rate,
    Schedule,
    Share,
    Temperature,
)
from stages.core.pipeline.settings import SFT, Adam, MirrorDescent, Settings


class VanillaSFT(SFT):
    """`vanilla_sft`: short answers, without a thought."""

    run_fields = SFT.run_fields | {"tasks"}
    reads = {"from": "policy"}

    packing: bool
    """Whether examples share a sequence of `max_length` tokens, each seeing itself alone; a batch then counts those."""
    examples: Positive
    """Examples to learn from, at most."""
    direct_fraction: Fraction
    """Share of the examples that are answered without any working."""
    short_steps: Positive
    """Longest working that a short answer may show, in steps."""

    tasks: ShortAnswers
    """What reasoning prompts are drawn from."""


class CodeTests(Settings):
    """`code_tests`: code prompts with tests that tell right from wrong."""

    payload = "data"
    makes = frozenset({"prompts"})
    run_fields = Settings.run_fields | {"tasks", "problems", "planted_wrong", "wrong_submissions"}

    cases: Annotated[Positive, Field(le=MOST_CASES)]
    """Test cases that are generated for a problem."""
    valid_cases: Positive
    """Valid cases that a problem needs."""
    submissions: Positive
    """Solutions that are run on each case."""
    agreeing: Positive
    """Submissions that must agree on the output of a case for it to be valid."""
    passing: Positive
    """Submissions that must pass all valid cases for the problem to stay."""

    tasks: CodePrompts
    """What code problems are drawn from: `expression`, public data sets of programs with tests."""
    problems: Positive
    """Code problems that are drawn."""
    planted_wrong: Part
    """Share of the submissions that are wrong on purpose."""
    wrong_submissions: Positive = 10
    """Wrong submissions of a problem, of which a case must expose one."""

    @model_validator(mode="after")
    def _can_agree(self):
        in_order(self, "valid_cases", "cases")
        in_order(self, "agreeing", "submissions")
        in_order(self, "passing", "submissions")
        return self


class PromptCuration(Settings):
    """`prompt_curation`: which prompts RL is worth doing on."""

    payload = "data"
    makes = frozenset({"prompts", "pass rates"})
    reads = {"sampler": "policy", "data": "prompts"}
    optional = frozenset({"data"})
    run_fields = Settings.run_fields | {"tasks", "prompts", "sampling_batch_size"}

    excluded: dict[str, list[Known]]
    """Reason -> task families that are left out for it."""
    difficulty_samples: Positive
    """Answers by which the pass rate of a prompt is measured."""
    difficulty_temperature: Temperature
    """Temperature of those answers."""
    min_pass_rate: Fraction
    """Prompts with a pass rate below this are left out."""
    max_pass_rate: Fraction
    """Prompts with a pass rate above this are left out."""
    guess_attempts: Positive
    """Attempts at an answer without any thought."""
    guessed_domains: list[Domain]
    """Domains whose prompts are left out where an attempt is right."""
    guess_temperature: Temperature
    """Temperature of those attempts."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    max_domain_share: Share
    """Largest share that a domain may have of the kept prompts."""

    tasks: Prompts
    """What reasoning prompts are drawn from."""
    prompts: Positive
    """Different prompts that are drawn, at most."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""

    @model_validator(mode="after")
    def _leaves_prompts(self):
        in_order(self, "min_pass_rate", "max_pass_rate")
        drawn = {name.partition("@")[0] for name in self.tasks}
        if drawn <= {task for tasks in self.excluded.values() for task in tasks}:
            disagree(("tasks", "excluded"), f"`tasks` is {self.tasks}, allowed: one at least that `excluded` leaves in")
        return self


class LongCotSFT(SFT):
    """`long_cot_sft`: a small warm-up with long thoughts: on the curated prompts, or `demonstrations` where given."""

    run_fields = SFT.run_fields | {"demonstrations"}
    reads = SFT.reads | {"data": "prompts"}

    demonstrations: Demonstrations = {}
    """Public data sets with responses to learn from in the place of written ones."""
    examples: Positive
    """Examples to learn from, at most."""
    slips: Fraction
    """Probability that a step of a written thought comes out wrong and is mended."""
    concise: Fraction
    """Share of the examples whose answer is the bare statement, not a summary."""


class PolicyMirrorDescent(MirrorDescent):
    """`policy_mirror_descent`: prompts by their difficulty, the length reward after a warm-up."""

    objective: Literal["mirror_descent", "rest"]
    """Policy mirror descent, or ReST for comparison, which fits the best answers only."""
    length_from_iteration: Count
    """Iteration from which the length reward counts: a warm-up without it."""
    keep_every_iterations: Count
    """Iterations between two checkpoints that are kept for the choice among them; 0 keeps the last alone."""

    @model_validator(mode="after")
    def _has_its_length_reward(self):
        if self.length_weight:
            in_order(
                self, "length_from_iteration", "iterations", "the length reward, which has a weight, would not count"
            )
        return self


class CheckpointChoice(Settings):
    """`checkpoint_choice`: of the checkpoints that RL kept, the one with the best balance of accuracy and tokens."""

    several_processes = False
    reads = {"sampler": "policy"}
    run_fields = Settings.run_fields | {"tasks", "questions", "sampling_batch_size"}

    samples_per_question: Positive
    """Completions behind the accuracy and the tokens of a question."""
    temperature: Temperature
    """Temperature of the completions."""
    top_p: Share
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    max_accuracy_loss: Fraction
    """How far below the best accuracy a checkpoint may be; of those the one that needs the fewest tokens is taken."""

    tasks: Prompts
    """What validation questions are drawn from."""
    questions: Positive
    """Validation questions, at most."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""


class Merge(Settings):
    """`merge`: the average of two models' weights."""

    several_processes = False
    reads = {"checkpoints": "policy"}

    weights: list[Fraction]
    """Weight of each of the averaged models, in the order of `checkpoints`."""

    @model_validator(mode="after")
    def _some_weight(self):
        if not any(self.weights):
            disagree(("weights",), f"`weights` is {self.weights}, allowed: one at least above 0")
        return self

    def check_inputs(self, inputs):
        if len(self.weights) != len(inputs["checkpoints"]):
            names = ", ".join(inputs["checkpoints"])
            raise Misfit(
                ("weights",), f"`weights` is {self.weights}, allowed: one for each of the checkpoints ({names})"
            )


class ShortestRejectionSampling(Settings):
    """`shortest_rejection_sampling`: shortest correct responses, and pairs for DPO."""

    payload = "data"
    makes = frozenset({"prompts", "examples", "pairs"})
    reads = {"sampler": "policy", "data": "prompts"}
    run_fields = Settings.run_fields | {"prompts", "sampling_batch_size"}

    samples_per_prompt: Positive
    """Completions that are sampled for each prompt."""
    temperature: Temperature
    """Temperature of the completions."""
    top_p: Share
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    length_ratio: Annotated[Rate, Field(ge=1)]
    """A correct response at least this many times as long as the shortest is rejected."""

    prompts: Positive
    """Different prompts that are drawn, at most."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""


class ShortestSFT(SFT):
    """`shortest_sft`: on the shortest correct responses."""


class Long2ShortDPO(Settings):
    """`long2short_dpo`: direct preference optimisation on pairs of a short and a long response."""

    run_fields = Settings.run_fields | {"micro_batch_size"}
    reads = {"from": "policy", "data": "pairs"}

    beta: Rate
    """How strongly the policy is held to the model it starts from; the larger, the closer."""
    epochs: Positive
    """How often each example is learned."""
    learning_rate: LearningRate
    """Peak learning rate."""
    learning_rate_schedule: Schedule
    """How the learning rate goes on from its peak."""
    max_gradient_norm: Rate = 1.0
    """Norm to which a larger gradient is scaled down."""
    adam: Adam = Adam()
    """The optimizer's own numbers."""
    batch_size: Positive
    """Pairs an update."""
    max_length: Positive
    """Longest prompt and response, in tokens; what is longer is cut."""
    micro_batch_size: Positive
    """Sequences that are in memory at a time; changes no result but rounding."""

    def batches(self):
        return [(("batch_size",), self.batch_size, self.micro_batch_size)]


class Long2ShortRL(MirrorDescent):
    """`long2short_rl`: the second phase, with the length reward from the first iteration on."""


SCRIPTS: dict[str, type[Settings]] = {
    "vanilla_sft": VanillaSFT,
    "code_tests": CodeTests,
    "prompt_curation": PromptCuration,
    "long_cot_sft": LongCotSFT,
    "policy_mirror_descent": PolicyMirrorDescent,
    "checkpoint_choice": CheckpointChoice,
    "merge": Merge,
    "shortest_rejection_sampling": ShortestRejectionSampling,
    "shortest_sft": ShortestSFT,
    "long2short_dpo": Long2ShortDPO,
    "long2short_rl": Long2ShortRL,
}
