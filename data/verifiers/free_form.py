"""The verifiers of rows that come from public data sets, by the name in a row's `verifier` (data/public/sources.py).

`reads` says what of a completion a verifier gets: its bare `final` answer or the whole `answer`.
"""

import json
import re
from string import ascii_uppercase
from typing import ClassVar, Literal, Protocol

from data.text.row import Row, row_info
from data.verifiers.instructions import Instructions
from data.verifiers.math_answers import MathAnswer, bare
from data.verifiers.programs import Program
from data.verifiers.verdict import Verdict, compared, shown


class Verifier(Protocol):
    """Judges what a completion says against a row."""

    reads: ClassVar[Literal["final", "answer"]]

    def verify(self, answer: str, row: Row) -> bool: ...

    def explain(self, answer: str, row: Row) -> Verdict:
        """`verify`, with what was read and why."""
        ...

    def canonical(self, answer: str, row: Row) -> str:
        """One text for all answers that `verify` takes for the same, as far as one can be computed."""
        ...


_CHOICE = re.compile(
    r"(?:(?:option|choice|answer|\u9009\u9879|\u9009|\u7b54\u6848)\s*+(?:[:\uff1a]\s*+)?)?[(\uff08]?([A-Z])[)\uff09]?\s*(?:[.:\u3001\uff1a]\s*(.*)|(?<=[)\uff09])\s*(.+))?",
    re.DOTALL | re.IGNORECASE,
)


class Choice:
    """Multiple choice: `answer` of the row is a letter, `choices` in its info the options in the order of letters."""

    reads: ClassVar[Literal["final", "answer"]] = "final"

    def chance(self, row: Row) -> float | None:
        """What a guesser scores who takes one option as likely as another; None where the row lists none."""
        choices = row_info(row).get("choices")
        return 1 / len(choices) if choices else None

    def verify(self, answer: str, row: Row) -> bool:
        """Whether the answer is the letter, bare, in parentheses or before its own option's text; nothing else."""
        return _chosen(answer, row) == row["answer"]

    def explain(self, answer: str, row: Row) -> Verdict:
        letter = _chosen(answer, row)
        if letter is None:
            return Verdict(False, None, f"{shown(answer)} names no letter, or not the option that it writes behind it")
        return compared(self.verify(answer, row), letter, row["answer"])

    def canonical(self, answer: str, row: Row) -> str:
        return _chosen(answer, row) or answer.strip()


def _chosen(answer: str, row: Row) -> str | None:
    """The letter that an answer says; None where it says none, or another option's text behind it."""
    match = _CHOICE.fullmatch(bare(answer).strip("*` "))
    if match is None:
        return None
    letter, said = match[1].upper(), match[2] or match[3]
    options = dict(zip(ascii_uppercase, json.loads(row["info"])["choices"], strict=False))
    return letter if not said or bare(said).casefold() == bare(options.get(letter, "")).casefold() else None


class NoRule:
    """For rows that no rule can judge: nothing is ever right."""

    reads: ClassVar[Literal["final", "answer"]] = "final"

    def verify(self, answer: str, row: Row) -> bool:
        return False

    def explain(self, answer: str, row: Row) -> Verdict:
        return Verdict(False, None, "no rule judges this row: its verifier is `none`")

    def canonical(self, answer: str, row: Row) -> str:
        return answer.strip()


FREE_FORM: dict[str, Verifier] = {
    "math": MathAnswer(),
    "choice": Choice(),
    "code_tests": Program(),
    "instructions": Instructions(),
    "none": NoRule(),
}
