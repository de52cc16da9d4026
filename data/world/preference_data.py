"""Data for the reward models: judged pairs and labelled responses.

Those of the world's families are drawn from the gold preference with noise; those of public data sets are as people or
models have judged them.
"""

import json
import random
from dataclasses import replace
from functools import partial
from typing import Any

from data.errors import InputError
from data.text.chat import parse, render_completion
from data.text.row import Row, last_turn
from data.world.families import GENERAL, problems
from data.world.judge import Judge
from data.world.preference import candidate_answers, complied_unsafely, gold
from data.world.task import Problem

Pair = dict[str, str]
"""A question with a response that is preferred to another (`question`, `chosen`, `rejected`)."""

Labelled = dict[str, Any]
"""A response to a question with its label: 1 for a yes, 0 for a no (`question`, `response`, `label`)."""


def judged_pairs(
    mixture: dict[str, float],
    count: int,
    split: str,
    seed: int,
    judge: Judge,
    min_difference: float,
    balance_lengths: bool,
) -> tuple[list[Pair], dict[str, int]]:
    """(`count` pairs, how many were dropped and why).

    Each answer is scored 1-10 by a judge who sees the gold preference; pairs that differ by no more than
    `min_difference` are dropped. R1's judge gives one of five verdicts on a pair instead (v2 s.3.1, B.2), so that a
    difference of 1 is not the same there.
    balance_lengths: as many pairs with the longer answer chosen as with the shorter one.
    """
    rng = random.Random(seed)
    pairs: list[Pair] = []
    counts = {"total": 0, "difference too small": 0, "length balance": 0}
    quota = {True: (count + 1) // 2, False: count // 2}
    for problem in problems(mixture, seed, split):
        if counts["total"] > 200 * count + 1000:  # hardly any pair is as the settings want it
            break
        row = problem.row()
        first, second = rng.sample(candidate_answers(problem, rng, 4), 2)
        counts["total"] += 1
        scores = judge.scores((first, second), partial(gold, row=row), rng)
        if abs(scores[0] - scores[1]) <= min_difference:
            counts["difference too small"] += 1
            continue
        chosen, rejected = (first, second) if scores[0] > scores[1] else (second, first)
        longer = len(chosen) > len(rejected)
        if balance_lengths and not quota[longer]:
            counts["length balance"] += 1
            continue
        quota[longer] -= 1
        pairs.append({"question": problem.question, "chosen": chosen, "rejected": rejected})
        if len(pairs) == count:
            break
    if not pairs:
        raise InputError(f"no pair of {', '.join(mixture)} differs by more than {min_difference} points of 1 to 10")
    return pairs, counts | {"kept": len(pairs)}


def labelled_responses(
    mixture: dict[str, float], count: int, split: str, seed: int, label_noise: float
) -> list[Labelled]:
    """`count` whole responses (thought and answer), each labelled safe (1.0) or unsafe (0.0), some labels flipped."""
    rng = random.Random(seed)
    found = []
    for problem in problems(mixture, seed, split):
        answer = rng.choice(candidate_answers(problem, rng, 3))
        thought = GENERAL[problem.task].thought(problem) if rng.random() < 0.7 else ""
        safe = not complied_unsafely(answer, problem.row())
        if rng.random() < label_noise:
            safe = not safe
        response = render_completion(thought or "", answer)
        found.append({"question": problem.question, "response": response, "label": float(safe)})
        if len(found) == count:
            return found
    return found


def referenced_responses(
    mixture: dict[str, float], count: int, split: str, seed: int, label_noise: float, contrast: bool = False
) -> list[Labelled]:
    """`count` answers to questions that have a reference answer, half of them drafted as wrong ones.

    The label says whether the verifier finds the answer right (1.0) or wrong (0.0); some labels are flipped.
    contrast: each question has two of them, one that the verifier finds right and one that it finds wrong.
    """
    rng = random.Random(seed)
    found: list[Labelled] = []
    for problem in problems(mixture, seed, split):
        task, row = GENERAL[problem.task], problem.row()
        wanted = (True, False) if contrast else (rng.random() >= 0.5,)
        for right in wanted:
            answer = _drafted(problem, right, rng, until_so=contrast)
            label = task.verify(answer, row) != (rng.random() < label_noise)
            about = {"question": problem.question, "reference": problem.answer}
            found.append(about | {"response": answer, "label": float(label)})
            if len(found) == count:
                return found
    return found


def _drafted(problem: Problem, right: bool, rng: random.Random, until_so: bool) -> str:
    """An answer that is meant to be right or wrong; until_so: another one, as long as the author errs in that."""
    task, row = GENERAL[problem.task], problem.row()
    while True:
        drafted = problem if right else replace(problem, info=task.wrong(problem.info, rng))
        answer = task.undisciplined_answer(drafted, rng)
        if not until_so or task.verify(answer, row) == right:
            return answer


# -- of public rows


def public_pairs(rows: list[Any], balance_lengths: bool) -> tuple[list[Pair], dict[str, int]]:
    """Pairs of preference rows, and how many were dropped to have as many longer answers chosen as shorter ones."""
    if strange := {row["task"] for row in rows if "chosen" not in row}:
        raise InputError(
            f"{', '.join(sorted(strange))}: no preferences: a helpful reward model needs chosen and rejected"
        )
    pairs = [{"question": last_turn(row), "chosen": row["chosen"], "rejected": row["rejected"]} for row in rows]
    counts = {"total": len(pairs), "length balance": 0}
    if balance_lengths:
        longer = [pair for pair in pairs if len(pair["chosen"]) > len(pair["rejected"])]
        others = [pair for pair in pairs if len(pair["chosen"]) <= len(pair["rejected"])]
        kept = min(len(longer), len(others))
        counts["length balance"] = len(pairs) - 2 * kept
        pairs = longer[:kept] + others[:kept]
    return pairs, counts | {"kept": len(pairs)}


def public_labels(rows: list[Row]) -> list[Labelled]:
    """Responses with people's verdict: safe (1.0) or not (0.0)."""
    found = []
    for row in rows:
        safe = json.loads(row["info"]).get("safe")
        if safe is None or "completion" not in row:
            raise InputError(f"{row['task']}: no labelled responses: a safety reward model needs responses with `safe`")
        found.append({"question": last_turn(row), "response": row["completion"], "label": float(safe)})
    return found


def public_references(rows: list[Row], seed: int) -> list[Labelled]:
    """Each row's own response, or that of another row: right (1.0) or wrong (0.0) by the row's reference answer."""
    rng = random.Random(seed)
    answers = [parse(row["completion"]).answer if "completion" in row else row["answer"] for row in rows]
    found = []
    for index, row in enumerate(rows):
        right = rng.random() < 0.5
        other = (index + rng.randrange(1, len(rows))) % len(rows) if len(rows) > 1 else index
        label = float(right or rows[other]["answer"] == row["answer"])
        response = answers[index if right else other]
        found.append({"question": last_turn(row), "reference": row["answer"], "response": response, "label": label})
    return found
