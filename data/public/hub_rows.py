"""How a row of each public data set becomes rows of ours: one function a schema (data/public/sources.py names them).

A function gets a hub row (for a grouped source the list of the rows of one prompt) and yields the parts of our rows:
`question` (text, what deduplication and splits go by) and, where they differ from the source's, `prompt` (a text or
messages), `answer`, `info`, `language`, `domain`, `verifier`; demonstrations add `completion`, preferences `chosen` and
`rejected`. It raises BadRow where the row is no use.
"""

import json
import random
from collections.abc import Callable, Iterator
from string import ascii_uppercase
from typing import Any

from data.text.chat import boxed, render_completion
from data.verifiers.math_answers import MAX_ANSWER

Parts = Iterator[dict]
RowFunction = Callable[[dict], Parts]

_THOUGHTS = (("<|begin_of_thought|>", "<|end_of_thought|>"), ("<think>", "</think>"))
_SOLUTION_MARKS = ("<|begin_of_solution|>", "<|end_of_solution|>")


class BadRow(Exception):
    """Why a hub row makes no row of ours; the reason is counted."""


def text(hub: dict, column: str) -> str:
    """The column's text without the space around it; BadRow where there is none."""
    value = hub[column]
    if value is None or not str(value).strip():
        raise BadRow(f"empty {column}")
    return str(value).strip()


def thought_and_answer(written: str) -> tuple[str, str]:
    """A response taken apart at its think tags, or at the marks that data sets of early 2025 have instead."""
    for begin, end in _THOUGHTS:
        if end in written:
            thinking, answer = written.split(end, 1)
            thinking = thinking.split(begin, 1)[-1]
            break
        if begin in written:
            raise BadRow("thinking never ends")
    else:
        thinking, answer = "", written
    for mark in _SOLUTION_MARKS:
        answer = answer.replace(mark, "")
    if not answer.strip():
        raise BadRow("empty completion")
    return thinking.strip(), answer.strip()


def with_options(question: str, choices: list[str]) -> str:
    """A multiple choice question as it is asked: the options below it, a letter each."""
    return "\n".join(
        [question, "", *(f"{letter}. {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False))]
    )


# -- mathematics


def question_answer(question: str, answer: str, solution: str | None = None, integer: bool = False) -> RowFunction:
    """For data sets that name question and gold answer; integer: 025 is 25, and anything else is no answer."""

    def rows(hub: dict) -> Parts:
        gold = text(hub, answer)
        if integer:
            if not gold.lstrip("+-").isdecimal():
                raise BadRow(f"{answer} is no integer")
            gold = str(int(gold))
        info = {"solution": hub[solution]} if solution and hub[solution] else {}
        yield {"question": text(hub, question), "answer": gold, "info": info}

    return rows


def gsm8k(hub: dict) -> Parts:
    solution, mark, gold = text(hub, "answer").rpartition("####")
    if not mark or not gold.strip():
        raise BadRow("no gold after ####")
    yield {
        "question": text(hub, "question"),
        "answer": gold.strip().replace(",", ""),
        "info": {"solution": solution.strip()},
    }


def hendrycks_math(hub: dict) -> Parts:
    solution = text(hub, "solution")
    gold = boxed(solution)
    if not gold:
        raise BadRow("no boxed answer")
    info = {"solution": solution, "level": hub["level"], "type": hub["type"]}
    yield {"question": text(hub, "problem"), "answer": gold, "info": info}


def mgsm(hub: dict) -> Parts:
    gold = hub["answer_number"]
    if gold is None:
        raise BadRow("empty answer_number")
    yield {"question": text(hub, "question"), "answer": str(int(gold) if float(gold).is_integer() else gold)}


def dapo(hub: dict) -> Parts:
    """The raw set wraps each problem into an instruction about the form of the answer: first and last paragraph."""
    if not hub["prompt"]:
        raise BadRow("empty prompt")
    paragraphs = text(hub["prompt"][-1], "content").split("\n\n")
    if len(paragraphs) > 1 and paragraphs[0].startswith("Solve the following math problem"):
        paragraphs = paragraphs[1:]
    if len(paragraphs) > 1 and paragraphs[-1].startswith("Remember to put your answer"):
        paragraphs = paragraphs[:-1]
    yield {"question": "\n\n".join(paragraphs).strip(), "answer": text(hub["reward_model"], "ground_truth")}


def openr1_math(hub: dict) -> Parts:
    """A row for each generation that is complete and that math-verify found right."""
    question, answer = text(hub, "problem"), text(hub, "answer")
    found = 0
    flags = zip(hub["correctness_math_verify"] or [], hub["is_reasoning_complete"] or [], strict=False)
    for written, (right, complete) in zip(hub["generations"] or [], flags, strict=False):
        if right and complete:
            try:
                completion = render_completion(*thought_and_answer(written))
            except BadRow:
                continue
            found += 1
            yield {"question": question, "answer": answer, "completion": completion}
    if not found:
        raise BadRow("no right and complete generation")


# -- demonstrations of several domains


_OPEN_THOUGHTS_DOMAINS = {"math": "math", "code": "code", "puzzle": "logic"}


def openthoughts(hub: dict) -> Parts:
    """Mathematics has the box of the reference solution for a gold, code its test cases; the rest has no rule."""
    thinking, answer = text(hub, "deepseek_reasoning"), text(hub, "deepseek_solution")
    domain = _OPEN_THOUGHTS_DOMAINS.get(hub["domain"], "stem")
    row: dict[str, Any] = {
        "question": text(hub, "problem"),
        "domain": domain,
        "completion": render_completion(thinking, answer),
    }
    reference = hub["ground_truth_solution"] or ""
    row |= {"answer": reference.strip() or answer, "verifier": "none", "info": {"origin": hub["source"]}}
    gold = boxed(reference) or reference.strip()
    if domain == "math" and gold and len(gold) <= MAX_ANSWER:
        row |= {"answer": gold, "verifier": "math"}
    elif domain == "code" and hub["test_cases"]:
        row["info"] |= _apps_tests(hub["test_cases"])
        row["verifier"] = "code_tests"
    yield row


def conversation(hub: dict) -> Parts:
    """Turns with `from` and `value`; the last is the demonstration. The system prompt, about marks, is left out."""
    turns = [{"role": turn["from"], "content": turn["value"]} for turn in hub["conversations"] or []]
    yield from _last_turn(turns)


def messages(hub: dict) -> Parts:
    yield from _last_turn(hub["messages"] or [])


def _last_turn(turns: list[dict]) -> Parts:
    roles = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "system": "system"}
    if any(turn["role"] not in roles for turn in turns):
        raise BadRow("a turn of an unknown role")
    turns = [{"role": roles[turn["role"]], "content": text(turn, "content")} for turn in turns]
    if len(turns) < 2 or turns[-1]["role"] != "assistant" or turns[-2]["role"] != "user":
        raise BadRow("no response to a user")
    thinking, answer = thought_and_answer(turns[-1]["content"])
    question = "\n".join(turn["content"] for turn in turns[:-1] if turn["role"] == "user")
    completion = render_completion(thinking, answer)
    yield {"question": question, "prompt": turns[:-1], "answer": answer, "completion": completion}


def s1k(hub: dict) -> Parts:
    """DeepSeek-R1's trace, not Gemini's: their terms differ. Only the mathematics has a gold that a rule can read."""
    solution = text(hub, "solution")
    gold = boxed(solution) or solution
    math = hub["cot_type"] == "math" and len(gold) <= MAX_ANSWER
    yield {
        "question": text(hub, "question"),
        "answer": gold if math else solution,
        "domain": "math" if hub["cot_type"] == "math" else "stem",
        "verifier": "math" if math else "none",
        "completion": render_completion(
            text(hub, "deepseek_thinking_trajectory"), thought_and_answer(text(hub, "deepseek_attempt"))[1]
        ),
    }


# -- code


def verifiable_code(hub: dict) -> Parts:
    verification = decoded(hub["verification_info"])
    if not isinstance(verification, dict) or not isinstance(verification.get("test_cases"), list):
        raise BadRow("unreadable tests")
    if verification.get("language") != "python":
        raise BadRow("not Python")
    tests = [
        _call(case["fn_name"], case["input"], case["output"])
        if case.get("fn_name")
        else {"kind": "stdin", "input": case["input"], "output": case["output"]}
        for case in verification["test_cases"]
    ]
    info = _with_setup(tests)
    yield {"question": text(hub, "prompt"), "answer": text(hub, "gold_standard_solution"), "info": info}


def _apps_tests(written: str) -> dict:
    """The tests of the APPS form: inputs, outputs and, where a function is called, its name."""
    cases = decoded(written)
    if not isinstance(cases, dict) or not {"inputs", "outputs"} <= cases.keys():
        raise BadRow("unreadable tests")
    pairs = zip(cases["inputs"], cases["outputs"], strict=False)
    name = cases.get("fn_name")
    return _with_setup(
        [
            _call(name, given, wanted) if name else {"kind": "stdin", "input": _lines(given), "output": _lines(wanted)}
            for given, wanted in pairs
        ]
    )


def _with_setup(tests: list[dict]) -> dict:
    if not tests:
        raise BadRow("no tests")
    stdin = [test for test in tests if test["kind"] == "stdin"]
    if not all(isinstance(test[part], str) for test in stdin for part in ("input", "output")):
        raise BadRow("unreadable tests")
    # problems of this form use List and Optional without importing them
    return {"tests": tests, "setup": "from typing import *" if tests[0]["kind"] == "call" else ""}


def _call(name: str, given: object, wanted: object) -> dict:
    """A function test; arguments and value may be JSON text, the arguments also one to a line."""
    if isinstance(given, str):
        listed = decoded(given)
        given = listed if isinstance(listed, list) else [decoded(line) for line in given.splitlines()]
    if not isinstance(given, list):
        raise BadRow("unreadable tests")
    return {"kind": "call", "function": name, "input": given, "output": decoded(wanted)}


def _lines(value: object) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def decoded(value: object) -> object:
    """What a JSON text says; a text that is none, and any other value, as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def mbpp(hub: dict) -> Parts:
    tests = hub["test_list"] or []
    if not tests:
        raise BadRow("no tests")
    question = text(hub, "text")
    yield {
        "question": question,
        "prompt": f"{question}\nYour code must pass, among others, this test:\n{tests[0]}",
        "answer": text(hub, "code"),
        "info": {
            "tests": [{"kind": "assert", "code": test} for test in tests],
            "setup": hub["test_setup_code"] or "",
        },
    }


def humaneval(hub: dict) -> Parts:
    question, entry = text(hub, "prompt"), text(hub, "entry_point")
    before, definition, _ = question.partition(f"def {entry}(")
    if not definition:
        raise BadRow("prompt does not define entry_point")
    test = f"{text(hub, 'test')}\n\ncheck({entry})"
    yield {
        "question": question,
        "prompt": f"Complete this Python function and write down all of it.\n\n```python\n{question}\n```",
        "answer": f"{hub['prompt']}{hub['canonical_solution']}",
        "info": {"tests": [{"kind": "assert", "code": test}], "setup": before},
    }


# -- multiple choice


def gpqa(hub: dict) -> Parts:
    wrong = [text(hub, f"Incorrect Answer {number}") for number in (1, 2, 3)]
    yield _shuffled(text(hub, "Question"), text(hub, "Correct Answer"), wrong)


def sciq(hub: dict) -> Parts:
    """Without `support`, the paragraph that says the answer."""
    wrong = [text(hub, f"distractor{number}") for number in (1, 2, 3)]
    yield _shuffled(text(hub, "question"), text(hub, "correct_answer"), wrong)


def ai2_arc(hub: dict) -> Parts:
    """The options are called A to E or 1 to 5: the place of the right one gives its letter."""
    labels, choices = hub["choices"]["label"], [choice.strip() for choice in hub["choices"]["text"]]
    answer = text(hub, "answerKey")
    if answer not in labels:
        raise BadRow("answerKey is no option")
    yield _multiple_choice(text(hub, "question"), choices, ascii_uppercase[labels.index(answer)])


def ceval(hub: dict) -> Parts:
    choices, answer = [text(hub, letter) for letter in "ABCD"], text(hub, "answer").upper()
    if answer not in ("A", "B", "C", "D"):
        raise BadRow("answer is no option")
    yield _multiple_choice(text(hub, "question"), choices, answer)


def _shuffled(question: str, right: str, wrong: list[str]) -> dict:
    """The options are shuffled by a seed that is the question itself: the same in every run."""
    if right in wrong:
        raise BadRow("the right option twice")
    choices = [right, *wrong]
    random.Random(question).shuffle(choices)
    return _multiple_choice(question, choices, ascii_uppercase[choices.index(right)])


def _multiple_choice(question: str, choices: list[str], answer: str) -> dict:
    prompt = with_options(question, choices)
    return {"question": question, "prompt": prompt, "answer": answer, "info": {"choices": choices}}
