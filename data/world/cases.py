"""Cases that somebody brings to be judged: JSON -> a row as in a data set, and the completion.

A case is `{"row": {...}, "completion": "..."}` with a row of a data set, or names its verifier and what that needs:
`{"verifier": "math", "gold": "1/2", "completion": "..."}`. Whatever else it says is an InputError.
"""

import difflib
import json
from collections.abc import Iterable
from string import ascii_uppercase
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import InputError
from data.text.language import Language
from data.text.row import Domain, Row
from data.verifiers.instructions import ARGUMENTS
from data.verifiers.math_answers import MAX_ANSWER, readable
from data.world.families import TASKS, VERIFIERS

_DOMAINS: dict[str, Domain] = {"math": "math", "code_tests": "code", "choice": "stem"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Info(BaseModel):
    """What a verifier needs of a row's `info`; a data set may say more there."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Stdin(_Strict):
    kind: Literal["stdin"]
    input: str
    output: str


class _Call(_Strict):
    kind: Literal["call"]
    function: str
    input: list[Any]
    output: Any


class _Assert(_Strict):
    kind: Literal["assert"]
    code: str


class _CodeTests(_Info):
    tests: list[Annotated[_Stdin | _Call | _Assert, Field(discriminator="kind")]] = Field(min_length=1)
    setup: str = ""


class _Expression(_Info):
    tests: list[Annotated[list[int | float], Field(min_length=2, max_length=2)]] = Field(min_length=1)


class _Choice(_Info):
    choices: list[str] = Field(min_length=2, max_length=len(ascii_uppercase))


class _Instructions(_Info):
    instructions: list[Annotated[list[Any], Field(min_length=2, max_length=2)]] = Field(min_length=1)


_INFO: dict[str, type[_Info]] = {
    "code_tests": _CodeTests,
    "expression": _Expression,
    "choice": _Choice,
    "instructions": _Instructions,
}
_SHORT = {
    "code_tests": ("tests", "setup"),
    "expression": ("tests",),
    "choice": ("gold", "choices"),
    "instructions": ("instructions", "prompt"),
    "none": (),
}
"""What a case in the short form says of each verifier beside the completion; of all others the `gold` answer."""
_OPTIONAL = ("setup", "prompt")
_IN_INFO = ("tests", "setup", "choices", "instructions")


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class _RowFields(BaseModel):
    """What is judged of a row; the other columns of a data set are let through."""

    model_config = ConfigDict(extra="allow", strict=True)

    verifier: str
    answer: str = ""
    prompt: list[_Message] = Field([_Message(role="user", content="")], min_length=1)
    task: str = ""
    domain: Domain | None = None
    language: Language = "en"
    info: str | dict[str, Any] = {}


def read_case(case: Any) -> tuple[Row, str]:
    """The row and the completion of a case, everything that its verifier reads checked; InputError for another one."""
    if not isinstance(case, dict):
        raise InputError(f"found {_brief(case)}; a case is a JSON object with `row` or `verifier`, and `completion`")
    if not isinstance(case.get("completion"), str):
        found = _brief(case["completion"]) if "completion" in case else "none"
        raise InputError(f"`completion` is the text that is judged; found {found}")
    if "row" in case:
        _known(case, ("row", "completion"))
        if not isinstance(case["row"], dict):
            raise InputError(f"`row` is an object as in a data set; found {_brief(case['row'])}")
        return _row(case["row"], "row."), case["completion"]
    return _row(_of_short_form(case), ""), case["completion"]


def _of_short_form(case: dict[str, Any]) -> dict[str, Any]:
    verifier = _verifier(case.get("verifier"), "verifier")
    needed = _SHORT.get(verifier, ("gold",))
    _known(case, ("verifier", "completion", *needed, "prompt", "language", "info"))
    for name in needed:
        if name not in case and name not in _OPTIONAL:
            raise InputError(f"`{name}` is missing: the verifier `{verifier}` needs {' and '.join(needed)}")
    info = case.get("info", {})
    if not isinstance(info, dict):
        raise InputError(f"`info` is an object; found {_brief(info)}")
    row = {"verifier": verifier, "answer": _gold(verifier, case), "language": case.get("language", "en")}
    if "prompt" in case:
        row["prompt"] = [{"role": "user", "content": case["prompt"]}]
    return row | {"info": info | {name: case[name] for name in _IN_INFO if name in case}}


def _gold(verifier: str, case: dict[str, Any]) -> Any:
    gold = case.get("gold", "")
    if isinstance(gold, int) and not isinstance(gold, bool):
        return str(gold)
    if not isinstance(gold, str):
        raise InputError(f"`gold` is a text; found {_brief(gold)}")
    return gold.strip().upper() if verifier == "choice" else gold


def _row(given: dict[str, Any], where: str) -> Row:
    """A row with all that judging reads; `where` stands before a field's name in an error."""
    verifier = _verifier(given.get("verifier"), f"{where}verifier")
    fields = _checked(_RowFields, given, where)
    info = fields.info
    if isinstance(info, str):
        try:
            info = json.loads(info)
        except (ValueError, RecursionError):
            info = None
        if not isinstance(info, dict):
            raise InputError(f"`{where}info` is no JSON object; found {_brief(fields.info)}")
    if verifier in _INFO:
        _checked(_INFO[verifier], info, f"{where}info." if where else "")
    if verifier == "choice" and fields.answer not in (letters := list(ascii_uppercase[: len(info["choices"])])):
        gold = f"{where}answer" if where else "gold"
        raise InputError(f"`{gold}` is {_brief(fields.answer)}; allowed: {', '.join(letters)}")
    if verifier == "math":
        _check_gold(fields.answer, f"{where}answer" if where else "gold")
    if verifier == "instructions":
        _check_instructions(info["instructions"])
    family = TASKS.get(verifier)
    row: dict[str, Any] = {"id": "", "key": "", "source": "this case", "licence": "", "split": "test"} | given
    return row | {  # type: ignore[return-value]  # a row's own columns, checked above
        "verifier": verifier,
        "answer": fields.answer,
        "prompt": [message.model_dump() for message in fields.prompt],
        "task": fields.task or verifier,
        "domain": fields.domain or (family.domain if family else _DOMAINS.get(verifier, "general")),
        "language": fields.language,
        "info": json.dumps(info, ensure_ascii=False, sort_keys=True),
    }


def _verifier(name: Any, where: str) -> str:
    if name is None:
        raise InputError(f"`{where}` is missing; allowed: {', '.join(VERIFIERS)}")
    if not isinstance(name, str) or name not in VERIFIERS:
        raise InputError(f"`{where}` is {_brief(name)}; {_nearest(str(name), VERIFIERS)}")
    return name


def _check_gold(gold: str, name: str) -> None:
    if not gold.strip():
        raise InputError(f"`{name}` is missing or empty: the verifier `math` compares with it")
    if not readable(gold):
        raise InputError(
            f"`{name}` is {_brief(gold)}, which cannot be read as mathematics (up to {MAX_ANSWER} characters)"
        )


def _check_instructions(pairs: list[list[Any]]) -> None:
    """The package skips an instruction that it does not know, and draws an argument that is missing."""
    for name, arguments in pairs:
        if not isinstance(name, str) or name not in ARGUMENTS:
            raise InputError(f"`instructions` names {_brief(name)}; {_nearest(str(name), ARGUMENTS)}")
        if not isinstance(arguments, dict):
            raise InputError(f"the arguments of `{name}` are {_brief(arguments)}; they are an object")
        for argument in ARGUMENTS[name]:
            if arguments.get(argument) is None:
                raise InputError(f"`{name}` has no `{argument}`; it needs {', '.join(ARGUMENTS[name])}")


def _known(case: dict[str, Any], allowed: tuple[str, ...]) -> None:
    for name in case:
        if name not in allowed:
            raise InputError(f"unknown key `{name}`; {_nearest(name, allowed)}")


def _nearest(name: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"allowed: {', '.join(dict.fromkeys(allowed))}"


def _checked(model: type[Any], content: dict[str, Any], where: str) -> Any:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        # Of a union the kind that was tried stands in the path: `tests.0.stdin.output`.
        path = ".".join(str(part) for part in first["loc"])
        found = "" if first["type"] == "missing" else f", found {_brief(first['input'])}"
        raise InputError(f"`{where}{path}`: {first['msg'].lower()}{found}") from None


def _brief(value: Any) -> str:
    """A value inside of a sentence."""
    return repr(value)[:60] if isinstance(value, str) else json.dumps(value)[:60]
