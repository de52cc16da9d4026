"""What evaluations and reports can be told."""

from typing import Literal

from stages.core.pipeline.settings import Count, Mixture, Positive, Rate, Settings, TopP


class Evaluation(Settings):
    """`evaluate`: every checkpoint on the same held-out questions."""

    payload = "data"
    collects = True
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


class ModeEvaluation(Evaluation):
    """`evaluate_modes`: thinking and non-thinking, flags in conversations, thinking budgets."""

    run_fields = Evaluation.run_fields | {"budgets", "conversations"}

    both_modes: list[str]
    non_thinking_temperature: Rate
    non_thinking_top_p: TopP
    budget_checkpoint: str

    budgets: list[Count]
    conversations: Positive


class Report(Settings):
    """`report`: one HTML file from manifests and metrics."""

    payload = "report"
    collects = True


SCRIPTS: dict[str, type[Settings]] = {"evaluate": Evaluation, "evaluate_modes": ModeEvaluation, "report": Report}
