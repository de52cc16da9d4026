"""The verifiers of public data sets: right answers in any form are right, and what a policy may try is not."""

import json

import pytest

from data.errors import InputError
from data.text.chat import parse
from data.text.completion import Completion
from data.verifiers.math_answers import readable
from data.world.families import verify, votes
from stages.core.rewards.rules import accuracy

ADD = "def add(a, b):\n    return a + b"


def row(answer, verifier="math", question="How much?", domain="math", **info):
    return {
        "id": "1", "source": "s", "answer": answer, "verifier": verifier, "domain": domain, "info": json.dumps(info),
        "prompt": [{"role": "user", "content": question}],
    }  # fmt: skip


def stdin(*cases):
    return row("", "code_tests", domain="code", tests=[
        {"kind": "stdin", "input": given, "output": wanted} for given, wanted in cases
    ])  # fmt: skip


# -- mathematics


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        *[("18", text) for text in ("18", " 18. ", "$18$", "\\$18", "+18", "18.0", "018", "x = 18", "\\boxed{18}",
                                    "18\\%", "18^\\circ", "18\\text{ cm}^2", "\uff11\uff18", "$18")],
        ("1000", "1,000"), ("1000", "1{,}000"), ("1,000", "1000"), ("-3", "\u22123"), ("2.5", "2.50"),
        ("2.5", "\\frac{5}{2}"), ("\\frac{1}{2}", "0.5"), ("\\frac12", "\\dfrac{2}{4}"), ("\\sqrt{8}", "2\\sqrt2"),
        ("(x-1)(x+1)", "x^2-1"), ("x^2+2x+1", "(x+1)^2"), ("\\{1,2\\}", "\\{2, 1\\}"), ("[2,5)", "[2, 5)"),
        ("(1, 2)", "\\left( 1, 2 \\right)"), ("x=\\pi", "\\pi"), ("\\text{east}", "East"), ("\\text{(A)}", "A"),
        ("偶数", "偶数"),
    ],
)  # fmt: skip
def test_right_mathematics(gold, answer):
    assert verify(answer, row(gold)) is True


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        *[("18", text) for text in ("19", "-18", "9+9", "2*9", "\\frac{36}{2}", "18 or 19", "18, 19", "1 8", "", "  ",
                                    "18=18", "17+1=18", "eighteen", "\\sqrt{324}", "18x", "\\boxed{}", "1e1+8")],
        ("1000", "10^3"), ("1000", "1,00,0"), ("12", "1,2"), ("2.5", "2.6"), ("\\frac{1}{2}", "\\frac{1}{3}"),
        ("\\frac{1}{2}", "\\frac12 or \\frac13"), ("\\sqrt{2}", "1.414"), ("(1, 2)", "(2, 1)"), ("x^2", "x^3"),
        ("\\text{east}", "seat"), ("Evelyn", "nylevE"), ("abc", "cab"), ("偶数", "数偶"), ("\\{1,2\\}", "1"),
    ],
)  # fmt: skip
def test_wrong_mathematics(gold, answer):
    assert verify(answer, row(gold)) is False


def test_the_question_is_not_its_answer():
    assert not verify("x^2-1", row("(x-1)(x+1)", question="$x^2-1$"))
    assert verify("x^2-1", row("(x-1)(x+1)", question="Expand it."))
    assert not verify("7*6", row("42", question="$7*6$"))


@pytest.mark.parametrize("gold", ["\\frac{", "}{", "", "  ", "\\boxed{}", "9" * 600])
def test_an_unreadable_gold_is_an_error_in_the_data(gold):
    assert not readable(gold)
    for answer in (gold, "1"):
        with pytest.raises(InputError, match="row 1 of s: its answer"):
            verify(answer, row(gold))


@pytest.mark.parametrize(
    ("text", "marked", "anywhere"),
    [
        ("<think>\nso\n</think>\n\nThe answer is \\boxed{18}.", True, True),
        (" <think> so </think> <answer> 18 </answer>", True, True),
        (" <think> so </think> <answer> \\boxed{18} </answer>", True, True),
        ("\\boxed{18}", True, True),  # a prompt whose think block is given
        ("<think>\nso\n</think>\n\nThe answer is 18.", False, True),
        ("<think>\nso\n</think>\n\n9 + 9 =\n18", False, True),
        ("<think>\n\\boxed{18}\n</think>\n\n18", False, True),  # a box in the thought marks nothing
        ("<think>\nso\n</think>\n\n\\boxed{19}, or 18", False, False),
        ("<think>\nso\n</think>\n\n\\boxed{}", False, False),
        ("<think>\n\\boxed{18}", False, False),
    ],
)
def test_mathematics_may_have_to_mark_its_final_answer(text, marked, anywhere):
    """R1 v2 s.2.2: the final answer in a required format, e.g. a box."""
    strict, lenient = (row("18", answer_form=form) for form in ("marked", "anywhere"))
    assert (verify(parse(text), strict), verify(parse(text), lenient)) == (marked, anywhere)
    assert accuracy(Completion(text, 9, True, "chat"), strict) == float(marked)
    assert (votes([parse(text)], strict) == ["18"]) is marked
    assert verify("18", strict)  # an answer by itself has nothing around it


# -- multiple choice


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        *[(text, True) for text in ("B", "b", "(B)", "B.", "B)", "**B**", "\\text{B}", "$B$", "Option B", "选B",
                                    "选项B", "B. two", "(B) two", "B: Two", "\uff22")],
        *[(text, False) for text in ("A", "C", "A or B", "B or C", "B, C", "BC", "AB", "B. three", "two", "", "not B",
                                     "B. two C. three", "ABCD", "Bananas")],
    ],
)  # fmt: skip
def test_choices(answer, right):
    assert verify(answer, row("B", "choice", choices=["one", "two", "three"])) is right


def test_no_rule_is_never_right():
    assert verify("x", row("x", "none")) is False
