"""Asserts that are comparisons of a call with a value, read as such: they need no sandbox for the code of tests."""

import ast
from collections.abc import Iterable
from typing import Any


def as_calls(test: dict) -> list[dict[str, Any]]:
    """The calls that a test of kind assert comes to, in one run of the program; the test itself where it is more.

    A call is {"kind": "call", "function": name, "input": [values], "output": value}, its `named` arguments, `exact`
    (it is compared as Python's == does) and `again` (it belongs to the run of the call before).
    """
    try:
        calls = _calls(ast.parse(test["code"].strip()).body, {})
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return [test]
    return [call | {"again": number > 0} for number, call in enumerate(calls)] or [test]


def _calls(statements: Iterable[ast.stmt], names: dict[str, str]) -> list[dict[str, Any]]:
    """The calls of statements; ValueError where they are more than that. `names`: what parameters stand for."""
    found: list[dict[str, Any]] = []
    checks: dict[str, ast.FunctionDef] = {}
    for statement in statements:
        match statement:
            case ast.Assert(ast.Compare(ast.Call(ast.Name(name), given, named), [ast.Eq()], [wanted])):
                values = [ast.literal_eval(value) for value in (*given, wanted)]
                found.append({
                    "kind": "call", "function": names.get(name, name), "input": values[:-1], "output": values[-1],
                    "named": {_name(word): ast.literal_eval(word.value) for word in named}, "exact": True,
                })  # fmt: skip
            case ast.FunctionDef(name, ast.arguments([], [_], None, [], [], None, []), _, []) if not names:
                checks[name] = statement
            case ast.Expr(ast.Call(ast.Name(name), [ast.Name(under_test)], [])) if name in checks:
                found += _calls(checks[name].body, {checks[name].args.args[0].arg: under_test})
            case ast.Assert(ast.Constant(True)) | ast.Expr(ast.Constant()):
                pass
            case ast.Assign([ast.Name("METADATA")]):
                pass  # what HumanEval says of itself
            case _:
                raise ValueError
    return found


def _name(word: ast.keyword) -> str:
    if word.arg is None:
        raise ValueError
    return word.arg
