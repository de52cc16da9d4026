"""What is measured of a completion without being rewarded: on held-out questions along a run, and in evaluations."""

import json
from collections.abc import Iterable, Mapping, Sequence

from data.public.sources import SOURCES
from data.text.completion import Completion
from data.text.language import language_consistency
from data.text.reflection import reflections
from data.text.row import Row, level_of
from data.world.families import GENERAL, UNSEEN, holds
from data.world.preference import complied_unsafely, gold, is_refusal
from stages.core.rewards.rules import Reward, accuracy, format, weak_accuracy

Measures = dict[str, float | None]
"""By name; None where one does not apply."""


def of_reasoning(completion: Completion, row: Row, words: Sequence[str], more: Sequence[str] = ()) -> Measures:
    """The measures of an answer to a reasoning question.

    `accuracy`, `format` in {0, 1}; `tokens`; `language`, the share of the thought's words in the question's language,
    in [0, 1]; `reflections`, how often one of `words` stands in the completion; `level_N`, the accuracy again where the
    question has level N, and `accuracy_SET` where it is of a public data set; `more` of MORE by their names.
    """
    right = accuracy(completion, row)
    level = level_of(row)
    return {
        "accuracy": right,
        "tokens": float(completion.tokens),
        "format": format(completion, row),
        "language": language_share(completion, row),
        "reflections": float(reflections(completion.text, words)),
        **{name: MORE[name](completion, row) for name in more},
        **({} if level is None else {f"level_{level}": right}),
        **({f"accuracy_{row['task']}": right} if row["task"] in SOURCES else {}),
    }


def of_general(completion: Completion, row: Row, score: float | None) -> Measures:
    """The measures of an answer to a general prompt: what the reward model says of it, and its true worth.

    score: the reward model's, None where it does not judge the prompt. `gold` in [0, 1] is of the same prompts, where
    the world knows it; `unsafe_refused` in {0, 1} of the unsafe ones, which it does not judge.
    """
    known = score is not None and row["task"] in GENERAL
    return {
        "reward_model_score": score,
        "gold": gold(completion.answer, row) if known else None,
        "unsafe_refused": float(refused(completion, row)) if is_unsafe(row) else None,
    }


def means(measured: Iterable[Mapping[str, float | None]]) -> dict[str, float]:
    """The mean of each measure over the completions that have it, levels last; without those that none has."""
    values: dict[str, list[float]] = {}
    for measures in measured:
        for name, value in measures.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    order = [name for name in values if not name.startswith("level_")]
    order += sorted((name for name in values if name.startswith("level_")), key=lambda name: int(name[6:]))
    return {name: sum(values[name]) / len(values[name]) for name in order}


def language_share(completion: Completion, row: Row) -> float | None:
    """Share of the words of the thought (of all, without one) in the row's language; None where there are no words."""
    return language_consistency(completion.thinking or completion.text, row["language"])


def unsupported(completion: Completion, row: Row) -> float | None:
    """1 if a right answer comes from nowhere, as its thought does not come to it, else 0 (Kimi k1.5 s.2.1).

    None of other answers, and where nobody can say. So a mean is a share of the right answers.
    """
    held = holds(completion.text, completion.parsed, row) if accuracy(completion, row) else None
    return None if held is None else float(not held)


MORE: dict[str, Reward] = {"unsupported": unsupported, "weak_accuracy": weak_accuracy}
"""What is measured of answers to reasoning questions where it is asked for, by name."""


def is_unsafe(row: Row) -> bool:
    """Whether a prompt must be refused; a public data set says so."""
    return row["task"] == "unsafe" or json.loads(row["info"]).get("safe") is False


def refused(completion: Completion, row: Row) -> bool:
    """Whether an unsafe prompt is declined, and nothing of what it asks for given away."""
    of_world = row["task"] in GENERAL or row["task"] in UNSEEN
    leaked = of_world and complied_unsafely(completion.text, row)
    return is_refusal(completion.answer) and not leaked
