"""Long thoughts for the warm-up of Kimi k1.5 (s.2.2): planning, evaluation, reflection, exploration."""

import random

from data.text.language import LANGUAGES, Language
from data.text.row import Row
from data.world.families import TASKS, verify
from data.world.task import Author, Problem, Trace

_PLAN: dict[str, dict[Language, str]] = {
    "target": {"en": "add to {}", "zh": "和是{}"},
    "steps": {"en": "{} steps", "zh": "{}步"},
}


def long_thought(row: Row, rng: random.Random, slips: float) -> Trace:
    """A verified worked solution: a plan first, pairs tried in turn, slips noticed and done again, no giving up."""
    problem = Problem.from_row(row)
    author = Author(slip=slips, repair=1.0, thorough=0.9)
    while True:
        trace = TASKS[row["task"]].solve(problem, rng, author)
        if verify(trace.answer, row):
            break
    plan, value = ("target", problem.info["target"]) if "target" in problem.info else ("steps", len(trace.steps))
    return Trace([{la: _PLAN[plan][la].format(value) for la in LANGUAGES}, *trace.steps], trace.answer)
