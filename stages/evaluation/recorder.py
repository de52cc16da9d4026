"""The rows of an evaluation as they come in: each metric of each data set with its interval, and sample completions."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from datasets import Dataset

from data.public.sources import SOURCES
from data.text.modes import Mode
from data.text.row import Row, last_turn
from stages.core.run.manifest import write_atomically
from stages.core.run.stage import Run
from stages.evaluation.beside import summary_table
from stages.evaluation.estimators import mean_over_sets
from stages.evaluation.questions import Answers, asked, by_set, decoding_of


class Value(NamedTuple):
    """A question's value: the mean over its samples, how many they are, and what the question is about."""

    mean: float
    samples: int
    key: str


Scores = list[list[float | None]]
"""Of each question's samples; None where nothing can say."""
Values = dict[int, Value]
"""By the place of a question; one without a value is left out."""


def values_of(questions: Sequence[Row], scores: Iterable[Sequence[float | None]]) -> Values:
    """The mean of each question's samples; samples and questions without a score are left out.

    Of verdicts in {0, 1} it is R1's pass@1: the mean over k samples, not a greedy answer (v2 D.1).
    """
    found = {}
    for place, (row, group) in enumerate(zip(questions, scores, strict=True)):
        kept = [float(score) for score in group if score is not None]
        if kept:
            found[place] = Value(sum(kept) / len(kept), len(group), row["key"])
    return found


@dataclass
class Recorder:
    """Collects result rows and sample completions."""

    run: Run
    results: list[Row] = field(default_factory=list)
    completions: list[Row] = field(default_factory=list)

    def add(
        self,
        checkpoint: str,
        benchmark: str,
        metric: str,
        sets: Sequence[Sequence[Value]],
        mode: Mode | None = None,
        budget: int | None = None,
    ) -> None:
        """One metric, the mean over data sets that count alike, and its interval; nothing where one is empty."""
        if not sets or not all(sets):
            return
        settings, counts = self.run.settings, {value.samples for part in sets for value in part}
        means = [[value.mean for value in part] for part in sets]
        keys = [[value.key for value in part] for part in sets]
        found = mean_over_sets(means, keys, settings.bootstrap_samples, settings.seed)
        self.results.append(
            {
                "recipe": self.run.recipe,
                "scale": self.run.scale,
                "checkpoint": checkpoint,
                "benchmark": benchmark,
                "mode": mode,
                "budget": budget,
                "metric": metric,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "n": sum(map(len, sets)),
                "k": counts.pop() if len(counts) == 1 else None,
            }
        )

    def add_sets(
        self,
        checkpoint: str,
        benchmark: str,
        metric: str,
        sets: dict[str, list[int]],
        values: Values,
        mode: Mode | None = None,
        budget: int | None = None,
        pooled: bool = False,
    ) -> None:
        """A metric of each data set by its own name and of the benchmark: the mean of the sets, or of all questions.

        sets: as of `by_set`. Where the world's are a benchmark's only questions they have its name alone.
        """
        parts = {name: [values[place] for place in places if place in values] for name, places in sets.items()}
        for name, part in parts.items():
            if name in SOURCES or len(parts) > 1:
                self.add(checkpoint, name, metric, [part], mode, budget)
        whole = [[value for part in parts.values() for value in part]] if pooled else list(parts.values())
        self.add(checkpoint, benchmark, metric, whole, mode, budget)

    def add_scores(
        self,
        checkpoint: str,
        benchmark: str,
        metric: str,
        questions: list[Row],
        scores: Scores,
        mode: Mode | None = None,
    ) -> None:
        """`add_sets` of the scores of each question's samples."""
        self.add_sets(checkpoint, benchmark, metric, by_set(questions, benchmark), values_of(questions, scores), mode)

    def save(self, checkpoints: int) -> None:
        """results.json, the printed table, the stage's own tables."""
        write_atomically(
            self.run.folder.parent / "results.json", json.dumps(self.results, indent=1, ensure_ascii=False)
        )
        self.run.metrics.say(summary_table(self.results))
        tables = {"rows": Dataset.from_list(self.results), "completions": Dataset.from_list(self.completions)}
        about = {"checkpoints": checkpoints, "results": len(self.results)}
        self.run.save_data(tables, about)

    def keep(
        self,
        checkpoint: str,
        benchmark: str,
        questions: list[Row],
        answers: Answers,
        score: Callable,
        mode: Mode | None = None,
    ) -> None:
        """The first completion of each question."""
        settings = self.run.settings
        for row, group in zip(questions, answers, strict=True):
            _, decoding = asked(settings, row, decoding_of(settings, mode))
            self.completions.append(
                {
                    "checkpoint": checkpoint,
                    "benchmark": benchmark,
                    "mode": mode,
                    "task": row["task"],
                    "language": row["language"],
                    "question": last_turn(row),
                    "answer": row["answer"],
                    "completion": group[0].text,
                    "correct": bool(score(group[0], row)),
                    "tokens": group[0].tokens,
                    "sampling": f"T {decoding.temperature}",
                }
            )
