"""The rows of an evaluation as they come in: each metric of each data set with its interval, and sample completions."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from datasets import Dataset

from data.public.sources import SOURCES
from data.text.modes import Mode
from data.text.row import Row, last_turn
from stages.core.run.manifest import write_atomically
from stages.core.run.stage import Run
from stages.evaluation.beside import summary_table
from stages.evaluation.by_question import ByQuestion, Place, Value
from stages.evaluation.estimators import mean_over_sets
from stages.evaluation.questions import Answers, asked, by_set, decoding_of
from stages.evaluation.seeds import Variants, origin_of, rows_over_seeds

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
            found[place] = Value(sum(kept) / len(kept), len(group), row["key"], row["id"])
    return found


@dataclass
class Recorder:
    """Collects result rows, the values of single questions behind them, and sample completions."""

    run: Run
    variants: Variants = field(default_factory=dict)
    results: list[Row] = field(default_factory=list)
    completions: list[Row] = field(default_factory=list)
    by_question: ByQuestion = field(default_factory=ByQuestion)

    def add(
        self,
        checkpoint: str,
        benchmark: str,
        metric: str,
        sets: Mapping[str, Sequence[Value]],
        mode: Mode | None = None,
        budget: int | None = None,
    ) -> None:
        """One metric, the mean over data sets that count alike, and its interval; nothing where one is empty.

        sets: by name the values of each data set's questions.
        """
        if not sets or not all(sets.values()):
            return
        parts = list(sets.values())
        settings, counts = self.run.settings, {value.samples for part in parts for value in part}
        means = [[value.mean for value in part] for part in parts]
        keys = [[value.key for value in part] for part in parts]
        found = mean_over_sets(means, keys, settings.bootstrap_samples, settings.seed)
        self.by_question.add(Place(checkpoint, benchmark, metric, mode, budget), sets)
        origin = origin_of(checkpoint, self.variants)
        self.results.append(
            {
                "recipe": self.run.recipe,
                "scale": self.run.scale,
                "checkpoint": checkpoint,
                "stage": origin.stage,
                "arm": origin.arm,
                "seed": origin.seed,
                "seeds": None,
                "benchmark": benchmark,
                "mode": mode,
                "budget": budget,
                "metric": metric,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "n": sum(map(len, parts)),
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
                self.add(checkpoint, name, metric, {name: part}, mode, budget)
        whole = {benchmark: [value for part in parts.values() for value in part]} if pooled else parts
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

    def save(self, checkpoints: Sequence[str]) -> None:
        """results.json, the printed table, the stage's own tables: by checkpoint, then what is over seeds."""
        settings, order = self.run.settings, {name: number for number, name in enumerate(checkpoints)}
        for rows in (self.results, self.completions):
            rows.sort(key=lambda row: order[row["checkpoint"]])
        self.results += rows_over_seeds(self.results, self.by_question, settings.bootstrap_samples, settings.seed)
        write_atomically(
            self.run.folder.parent / "results.json", json.dumps(self.results, indent=1, ensure_ascii=False)
        )
        self.run.metrics.say(summary_table(self.results, self.by_question))
        tables = {
            "rows": Dataset.from_list(self.results),
            "completions": Dataset.from_list(self.completions),
            "questions": Dataset(self.by_question.table(checkpoints)),
        }
        seeds = {seed for row in self.results for seed in row["seeds"] or ()}
        about = {"checkpoints": len(checkpoints), "results": len(self.results)}
        self.run.save_data(tables, about | ({"seeds": len(seeds)} if seeds else {}))

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
