"""The tiny base's corpus: a bilingual world written down by an undisciplined author.

The author (author.py) knows his sums but is careless: he slips, mixes languages, gives up searching, uses tags half of
the time wrongly and answers without a thought when he feels like it. So the base is capable but undisciplined, and what
post-training changes can be measured. docs/tiny_world.md says which effects this makes possible by design.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from data.text.chat import THINK_CLOSE, THINK_OPEN, render_completion
from data.text.language import Language
from data.text.prompts import R1_ZERO_TEMPLATE
from data.text.summary import summarise
from data.world.author import USUAL, CorpusAuthor
from data.world.families import GENERAL, TASKS, family, refuse_held_out
from data.world.reasoning.chains import LIMIT, apply
from data.world.task import Author, Problem, Trace

END = "<|endoftext|>"

_STATEMENTS: dict[Language, tuple[str, ...]] = {
    "en": ("The answer is {}.", "Answer: {}", r"The answer is \boxed{{{}}}.", "{}"),
    "zh": ("答案是{}。", "答案:{}", r"答案是\boxed{{{}}}。", "{}"),
}
_STOP: dict[Language, str] = {"en": ".", "zh": "。"}
_COMMA: dict[Language, str] = {"en": ", ", "zh": ","}

Name = TypeVar("Name", bound=str)
Kind = Literal["drill", "general", "direct", "careless", "patient"]
"""Of a document: single sums, an answer to a general prompt, an answer without a thought, whose thought it is."""


@dataclass(frozen=True)
class Document:
    """A document, and what it was written from."""

    kind: Kind
    text: str
    problem: Problem | None = None
    """What is asked; a drill asks nothing."""
    response: str = ""
    """What follows the question, without the end token."""
    form: str = ""
    """How question and response are framed."""
    thought: str = ""
    """The steps as they stand in the response."""
    trace: Trace | None = None
    answer: str = ""
    """The bare answer that is stated."""


def documents(mixture: dict[str, float], seed: int, mixing: bool = True, author: CorpusAuthor = USUAL) -> Iterator[str]:
    """Endless documents; their problems come from the train split only.

    mixing: whether a thought or an answer may stand in the other language, for a model that knows both.
    """
    return (document.text for document in written_documents(mixture, seed, mixing, author))


def written_documents(
    mixture: dict[str, float], seed: int, mixing: bool = True, author: CorpusAuthor = USUAL
) -> Iterator[Document]:
    """`documents`, each with what it was written from."""
    refuse_held_out(mixture)
    if not mixing:
        author = author.model_copy(update={"other_language": 0.0, "flip": 0.0})
    rng = random.Random(seed)
    names, weights = zip(*mixture.items(), strict=True)
    while True:
        if rng.random() < author.equality_lists:
            yield Document("drill", _equalities(rng))
        else:
            task, languages = family(rng.choices(names, weights)[0])
            problem = task.problem(rng, rng.choice(languages))
            if problem.split != "train":
                continue
            yield (_general if problem.task in GENERAL else _reasoning)(problem, rng, author)


def join_steps(trace: Trace, languages: list[Language]) -> str:
    """The steps as running text, each in its own language, closed by the first one's full stop."""
    parts = [step[language] for step, language in zip(trace.steps, languages, strict=True)]
    return _COMMA[languages[0]].join(parts) + _STOP[languages[0]]


def _equalities(rng: random.Random) -> str:
    lines: list[str] = []
    while len(lines) < 8:
        operator = rng.choice("+-+-*/")
        left, right = rng.randint(0, LIMIT), rng.randint(1, 12)
        if operator == "/" and left % right:
            left = right * rng.randint(1, max(1, LIMIT // right))
        value = apply(left, operator, right)
        if 0 <= value <= 24:
            lines.append(f"{left}{operator}{right}={value}")
    return rng.choice((", ", ",")).join(lines) + END


def _reasoning(problem: Problem, rng: random.Random, author: CorpusAuthor) -> Document:
    language = problem.language
    other: Language = "zh" if language == "en" else "en"
    kind: Kind = "direct"
    thought, answer, trace = "", problem.answer, None
    if rng.random() < author.direct:
        if rng.random() > author.direct_right:
            answer = TASKS[problem.task].solve(problem, rng, Author(slip=0.9, give_up=1.0)).answer
    else:
        kind = "patient" if rng.random() < author.patience else "careless"
        trace = TASKS[problem.task].solve(problem, rng, author.at_work(patient=kind == "patient"))
        main = other if rng.random() < author.other_language else language
        flips: dict[Language, Language] = {"en": "zh", "zh": "en"}
        thought = join_steps(trace, [flips[main] if rng.random() < author.flip else main for _ in trace.steps])
        answer = trace.answer
    form = _choose(author.forms, rng)
    statement = rng.choice(_STATEMENTS[language if rng.random() > author.other_language else other]).format(answer)
    if form == "r1_zero":
        response = _tagged(thought, answer, statement, author, rng)
    elif form == "chat" and thought:
        response = _reply(thought, answer, statement, language, author, rng)
    else:
        response = f"{thought}\n{statement}".strip()
    text = _frame(form, problem.question, response)
    return Document(kind, text, problem, response, form, thought, trace, answer)


def _tagged(thought: str, answer: str, statement: str, author: CorpusAuthor, rng: random.Random) -> str:
    tags = _choose(author.tags, rng)
    if tags == "right" and thought:
        return f" <think> {thought} </think> <answer> {answer} </answer>"
    if tags == "broken" and thought:
        return rng.choice(
            (
                f" <think> {thought} </think> {statement}",
                f" <think> {thought} <answer> {answer} </answer>",
                f" {thought} <answer> {answer} </answer>",
                f" <think> {thought} {statement}",
            )
        )
    return f" {thought} {statement}" if thought else f" {statement}"


def _reply(
    thought: str, answer: str, statement: str, language: Language, author: CorpusAuthor, rng: random.Random
) -> str:
    """The same carelessness in a chat: few replies have their thought in its tags and a summary behind it."""
    tags = _choose(author.tags, rng)
    summary = summarise(thought, answer, language)
    if tags == "right":
        return render_completion(thought, summary)
    if tags == "broken":
        return rng.choice(
            (
                f"{thought}\n{summary}",
                f"{THINK_OPEN}\n{thought}\n{summary}",
                f"{thought}\n{THINK_CLOSE}\n\n{statement}",
                f"{THINK_OPEN}\n{thought}\n{THINK_CLOSE}\n{answer}",
            )
        )
    return f"{thought}\n{statement}"


def _general(problem: Problem, rng: random.Random, author: CorpusAuthor) -> Document:
    answer = GENERAL[problem.task].undisciplined_answer(problem, rng)
    form = _choose(author.general_forms, rng)
    return Document("general", _frame(form, problem.question, answer), problem, answer, form, answer=answer)


def _frame(form: str, question: str, response: str) -> str:
    if form == "r1_zero":
        return R1_ZERO_TEMPLATE.format(prompt=question) + " " + response.lstrip() + END
    if form == "chat":
        return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{response}<|im_end|>"
    return f"Q: {question}\nA: {response}{END}"


def _choose(weights: Mapping[Name, float], rng: random.Random) -> Name:
    return rng.choices(list(weights), list(weights.values()))[0]
