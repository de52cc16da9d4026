"""What a corpus holds, family by family: what its author shows, what he himself scores, what a guesser scores.

Whatever a base trained on it can do later was designed in as far as these figures say it.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Any, get_args

from data.text.chat import has_format
from data.text.language import language_consistency
from data.world.corpus import Document, Kind
from data.world.families import GENERAL, HARDER, REASONING, TASKS, TRANSFER, chance
from data.world.reasoning.search import GUESS
from data.world.task import Problem, Task

Figures = dict[str, Any]

KINDS: tuple[Kind, ...] = get_args(Kind)
SOLVED: dict[str, Task] = HARDER | TRANSFER
UNSEEN = (*SOLVED, "basic_arithmetic", "gcd")
"""Families whose worked solutions are in no corpus."""


def audit_corpus(documents: Iterable[Document], tokens: Callable[[str], int]) -> Figures:
    """Figures of some documents.

    tokens: counts those of a text. Returned are `documents`, `kinds` (kind -> share of the documents) and `families`
    (family, or `all` for those with worked solutions -> `family_figures`). Shares and scores are in [0, 1].
    """
    found = list(documents)
    of_family: dict[str, list[Document]] = {}
    for document in found:
        if document.problem is not None:
            of_family.setdefault(document.problem.task, []).append(document)
    names = [name for name in (*REASONING, *GENERAL) if name in of_family]
    reasoning = [document for name in names if name in REASONING for document in of_family[name]]
    groups = {name: of_family[name] for name in names} | ({"all": reasoning} if reasoning else {})
    counted = Counter(document.kind for document in found)
    return {
        "documents": len(found),
        "kinds": {kind: share(counted[kind], len(found)) for kind in KINDS},
        "families": {name: family_figures(group, len(found), tokens) for name, group in groups.items()},
    }


def family_figures(documents: Sequence[Document], total: int, tokens: Callable[[str], int]) -> Figures:
    """Figures of a family's documents, of `total` in the corpus.

    `documents`: their share of the corpus; `thought`: the share that has one; `author`: score of all stated answers,
    which is what a model scores that writes as he does; `right`: kind -> score of its answers and how many they are;
    `chance`, `commonest`: of `guesser`, where it has thoughts; `steps`, `tokens` of the thoughts: mean, 95 % quantile,
    maximum; of the thoughts the shares that end in a guess (`guess`), are in both languages (`mixed`) or wholly in the
    other one (`other_language`); `tags`: of the thoughts in a template with tags, the share in the right format.
    """
    thoughts = [document for document in documents if document.trace is not None]
    kept = [_consistency(document) for document in thoughts]
    tagged = [document for document in thoughts if document.form != "plain"]
    right: dict[str, list[bool]] = {}
    for document in documents:
        problem = _problem(document)
        right.setdefault(document.kind, []).append(TASKS[problem.task].verify(document.answer, problem.row()))
    return {
        "documents": share(len(documents), total),
        "thought": share(len(thoughts), len(documents)),
        "author": fmean(verdict for verdicts in right.values() for verdict in verdicts),
        "right": {kind: {"score": fmean(right[kind]), "n": len(right[kind])} for kind in KINDS if kind in right},
        **(guesser([_problem(d) for d in documents]) if thoughts else dict.fromkeys(("chance", "commonest"))),
        "steps": spread([len(document.trace.steps) for document in thoughts if document.trace is not None]),
        "tokens": spread([tokens(document.thought) for document in thoughts]),
        "guess": share(sum(_guesses(document) for document in thoughts), len(thoughts)),
        "mixed": share(sum(value is not None and 0 < value < 1 for value in kept), len(thoughts)),
        "other_language": share(sum(value == 0 for value in kept), len(thoughts)),
        "tags": share(sum(has_format(d.response, _template(d)) for d in tagged), len(tagged)),
    }


def audit_unseen(name: str, count: int, seed: int = 0) -> Figures:
    """Figures of a family that the corpus does not hold, on `count` questions drawn at random.

    `guesser`; where it has worked solutions `solver`, what a perfect author scores, and `steps` of his.
    """
    task = (TASKS | SOLVED)[name]
    rng = random.Random(seed)
    drawn = [task.problem(rng, rng.choice(task.languages)) for _ in range(count)]
    figures: Figures = guesser(drawn)
    if name in SOLVED:
        traces = [task.solve(problem, rng) for problem in drawn]
        rights = [task.verify(trace.answer, problem.row()) for trace, problem in zip(traces, drawn, strict=True)]
        figures |= {"solver": fmean(rights), "steps": spread([len(trace.steps) for trace in traces])}
    return figures


def guesser(problems: Sequence[Problem]) -> Figures:
    """`chance`: what a guesser scores, None where nobody can say of one; `commonest`: what the commonest answer does.

    The latter is the share of the questions whose reference answer it is, in one language.
    """
    guesses = [chance(problem.row()) for problem in problems]
    known = [guess for guess in guesses if guess is not None]
    answers = Counter((problem.language, problem.answer) for problem in problems)
    asked = Counter(problem.language for problem in problems)
    best = {language: max(n for (of, _), n in answers.items() if of == language) for language in asked}
    return {
        "chance": fmean(known) if len(known) == len(guesses) else None,
        "commonest": sum(best.values()) / len(problems),
    }


def spread(values: Sequence[int]) -> dict[str, float] | None:
    """Mean, 95 % quantile (the smallest value that 95 % of them do not exceed) and maximum; None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    return {"mean": fmean(ordered), "p95": ordered[math.ceil(0.95 * len(ordered)) - 1], "max": ordered[-1]}


def share(part: int, whole: int) -> float | None:
    """A part of a whole; None of nothing."""
    return part / whole if whole else None


def _problem(document: Document) -> Problem:
    if document.problem is None:
        raise ValueError("a drill is of no family")
    return document.problem


def _consistency(document: Document) -> float | None:
    return language_consistency(document.thought, _problem(document).language)


def _guesses(document: Document) -> bool:
    return document.trace is not None and document.trace.steps[-1]["en"] == GUESS["en"]


def _template(document: Document):
    return "r1_zero" if document.form == "r1_zero" else "chat"
