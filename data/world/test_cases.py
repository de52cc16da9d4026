"""Tests for code problems that have none, from submissions that agree (Kimi k1.5 s.2.3.5).

In the paper a model writes a generator of inputs for each problem and contest submissions are the references. Here the
inputs are drawn for the family `expression`, and the submissions are correct and planted-wrong solutions of it.
"""

import ast
import json
import operator
import random
from collections import Counter

from data.errors import InputError
from data.text.row import Row
from data.world.reasoning.expressions import expression

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
_EDGES = (0, 1, -1)
_LARGEST = 99
MOST_CASES = 2 * _LARGEST + 1 - len(_EDGES)


def select_cases(outputs: list[list[str | None]], agree: int = 7) -> tuple[list[int], list[str]]:
    """The valid cases: those where at least `agree` submissions give one output -> (their indices, that output).

    outputs[case][submission]; None, the output of a submission that failed, agrees with nothing.
    """
    kept: dict[int, str] = {}
    for case, given in enumerate(outputs):
        for output, votes in Counter(output for output in given if output is not None).most_common(1):
            if votes >= agree:
                kept[case] = output
    return list(kept), list(kept.values())


def keep_problem(outputs: list[list[str | None]], kept: list[int], expected: list[str], passed: int = 9) -> bool:
    """Whether at least `passed` submissions give the expected output on every kept case; False without a case."""
    if not kept:
        return False
    right = zip(*([o == want for o in outputs[case]] for case, want in zip(kept, expected, strict=True)), strict=True)
    return sum(map(all, right)) >= passed


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


def output(code: str, x: int) -> str | None:
    """What an expression of x, integers, +, - and * prints; None where it is anything else. Executes no code."""
    try:
        return str(_evaluate(ast.parse(code.strip(), mode="eval").body, x))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def curate(
    rows: list[Row],
    seed: int,
    cases: int = 50,
    valid: int = 40,
    count: int = 10,
    agree: int = 7,
    passed: int = 9,
    wrong_share: float = 0.1,
) -> tuple[list[Row], dict[str, int]]:
    """Give rows of the family tests, or drop them -> (rows with `tests` in their info, counts per rule).

    Of `cases` generated inputs at least `valid` must be valid by `select_cases`, and the problem must pass
    `keep_problem`; each of the `count` submissions is wrong with probability `wrong_share`. Counts: `total`, rows that
    fell to the rule `valid_cases`, then to `submissions`, `kept`.
    """
    curated: list[Row] = []
    counts = {"total": len(rows), "valid_cases": 0, "submissions": 0, "kept": 0}
    for row in rows:
        rng = random.Random(f"{seed} {row['id']}")
        inputs = generate_cases(row, cases, rng)
        wrong = sum(rng.random() < wrong_share for _ in range(count))
        codes = submissions(row, rng, count, wrong)
        outputs = [[output(code, x) for code in codes] for x in inputs]
        kept, expected = select_cases(outputs, agree)
        if len(kept) < valid:
            counts["valid_cases"] += 1
        elif not keep_problem(outputs, kept, expected, passed):
            counts["submissions"] += 1
        else:
            tests = [[inputs[case], int(value)] for case, value in zip(kept, expected, strict=True)]
            info = json.loads(row["info"]) | {"tests": tests}
            curated.append({**row, "info": json.dumps(info, ensure_ascii=False, sort_keys=True)})
            counts["kept"] += 1
    return curated, counts


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


def _evaluate(node: ast.expr, x: int) -> int:
    match node:
        case ast.BinOp(left, operation, right) if type(operation) in _OPERATORS:
            return _OPERATORS[type(operation)](_evaluate(left, x), _evaluate(right, x))
        case ast.UnaryOp(ast.USub(), operand):
            return -_evaluate(operand, x)
        case ast.Name("x"):
            return x
        case ast.Constant(int(value)) if not isinstance(value, bool):
            return value
    raise ValueError("not an expression of x, integers, +, - and *")
