"""Mathematical answers in free form, checked against a gold answer.

Cheap comparisons come first: numbers as numbers, words as words. What is left goes to math-verify (gold first,
prediction second) in a worker process, some milliseconds each.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Literal

from data.errors import InputError
from data.text.chat import boxed
from data.text.row import Row, question_of
from data.verifiers.worker import Worker

MAX_ANSWER = 500
"""Characters. A longer answer is wrong, a longer gold cannot be checked."""
_MAX_DIGITS = 200

_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2212: "-"}
"""Full-width characters and the minus sign."""
_DELIMITERS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"))
_WRAPPED = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|textit)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\[,;:! ]|\\q?quad(?![a-zA-Z])|\\(?:left|right)(?![a-zA-Z])|~")
_UNIT = re.compile(
    r"(?:\\?%|\^\{?\\circ\}?|\\circ|\u00b0|\s*\\(?:text|mathrm|textbf|mathbf|mbox|textit)\s*\{[^{}]*\}(?:\^\{?\d\}?)?)$"
)
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:(?:,|\{,\})\d{3})+(?:\.\d+)?")
_PLAIN = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")
_NAMED = re.compile(r"[a-zA-Z]\s*=\s*")
_WORDS = re.compile(r"[^\W\d_]{3,}|[^\W\d_]+(?:[\s-][^\W\d_]+)+|[\u3400-\u9fff]+")

_worker = Worker("math")


class MathAnswer:
    """`answer` of the row is the gold: a number, an expression, a set, an interval, a word."""

    reads: ClassVar[Literal["final", "answer"]] = "final"

    def verify(self, answer: str, row: Row) -> bool:
        """Whether the answer equals the gold.

        A gold number that is an integer asks for a plain number: no expression of that value is right, so that the
        question is not its own answer. Raises InputError for a gold that cannot be read.
        """
        gold, found = bare(row["answer"]), bare(answer)
        if not readable(row["answer"]):
            raise InputError(f"row {row.get('id')} of {row.get('source')}: its answer {row['answer']!r} cannot be read")
        if not found or len(answer) > MAX_ANSWER or _repeats(found, row):
            return False
        wanted, given = number(gold), number(found)
        if wanted is not None and (given is not None or wanted.denominator == 1):
            return wanted == given
        if _squeezed(gold) == _squeezed(found):
            return True
        return not _is_word(gold) and _equal(gold, found)

    def canonical(self, answer: str, row: Row) -> str:
        """A plain number's value, else the formula without spaces; equal formulas of other forms: `same`."""
        found = bare(answer)
        value = number(found) if not _repeats(found, row) else None
        return _squeezed(found) if value is None else str(value)

    def same(self, first: str, second: str, row: Row) -> bool:
        """Whether two answers are equal by the rules of `verify`, whichever were the gold."""
        one, other = bare(first), bare(second)
        if max(len(first), len(second)) > MAX_ANSWER or _repeats(one, row) or _repeats(other, row):
            return _squeezed(one) == _squeezed(other)
        values = [value for value in (number(one), number(other)) if value is not None]
        if len(values) == 2 or any(value.denominator == 1 for value in values):
            return len(values) == 2 and values[0] == values[1]
        if _squeezed(one) == _squeezed(other):
            return True
        return not _is_word(one) and not _is_word(other) and _equal(one, other)


def _repeats(found: str, row: Row) -> bool:
    """Whether an answer is the question."""
    return _squeezed(found) == _squeezed(bare(question_of(row)))


def bare(text: str) -> str:
    """The formula itself: without box, dollars, spacing commands and full stop; a wrapped word without its wrapper."""
    text = text.translate(_ASCII).strip()
    inside = boxed(text)
    text = text if inside is None else inside
    text = _SPACING.sub(" ", text).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac").replace("\\$", "")
    text = text.strip().rstrip(".\u3002").strip()
    for begin, end in _DELIMITERS:
        if text.startswith(begin) and text.endswith(end) and len(text) >= len(begin) + len(end):
            text = text[len(begin) : len(text) - len(end)].strip()
    wrapped = _WRAPPED.fullmatch(text)
    text = wrapped[1].strip() if wrapped else text
    return text[1:-1] if re.fullmatch(r"\([A-Za-z]\)", text) else text


def number(text: str) -> Fraction | None:
    """The value of a plain number; None for anything else.

    It may be signed, decimal, with thousands' commas, with a unit behind it or `x =` before it.
    text: as `bare` leaves it.
    """
    if len(text) > _MAX_DIGITS:
        return None
    text = _NAMED.sub("", text, count=1) if _NAMED.match(text) else text
    text = _UNIT.sub("", text).strip().removeprefix("$").strip()
    if _GROUPED.fullmatch(text):
        text = text.replace("{,}", "").replace(",", "")
    return Fraction(text.rstrip(".")) if _PLAIN.fullmatch(text) else None


@lru_cache(maxsize=200_000)
def readable(gold: str) -> bool:
    """Whether a gold answer can be checked against."""
    text = bare(gold)
    if not text or len(gold) > MAX_ANSWER:
        return False
    return number(text) is not None or _is_word(text) or bool(_worker.ask({"gold": text}).get("gold"))


@lru_cache(maxsize=200_000)
def _equal(gold: str, answer: str) -> bool:
    return bool(_worker.ask({"gold": gold, "answer": answer}).get("equal"))


def _is_word(text: str) -> bool:
    """Whether the text is words: math-verify would take their letters for factors in any order."""
    return _WORDS.fullmatch(text) is not None


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()
