"""What an answer is made of: a number or formula, words, a list, set, tuple or interval, named values, a relation."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from data.verifiers.mathematics.formula import Tree
from data.verifiers.mathematics.quantity import Plain


@dataclass(frozen=True)
class Words:
    """Letters that are no formula; `text` is without case and spaces."""

    text: str


@dataclass(frozen=True)
class Literal:
    """What is no formula that can be evaluated, such as p -> q: it equals itself, sign by sign."""

    text: str


@dataclass(frozen=True)
class Scalar:
    """A number or formula.

    plain: the number, where it is one as one writes it down and no expression.
    """

    text: str
    tree: Tree
    plain: Plain | None = None
    unit: str = ""


@dataclass(frozen=True)
class Items:
    """Several values in brackets; without them they are a list, in any order.

    alternatives: whether a list says that it has no order (`3 or 4`, `\\pm3`), so that it is no pair.
    """

    begin: str
    end: str
    parts: tuple["Shape", ...]
    alternatives: bool = False


@dataclass(frozen=True)
class Matrix:
    """Rows of entries."""

    rows: tuple[tuple["Shape", ...], ...]


@dataclass(frozen=True)
class Union:
    """Sets joined, in any order."""

    parts: tuple["Shape", ...]


@dataclass(frozen=True)
class Piece:
    """An interval of real numbers; a point has two equal ends. The values are those of value.py."""

    low: Any
    low_closed: bool
    high: Any
    high_closed: bool


@dataclass(frozen=True)
class RealSet:
    """Real numbers, of a variable if it is named: pieces in their order, none of which touches another."""

    pieces: tuple[Piece, ...]
    name: str | None = None


@dataclass(frozen=True)
class Named:
    """A value with the name of what it is: `x = 5`, `Area = 5`, `f(x) = 2x`."""

    name: str
    value: "Shape"


@dataclass(frozen=True)
class Record:
    """Named values: `a = 1, b = 2`, in the order of their names; words are in the order in which they are written.

    shared: whether it is one value of all names, `x = y = 1`.
    """

    values: tuple[tuple[str, "Shape"], ...]
    shared: bool = False


@dataclass(frozen=True)
class Chain:
    """Several expressions joined by `=`, none of them a name: steps to one value, or an equation."""

    parts: tuple[Tree, ...]
    last: "Shape"


@dataclass(frozen=True)
class Relation:
    """`left sign right` with the sign <, \\le or \\ne, where it bounds no variable by itself."""

    sign: str
    left: Tree
    right: Tree


@dataclass(frozen=True)
class Ratio:
    """a : b : c; `clock` where it may be a time, which does not cancel."""

    parts: tuple[Plain, ...]
    clock: bool


Shape: TypeAlias = (
    Words | Literal | Scalar | Items | Matrix | Union | RealSet | Named | Record | Chain | Relation | Ratio
)
