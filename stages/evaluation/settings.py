"""What evaluations and reports can be told."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from data.text.prompts import PAPERS_CLOSING
from data.world.families import HARDER, TRANSFER
from stages.core.allowed.claims import Measured
from stages.core.allowed.mixtures import (
    DataSet,
    GeneralQuestions,
    HarderQuestions,
    InstructionQuestions,
    LengthQuestions,
    Questions,
    SafetyQuestions,
    UntrainedQuestions,
    has_split,
)
from stages.core.allowed.sentences import Misfit, nearest
from stages.core.allowed.values import Count, Number, Positive, Share, Temperature, no_repetition
from stages.core.pipeline.settings import Settings

REASONING = ("reasoning", "math", "code", "stem", "chinese")
"""Benchmarks of reasoning questions: all of them, by domain, and the Chinese ones."""
CALIBRATION = CONFIDENCE, OVERCONFIDENCE, ECE = "confidence", "overconfidence", "ece"
"""Of the samples of `pass@k (T 1)` (calibration.py): the share that agrees with the majority; that minus whether the
majority is right, above 0 where a model is surer than right; expected calibration error over the questions."""
MAJORITY = "cons@k (T 1)"
"""Whether the majority of those samples is right."""
Penalty = Annotated[Number, Field(ge=-2, le=2)]
Measure = Literal["unsupported", "weak_accuracy"]
"""What is measured of answers where it is asked for (core/rewards/measures.py)."""


class ByLanguage(TypedDict):
    """A text for each language of a question."""

    __pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    en: str
    """Of an English one."""
    zh: str
    """Of a Chinese one."""


class Own(TypedDict, total=False):
    """What a data set is asked with, in both modes, where that is not the stage's."""

    __pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    samples_per_question: Positive
    """Completions behind each pass@1."""
    temperature: Temperature
    """Temperature of the completions."""
    top_p: Share
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    top_k: Count
    """Most probable tokens that are left, before top-p; 0 leaves all."""
    presence_penalty: Penalty
    """What the logit of a token loses that the completion has already."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""


class Evaluation(Settings):
    """`evaluate`: every checkpoint on the same held-out questions."""

    payload = "data"
    collects = True
    makes = frozenset()
    reads = {"checkpoints": "policy", "reward_models": "reward model"}
    optional = frozenset({"reward_models"})
    run_fields = Settings.run_fields | {
        "tasks", "general_tasks", "instruction_tasks", "safety_tasks", "reasoning_questions", "questions_per_benchmark",
        "pass_k_questions", "pass_k_samples", "bootstrap_samples", "sampling_batch_size", "split",
        "extrapolation_tasks", "extrapolation_questions", "extrapolation_max_completion_length", "transfer_tasks",
        "transfer_questions", "unseen_questions", "measures",
    }  # fmt: skip
    measuring = frozenset({"measures"})

    samples_per_question: Positive
    """Completions behind each pass@1."""
    temperature: Temperature
    """Temperature of the completions."""
    top_p: Share
    """Least probable tokens beyond this mass are cut off; 1 cuts none."""
    top_k: Count = 0
    """Most probable tokens that are left, before top-p; 0 leaves all."""
    presence_penalty: Penalty = 0.0
    """What the logit of a token loses that the completion has already."""
    max_completion_length: Positive
    """Longest completion, in tokens with the end token."""
    by_data_set: dict[DataSet, Own] = {}
    """Public data set -> what it is asked with instead of the above."""
    opening: str = ""
    """What every response must begin with, in the chat template and where thinking is on."""

    tasks: Questions
    """What reasoning questions are drawn from."""
    general_tasks: GeneralQuestions = {
        "facts": 0.6,
        "greeting": 0.1,
        "identity": 0.05,
        "translation": 0.15,
        "list_two": 0.1,
    }
    """What general prompts are drawn from."""
    instruction_tasks: InstructionQuestions = {"facts": 1.0}
    """What prompts with instructions are drawn from."""
    safety_tasks: SafetyQuestions = {"unsafe": 0.5, "safe_lookalike": 0.5}
    """What safety prompts are drawn from."""
    reasoning_questions: Positive
    """Reasoning questions, at most."""
    questions_per_benchmark: Positive
    """Questions of each benchmark, at most."""
    unseen_questions: Count = 0
    """Questions of each of the two general kinds that nothing is trained on, at most; 0 asks none."""
    pass_k_questions: Positive
    """Questions on which pass@k is measured."""
    pass_k_samples: Positive
    """Samples a question for pass@k."""
    bootstrap_samples: Positive = 1000
    """Resamples behind each interval."""
    sampling_batch_size: Positive
    """Sequences that are sampled at a time."""
    extrapolation_tasks: HarderQuestions = dict.fromkeys(HARDER, 1.0)
    """What questions that are harder than any training data are drawn from."""
    extrapolation_questions: Count = 0
    """Such questions, at most; 0 asks none."""
    extrapolation_max_completion_length: Positive | None = None
    """Longest completion of such a question, in tokens; null is `max_completion_length`."""
    transfer_tasks: UntrainedQuestions = dict.fromkeys(TRANSFER, 1.0)
    """What questions of families that nothing is trained on are drawn from."""
    transfer_questions: Count = 0
    """Such questions, at most; 0 asks none."""
    split: Literal["validation", "test"] = "test"
    """Which questions are asked: those of the validation or of the test split."""
    measures: Annotated[list[Measure], AfterValidator(no_repetition)] = []
    """What else is measured of reasoning: right answers without their thought, what a weak verifier takes for right."""

    def lengths(self):
        own = {f"by_data_set.{name}": asked.get("max_completion_length", 0) for name, asked in self.by_data_set.items()}
        if self.extrapolation_questions and self.extrapolation_max_completion_length:
            own["extrapolation_max_completion_length"] = self.extrapolation_max_completion_length
        return super().lengths() | own

    def measured(self, checkpoint):
        return {
            Measured(benchmark, metric): Measured(benchmark, name)
            for benchmark, metrics in self.by_benchmark().items()
            for metric, name in metrics.items()
        }

    def by_benchmark(self) -> dict[str, dict[str, str]]:
        """Benchmark -> its metrics, as a claim names them -> as its rows do, which have numbers for `k`."""
        many, hot = self.samples_per_question, self.pass_k_samples
        of_k = {"cons@k": f"cons@{many}", "pass@k": f"pass@{many}", "pass@k (T 1)": f"pass@{hot} (T 1)"}
        always = ("pass@1", "greedy", "pass@1 (T 1)", "format_rate", "language_consistency", "mean_tokens")
        whole = (*always, *self.measures)
        alone: dict[str, tuple[str, ...]] = {
            "instruction_following": ("followed",),
            "general": ("gold", "win_rate", "reward_model_score"),
            "safety": ("unsafe_refused", "safe_answered"),
        }
        if self.extrapolation_questions:
            alone["extrapolation"] = ("pass@1", "mean_tokens")
        if self.transfer_questions:
            alone["transfer"] = ("pass@1", "mean_tokens")
        if self.unseen_questions:
            alone |= {"general_held_out": ("correct", "gold"), "safety_held_out": ("unsafe_refused",)}
        found = {name: {metric: metric for metric in whole} | of_k for name in REASONING}
        found["reasoning"] |= {MAJORITY: f"cons@{hot} (T 1)"} | {name: name for name in CALIBRATION}
        return found | {name: {metric: metric for metric in metrics} for name, metrics in alone.items()}

    @model_validator(mode="after")
    def _has_the_split(self):
        for field in ("tasks", "general_tasks", "instruction_tasks", "safety_tasks"):
            has_split(self.split, getattr(self, field), ("split", field))
        return self


class ModeEvaluation(Evaluation):
    """`evaluate_modes`: thinking and non-thinking, flags in conversations, thinking budgets."""

    run_fields = Evaluation.run_fields | {"budgets", "conversations", "length_tasks"}

    both_modes: Annotated[list[str], AfterValidator(no_repetition)]
    """Checkpoints that are evaluated with and without thinking; the others in the mode they have."""
    non_thinking_temperature: Temperature
    """Temperature without thinking."""
    non_thinking_top_p: Share
    """Least probable tokens beyond this mass are cut off without thinking."""
    non_thinking_top_k: Count = 0
    """Most probable tokens that are left without thinking, before top-p; 0 leaves all."""
    non_thinking_presence_penalty: Penalty = 0.0
    """What the logit of a token loses without thinking that the completion has already."""
    budget_checkpoint: str
    """The checkpoint whose thinking budgets are tried."""
    closing_sentence: ByLanguage = {"en": PAPERS_CLOSING, "zh": PAPERS_CLOSING}
    """What is inserted between a cut thought and its closing tag, with what parts it from the thought; may be empty."""

    budgets: Annotated[list[Count], AfterValidator(no_repetition)]
    """Thinking budgets that are tried, in tokens."""
    conversations: Positive
    """Conversations of several turns in which the last flag must count."""
    length_tasks: LengthQuestions = {"repeat_word": 1.0}
    """What prompts that ask for a length are drawn from."""

    def measured(self, checkpoint):
        modes = ("thinking", "non_thinking") if checkpoint in self.both_modes else (None,)
        found = {
            item._replace(mode=mode): of_table._replace(mode=mode)
            for item, of_table in super().measured(checkpoint).items()
            for mode in modes
            if (item.metric, mode) != ("format_rate", "non_thinking")
        }
        alone = {("length_control", "length_score")}
        if checkpoint in self.both_modes:
            alone |= {("think_follow", "followed")}
        found |= {Measured(*about, mode): Measured(*about, mode) for about in alone for mode in modes}
        if checkpoint == self.budget_checkpoint and self.budgets:
            order = sorted(self.budgets)
            spoken = {"least": order[0], "middle": order[len(order) // 2], "most": order[-1]}
            for metric in ("pass@1", "cut", "pass@1 (cut)", "mean_tokens"):
                for word, tokens in spoken.items():
                    asked = Measured("budget", metric, "thinking", word)
                    found[asked] = asked._replace(budget=tokens)
        return found

    def by_benchmark(self):
        return {name: metrics for name, metrics in super().by_benchmark().items() if name != "safety"}

    def check_inputs(self, inputs):
        for field, names in (("both_modes", self.both_modes), ("budget_checkpoint", [self.budget_checkpoint])):
            for name in names:
                if name not in inputs["checkpoints"]:
                    raise Misfit((field,), f"`{field}` names `{name}`; {nearest(name, inputs['checkpoints'])}")


class Report(Settings):
    """`report`: one HTML file from manifests and metrics."""

    payload = "report"
    collects = True
    makes = frozenset()


SCRIPTS: dict[str, type[Settings]] = {"evaluate": Evaluation, "evaluate_modes": ModeEvaluation, "report": Report}
