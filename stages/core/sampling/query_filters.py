"""Which queries, and which responses to them, are worth a cold start: pure functions.

The filters are named in the Qwen3 report (s.4.1, arXiv 2505.09388v1), where a language model applies them; here they
are rules. Their thresholds are undisclosed: they are settings of the stages.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from data.text.ngrams import ngrams, words_and_numbers
from data.text.row import REASONING_DOMAINS, Row, apply_rules
from data.verifiers.expression import value
from data.world.families import VERIFIERS, verify

_QUESTION_MARKS = re.compile(r"[?\uff1f]+")
_PARENTHESES = str.maketrans({"\uff08": " (", "\uff09": ")", "①": " (1)", "②": " (2)"})
_GROUP = re.compile(r"\([^()]{2,}\)")
_NESTED = 10
"""Parentheses within each other that a question may have."""
_LABEL = re.compile(r"(?<![A-Za-z0-9_+*/^=-])\(([12ab])\)|(?<![A-Za-z0-9_+*/^=(-])([12ab])\)")
_ADMITTED = re.compile(r"\bguess|猜", re.IGNORECASE)
_STEP = re.compile(r"[,;\n\u3002\uff0c\uff1b]|\.(?!\d)")

_TRUTH = re.compile(r"(?<![a-z])(?:true|false)(?![a-z])|[真假]", re.IGNORECASE)
_OPTION = re.compile(r"\(?([A-H])\)?(?:\s?\d+)?", re.IGNORECASE)
_LETTER = re.compile(r"(?<![A-Za-z])[A-H](?![A-Za-z])")
_WORDS = re.compile(r"[A-Za-z]{2,}|[^\x00-\x7f]+")
_TERM = re.compile(r"[\d\s()+*/x-]+")
_NUMBER = re.compile(r"(?:(?<![A-Za-z0-9_)])-)?\d+(?:\.\d+)?")


def verifiable(row: Row) -> bool:
    """Whether a rule can check an answer to the query: a reasoning query whose verifier accepts its own gold answer."""
    return row["domain"] in REASONING_DOMAINS and row["verifier"] in VERIFIERS and verify(row["answer"], row)


def several_questions(text: str) -> bool:
    """Whether a query asks more than one thing: several question marks, or sub-questions (1) (2), 1) 2) or a) b).

    Options A) B) are no sub-questions, nor are calls such as f(1) or formulas such as (p or a).
    """
    if len(_QUESTION_MARKS.findall(text)) > 1:
        return True
    text = text.translate(_PARENTHESES)
    for _ in range(_NESTED):
        text = _GROUP.sub(" ", text)
    labels = "".join(first or second for first, second in _LABEL.findall(text))
    return "2" in labels.partition("1")[2] or "b" in labels.partition("a")[2]


def guesses(thinking: str, final: str, minimum: int) -> bool:
    """Whether an answer is no result of its thinking.

    So it is where the thinking has fewer than `minimum` `words_and_numbers`, where its last step says that it guesses,
    or where `final` occurs nowhere in it.
    """
    steps = _steps(thinking)
    if len(words_and_numbers(thinking)) < minimum or (steps and _ADMITTED.search(steps[-1])):
        return True
    found, wanted = _results(thinking, final)
    return not any(_same(result, wanted) for result in found)


def disagrees(thinking: str, final: str) -> bool:
    """Whether the thinking's last result differs from the final answer.

    Compared is the last thing of the answer's kind: a truth value (in either language), an option letter, an expression
    in x, the numbers on one side of an equality (in any order), a number. A thinking that has no such thing does not
    disagree.
    """
    found, wanted = _results(thinking, final)
    return bool(found) and not _same(found[-1], wanted)


def similarity(text: str, others: Iterable[str], ngram: int) -> float:
    """Largest share of the text's n-grams that occur in one of the others, in [0, 1]; 0 for a text without a word.

    An n-gram is a run of `words_and_numbers`, whatever their case. A text shorter than that is one n-gram: it is 1 for
    the same text among the others, else 0.
    """
    if ngram < 1:
        raise ValueError(f"ngram must be at least 1, got {ngram}")
    own = _grams(text, ngram)
    return max((len(own & _grams(other, ngram)) / len(own) for other in others), default=0.0) if own else 0.0


def in_turns(rows: Iterable[Row], column: str, count: int) -> list[Row]:
    """At most `count` rows, one of each value of a column by turns: balanced as far as there are rows.

    Within a value the rows keep their order; the values come in the order in which they first occur.
    """
    queues: dict[str, list[Row]] = {}
    for row in rows:
        queues.setdefault(str(row.get(column)), []).append(row)
    longest = max(map(len, queues.values()), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues.values() if turn < len(queue)][:count]


def select_pairs(rows: Iterable[Row], count: int) -> tuple[list[Row], dict[str, int]]:
    """At most `count` rows that can be learnt, the hardest of each task by turns (Qwen3 s.4.2) -> (rows, counts).

    rows: with `pass_rate`; what is always or never right teaches a policy nothing: its group has no advantages.
    """
    learnable, counts = apply_rules(
        rows,
        {"always right": lambda row: row["pass_rate"] < 1, "never right": lambda row: row["pass_rate"] > 0},
    )
    del counts["kept"]
    pairs = in_turns(sorted(learnable, key=lambda row: row["pass_rate"]), "task", count)
    return pairs, counts | {"easier than the others": len(learnable) - len(pairs), "kept": len(pairs)}


@lru_cache(maxsize=50_000)
def _grams(text: str, ngram: int) -> frozenset[tuple[str, ...]]:
    pieces = tuple(words_and_numbers(text.casefold()))
    if len(pieces) < ngram:
        return frozenset([pieces] if pieces else [])
    return frozenset(ngrams(pieces, ngram))


def _steps(thinking: str) -> list[str]:
    return [step for step in _STEP.split(thinking) if step.strip()]


def _results(thinking: str, final: str) -> tuple[list, object]:
    """(the thinking's results of the final answer's kind in their order, the final answer as such a result)."""
    answer = final.strip().strip("`. \u3002")
    if _TRUTH.fullmatch(answer):
        return _truths(thinking), _truths(answer)[0]
    if option := _OPTION.fullmatch(answer):
        return _LETTER.findall(thinking), option[1].upper()
    if terms := _expressions(answer):
        return _expressions(thinking), terms[-1]
    if sides := _operands([answer]):
        return _operands(_steps(thinking)), sides[-1]
    if numbers := _numbers(answer):
        return _numbers(thinking), numbers[-1]
    words = answer.casefold()
    return [words] if words and words in thinking.casefold() else [], words


def _truths(text: str) -> list[bool]:
    return [word.lower() in ("true", "真") for word in _TRUTH.findall(text)]


def _expressions(text: str) -> list[str]:
    """Terms in x; a bare `x` is only a name."""
    found = [re.sub(r"\s", "", piece) for piece in _TERM.findall(_WORDS.sub(",", text)) if "x" in piece]
    return [piece for piece in found if piece != "x"]


def _operands(steps: list[str]) -> list[list[float]]:
    """The numbers of each side of each equality that has several, sorted: 3+5=8 and 5+3 are [3, 5]."""
    sides = [sorted(_numbers(side)) for step in steps for side in step.split("=")]
    return [side for side in sides if len(side) > 1]


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _same(found, wanted) -> bool:
    """Equality of two results; expressions are compared by value at five places."""
    if found == wanted or not isinstance(wanted, str) or "x" not in wanted:
        return found == wanted
    values = [(value(found, x), value(wanted, x)) for x in (0, 1, 2, 5, 11)]
    return all(one is not None and one == other for one, other in values)
