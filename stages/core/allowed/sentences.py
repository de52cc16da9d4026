"""One sentence for what is wrong: the nearest name, a value cut short, the first complaint of a validation."""

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from data.errors import InputError

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 80, 80
MOST_NAMES = 40
DISAGREEMENT = "disagreement"


def shown(value: Any) -> str:
    """A value as a sentence shows it, cut short."""
    try:
        return " ".join(_SHORT.repr(value).split())
    except ValueError:  # of whole numbers with thousands of digits
        return f"a {type(value).__name__} too long to show"


def nearest(name: Any, allowed: Iterable[str]) -> str:
    """The end of an error sentence: the closest allowed name, or all of them."""
    names = sorted(allowed)
    close = difflib.get_close_matches(str(name)[:100], names, n=1, cutoff=0.5)
    if close:
        return f"did you mean `{close[0]}`?"
    more = f" and {len(names) - MOST_NAMES} others" if len(names) > MOST_NAMES else ""
    return f"allowed: {', '.join(names[:MOST_NAMES]) or 'none'}{more}"


class Misfit(InputError):
    """Settings that do not fit what is around them; fields: which, so that the file that wrote one can be named."""

    def __init__(self, fields: Iterable[str], sentence: str):
        super().__init__(sentence)
        self.fields = tuple(fields)


def disagree(fields: Iterable[str], sentence: str) -> NoReturn:
    """For a validator of several settings: the sentence names their values and what is allowed; fields: which they are.

    Whoever validates can then name the file that wrote one of them last.
    """
    raise PydanticCustomError(DISAGREEMENT, "{sentence}", {"sentence": sentence, "fields": tuple(fields)})


class Complaint(NamedTuple):
    """What is wrong first. place: the keys that lead to it; fields: the settings that disagree, where several do."""

    kind: str
    place: tuple[str, ...]
    found: str
    message: str
    fields: tuple[str, ...]

    def of(self, name: str) -> str:
        """`epochs` is 0: input should be greater than 0; a disagreement names its settings itself."""
        return self.message if self.fields else f"`{name}` is {self.found}: {self.message}"


def complaint(error: ValidationError) -> Complaint:
    """The first complaint of a validation. A mistyped key is also a missing one: the typo is told."""
    first = min(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    place = tuple(str(part) for part in first["loc"] if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    fields = first["ctx"]["fields"] if first["type"] == DISAGREEMENT else ()
    message = message if fields else message[0].lower() + message[1:]
    return Complaint(first["type"], place, shown(first["input"]), message, fields)
