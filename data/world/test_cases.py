"""Tests for code problems that have none, from submissions that agree (Kimi k1.5 s.2.3.5): the family `expression`.

In the paper a model writes a generator of inputs for each problem and contest submissions are the references. Here the
inputs are drawn, and the submissions are correct and planted-wrong solutions. Problems that come with tests:
data/public/given_tests.py.
"""

import json
import random

from data.errors import InputError
from data.text.row import Row
from data.verifiers.case_selection import keep_problem, select_cases, telling_cases
from data.verifiers.expression import printed
from data.world.reasoning.expressions import expression

_EDGES = (0, 1, -1)
_LARGEST = 99
MOST_CASES = 2 * _LARGEST + 1 - len(_EDGES)


def generate_cases(row: Row, count: int, rng: random.Random) -> list[int]:
    """`count` distinct inputs x for a row of the family: the edges first, then random ones."""
    _steps(row)
    return [*_EDGES, *rng.sample([x for x in range(-_LARGEST, _LARGEST + 1) if x not in _EDGES], count)][:count]


def submissions(row: Row, rng: random.Random, count: int = 10, wrong: int = 0) -> list[str]:
    """`count` solutions of a row as Python expressions in x, in random order; `wrong` of them are surely wrong.

    A wrong one has one operator or one operand changed: as a function of x it always differs.
    """
    steps = _steps(row)
    codes = [_write(_mutated(steps, rng) if number < wrong else steps, rng) for number in range(count)]
    rng.shuffle(codes)
    return codes


def curate(
    rows: list[Row],
    seed: int,
    cases: int = 50,
    valid: int = 40,
    count: int = 10,
    agree: int = 7,
    passed: int = 9,
    wrong_share: float = 0.1,
    wrong: int = 10,
) -> tuple[list[Row], dict[str, int]]:
    """Give rows of the family tests, or drop them -> (rows with `tests` in their info, counts per rule).

    Of `cases` generated inputs at least `valid` must be valid by `select_cases`, and the problem must pass
    `keep_problem`; each of the `count` submissions is wrong with probability `wrong_share`. Of the valid cases those
    become tests that expose one of `wrong` more submissions, which are wrong. Counts: `total`, rows that fell to the
    rule `valid_cases`, then to `submissions`, then to `telling`, `kept`.
    """
    curated: list[Row] = []
    counts = {"total": len(rows), "valid_cases": 0, "submissions": 0, "telling": 0, "kept": 0}
    for row in rows:
        rng = random.Random(f"{seed} {row['id']}")
        inputs = generate_cases(row, cases, rng)
        planted = sum(rng.random() < wrong_share for _ in range(count))
        outputs = _outputs(submissions(row, rng, count, planted), inputs)
        kept, expected = select_cases(outputs, agree)
        exposing = _outputs(submissions(row, rng, wrong, wrong), [inputs[case] for case in kept])
        telling = telling_cases(exposing, expected)
        if len(kept) < valid:
            counts["valid_cases"] += 1
        elif not keep_problem(outputs, kept, expected, passed):
            counts["submissions"] += 1
        elif not telling:
            counts["telling"] += 1
        else:
            tests = [[inputs[kept[place]], json.loads(expected[place])] for place in telling]
            info = json.loads(row["info"]) | {"tests": tests}
            curated.append({**row, "info": json.dumps(info, ensure_ascii=False, sort_keys=True)})
            counts["kept"] += 1
    return curated, counts


def _outputs(codes: list[str], inputs: list[int]) -> list[list[str | None]]:
    """[case][submission]: what each submission prints for each input."""
    return [[printed(code, x) for code in codes] for x in inputs]


def _steps(row: Row) -> list[tuple[str, int]]:
    if row["task"] != "expression":
        raise InputError(f"test cases are generated for the family expression alone, not for {row['task']}")
    return [tuple(step) for step in json.loads(row["info"])["steps"]]


def _mutated(steps: list[tuple[str, int]], rng: random.Random) -> list[tuple[str, int]]:
    """The steps with one operator or one operand changed."""
    place = rng.randrange(len(steps))
    sign, operand = steps[place]
    if rng.random() < 0.5:
        sign = rng.choice([other for other in "+-*" if other != sign])
    else:
        operand = rng.choice([other for other in range(2, 10) if other != operand])
    return [*steps[:place], (sign, operand), *steps[place + 1 :]]


def _write(steps: list[tuple[str, int]], rng: random.Random) -> str:
    """One of two spellings: parentheses where they are needed, or everywhere."""
    if rng.random() < 0.5:
        return expression(steps)
    return "(" * len(steps) + "x" + "".join(f"{sign}{operand})" for sign, operand in steps)
