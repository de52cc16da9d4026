"""The row functions (hub_rows.py) of preferences, safety and instruction following: nothing here has a gold."""

from data.public.hub_rows import BadRow, Parts, decoded, text
from data.text.chat import render_completion
from data.verifiers.instructions import ARGUMENTS


def ifeval(hub: dict) -> Parts:
    yield {"question": text(hub, "prompt"), "answer": "", "info": _instructions(hub)}


def ifeval_like(hub: dict) -> Parts:
    """The answer is a response that follows the instructions; their arguments are JSON text."""
    yield {"question": text(hub, "prompt"), "answer": text(hub, "response"), "info": _instructions(hub)}


def _instructions(hub: dict) -> dict:
    """The instructions, each with the arguments that it needs and no others."""
    names, given = hub["instruction_id_list"], decoded(hub["kwargs"])
    if not names or not isinstance(given, list) or len(given) != len(names):
        raise BadRow("no instructions")
    pairs = []
    for name, arguments in zip(names, given, strict=True):
        if name not in ARGUMENTS:
            raise BadRow("an instruction without a checker")
        needed = {key: (arguments or {}).get(key) for key in ARGUMENTS[name]}
        if None in needed.values():
            raise BadRow("an instruction without its arguments")
        pairs.append((name, needed))
    return {"instructions": pairs}


def ultrafeedback(hub: dict) -> Parts:
    chosen, rejected = (_last_response(hub[column]) for column in ("chosen", "rejected"))
    yield _pair(text(hub, "prompt"), chosen, rejected)


def helpsteer2(group: list[dict]) -> Parts:
    """The most and the least helpful response to a prompt; 0 to 4 by human annotators."""
    if len(group) < 2:
        raise BadRow("one response")
    if any(hub["helpfulness"] is None for hub in group):
        raise BadRow("empty helpfulness")
    rated = sorted(group, key=lambda hub: hub["helpfulness"])
    worst, best = rated[0], rated[-1]
    if worst["helpfulness"] == best["helpfulness"]:
        raise BadRow("no preference")
    ratings = {"helpfulness": [best["helpfulness"], worst["helpfulness"]]}
    yield _pair(text(best, "prompt"), text(best, "response"), text(worst, "response"), ratings)


def _pair(question: str, chosen: str, rejected: str, info: dict | None = None) -> dict:
    if chosen == rejected:
        raise BadRow("no preference")
    return {"question": question, "answer": chosen, "chosen": chosen, "rejected": rejected, "info": info or {}}


def _last_response(turns: list[dict] | None) -> str:
    if not turns or turns[-1]["role"] != "assistant":
        raise BadRow("no response to a user")
    return text(turns[-1], "content")


def xstest(hub: dict) -> Parts:
    """`info` says whether the prompt is `safe` (250 look-alikes that should be answered) and of which type it is."""
    label = text(hub, "label")
    if label not in ("safe", "unsafe"):
        raise BadRow("unknown label")
    yield {"question": text(hub, "prompt"), "answer": "", "info": {"safe": label == "safe", "type": hub["type"]}}


def beavertails(hub: dict) -> Parts:
    """A response with its annotation: `info` says whether it is `safe`, and which harms it does."""
    response = text(hub, "response")
    if hub["is_safe"] is None:
        raise BadRow("empty is_safe")
    harms = sorted(name for name, does in hub["category"].items() if does)
    yield {
        "question": text(hub, "prompt"),
        "answer": response,
        "completion": render_completion("", response),
        "info": {"safe": bool(hub["is_safe"]), "harms": harms},
    }
