"""Training, validation or test rows from several public data sets, without repetitions and evaluation questions."""

import json
import random
from pathlib import Path

from data.errors import InputError
from data.public.decontaminate import EvaluationTexts, normalised
from data.public.loading import load
from data.public.sources import find
from data.text.row import Row, apply_rules, question_of

Counts = dict[str, dict[str, int]]
_ORDER = {"train": 0, "validation": 1, "test": 2}


def prepare(
    mixture: dict[str, float],
    count: int | None,
    split: str,
    seed: int,
    evaluation: list[str],
    commercial_only: bool = False,
    folder: Path | str | None = None,
) -> tuple[list[Row], Counts]:
    """`count` rows of a split (None: all), from each source by its weight -> (rows in random order, counts by source).

    A source with fewer rows than its share gives what it has. Dropped are, in this order: questions that a later
    split holds out, in whichever source of the mixture; repetitions over all sources (of the question; for
    demonstrations and preferences, of question and responses); for training and validation, the questions of the
    `evaluation` sources' test splits, and texts that share a 10-gram with their questions or reference solutions.
    commercial_only: sources whose licence does not clearly allow commercial use are not read at all.

    counts[source]: as loading.load counts, then by rule, then `not drawn`, `kept`; a source that was left out has
    {"left out: LICENCE": 1}.
    """
    if split not in _ORDER:
        raise InputError(f"split {split!r}: allowed are {', '.join(_ORDER)}")
    if not mixture or min(mixture.values()) < 0 or not sum(mixture.values()):
        raise InputError(f"the mixture {mixture} needs weights of at least 0 and one above 0")
    sources = {name: find(name) for name, weight in mixture.items() if weight}
    for name, source in sources.items():
        if split != "test" and "train" not in dict(source.splits):
            raise InputError(f"source {name} is for evaluation only: it has no rows to make a split {split} of")
    counts: Counts = {}
    if commercial_only:
        counts = {name: {f"left out: {s.licence}": 1} for name, s in sources.items() if not s.commercial_ok}
        if len(counts) == len(sources):
            raise InputError(f"no source of the mixture allows commercial use: {', '.join(sources)}")
    used = [name for name in sources if name not in counts]

    loaded = {name: load(name, folder=folder) for name in used}
    held = _held_out(loaded, split)
    forbidden = _evaluation_texts(evaluation, folder) if split != "test" else EvaluationTexts.of(())
    kept: dict[str, list[Row]] = {}
    seen: set[tuple[str, ...]] = set()
    for name, (rows, of_loading) in loaded.items():
        kept[name], by_rule = apply_rules(rows, _rules(split, held, forbidden, seen))
        del by_rule["total"]
        counts[name] = of_loading | by_rule
    shares = _shares({name: mixture[name] for name in used}, count)
    drawn: list[Row] = []
    for name, rows in kept.items():
        random.Random(f"{seed} {name}").shuffle(rows)
        taken = rows[: shares[name]]
        counts[name] |= {"not drawn": len(rows) - len(taken), "kept": len(taken)}
        drawn += taken
    random.Random(seed).shuffle(drawn)
    return drawn, counts


def _rules(split: str, held: set[str], forbidden: EvaluationTexts, seen: set[tuple[str, ...]]) -> dict:
    def first_time(row: Row) -> bool:
        responses = (row.get(column, "") for column in ("completion", "chosen", "rejected"))
        key = (normalised(question_of(row)), *responses)
        known = key in seen
        seen.add(key)
        return not known

    return {
        "other split": lambda row: row["split"] == split,
        "held out elsewhere": lambda row: normalised(question_of(row)) not in held,
        "repetition": first_time,
        "evaluation question": lambda row: not forbidden.is_question(question_of(row)),
        "evaluation 10-gram": lambda row: not forbidden.overlaps(*_texts(row)),
    }


def _texts(row: Row) -> list[str]:
    """All that a model would learn of a row."""
    solution = json.loads(row["info"]).get("solution", "")
    responses = (row.get(column, "") for column in ("completion", "chosen", "rejected"))
    return [*(message["content"] for message in row["prompt"]), row["answer"], solution, *responses]


def _held_out(loaded: dict[str, tuple[list[Row], dict]], split: str) -> set[str]:
    """The questions in later splits than `split`: of train nothing may be in validation, of both nothing in test."""
    return {
        normalised(question_of(row))
        for rows, _ in loaded.values()
        for row in rows
        if _ORDER[row["split"]] > _ORDER[split]
    }


def _evaluation_texts(names: list[str], folder: Path | str | None) -> EvaluationTexts:
    questions, solutions = [], []
    for name in names:
        if "test" not in dict(find(name).splits):
            raise InputError(f"source {name} has no test split of its own: it cannot be an evaluation set")
        for row in load(name, "test", folder)[0]:
            questions.append(question_of(row))
            solutions.append(json.loads(row["info"]).get("solution", ""))
    return EvaluationTexts.of(questions, solutions)


def _shares(mixture: dict[str, float], count: int | None) -> dict[str, int | None]:
    """How many rows of each source: largest remainders, so that they add up to `count`."""
    if count is None:
        return dict.fromkeys(mixture)
    exact = {name: count * weight / sum(mixture.values()) for name, weight in mixture.items()}
    shares = {name: int(value) for name, value in exact.items()}
    for name in sorted(exact, key=lambda name: shares[name] - exact[name])[: count - sum(shares.values())]:
        shares[name] += 1
    return shares
