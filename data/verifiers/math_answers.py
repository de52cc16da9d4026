"""Mathematical answers in free form, judged by a gold answer; `mathematics` says when two are equal."""

import re
from functools import lru_cache
from typing import ClassVar, Literal

from data.errors import InputError
from data.text.row import Row, question_of
from data.verifiers.mathematics.answer import read, words
from data.verifiers.mathematics.equal import equal
from data.verifiers.mathematics.notation import bare, spelled, squeezed
from data.verifiers.mathematics.quantity import plain
from data.verifiers.mathematics.shapes import Scalar, Shape
from data.verifiers.verdict import Verdict, compared, shown

__all__ = ["MAX_ANSWER", "MathAnswer", "bare", "readable"]

MAX_ANSWER = 500
"""Characters. A longer answer is wrong, a longer gold cannot be checked."""
_FORMULA = re.compile(r"\$+([^$]+)\$+|\\\((.+?)\\\)", re.DOTALL)
_OPERATION = re.compile(r"[-+*/^=!(]|\\(?!frac)[a-z]")


class MathAnswer:
    """`answer` of the row is the gold: a number, an expression, a set, an interval, a word."""

    reads: ClassVar[Literal["final", "answer"]] = "final"

    def verify(self, answer: str, row: Row) -> bool:
        """Whether the answer equals the gold.

        A gold number that is an integer asks for a plain number: no expression of that value is right, so that the
        question is not its own answer. Raises InputError for a gold that cannot be read.
        """
        return self.explain(answer, row).right

    def explain(self, answer: str, row: Row) -> Verdict:
        """`verify` with its reason."""
        gold = row["answer"]
        if not readable(gold):
            raise InputError(f"row {row.get('id')} of {row.get('source')}: its answer {gold!r} cannot be read")
        if len(answer) > MAX_ANSWER:
            return Verdict(False, None, f"the answer is longer than {MAX_ANSWER} characters")
        found = bare(answer)
        if not found:
            return Verdict(False, None, "the answer is empty")
        said = spelled(found)
        if _repeats(found, row):
            return Verdict(False, said, f"{shown(said)} is the question, or a formula of it")
        if _shape(answer) is None:
            return Verdict(False, said, f"{shown(said)} cannot be read as mathematics; the gold is {shown(gold)}")
        if not _equal(gold, answer) and _whole(bare(gold)) and isinstance(_shape(answer), Scalar) and not plain(found):
            return Verdict(False, said, f"{shown(said)} is not written as a plain number, which {shown(gold)} is")
        return compared(_equal(gold, answer), said, spelled(bare(gold)))

    def canonical(self, answer: str, row: Row) -> str:
        """A plain number's value, else the formula without spaces; equal formulas of other forms: `same`."""
        found = bare(answer[: MAX_ANSWER + 1])
        number = plain(found) if not _repeats(found, row) else None
        if number is not None and number.base is None:
            return str(number.value)
        return squeezed(found).casefold() if words(found) else squeezed(found)

    def same(self, first: str, second: str, row: Row) -> bool:
        """Whether two answers are equal by the rules of `verify`, whichever were the gold.

        Those rules let a name or a unit be left out, so that `y = 5` equals `5`, and `5` the gold `x = 5`: two answers
        of which one is right are not the same all the same.
        """
        one, other = bare(first), bare(second)
        if max(len(first), len(second)) > MAX_ANSWER or _repeats(one, row) or _repeats(other, row):
            return squeezed(one) == squeezed(other)
        gold = row["answer"]
        return _equal(first, second) and _equal(second, first) and _equal(gold, first) == _equal(gold, second)


def readable(gold: str) -> bool:
    """Whether a gold answer can be checked against."""
    return len(gold) <= MAX_ANSWER and _shape(gold) is not None


@lru_cache(maxsize=20_000)
def _shape(text: str) -> Shape | None:
    return read(bare(text))


@lru_cache(maxsize=100_000)
def _equal(gold: str, answer: str) -> bool:
    one, other = _shape(gold), _shape(answer)
    return one is not None and other is not None and (one == other or equal(one, other))


def _whole(text: str) -> bool:
    number = plain(text)
    return number is not None and number.value.denominator == 1


@lru_cache(maxsize=10_000)
def _formulas(question: str) -> tuple[str, frozenset[str]]:
    """A question, and the formulas in it that ask for something to be done."""
    found = {bare(one or other) for one, other in _FORMULA.findall(question)}
    return squeezed(bare(question)).casefold(), frozenset(squeezed(one) for one in found if _OPERATION.search(one))


def _repeats(found: str, row: Row) -> bool:
    """Whether an answer is the question, or a formula of it that is not what the gold says."""
    question, formulas = _formulas(question_of(row))
    said = squeezed(found)
    return said.casefold() == question or (said in formulas and said != squeezed(bare(row["answer"])))
