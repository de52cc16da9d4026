"""Data for the reward models: judged pairs and labelled responses, drawn from the gold preference with noise."""

import random
from dataclasses import replace

from data.chat import render_completion
from data.preference import candidate_answers, complied_unsafely, gold
from data.tasks import GENERAL, problems

Pair = dict[str, str]


def judged_pairs(
    mixture: dict[str, float],
    count: int,
    split: str,
    seed: int,
    judgements: int,
    noise: float,
    min_difference: float,
    balance_lengths: bool,
) -> tuple[list[Pair], dict[str, int]]:
    """(`count` pairs, how many were dropped and why).

    Each answer is scored 1-10 by a judge who sees the gold preference through noise (standard deviation `noise`), the
    mean of `judgements`; pairs that differ by less than `min_difference` are dropped (v2 s.3.1).
    balance_lengths: as many pairs with the longer answer chosen as with the shorter one.
    """
    rng = random.Random(seed)
    pairs: list[Pair] = []
    counts = {"total": 0, "difference too small": 0, "length balance": 0}
    quota = {True: (count + 1) // 2, False: count // 2}
    for problem in problems(mixture, seed, split):
        row = problem.row()
        first, second = rng.sample(candidate_answers(problem, rng, 4), 2)
        counts["total"] += 1
        scores = [
            sum(1 + 9 * gold(answer, row) + rng.gauss(0, noise) for _ in range(judgements)) / judgements
            for answer in (first, second)
        ]
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
    return pairs, counts | {"kept": len(pairs)}


def labelled_responses(
    mixture: dict[str, float], count: int, split: str, seed: int, label_noise: float
) -> list[dict[str, str | float]]:
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
    mixture: dict[str, float], count: int, split: str, seed: int, label_noise: float
) -> list[dict[str, str | float]]:
    """`count` answers to questions that have a reference answer, half of them drafted as wrong ones.

    The label says whether the verifier finds the answer right (1.0) or wrong (0.0); some labels are flipped.
    """
    rng = random.Random(seed)
    found = []
    for problem in problems(mixture, seed, split):
        task = GENERAL[problem.task]
        drafted = replace(problem, info=task.wrong(problem.info, rng)) if rng.random() < 0.5 else problem
        answer = task.undisciplined_answer(drafted, rng)
        right = task.verify(answer, problem.row()) != (rng.random() < label_noise)
        found.append(
            {
                "question": problem.question,
                "reference": problem.answer,
                "response": answer,
                "label": float(right),
            }
        )
        if len(found) == count:
            return found
    return found
