"""The task families of the tiny world, the puzzles, and the rows that they make."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from data.errors import InputError
from data.text.chat import Parsed
from data.text.language import LANGUAGES, Language
from data.text.mention import stated
from data.text.row import Row, row_info
from data.verifiers.free_form import FREE_FORM
from data.verifiers.verdict import Verdict
from data.world.general.answers import GeneralTask
from data.world.general.facts import Facts, Greeting, Identity, ListTwo, Translation
from data.world.general.held_out import HELD_OUT_TASKS
from data.world.general.length_control import ListN, RepeatWord
from data.world.general.retrieval import Passage
from data.world.general.safety import SafeLookalike, Unsafe
from data.world.reasoning.chains import Arithmetic, CodeOutput, WordProblem
from data.world.reasoning.equations import Equation
from data.world.reasoning.expressions import Expression
from data.world.reasoning.gym import BasicArithmetic, ChainSum, GreatestCommonDivisor, Puzzle, SimpleEquation
from data.world.reasoning.harder import LongArithmetic, LongCodeOutput, LongExpression, LongPairSearch, LongWordProblem
from data.world.reasoning.search import PairSearch
from data.world.reasoning.stem import Logic, StemChoice
from data.world.reasoning.transfer import PairDifference, UnknownStart
from data.world.task import Problem, Task

REASONING: dict[str, Task] = {
    task.name: task
    for task in (
        Arithmetic(), WordProblem(), Equation(), PairSearch(), ChainSum(), SimpleEquation(),
        CodeOutput(), Expression(), StemChoice(), Logic(),
    )
}  # fmt: skip
PUZZLES: dict[str, Task] = {
    task.name: task
    for task in (
        Puzzle("knights_knaves", 1 / 2**3, n_people=3), Puzzle("zebra_puzzles", 1 / 4),
        Puzzle("color_cube_rotation", 1 / 6), Puzzle("cryptarithm"), Puzzle("jugs", difficulty=6),
        BasicArithmetic(), GreatestCommonDivisor(),
    )
}  # fmt: skip
"""Reasoning families too, but without worked solutions: the tiny world has none of them."""
HARDER: dict[str, Task] = {
    task.name: task
    for task in (LongArithmetic(), LongWordProblem(), LongCodeOutput(), LongPairSearch(), LongExpression())
}
"""Families of the world with more steps or numbers than in any training data."""
TRANSFER: dict[str, Task] = {task.name: task for task in (PairDifference(), UnknownStart())}
"""Families like others, which nothing is trained on."""
GENERAL: dict[str, GeneralTask] = {
    task.name: task
    for task in (
        Facts(), Greeting(), Identity(), Translation(), ListTwo(), RepeatWord(), ListN(), Passage(), Unsafe(),
        SafeLookalike(),
    )
}  # fmt: skip
TASKS: dict[str, Any] = REASONING | PUZZLES | GENERAL  # what may be trained on
UNSEEN: dict[str, GeneralTask] = {task.name: task for task in HELD_OUT_TASKS}
"""Kinds of general and unsafe prompts that nothing is trained on."""
HELD_OUT: dict[str, Any] = HARDER | TRANSFER | UNSEEN
"""What is in no corpus and in no training data of any stage: an evaluation alone may ask for it."""
VERIFIERS: dict[str, Any] = TASKS | HELD_OUT | FREE_FORM
"""By the name in a row's `verifier`: a family verifies its own rows, those of public data sets have five kinds."""

ONLY_ASKED = "is held out of all training: an evaluation alone may ask for it, by a setting of its own"

MAX_FINAL = 2_000
"""Characters of a bare final answer; a longer one is none."""


def verify(given: Parsed | str | None, row: Row) -> bool:
    """Whether a completion (data.text.chat.parse), or an answer by itself, is right for a row; a missing one is wrong.

    Most verifiers read the bare final answer of a completion, those of programs and instructions its whole answer.
    Mathematics that is asked for in the form `marked` has a final answer only in a box or in answer tags: in a required
    format, for example a box (R1 v2 s.2.2).
    """
    answer = _read(given, row)
    return answer is not None and bool(VERIFIERS[row["verifier"]].verify(answer, row))


def explain(given: Parsed | str | None, row: Row) -> Verdict:
    """What `verify` says, with what was read of the completion and why."""
    answer = _read(given, row)
    if answer is not None:
        return VERIFIERS[row["verifier"]].explain(answer, row)
    final = given.final if isinstance(given, Parsed) else given
    if final is not None and len(final) > MAX_FINAL:
        reason = f"the final answer has {len(final)} characters, and none is longer than {MAX_FINAL}"
    elif final is not None:
        reason = "no box and no answer tag marks the final answer, which this prompt asks for"
    elif isinstance(given, Parsed) and given.answer:
        reason = "there is no final answer in what stands behind the thinking"
    else:
        reason = "there is no answer: nothing stands behind the thinking, or it was never closed"
    return Verdict(False, None, reason)


def votes(given: Iterable[Parsed], row: Row) -> list[str | None]:
    """What each completion says, for a majority vote: one text for answers that the row's verifier takes for equal.

    None where there is no answer. An answer that the verifier cannot read is one all the same: its text. Verifiers that
    compare in pairs (`same`) put an answer to the first one before it that it equals.
    """
    verifier = VERIFIERS[row["verifier"]]
    same = getattr(verifier, "same", lambda first, second, row: False)
    found: list[str | None] = []
    first: dict[str, str] = {}  # a form -> the first answer that has it
    merged: dict[str, str] = {}
    for parsed in given:
        answer = _read(parsed, row)
        if answer is None or not answer.strip():
            found.append(None)
            continue
        form = verifier.canonical(answer, row)
        if form not in merged:
            merged[form] = next((other for other, said in first.items() if same(said, answer, row)), form)
            first.setdefault(merged[form], answer)
        found.append(merged[form])
    return found


def _read(given: Parsed | str | None, row: Row) -> str | None:
    """What of a completion a row's verifier reads; None where that is nothing, or longer than any final answer."""
    whole = getattr(VERIFIERS[row["verifier"]], "reads", "final") == "answer"
    if isinstance(given, Parsed):
        unmarked = row["verifier"] == "math" and not given.marked and row_info(row).get("answer_form") == "marked"
        given = given.answer if whole else None if unmarked else given.final
    return given if whole or given is None or len(given) <= MAX_FINAL else None


def holds(text: str, parsed: Parsed, row: Row) -> bool | None:
    """Whether the thought of a right completion, as its text and as parsed, comes to its final answer.

    The thought is what stands in its tags; where they are not closed, all that stands before the final answer. A family
    knows how its worked solutions come to one; elsewhere the answer must stand in the thought as it is written. None
    where a verifier reads the whole answer, as that of programs does.
    """
    verifier = VERIFIERS[row["verifier"]]
    if getattr(verifier, "reads", "final") == "answer" or parsed.final is None:
        return None
    thought = text.rpartition(parsed.final)[0] if parsed.thinking is None else parsed.thinking
    if isinstance(verifier, Task):
        return verifier.holds(thought, parsed.final, row)
    return stated(parsed.final, thought)


def chance(row: Row) -> float | None:
    """What a guesser scores on a row who takes any plausible answer as likely as another; None where nobody can say."""
    guess = getattr(VERIFIERS[row["verifier"]], "chance", None)
    return None if guess is None else guess(row)


def refuse_held_out(mixture: Iterable[str]) -> None:
    """InputError where a mixture to train on names a family that is held out of all training."""
    for name in mixture:
        if name.partition("@")[0] in HELD_OUT:
            raise InputError(f"mixture: {name!r} {ONLY_ASKED}")


def family(name: str) -> tuple[Task, tuple[Language, ...]]:
    """A mixture's name -> the family and the languages to ask in: `arithmetic`, or `arithmetic@en` for one alone."""
    task, _, only = name.partition("@")
    tasks = TASKS | HELD_OUT
    known = getattr(tasks.get(task), "languages", LANGUAGES)
    if task not in tasks or (only and only not in known):
        raise InputError(
            f"mixture: {name!r} is no task family and no public data set; allowed are {', '.join(TASKS)}, each with "
            "@en or @zh behind it for one language, and the names in data/public/sources.py"
        )
    return tasks[task], tuple(language for language in known if only in ("", language))


def problems(mixture: dict[str, float], seed: int, split: str | None = None) -> Iterator[Problem]:
    """Endless problems: family by weight, language by turns, of one split (or of all)."""
    rng = random.Random(seed)
    names, weights = zip(*mixture.items(), strict=True)
    while True:
        task, languages = family(rng.choices(names, weights)[0])
        problem = task.problem(rng, rng.choice(languages))
        if split is None or problem.split == split:
            yield problem


def rows(mixture: dict[str, float], count: int, split: str, seed: int) -> list[Row]:
    """`count` rows with different questions; fewer where many draws in a row bring none that is new."""
    if split == "train":
        refuse_held_out(mixture)
    found: dict[str, Row] = {}
    if not count:
        return []
    known = 0
    for problem in problems(mixture, seed, split):
        if problem.question in found:
            known += 1
            if known > 1000 + 20 * len(found):
                break
        else:
            found[problem.question], known = problem.row(), 0
            if len(found) == count:
                break
    return list(found.values())
