"""Tests of public code problems that tell right from wrong: the given ones, tried on right and on wrong programs.

DeepSeek-R1 v2 B.3.2 generates tests by a model, drops those on which right submissions disagree or are wrong, and keeps
those that expose wrong submissions. Public data sets have tests of their own and one right program: here its mutants
are the wrong ones, as far as they run at all.
"""

import ast
import json
import random
from collections.abc import Iterator
from itertools import islice

from data.text.row import Row, row_info
from data.verifiers.asserts import as_calls
from data.verifiers.case_selection import telling_cases
from data.verifiers.programs import Program, code_of, results

_SWAPS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
}  # fmt: skip
_Change = tuple[ast.AST, str, object]
"""A node, its field, another value of it."""


def curate(rows: list[Row], seed: int, wrong: int = 10) -> tuple[list[Row], dict[str, int]]:
    """Rows with those of their tests that tell right from wrong -> (rows, counts per rule).

    A test stays if the row's own answer passes it and one of `wrong` mutants of that answer does not. Counts: `total`,
    rows without a test that the answer passes (`valid_cases`), without one that exposes a mutant (`telling`), `kept`.
    """
    curated: list[Row] = []
    counts = {"total": len(rows), "valid_cases": 0, "telling": 0, "kept": 0}
    for row in rows:
        tests = _passed(row)
        rng = random.Random(f"{seed} {row['id']}")
        telling = _telling(row, tests, mutants(code_of(row["answer"]), rng, wrong))
        if not tests:
            counts["valid_cases"] += 1
        elif not telling:
            counts["telling"] += 1
        else:
            curated.append(_with(row, [tests[case] for case in telling]))
            counts["kept"] += 1
    return curated, counts


def mutants(code: str, rng: random.Random, count: int) -> list[str]:
    """At most `count` programs that differ from `code` in one place; [] for what is no Python.

    There another operator or comparison stands, a number is one more or less, or a call is what it was called with.
    `while` loops are changed last: such a mutant often does not end.
    """
    try:
        tree = ast.parse(code)
        changes, later = list(_changes(tree, False)), list(_changes(tree, True))
        rng.shuffle(changes)
        rng.shuffle(later)
        found = {ast.unparse(tree): None}
        for change in [*changes, *later]:
            if len(found) > count:
                break
            found[_changed(tree, change)] = None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return list(found)[1:]


def _passed(row: Row) -> list[dict]:
    """The row's tests that its own answer passes."""
    tests, judge = row_info(row)["tests"], Program()
    if judge.verify(row["answer"], row):
        return tests
    return [test for test in tests if judge.verify(row["answer"], _with(row, [test]))]


def _telling(row: Row, tests: list[dict], programs: list[str]) -> list[int]:
    """The places of the tests that expose one of the programs; one that makes nothing of any test is no submission."""
    setup = row_info(row).get("setup") or ""
    expected = _outputs(code_of(row["answer"]), setup, tests)
    telling: set[int] = set()
    for program in programs:
        if len(telling) == len(tests):
            break  # no more can be told
        made = _outputs(program, setup, tests)
        if any(made):
            telling |= {*telling_cases([[output] for output in made], expected)}
    return sorted(telling)


def _outputs(code: str, setup: str, tests: list[dict]) -> list[str | None]:
    """One text for what a program makes of each test, which may be several calls; None where one of them fails."""
    found = iter(results(code, setup, tests) if tests else [])
    made = [list(islice(found, len(as_calls(test)) if test["kind"] == "assert" else 1)) for test in tests]
    return [None if None in outputs else json.dumps(outputs) for outputs in made]


def _with(row: Row, tests: list[dict]) -> Row:
    return {**row, "info": json.dumps(row_info(row) | {"tests": tests}, ensure_ascii=False, sort_keys=True)}


def _changes(tree: ast.AST, in_while: bool) -> Iterator[_Change]:
    """Every small change of a tree, within `while` loops or outside of them."""
    waiting = [(tree, False)]
    while waiting:
        node, inside = waiting.pop()
        inside = inside or isinstance(node, ast.While)
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]
        if inside != in_while:
            continue
        if not isinstance(node, ast.Expr):  # a statement: without its call it does nothing
            yield from _without_calls(node)
        match node:
            case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in _SWAPS:
                yield node, "op", _SWAPS[type(op)]()
            case ast.Compare(ops=[op, *others]) if type(op) in _SWAPS:
                yield node, "ops", [_SWAPS[type(op)](), *others]
            case ast.Constant(int(number)) if not isinstance(number, bool):
                yield node, "value", number + 1
                yield node, "value", number - 1


def _without_calls(node: ast.AST) -> Iterator[_Change]:
    """A node with one of its calls replaced by the first argument, or by the object whose method is called."""
    for field, found in ast.iter_fields(node):
        for place, call in enumerate(found if isinstance(found, list) else [found]):
            match call:
                case ast.Call(args=[left, *_]) | ast.Call(func=ast.Attribute(value=left), args=[]):
                    if isinstance(found, list):
                        yield node, field, [*found[:place], left, *found[place + 1 :]]
                    else:
                        yield node, field, left


def _changed(tree: ast.AST, change: _Change) -> str:
    """The program with one change; the tree is left as it was."""
    node, field, new = change
    old = getattr(node, field)
    setattr(node, field, new)
    text = ast.unparse(tree)
    setattr(node, field, old)
    return text
