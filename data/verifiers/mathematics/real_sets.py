r"""Sets of real numbers: intervals, unions, and what an inequality says of one variable."""

from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from data.verifiers.mathematics.formula import Tree
from data.verifiers.mathematics.quantity import Plain
from data.verifiers.mathematics.shapes import Items, Named, Piece, RealSet, Scalar, Shape, Union
from data.verifiers.mathematics.value import Undefined, equal_values, evaluate, real, variables

_INFINITY = evaluate(("constant", "infinity"))
EVERYTHING = RealSet((Piece(-_INFINITY, False, _INFINITY, False),))


def rounds_to(tree: Tree, number: Plain) -> bool:
    """Whether a formula's value, rounded to as many places as a decimal number has, is that number."""
    if variables(tree) or number.places is None or number.base is not None:
        return False
    try:
        apart = abs(real(evaluate(tree)) - real(number.value))
    except Undefined:
        return False
    return bool(apart <= real(Fraction(1, 2) * Fraction(10) ** -number.places))


def bounds(trees: list[Tree], signs: list[str]) -> RealSet | None:
    r"""`2 < x \le 3`, `x \ge 1`, `x \ne 2` as sets; None where no variable stands alone between numbers."""
    places = [place for place, tree in enumerate(trees) if tree[0] == "symbol"]
    rising = [sign in ("<", r"\le") for sign in signs]
    if len(places) != 1 or any(variables(tree) for tree in trees if tree[0] != "symbol"):
        return None
    place, name = places[0], trees[places[0]][1]
    try:
        if signs == [r"\ne"]:
            point = evaluate(trees[1 - place])
            return without(EVERYTHING, RealSet((Piece(point, True, point, True),), name))
        if r"\ne" in signs or len(set(rising)) > 1 or len(trees) > 3 or (len(trees) == 3 and place != 1):
            return None
        if not rising[0]:
            trees, signs, place = trees[::-1], signs[::-1], len(trees) - 1 - place
        low, high = -_INFINITY, _INFINITY
        closed = [sign in (r"\le", r"\ge") for sign in signs]
        low_closed = high_closed = False
        if place > 0:
            low, low_closed = evaluate(trees[place - 1]), closed[place - 1]
        if place < len(trees) - 1:
            high, high_closed = evaluate(trees[place + 1]), closed[place]
        return RealSet(_ordered([Piece(low, low_closed, high, high_closed)]), name)
    except Undefined:
        return None


def joined(shapes: list[Shape], signs: list[str]) -> RealSet | None:
    """Inequalities of one variable with `or`, or with `and`, between them."""
    sets = [shape for shape in shapes if isinstance(shape, RealSet) and shape.pieces and shape.name]
    spoken = {sign for sign in signs if sign in ("and", "or")}
    if len(sets) < len(shapes) or len({found.name for found in sets}) > 1 or len(spoken) != 1:
        return None
    if spoken == {"or"}:
        return RealSet(_ordered([piece for found in sets for piece in found.pieces]), sets[0].name)
    both = sets[0]
    for other in sets[1:]:
        both = RealSet(_ordered([_common(one, two) for one in both.pieces for two in other.pieces]), both.name)
    return both


def without(whole: Shape | None, numbers: Shape | None) -> RealSet | None:
    r"""`\mathbb{R} \setminus \{3\}`: a set without some numbers."""
    whole, taken = as_real_set(whole), as_real_set(numbers)
    if whole is None or taken is None:
        return None
    pieces = list(whole.pieces)
    for one in taken.pieces:
        sides = (
            Piece(-_INFINITY, False, one.low, not one.low_closed),
            Piece(one.high, not one.high_closed, _INFINITY, False),
        )
        pieces = [_common(piece, side) for piece in pieces for side in sides]
    return RealSet(_ordered(pieces), taken.name)


def as_real_set(shape: Shape | None) -> RealSet | None:
    """An interval, a set of numbers or a union of them; None where it is none, or its ends are no numbers."""
    if isinstance(shape, Named):
        shape = shape.value
    if isinstance(shape, RealSet):
        return shape
    if isinstance(shape, Union):
        sets = [one for part in shape.parts if (one := as_real_set(part))]
        whole = len(sets) == len(shape.parts)
        return RealSet(_ordered([piece for one in sets for piece in one.pieces])) if whole else None
    if not isinstance(shape, Items) or not all(isinstance(part, Scalar) and not part.unit for part in shape.parts):
        return None
    try:
        values = [evaluate(part.tree) for part in shape.parts if isinstance(part, Scalar)]
        if shape.begin == r"\{":
            return RealSet(_ordered([Piece(value, True, value, True) for value in values]))
        if len(values) != 2 or not shape.begin or not real(values[0]) <= real(values[1]):
            return None
        return RealSet(_ordered([Piece(values[0], shape.begin == "[", values[1], shape.end == "]")]))
    except Undefined:
        return None


def equal_sets(one: RealSet, other: RealSet) -> bool:
    """Whether two sets have the same pieces, of the same variable where both name one."""
    if len(one.pieces) != len(other.pieces) or (one.name and other.name and one.name != other.name):
        return False
    return all(
        first.low_closed == second.low_closed
        and first.high_closed == second.high_closed
        and equal_values(first.low, second.low)
        and equal_values(first.high, second.high)
        for first, second in zip(one.pieces, other.pieces, strict=True)
    )


def _order(one: Any, other: Any) -> int:
    return 0 if equal_values(one, other) else (1 if real(one) > real(other) else -1)


def _common(one: Piece, other: Piece) -> Piece:
    """The numbers of both; a piece whose ends are the wrong way round has none."""
    low, high = _order(one.low, other.low), _order(one.high, other.high)
    lower, upper = (one if low >= 0 else other), (one if high <= 0 else other)
    return Piece(
        lower.low, one.low_closed and other.low_closed if low == 0 else lower.low_closed,
        upper.high, one.high_closed and other.high_closed if high == 0 else upper.high_closed,
    )  # fmt: skip


def _ordered(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Pieces from low to high, without empty ones; those that touch or overlap become one. Undefined if not real."""
    for piece in pieces:
        real(piece.low), real(piece.high)
    kept = [piece for piece in pieces if _order(piece.low, piece.high) < (piece.low_closed and piece.high_closed)]
    kept.sort(key=cmp_to_key(lambda one, other: _order(one.low, other.low) or other.low_closed - one.low_closed))
    found: list[Piece] = []
    for piece in kept:
        last = found[-1] if found else None
        touch = -1 if last is None else _order(last.high, piece.low)
        if last is None or touch < 0 or (touch == 0 and not (last.high_closed or piece.low_closed)):
            found.append(piece)
            continue
        higher = _order(last.high, piece.high)
        top = last if higher > 0 or (higher == 0 and last.high_closed) else piece
        found[-1] = Piece(last.low, last.low_closed, top.high, top.high_closed)
    return tuple(found)
