r"""Text in rows: `\begin{pmatrix}...\end{pmatrix}` with what stands around it, systems of equations.

text: as `notation.bare` leaves it.
"""

import re
from fractions import Fraction

from data.verifiers.mathematics.formula import NotAFormula, parse
from data.verifiers.mathematics.notation import ROW
from data.verifiers.mathematics.quantity import Plain
from data.verifiers.mathematics.shapes import Matrix, Scalar, Shape
from data.verifiers.mathematics.value import Undefined, evaluate, variables

_MATRIX = re.compile(r"\\begin ?\{((?:[pbB]|small)?matrix|array)\}(?:\{[lcr| ]*\})?(.*)\\end ?\{\1\}", re.DOTALL)
_TRANSPOSED = re.compile(r" ?\^ ?\{? ?(?:T|\\top|\\text ?\{ ?T ?\}) ?\}?$")
_SYSTEM = re.compile(r"\\begin ?\{(cases|aligned|align\*?|gathered|split)\}(.*)\\end ?\{\1\}", re.DOTALL)
_RELATION = re.compile(r"[=<>]|\\(?:le|ge|ne)(?![A-Za-z])")


def matrix(text: str) -> tuple[str, list[list[str]]] | None:
    """A matrix -> (the factor before it, its rows of entries, all of one length); None for any other text."""
    text = re.sub(r"^[(\[] ?(?=\\begin)(.*\\end ?\{\w+\}) ?[)\]]$", r"\1", text)
    factor, begin, rest = text.partition(r"\begin")
    core = _TRANSPOSED.sub("", begin + rest)
    match = _MATRIX.fullmatch(core)
    if match is None or 0 <= match[2].find(r"\end") < match[2].find(r"\begin"):
        return None
    rows = [row.split("&") for row in match[2].split(ROW) if row.strip()]
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        return None
    turned = core != begin + rest
    return factor.strip(), [list(row) for row in zip(*rows, strict=True)] if turned else rows


def transposed(text: str) -> str | None:
    """`(1,2,3)^T` without its sign; None for a text without it."""
    core = _TRANSPOSED.sub("", text)
    return None if core == text else core


def scaled(factor: str, whole: Matrix) -> Matrix | None:
    """A matrix with a factor before it, whose numbers stay plain numbers; None where either is no formula."""
    try:
        tree = parse(re.sub(r" ?(?:\\cdot|\\times|\*)$", "", factor) if factor != "-" else "-1")
        value = None if variables(tree) else evaluate(tree)
    except (NotAFormula, Undefined):
        return None

    def times(entry: Shape) -> Shape | None:
        if not isinstance(entry, Scalar) or entry.unit:
            return None
        if entry.plain and isinstance(value, Fraction):
            return Scalar(entry.text, ("number", value * entry.plain.value), Plain(value * entry.plain.value, None))
        return Scalar(f"{factor} {entry.text}", ("multiply", tree, entry.tree))

    rows = [[times(entry) for entry in row] for row in whole.rows]
    if any(None in row for row in rows):
        return None
    return Matrix(tuple(tuple(entry for entry in row if entry is not None) for row in rows))


def system(text: str) -> str | None:
    """The equations or inequalities of a system as a list with `and`; None where a row is none, or has a condition."""
    match = _SYSTEM.fullmatch(text)
    if match is None or r"\begin" in match[2]:
        return None
    rows = [row.strip(" ,;.") for row in match[2].split(ROW)]
    rows = [re.sub(r" ?& ?(?=[=<>\\])|(?<=[=<>]) ?& ?", " ", row) for row in rows if row]
    found = rows and all(_RELATION.search(row) and "&" not in row for row in rows)
    return " and ".join(rows) if found else None
