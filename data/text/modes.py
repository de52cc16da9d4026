"""Thinking and non-thinking: the flags that ask for a mode, and whether a completion keeps to it.

Qwen3 s.4.3, Table 9: `/think` and `/no_think` stand in a user turn or in the system message; the last one seen counts;
without any the model thinks; a non-thinking response keeps an empty think block.
"""

import re
from typing import Literal

from data.text.chat import THINK_CLOSE, THINK_OPEN, block, parse
from data.text.row import Message

Mode = Literal["thinking", "non_thinking"]
MODES: tuple[Mode, ...] = ("thinking", "non_thinking")
FLAGS: dict[Mode, str] = {"thinking": "/think", "non_thinking": "/no_think"}

_AT_END = re.compile(r"(?:^|\s)/(no_)?think\s*$")
_TAG = re.compile(r"</?think>")


def with_flag(messages: list[Message], mode: Mode, turn: int = -1) -> list[Message]:
    """A copy of the conversation with the mode's flag at the end of one turn; text inside the turn is not touched."""
    copied = [message.copy() for message in messages]
    copied[turn]["content"] = " ".join(filter(None, (copied[turn]["content"], FLAGS[mode])))
    return copied


def with_system_flag(messages: list[Message], mode: Mode) -> list[Message]:
    """A copy of the conversation with the mode's flag at the end of its system message, made where there is none."""
    if messages and messages[0]["role"] == "system":
        return with_flag(messages, mode, 0)
    return [{"role": "system", "content": FLAGS[mode]}, *(message.copy() for message in messages)]


def mode_of(messages: list[Message]) -> Mode:
    """The mode that a conversation asks for: that of the last flag at the end of a user or system turn, or thinking.

    A flag in the middle of a text is quoted, not given.
    """
    for message in reversed(messages):
        found = _AT_END.search(message["content"]) if message["role"] in ("user", "system") else None
        if found:
            return "non_thinking" if found[1] else "thinking"
    return "thinking"


def without_flags(text: str) -> str:
    """A turn's text without the flag at its end."""
    return _AT_END.sub("", text)


def follows_mode(text: str, mode: Mode) -> bool:
    """Whether a completion has one think block, full in thinking mode and empty in the other, and an answer behind."""
    found = block(text, THINK_OPEN, THINK_CLOSE)
    if found is None or any(map(_TAG.search, found)) or not parse(text).answer:
        return False
    return bool(found[0].strip()) == (mode == "thinking")
