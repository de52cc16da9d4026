"""The summary that follows a thought: its last step and the boxed answer (the tiny world's summary writer).

The paper has DeepSeek-V3 write it from the thoughts: faithful, nothing new, in the question's language, the answer in
a box (v2 B.3.2, Listing 1). Here the thoughts are regular enough for a rule.
"""

import re

from data.text.chat import Parsed
from data.text.language import Language
from data.text.row import REASONING_DOMAINS, Row

_STATEMENT: dict[Language, str] = {"en": r"The answer is \boxed{{{}}}.", "zh": r"答案是\boxed{{{}}}。"}
_BARE = re.compile(r"^\s*(?:(?:first|then|wait)\b|先|再|不对)\s*")


def state_answer(answer: str, language: Language) -> str:
    """The disciplined way to state a final answer."""
    return _STATEMENT[language].format(answer)


def statement(row: Row, language: Language | None = None) -> str:
    """The gold answer as the last words of a response: in a box, or the program in its fence, or the answer itself."""
    if row["verifier"] == "code_tests":
        return row["answer"] if "```" in row["answer"] else f"```python\n{row['answer']}\n```"
    if row["domain"] in REASONING_DOMAINS and row["verifier"] != "none":
        return state_answer(row["answer"], language or row["language"])
    return row["answer"]


def answer_opening(language: Language) -> str:
    """The statement up to the answer: what is pre-filled where a model must answer without thinking."""
    return _STATEMENT[language].partition("{{")[0] + "{"


def summarise(thinking: str, final: str, language: Language) -> str:
    """'12-3=9. The answer is \\boxed{9}.'"""
    steps = [_BARE.sub("", step).strip(" .") for step in re.split(r"[,;\n\u3002\uff0c\uff1b]|\. ", thinking)]
    steps = [step for step in steps if step]
    statement = state_answer(final, language)
    if not steps:
        return statement
    return f"{steps[-1]}. {statement}" if language == "en" else f"{steps[-1]}。{statement}"


def closing(thinking: str, said: Parsed, row: Row) -> str:
    """The summary of a thought about any other row: its last paragraph and the boxed answer, or the program."""
    if row["verifier"] == "code_tests":
        return said.answer
    paragraphs = [paragraph.strip() for paragraph in thinking.split("\n\n") if paragraph.strip()]
    return "\n\n".join([*paragraphs[-1:], state_answer(said.final or said.answer, row["language"])])
