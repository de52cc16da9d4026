r"""Whether an answer says what the gold says.

A gold that is a whole number asks for a plain number, also as part of a list: an expression of that value is the
question once more. A decimal gold may be rounded (six digits or more), an answer may not: 0.333 is not 1/3. Whatever
the two readings share no rule for is unequal.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from data.verifiers.mathematics.answer import read
from data.verifiers.mathematics.formula import Tree
from data.verifiers.mathematics.notation import flat
from data.verifiers.mathematics.quantity import Plain, split_letter
from data.verifiers.mathematics.real_sets import as_real_set, equal_sets, rounds_to
from data.verifiers.mathematics.shapes import (
    Chain,
    Items,
    Literal,
    Matrix,
    Named,
    Ratio,
    RealSet,
    Record,
    Relation,
    Scalar,
    Shape,
    Union,
    Words,
)
from data.verifiers.mathematics.value import Undefined, equal_values, ratios, real, same_formula, variables

_ROUNDED = 6
"""Digits of a decimal gold from which on it may stand for the exact number that it rounds."""


def equal(gold: Shape, found: Shape) -> bool:
    """Whether `found` is right where `gold` is. Total: no two shapes raise."""
    try:
        return bool(_same(gold, found))
    except Undefined:
        return False


def _same(gold: Shape, found: Shape) -> bool:
    if isinstance(gold, Named | Record) or isinstance(found, Named | Record):
        return _equal_named(gold, found)
    if isinstance(found, Chain) or isinstance(gold, Chain):
        return _equal_chain(gold, found)
    one, other = _single(gold), _single(found)
    if (one is gold) != (other is found):
        return equal(one, other)
    if isinstance(gold, Words | Literal) and isinstance(found, Words | Literal):
        return gold.text == found.text
    rule = _RULES.get((type(gold), type(found)))
    if rule is not None:
        return rule(gold, found)
    if isinstance(gold, RealSet | Union) or isinstance(found, RealSet | Union):
        return _equal_as_sets(gold, found)
    return _equal_lists(gold, found)


# -- numbers and formulas


def _equal_scalars(gold: Scalar, found: Scalar) -> bool:
    gold, found = _with_unit(gold, found.unit), _with_unit(found, gold.unit)
    if gold.unit != found.unit and gold.unit and found.unit:
        return False
    if (gold.unit == "%") != (found.unit == "%"):
        return _equal_percent(gold, found)
    if gold.plain is None or found.plain is not None:
        return (
            _same_plain(gold.plain, found.plain) if gold.plain and found.plain else same_formula(gold.tree, found.tree)
        )
    if gold.plain.value.denominator == 1:
        return False
    return same_formula(gold.tree, found.tree) or _is_rounded(gold.plain, found)


def _with_unit(quantity: Scalar, wanted: str) -> Scalar:
    """`3 h` is three hours where the other side says hours."""
    if not wanted or quantity.unit:
        return quantity
    core, unit = split_letter(quantity.text)
    number = read(core) if unit == wanted else None
    return replace(number, unit=unit) if isinstance(number, Scalar) else quantity


def _same_plain(gold: Plain, found: Plain) -> bool:
    """A base may be left out like a unit, but another one is wrong."""
    if (gold.base or 10) == (found.base or 10):
        return gold.value == found.value
    return found.base is None and gold.written is not None and str(found.value) == gold.written


def _is_rounded(gold: Plain, found: Scalar) -> bool:
    digits = len(str(abs(gold.value.numerator * 10 ** max(gold.places or 0, 0) // gold.value.denominator)))
    return digits >= _ROUNDED and rounds_to(found.tree, gold)


def _equal_percent(gold: Scalar, found: Scalar) -> bool:
    """50% is 1/2; it is 50 too, where the other side leaves the sign out, which no share of one does."""
    percent, other = (gold, found) if gold.unit == "%" else (found, gold)
    if other.unit or variables(percent.tree) | variables(other.tree):
        return False
    unevaluated = gold.plain is not None and gold.plain.value.denominator == 1 and found.plain is None
    if same_formula(("multiply", percent.tree, ("number", Fraction(1, 100))), other.tree):
        return not unevaluated or percent is gold
    at_least_one = not same_formula(("floor", ("abs", other.tree)), ("number", Fraction(0)))
    return not unevaluated and at_least_one and same_formula(percent.tree, other.tree)


def _letters(product: Scalar) -> str:
    """A product of variables as a word: `xyz` may be either."""
    return flat(product.text.replace("\\cdot", " ")).casefold()


# -- several values


def _equal_items(gold: Items, found: Items) -> bool:
    if len(gold.parts) != len(found.parts) and r"\{" not in (gold.begin, found.begin):
        return False
    brackets = {_brackets(gold), _brackets(found)}
    if (gold.alternatives or found.alternatives) and not brackets <= {(r"\{", r"\}"), ("", "")}:
        return False
    if len(found.parts) > 2 * len(gold.parts):
        return False
    if (r"\{", r"\}") in brackets:
        unordered = brackets <= {(r"\{", r"\}"), ("", "")}
        return unordered and _covers(gold.parts, found.parts, equal) and _covers(found.parts, gold.parts, _turned)
    if brackets == {("", "")}:
        return _matches(gold.parts, found.parts)
    if len(brackets) == 1 or brackets == {("(", ")"), ("", "")}:
        return all(map(equal, gold.parts, found.parts))
    return False


def _brackets(items: Items) -> tuple[str, str]:
    """Square ones around other than two values are no interval: they hold a tuple."""
    brackets = items.begin, items.end
    return ("(", ")") if brackets == ("[", "]") and len(items.parts) != 2 else brackets


def _covers(ones: Sequence[Shape], others: Sequence[Shape], same: Callable[[Shape, Shape], bool]) -> bool:
    return all(any(same(one, other) for other in others) for one in ones)


def _turned(found: Shape, gold: Shape) -> bool:
    return equal(gold, found)


def _matches(gold: Sequence[Shape], found: Sequence[Shape]) -> bool:
    """Whether each value of one list has its own in the other, in any order."""
    if len(gold) != len(found):
        return False
    left = list(found)
    for wanted in gold:
        place = next((place for place, other in enumerate(left) if equal(wanted, other)), None)
        if place is None:
            return False
        del left[place]
    return True


def _equal_lists(gold: Shape, found: Shape) -> bool:
    """A number such as 100,200 may be a list; a column of numbers may be written as a tuple."""
    if isinstance(gold, Matrix | Items) and isinstance(found, Matrix | Items):
        column, items = (gold, found) if isinstance(gold, Matrix) else (found, gold)
        if isinstance(column, Matrix) and isinstance(items, Items) and items.begin == "(" and items.end == ")":
            entries = Items("(", ")", tuple(row[0] for row in column.rows))
            narrow = all(len(row) == 1 for row in column.rows)
            return narrow and (equal(entries, found) if column is gold else equal(gold, entries))
    one, other = _listed(gold, found), _listed(found, gold)
    return (one is not gold or other is not found) and equal(one, other)


def _listed(number: Shape, other: Shape) -> Shape:
    """100,200 is a list where the other side is one of such groups of three digits."""
    if not isinstance(number, Scalar) or "," not in number.text or not isinstance(other, Items) or other.begin:
        return number
    in_threes = all(isinstance(part, Scalar) and re.fullmatch(r"[1-9]\d\d", part.text) for part in other.parts[1:])
    parts = read(number.text.replace(",", ", ")) if in_threes else None
    return parts if isinstance(parts, Items) else number


def _equal_matrices(gold: Matrix, found: Matrix) -> bool:
    if [len(row) for row in gold.rows] != [len(row) for row in found.rows]:
        return False
    return all(all(map(equal, one, other)) for one, other in zip(gold.rows, found.rows, strict=True))


def _equal_as_sets(gold: Shape, found: Shape) -> bool:
    if isinstance(gold, Union) and isinstance(found, Union) and _matches(gold.parts, found.parts):
        return True
    one, other = as_real_set(gold), as_real_set(found)
    return one is not None and other is not None and equal_sets(one, other)


def _single(shape: Shape) -> Shape:
    """A set of one value is that value."""
    return shape.parts[0] if isinstance(shape, Items) and len(shape.parts) == 1 else shape


# -- names, equations, relations


def _equal_named(gold: Shape, found: Shape) -> bool:
    if isinstance(gold, Record) and isinstance(found, Record):
        values = dict(found.values)
        return set(values) == set(dict(gold.values)) and all(equal(value, values[name]) for name, value in gold.values)
    if isinstance(gold, Record) or isinstance(found, Record):
        return _equal_record(gold, found)
    if isinstance(gold, Named) and isinstance(found, Named):
        if _kind(gold.name) == _kind(found.name) and _known_as(gold.name) != _known_as(found.name):
            return _symbol(gold.name) and _equal_equations(gold, found)
        return equal(gold.value, found.value) or _equal_equations(gold, found)
    if isinstance(gold, Chain) or isinstance(found, Chain):
        return _equal_chain_named(gold, found)
    one, other = (shape.value if isinstance(shape, Named) else shape for shape in (gold, found))
    return equal(one, other)


def _equal_record(gold: Shape, found: Shape) -> bool:
    """Named values against a list in their order, or against one value that all of them share."""
    record, other = (gold, found) if isinstance(gold, Record) else (found, gold)
    if not isinstance(record, Record):
        return False
    if record.shared and isinstance(other, Scalar):
        values: Shape = record.values[0][1]
    elif isinstance(other, Items) and other.begin in ("", "(") and not other.alternatives:
        values, other = _values(record), _ordered(other)
    else:
        return False
    return equal(values, other) if record is gold else equal(other, values)


def _values(record: Record) -> Items:
    return Items("(", ")", tuple(value for _, value in record.values))


def _ordered(items: Items) -> Items:
    return Items("(", ")", items.parts)


def _symbol(name: str) -> bool:
    """Whether a name is a variable, not a word or a function."""
    return len(name.split("_")[0].strip("'\\")) == 1 or (name.startswith("\\") and "{" not in name.split("_")[0])


def _kind(name: str) -> str:
    """What a name is of: names of different kinds may mean the same (`y` and `f(x)`), two of one kind do not."""
    if _symbol(name):
        return "symbol"
    if "(" in name:
        return "function"
    return "words" if re.search("[a-z]{3}", name) else "figure"


def _known_as(name: str) -> str:
    """A name in one spelling: `BA` is `AB`."""
    return "".join(sorted(name)) if re.fullmatch("[A-Z]{2}", name) else (name.casefold() if len(name) > 1 else name)


def _equal_chain_named(gold: Shape, found: Shape) -> bool:
    """An equation against a named value: `y - 2x = 3` is `y = 2x + 3`, but `2x = 4` is no `x = 2`."""
    if isinstance(found, Chain) and isinstance(gold, Named) and not isinstance(gold.value, Chain):
        return _equal_chain(gold.value, found) or _equal_equations(gold, found)
    return isinstance(gold, Chain) and _equal_equations(gold, found)


def _equal_chain(gold: Shape, found: Shape) -> bool:
    """Steps to a value: each is worth the same and the last is right. Else an equation, which only its like equals."""
    if isinstance(gold, Chain):
        if isinstance(found, Chain) and _equal_equations(gold, found):
            return True
        return _consistent(gold) and equal(gold.last, found.last if isinstance(found, Chain) else found)
    if isinstance(found, Chain) and len(found.parts) == 2 and _sum_of_letters(found.parts[0]):
        return equal(gold, found.last)
    if not isinstance(found, Chain) or not _consistent(found):
        return False
    whole = isinstance(gold, Scalar) and gold.plain is not None and gold.plain.value.denominator == 1
    return not whole and equal(gold, found.last)


def _sum_of_letters(tree: Tree) -> bool:
    """Whether a formula names what is asked for: `m + n = 7`."""
    return tree[0] == "add" and all(part[0] == "symbol" for part in tree[1:]) and len(set(tree)) == len(tree)


def _consistent(chain: Chain) -> bool:
    return all(same_formula(chain.parts[0], part) for part in chain.parts[1:])


def _equal_equations(gold: Shape, found: Shape) -> bool:
    """Whether two equations of several variables have the same solutions: their sides' differences are multiples."""
    one, other = _difference(gold), _difference(found)
    if one is None or other is None or variables(one) != variables(other):
        return False
    solved = isinstance(gold, Named) or isinstance(found, Named)
    if solved and len(variables(one)) < 2:
        return False
    return _multiples(one, other) is not None


def _difference(shape: Shape):
    if isinstance(shape, Named) and isinstance(shape.value, Scalar) and _symbol(shape.name):
        return ("add", ("symbol", shape.name.removeprefix("\\")), ("negative", shape.value.tree))
    if isinstance(shape, Chain) and len(shape.parts) == 2:
        return ("add", shape.parts[0], ("negative", shape.parts[1]))
    return None


def _multiples(one, other):
    """The constant number that one formula is of another; None where it is none."""
    found = ratios(one, other)
    if not found or not all(equal_values(found[0], ratio) for ratio in found[1:]):
        return None
    return found[0]


def _equal_relations(gold: Relation, found: Relation) -> bool:
    if gold.sign != found.sign:
        return False
    ratio = _multiples(*(("add", shape.left, ("negative", shape.right)) for shape in (gold, found)))
    return ratio is not None and (gold.sign == r"\ne" or real(ratio) > 0)


def _equal_ratios(gold: Ratio, found: Ratio) -> bool:
    ones, others = [part.value for part in gold.parts], [part.value for part in found.parts]
    if gold.clock or found.clock:
        return ones == others
    return len(ones) == len(others) and all(
        one * others[0] == other * ones[0] for one, other in zip(ones, others, strict=True)
    )


_RULES: dict[tuple[type, type], Callable] = {
    (Scalar, Scalar): _equal_scalars,
    (Items, Items): _equal_items,
    (Matrix, Matrix): _equal_matrices,
    (Relation, Relation): _equal_relations,
    (Ratio, Ratio): _equal_ratios,
    (Words, Scalar): lambda gold, found: gold.text == _letters(found),
    (Scalar, Words): lambda gold, found: _letters(gold) == found.text,
}
