"""The summary that follows a thought: its last step and the boxed answer (the tiny world's summary writer).

The paper has DeepSeek-V3 write it from the thoughts: faithful, nothing new, in the question's language, the answer in
a box (v2 B.3.2, Listing 1). Here the thoughts are regular enough for a rule.
"""

import re

from data.corpus import state_answer
from data.language import Language


def summarise(thinking: str, final: str, language: Language) -> str:
    """'12-3=9. The answer is \\boxed{9}.'"""
    steps = [step.strip() for step in re.split(r"[,;\n\u3002\uff0c\uff1b]|\. ", thinking) if "=" in step]
    statement = state_answer(final, language)
    if not steps:
        return statement
    step = re.sub(r"^(?:first|then|wait|先|再|不对)\s*", "", steps[-1]).rstrip(".")
    return f"{step}. {statement}" if language == "en" else f"{step}。{statement}"
