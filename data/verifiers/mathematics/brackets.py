r"""Where a text's brackets are, the words of LaTeX among them: what they hold, where it can be cut outside of them."""

import re

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|(?<![A-Za-z])(?:and|or)(?![A-Za-z])|.", re.DOTALL)
_OPEN = frozenset(("(", "[", "{", r"\{", r"\langle", r"\begin", r"\lfloor", r"\lceil"))
_CLOSE = frozenset((")", "]", "}", r"\}", r"\rangle", r"\end", r"\rfloor", r"\rceil"))


def split(text: str, *separators: str) -> tuple[list[str], list[str]]:
    """A text cut at separators outside of brackets -> (the parts, the separators between them)."""
    parts, found, depth, start = [], [], 0, 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in _OPEN) - (token[0] in _CLOSE)
        if depth == 0 and token[0] in separators:
            parts.append(text[start : token.start()].strip())
            found.append(token[0])
            start = token.end()
    return [*parts, text[start:].strip()], found


def balanced(text: str) -> bool:
    """Whether each brace is closed, and none that was not opened."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in ("{", r"\{")) - (token[0] in ("}", r"\}"))
        if depth < 0:
            return False
    return depth == 0


def inside(text: str) -> tuple[str, str, str] | None:
    """What one pair of brackets around the whole text holds -> (opening, inner, closing)."""
    tokens = list(_TOKEN.finditer(text))
    if len(tokens) < 2 or tokens[0][0] not in ("(", "[", "{", r"\{", r"\langle") or tokens[-1][0] not in _CLOSE:
        return None
    depth = 0
    for number, token in enumerate(tokens):
        depth += (token[0] in _OPEN) - (token[0] in _CLOSE)
        if depth == 0 and number < len(tokens) - 1:
            return None
    return tokens[0][0], text[tokens[0].end() : tokens[-1].start()], tokens[-1][0]
