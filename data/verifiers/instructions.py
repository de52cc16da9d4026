"""Instructions that a program can check: those of IFEval, by the package if-verifiable (the extra `ifeval`)."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar, Literal

from data.errors import InputError
from data.text.row import Row, last_turn
from data.verifiers.verdict import Verdict

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "keywords:existence": ("keywords",),
    "keywords:frequency": ("keyword", "frequency", "relation"),
    "keywords:forbidden_words": ("forbidden_words",),
    "keywords:letter_frequency": ("letter", "let_frequency", "let_relation"),
    "language:response_language": ("language",),
    "length_constraints:number_sentences": ("num_sentences", "relation"),
    "length_constraints:number_paragraphs": ("num_paragraphs",),
    "length_constraints:number_words": ("num_words", "relation"),
    "length_constraints:nth_paragraph_first_word": ("num_paragraphs", "nth_paragraph", "first_word"),
    "detectable_content:number_placeholders": ("num_placeholders",),
    "detectable_content:postscript": ("postscript_marker",),
    "detectable_format:number_bullet_lists": ("num_bullets",),
    "detectable_format:constrained_response": (),
    "detectable_format:number_highlighted_sections": ("num_highlights",),
    "detectable_format:multiple_sections": ("section_spliter", "num_sections"),
    "detectable_format:json_format": (),
    "detectable_format:title": (),
    "combination:two_responses": (),
    "combination:repeat_prompt": ("prompt_to_repeat",),
    "startend:end_checker": ("end_phrase",),
    "change_case:capital_word_frequency": ("capital_frequency", "capital_relation"),
    "change_case:english_capital": (),
    "change_case:english_lowercase": (),
    "punctuation:no_comma": (),
    "startend:quotation": (),
}
"""What each instruction needs. The package skips one that it does not know, and draws an argument that is missing."""
_BY_SENTENCES = ("length_constraints:number_sentences", "change_case:capital_word_frequency")
"""Those whose checkers need nltk's data."""


_MOST_WORK = 20_000_000
"""Characters that the package's patterns may look at, some of them again and again."""


class Instructions:
    """`instructions` in a row's info are pairs of an id and its arguments: right is an answer that follows them all."""

    reads: ClassVar[Literal["final", "answer"]] = "answer"

    def verify(self, answer: str, row: Row) -> bool:
        """Prompt-level strict accuracy; False also where the row's arguments make no sense to their checker."""
        return self.explain(answer, row).right

    def explain(self, answer: str, row: Row) -> Verdict:
        package = _package()
        ids, arguments = zip(*json.loads(row["info"])["instructions"], strict=True)
        if any(name in _BY_SENTENCES for name in ids):
            _need_sentences()
        if _laborious(answer):
            return Verdict(False, answer, "too many gaps or marks for the checkers' patterns to read")
        sample = package.IFEvalSample(0, last_turn(row), list(ids), list(arguments))
        try:
            found, scores = package.evaluate_output_for_sample("ifeval", sample, answer)
        except Exception as error:  # of arguments that make no sense, or of an answer such as 10,000 brackets as JSON
            return Verdict(False, answer, f"an instruction's checker cannot judge it: {type(error).__name__}: {error}")
        broken = [one.instruction_id for one in found if not one.strict_pass]
        reason = f"not followed: {', '.join(broken)}" if broken else "all instructions are followed"
        return Verdict(scores.binary_strict == 1.0, answer, reason)

    def canonical(self, answer: str, row: Row) -> str:
        return answer.strip()


def need_checkers(rows: Iterable[Row]) -> None:
    """InputError where an instruction of the rows cannot be checked here: now, and not after hours of sampling."""
    seen: set[str] = set()
    for row in rows:
        if row["verifier"] == "instructions":
            ids = {name for name, _ in json.loads(row["info"])["instructions"]}
            if ids - seen:
                Instructions().verify("Yes.", row)
                seen |= ids


def _laborious(answer: str) -> bool:
    """Whether the package could take seconds: its patterns go through a gap, or a line with marks, once for each place.

    A page of Markdown is a hundredth of that.
    """
    gaps = sum(len(gap) ** 2 for gap in re.findall(r"\s+", answer))
    marks = sum(len(line) * sum(map(line.count, "[<*")) for line in answer.split("\n"))
    return gaps + marks > _MOST_WORK


@lru_cache
def _package():
    try:
        import if_verifiable
        import langdetect
    except ImportError as error:
        raise InputError(
            "verifier `instructions` needs a package that is not installed: pip install -e '.[ifeval]'"
        ) from error
    langdetect.DetectorFactory.seed = 0  # it draws samples: the same text has the same language every time
    return if_verifiable


def _need_sentences() -> None:
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab/english/")
    except LookupError as error:
        raise InputError(
            "verifier `instructions` needs nltk's data punkt_tab, which is not found: run `python -m nltk.downloader "
            "punkt_tab` where there is network, and copy the folder to where NLTK_DATA says"
        ) from error
