"""Answers to rows of public data sets as a model should write them, and the responses that come with such rows."""

import json
import random
from collections.abc import Callable
from typing import NamedTuple

from data.errors import InputError
from data.text.chat import Template, parse, render_completion
from data.text.language import Language
from data.text.row import Row
from data.text.summary import state_answer, statement
from data.world.corpus import join_steps
from data.world.families import GENERAL, PUZZLES, REASONING, TASKS
from data.world.general.length_control import LENGTH_ASKED, length_score
from data.world.judge import Judge
from data.world.preference import gold
from data.world.task import Author, Problem

_THOUGHT: dict[Language, str] = {
    "en": "Let us do this step by step and check the result.",
    "zh": "我们一步一步来,再检查结果。",
}


def solution(row: Row) -> str:
    """The reference solution that a public row has beside its answer; empty where there is none."""
    return json.loads(row["info"]).get("solution") or ""


def example(row: Row, language: Language) -> tuple[str, str]:
    """(thought, answer) where no solution is worked out: a few words in the language (a reference may have none)."""
    return _THOUGHT[language], statement(row, language)


class Response(NamedTuple):
    """What somebody else answers to a general prompt; the thought may be empty.

    worth: what its judge takes it to be worth, 0 to 1 and beyond where he errs; None where nobody judged it.
    """

    thought: str
    answer: str
    worth: float | None


def response(row: Row, drafts: int, rng: random.Random, judge: Judge, judging: random.Random) -> Response:
    """What comes with a public row, or the best of some answers of the world's author.

    drafts: how many he writes, by `rng`; judge: who takes the best one; judging: what his noise is drawn from, apart
    from the drafts, so that these are the same whoever judges them.
    """
    if row["task"] not in TASKS:
        if "completion" not in row:
            raise InputError(f"source {row['task']} has no responses to learn from: a demonstrations source is needed")
        parsed = parse(row["completion"])
        return Response(parsed.thinking or "", parsed.answer or "", None)
    task, problem = GENERAL[row["task"]], Problem.from_row(row)
    written = [task.undisciplined_answer(problem, rng) for _ in range(drafts)]
    return Response(task.thought(problem) or "", *judge.best(written, checklist(row), judging))


def checklist(row: Row) -> Callable[[str], float]:
    """How good an answer to a row of the world is, in [0, 1]."""
    score = length_score if row["task"] in LENGTH_ASKED else gold
    return lambda answer: score(answer, row)


def worked_completion(
    row: Row, template: Template, language: Language | None = None, author: Author | None = None
) -> tuple[str, str]:
    """(completion text, its final answer) of a worked solution in a template; perfect unless an author is given."""
    chosen = language or row["language"]
    if row["task"] not in TASKS or row["task"] in PUZZLES:
        thought, stated = example(row, chosen)
        return _in_template(template, thought, stated), row["answer"]
    problem = Problem.from_row(row)
    if row["task"] in GENERAL:
        task = GENERAL[row["task"]]
        answer = task.best_answer(problem)
        return render_completion(task.thought(problem) or "", answer), answer
    trace = REASONING[row["task"]].solve(problem, random.Random(row["id"]), *([author] if author else []))
    thought = join_steps(trace, [chosen] * len(trace.steps))
    stated = trace.answer if template == "r1_zero" else state_answer(trace.answer, chosen)
    return _in_template(template, thought, stated), trace.answer


def _in_template(template: Template, thought: str, answer: str) -> str:
    if template == "r1_zero":
        return f" <think> {thought} </think> <answer> {answer} </answer>"
    return render_completion(thought, answer)
