"""The reward self-test: before anybody trains, each reward by rule must tell gold completions from worse ones."""

from data.errors import InputError
from data.text.chat import Template, render_completion
from data.text.completion import Completion
from data.text.modes import mode_of
from data.text.row import REASONING_DOMAINS, Row, row_info
from data.world.families import GENERAL, PUZZLES, verify
from data.world.general.entities import DICTIONARY, other
from data.world.task import Problem
from data.world.written import worked_completion
from stages.core.rewards.rules import RULES

GENERAL_RULES = ("mode", "instruction", "length_asked")
"""The rules that are tested on general prompts: the others read them too, but have no gold answer there."""
WORSE = {
    "accuracy": ("wrong",),
    "weak_accuracy": ("unanswered",),
    "format": ("malformed",),
    "language": ("other_language",),
    "mode": ("malformed", "other_mode"),
    "instruction": ("disobedient",),
    "length_asked": ("disobedient",),
}
"""What each rule must score below gold."""


def self_test(names: list[str], rows: list[Row], tokenizer, template: Template, per_task: int = 2) -> dict[str, float]:
    """Score gold completions and worse ones of each kind as the trainer will see them.

    rows: `per_task` of them are tried for each family, instruction and mode that they ask for.
    They pass through the tokenizer and back, as TRL decodes them: a tag that vanishes there would make a reward 0 for
    ever. Returns the mean score by "reward/kind". Raises InputError where a reward cannot tell gold from wrong.
    """
    scores: dict[str, list[float]] = {}
    taken: dict[tuple, int] = {}
    for row in rows:
        asked = (row["task"], _instruction_of(row), mode_of(row["prompt"]))
        if taken.get(asked, 0) == per_task:
            continue
        if row["verifier"] in ("code_tests", "instructions") and not verify(row["answer"], row):
            continue  # a public gold program or response that fails its own tests says nothing about the reward
        taken[asked] = taken.get(asked, 0) + 1
        for kind, text in _exemplars(row, template, names).items():
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            decoded = tokenizer.decode(ids, skip_special_tokens=True)
            completion = Completion(decoded, len(ids), True, template)
            for name in names:
                if row["domain"] not in REASONING_DOMAINS and name not in GENERAL_RULES:
                    continue
                score = RULES[name](completion, row)
                if score is not None:
                    scores.setdefault(f"{name}/{kind}", []).append(score)
    if names and not scores:
        raise InputError(f"reward self-test: no prompt to test the rewards {', '.join(names)} on")
    means = {key: sum(values) / len(values) for key, values in scores.items()}
    for name in names:
        for kind in WORSE[name]:
            gold, bad = means.get(f"{name}/gold", 1.0), means.get(f"{name}/{kind}", 0.0)
            if gold < 1.0 or bad >= gold:
                raise InputError(
                    f"reward self-test: the reward '{name}' gives {gold:.2f} to gold completions and {bad:.2f} to "
                    f"{kind.replace('_', ' ')} ones in the template '{template}', where 1.00 and less are needed: "
                    "check that the tokenizer keeps the tags and that the verifier reads the answer"
                )
    return means


def _instruction_of(row: Row) -> str | None:
    return row_info(row)["instruction"] if row["task"] in GENERAL else None


def _exemplars(row: Row, template: Template, names: list[str]) -> dict[str, str]:
    gold, answer = worked_completion(row, template)
    found: dict[str, str] = {}
    if template == "chat":
        thought, _, visible = (part.strip() for part in gold.removeprefix("<think>").partition("</think>"))
        thinks = mode_of(row["prompt"]) == "thinking"
        in_mode = {think: render_completion((thought or answer) if think else "", visible) for think in (True, False)}
        gold = in_mode[thinks]
        if "mode" in names:
            found["other_mode"] = in_mode[not thinks]
    found |= {"gold": gold, "malformed": gold.replace("</think>", "")}
    if row["task"] in GENERAL:
        return found | {"disobedient": gold.replace(answer, _disobedient(row))}
    if row["verifier"] == "instructions":
        return found | {"disobedient": gold.replace(answer, "")}
    if row["domain"] not in REASONING_DOMAINS:
        return found
    if "weak_accuracy" in names:
        found["unanswered"] = gold.replace(answer, "")
    no_answer = row["verifier"] == "code_tests" or row["task"] in PUZZLES
    wrong = gold.replace(answer, "pass") if no_answer else _with_wrong_answer(gold, answer)
    return found | {
        "wrong": wrong,
        "other_language": worked_completion(row, template, other(row["language"]))[0],
    }


def _disobedient(row: Row) -> str:
    """A right answer of another length, in another form or language than asked for."""
    task, problem = GENERAL[row["task"]], Problem.from_row(row)
    if row["task"] == "list_n":
        return task.render(problem.info | {"chosen": DICTIONARY}, problem.language, "full")
    if row["task"] == "repeat_word":
        return f"{task.best_answer(problem)} {task.best_answer(problem)}"
    language = problem.language
    if problem.info["instruction"] == "other_language":
        language = other(language)
    return task.render(problem.info, language, "full")


def _with_wrong_answer(text: str, answer: str) -> str:
    """The completion with another final answer; the thought stays."""
    head, close, tail = text.partition("</think>")
    wrong = {"true": "false", "false": "true", "真": "假", "假": "真"}.get(answer) or (
        ("B" if answer == "A" else "A") if answer.isalpha() else f"{answer}+97"
    )
    return head + close + tail.replace(answer, wrong)
