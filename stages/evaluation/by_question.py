"""The values of single questions behind the rows of an evaluation: what intervals are over, and what is paired.

As a table, `questions.parquet`: a row a question of each row of the results, so that means, intervals over seeds and
differences of any two checkpoints can be computed again. Needs no torch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.evaluation.estimators import Estimate, sets_over_seeds


class Value(NamedTuple):
    """A question's value: the mean over its samples, how many they are, what the question is about, and its id."""

    mean: float
    samples: int
    key: str
    question: str


class Place(NamedTuple):
    """Which row of the results."""

    checkpoint: str
    benchmark: str
    metric: str
    mode: str | None = None
    budget: int | None = None


Sets = Mapping[str, Mapping[str, Value]]
"""Data set -> question -> its value. A row is the mean of the means of its data sets."""
COLUMNS = (*Place._fields, "data_set", "question", "key", "value", "samples")


class ByQuestion:
    """The values of each row of the results."""

    def __init__(self) -> None:
        self.rows: dict[Place, dict[str, dict[str, Value]]] = {}

    def add(self, place: Place, sets: Mapping[str, Iterable[Value]]) -> None:
        """The values of one row."""
        self.rows[place] = {name: {value.question: value for value in values} for name, values in sets.items()}

    def of(self, place: Place) -> Sets:
        """The values of a row; empty where there are none."""
        return self.rows.get(place, {})

    def table(self, checkpoints: Sequence[str]) -> Any:
        """A table (pyarrow's) with COLUMNS, the checkpoints in this order."""
        import pyarrow

        order = {name: number for number, name in enumerate(checkpoints)}
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        for place in sorted(self.rows, key=lambda place: order[place.checkpoint]):
            for name, values in self.rows[place].items():
                for field, told in zip(Place._fields, place, strict=True):
                    columns[field] += [told] * len(values)
                columns["data_set"] += [name] * len(values)
                columns["question"] += list(values)
                for column, field in (("key", "key"), ("value", "mean"), ("samples", "samples")):
                    columns[column] += [getattr(value, field) for value in values.values()]
        kinds = {"budget": pyarrow.int64(), "value": pyarrow.float64(), "samples": pyarrow.int64()}
        schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])
        return pyarrow.table(columns, schema=schema)

    @classmethod
    def read(cls, table: Any) -> "ByQuestion":
        """From such a table."""
        found = cls()
        columns = [table[name].to_pylist() for name in COLUMNS]
        for *place, name, question, key, mean, samples in zip(*columns, strict=True):
            sets = found.rows.setdefault(Place(*place), {})
            sets.setdefault(name, {})[question] = Value(mean, samples, key, question)
        return found


def aligned(answers: Sequence[Sets]) -> tuple[list[NDArray[np.float64]], list[list[str]]]:
    """Values of each data set that all have, (answers, problems), of the questions that all have, and their keys."""
    tables, keys = [], []
    for name, first in answers[0].items():
        if all(name in sets for sets in answers):
            common = [question for question in first if all(question in sets[name] for sets in answers)]
            if common:
                tables.append(np.array([[sets[name][question].mean for question in common] for sets in answers]))
                keys.append([first[question].key for question in common])
    return tables, keys


def over_seeds_of(answers: Sequence[Sets], samples: int = 1000, seed: int = 0) -> Estimate | None:
    """A row's values of each seed -> the mean over seeds with the two-level interval, on the questions that all have.

    None where they have none in common.
    """
    tables, keys = aligned(answers)
    return sets_over_seeds(tables, keys, samples, seed) if tables else None


def difference_of(first: Sequence[Sets], second: Sequence[Sets], samples: int = 1000, seed: int = 0) -> Estimate | None:
    """Mean of second - first with the two-level interval, paired by question and by seed as `paired_over_seeds`.

    first, second: by seed, in the same order, or one for all seeds. None where no question is common to all.
    """
    tables, keys = aligned([*first, *second])
    changes = [table[len(first) :] - table[: len(first)] for table in tables]
    return sets_over_seeds(changes, keys, samples, seed) if tables else None
