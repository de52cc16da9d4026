"""The tiny base's corpus: a bilingual world written down by an undisciplined author.

The author knows his sums but is careless: he slips, mixes languages, gives up searching, uses tags half of the time
wrongly and answers without a thought when he feels like it. So the base is capable but undisciplined, and what
post-training changes can be measured. docs/tiny_world.md says which effects this makes possible by design.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from data.text.chat import THINK_CLOSE, THINK_OPEN, render_completion
from data.text.language import Language
from data.text.prompts import R1_ZERO_TEMPLATE
from data.text.summary import summarise
from data.world.families import GENERAL, TASKS, family, refuse_held_out
from data.world.reasoning.chains import LIMIT, apply
from data.world.task import Author, Problem, Trace

END = "<|endoftext|>"
UNDISCIPLINED = Author(slip=0.07, repair=0.4, give_up=0.5, careless=0.02)
PATIENT = replace(UNDISCIPLINED, give_up=0.0)
PATIENCE = 0.25  # share of problem documents in which a search is not given up

EQUALITY_LISTS = 0.08  # share of documents
DIRECT = 0.22  # share of problem documents without steps
DIRECT_RIGHT = 0.7
OTHER_LANGUAGE = 0.12  # steps all in the other language
FLIP = 0.07  # each step by itself in the other language
FORMS = (("r1_zero", 0.40), ("chat", 0.40), ("plain", 0.20))
GENERAL_FORMS = (("r1_zero", 0.05), ("chat", 0.7), ("plain", 0.25))
TAGS = (("none", 0.5), ("right", 0.2), ("broken", 0.3))

_STATEMENTS: dict[Language, tuple[str, ...]] = {
    "en": ("The answer is {}.", "Answer: {}", r"The answer is \boxed{{{}}}.", "{}"),
    "zh": ("答案是{}。", "答案:{}", r"答案是\boxed{{{}}}。", "{}"),
}
_STOP: dict[Language, str] = {"en": ".", "zh": "。"}
_COMMA: dict[Language, str] = {"en": ", ", "zh": ","}


def documents(mixture: dict[str, float], seed: int, mixing: bool = True) -> Iterator[str]:
    """Endless documents; their problems come from the train split only.

    mixing: whether a thought or an answer may stand in the other language, for a model that knows both.
    """
    refuse_held_out(mixture)
    rng = random.Random(seed)
    names, weights = zip(*mixture.items(), strict=True)
    while True:
        if rng.random() < EQUALITY_LISTS:
            yield _equalities(rng)
        else:
            task, languages = family(rng.choices(names, weights)[0])
            problem = task.problem(rng, rng.choice(languages))
            if problem.split != "train":
                continue
            yield _general(problem, rng) if problem.task in GENERAL else _reasoning(problem, rng, mixing)


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


def _reasoning(problem: Problem, rng: random.Random, mixing: bool) -> str:
    other_language, flip = (OTHER_LANGUAGE, FLIP) if mixing else (0.0, 0.0)
    language = problem.language
    other: Language = "zh" if language == "en" else "en"
    thought, answer = "", problem.answer
    if rng.random() < DIRECT:
        if rng.random() > DIRECT_RIGHT:
            answer = TASKS[problem.task].solve(problem, rng, Author(slip=0.9, give_up=1.0)).answer
    else:
        author = PATIENT if rng.random() < PATIENCE else UNDISCIPLINED
        trace = TASKS[problem.task].solve(problem, rng, author)
        main = other if rng.random() < other_language else language
        flips: dict[Language, Language] = {"en": "zh", "zh": "en"}
        thought = join_steps(trace, [flips[main] if rng.random() < flip else main for _ in trace.steps])
        answer = trace.answer
    form = _choose(FORMS, rng)
    statement = rng.choice(_STATEMENTS[language if rng.random() > other_language else other]).format(answer)
    if form == "r1_zero":
        return _frame(form, problem.question, _tagged(thought, answer, statement, rng))
    if form == "chat" and thought:
        return _frame(form, problem.question, _reply(thought, answer, statement, language, rng))
    return _frame(form, problem.question, f"{thought}\n{statement}".strip())


def _tagged(thought: str, answer: str, statement: str, rng: random.Random) -> str:
    tags = _choose(TAGS, rng)
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


def _reply(thought: str, answer: str, statement: str, language: Language, rng: random.Random) -> str:
    """The same carelessness in a chat: few replies have their thought in its tags and a summary behind it."""
    tags = _choose(TAGS, rng)
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


def _general(problem: Problem, rng: random.Random) -> str:
    task = GENERAL[problem.task]
    answer = task.undisciplined_answer(problem, rng)
    return _frame(_choose(GENERAL_FORMS, rng), problem.question, answer)


def _frame(form: str, question: str, response: str) -> str:
    if form == "r1_zero":
        return R1_ZERO_TEMPLATE.format(prompt=question) + " " + response.lstrip() + END
    if form == "chat":
        return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{response}<|im_end|>"
    return f"Q: {question}\nA: {response}{END}"


def _choose(options: tuple[tuple[str, float], ...], rng: random.Random) -> str:
    names, weights = zip(*options, strict=True)
    return rng.choices(names, weights)[0]
