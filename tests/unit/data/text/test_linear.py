"""Whatever a policy writes is read in time that grows with its length, not with the square of it.

Measured is the CPU time of a text and of one four times as long, in one run: 4 for a linear parser, 16 for a quadratic.
"""

import json
import re
import time
from collections.abc import Callable

import pytest

from data.text.chat import has_format, parse
from data.text.completion import MAX_CHARACTERS, Completion
from data.text.language import language_consistency, units
from data.text.modes import follows_mode, mode_of, without_flags
from data.text.summary import closing, summarise
from data.verifiers.expression import value
from data.verifiers.instructions import Instructions
from data.verifiers.numbers import canonical_number
from data.verifiers.programs import code_of
from data.world.families import GENERAL, PUZZLES, REASONING, VERIFIERS, explain, rows, verify
from data.world.preference import gold
from stages.core.rewards.rules import RULES, tries
from stages.core.sampling.filters import has_code_block, longest_paragraph, repetition
from stages.core.sampling.query_filters import disagrees, guesses, several_questions
from stages.core.sampling.repetition import first_repetition, repeats

SIZE, FACTOR, LIMIT = 2_400, 4, 9
UNITS = (
    *(
        " ",
        "\n",
        " \n",
        "\t",
        "\u3000",
        "\r\n",
        "a",
        "a ",
        "7",
        "7 ",
        "x",
        "x ",
        "中",
        "é",
        "ю",
        "αα'",
        "a-",
        "a_",
        "..",
    ),
    *("`", "```", "\n```x", "```x\n", "~~~", "\n~~~", "{", "}", "{}", "(", ")", "(a", "((1)", "[", "[a", "[[1,", "<<a"),
    *("\\", "\\(", "\\[", "\\\\(", "\\(a\\", "$", "$ ", "<|", "<|a", "*", "**a", "f(", "f(a", "(1) ", "A)", "A. ", "="),
    *(
        "\\boxed{",
        "\\boxed{}",
        "\\text{",
        "\\frac{",
        "{,}",
        "1+",
        "-1",
        "1,",
        "0.",
        "e",
        ", ",
        "; ",
        "“",
        "true",
        "no ",
    ),
    *("<think>", "</think>", "<think></think>", "</think><answer>", "<answer>", "</answer>", "</answer> ", "/think "),
    *(
        "答案",
        "答案 ",
        "答案是",
        "答案是 ",
        "答案:",
        "answer",
        "answer ",
        "answer is ",
        "answer:",
        "option ",
        "is a knave, ",
    ),
)
SHELLS = (
    *("{}", "{}5", "答案{}", "answer{}x", "answer is {} x", "\\boxed{{{}", "\\boxed{{{}}}"),
    *("<think>a{}", "<think>{}</think> <answer>5</answer>", "<think>a</think> <answer>{}", "<think>a</think>{}"),
)
"""Texts that units are put into; the last ones only matter to who looks for tags."""
SHELLS_OF = {"parse": 11, "format": 11, "mode": 11, "language": 6, "guesses": 1, "preference": 1}

ROWS = {name: rows({name: 1.0}, 1, "train", 0)[0] for name in [*REASONING, *PUZZLES, *GENERAL]}
CHOICE = ROWS["logic"] | {"verifier": "choice", "answer": "A", "info": json.dumps({"choices": ["p", "q"]})}
MATHEMATICS = ROWS["arithmetic"] | {"verifier": "math", "answer": "7", "info": "{}"}
FOLLOWED = [
    ["detectable_format:title", {}],
    ["detectable_content:number_placeholders", {"num_placeholders": 1}],
    ["detectable_format:number_bullet_lists", {"num_bullets": 1}],
    ["detectable_format:number_highlighted_sections", {"num_highlights": 1}],
    ["detectable_format:json_format", {}],
    ["combination:two_responses", {}],
    ["keywords:existence", {"keywords": ["zebra"]}],
    ["length_constraints:number_paragraphs", {"num_paragraphs": 2}],
]
OBEDIENT = ROWS["facts"] | {"verifier": "instructions", "info": json.dumps({"instructions": FOLLOWED})}


def parsers() -> dict[str, Callable[[str], object]]:
    """By name, what is done to a completion or to a part of it."""
    read = parse.__wrapped__
    found: dict[str, Callable[[str], object]] = {
        "parse": read,
        "format": lambda text: (has_format(text, "chat"), has_format(text, "r1_zero")),
        "mode": lambda text: (follows_mode(text, "thinking"), mode_of([{"role": "user", "content": text}])),
        "flags": without_flags,
        "language": lambda text: language_consistency(text, "en"),
        "units": units,
        "number": canonical_number,
        "expression": lambda text: value(text, 3),
        "summary": lambda text: (summarise(text, "7", "en"), closing(text, read("7"), MATHEMATICS)),
        "repetition": lambda text: (repetition(text, 5), repeats(list(text), 8, 3), first_repetition(list(text), 8, 3)),
        "paragraphs": lambda text: (longest_paragraph(text), has_code_block(text)),
        "several questions": several_questions,
        "results": lambda text: [disagrees(text, final) for final in ("7", "x+3", "3+5", "true", "A", "red")],
        "guesses": lambda text: [guesses(text, final, 3) for final in ("7", "x+3")],
        "code": code_of,
        "instructions": lambda text: Instructions().verify(text, OBEDIENT),
        "preference": lambda text: [gold(text, ROWS[name]) for name in ("facts", "unsafe")],
        "choice": lambda text: (verify(text, CHOICE), VERIFIERS["choice"].canonical(text, CHOICE)),
        "mathematics": lambda text: verify(text, MATHEMATICS),
    }
    for name, row in ROWS.items():
        found[name] = lambda text, row=row: (verify(text, row), explain(text, row))
    for name in (*REASONING, *PUZZLES):
        found[f"votes of {name}"] = lambda text, row=ROWS[name]: VERIFIERS[row["verifier"]].canonical(text, row)
    return found


PARSERS = parsers()


def seconds(parser: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    parser(text)
    return time.process_time() - start


def growth(parser: Callable[[str], object], shell: str, unit: str, size: int = SIZE) -> float:
    """How many times as long a text of FACTOR times the size takes; the least of several tries where it seems much."""
    small, large = (shell.format(unit * (length // len(unit))) for length in (size, FACTOR * size))
    few, many = seconds(parser, small), seconds(parser, large)
    for _ in range(6):
        if many < LIMIT * few:
            break
        few, many = max(few, seconds(parser, small)), min(many, seconds(parser, large))
    return many / few


@pytest.mark.parametrize("name", PARSERS)
def test_time_grows_with_the_length(name):
    for shell in SHELLS[: SHELLS_OF.get(name, 3)]:
        for unit in UNITS:
            found = growth(PARSERS[name], shell, unit)
            assert found < LIMIT, (
                f"{name}: {shell.format(unit + '...')!r} times {FACTOR} takes {found:.1f} times as long"
            )


def test_a_quadratic_parser_is_found_out():
    assert growth(lambda text: re.search(r"\s+$", text), "{}5", " ") > LIMIT
    assert growth(lambda text: re.search(r"(?<!\s)\s+$", text), "{}5", " ") < LIMIT


def test_a_completion_is_cut_before_it_is_read():
    text = "<think>so</think>" + " " * MAX_CHARACTERS + "\\boxed{5}"
    completion = Completion(text, 9, True, "chat")
    assert len(completion.text) == MAX_CHARACTERS and completion.parsed.final is None
    row = ROWS["arithmetic"] | {"language": "en"}
    rewards = [RULES[name](completion, row) for name in ("accuracy", "format", "language")]
    assert rewards == [0.0, 0.0, 1.0] and tries(completion, ROWS["pair_search"]) == 0
    kept = Completion(text.replace(" " * 99, "", 1), 9, True, "chat")
    assert kept.parsed.final == "5" and RULES["format"](kept, ROWS["arithmetic"]) == 1.0
