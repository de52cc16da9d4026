"""Mathematics by kind: right answers in any form are right, what only looks right is wrong, and votes agree."""

import pytest

from data.text.chat import Parsed, parse
from data.verifiers.math_answers import MAX_ANSWER, MathAnswer, readable
from data.verifiers.mathematics.notation import MAX_TEXT, bare
from data.world.families import verify, votes
from tests.unit.data.verifiers.math_cases import CASES
from tests.unit.data.verifiers.test_free_form import row

MATH = MathAnswer()


@pytest.mark.parametrize("kind", CASES)
def test_answers_of_a_kind(kind):
    verdicts = [
        (gold, answer, wanted, verify(answer, row(gold)))
        for gold, right, wrong in CASES[kind]
        for wanted, answers in ((True, [gold, *right]), (False, wrong))
        for answer in answers
    ]
    assert [found for found in verdicts if found[2] is not found[3]] == []


@pytest.mark.parametrize("kind", CASES)
def test_right_and_wrong_answers_share_no_vote(kind):
    for gold, right, wrong in CASES[kind]:
        answers = [*right, *wrong, gold]
        verdicts: dict[str | None, set[bool]] = {}
        for answer, vote in zip(answers, votes([Parsed("so", one, one) for one in answers], row(gold)), strict=True):
            verdicts.setdefault(vote, set()).add(verify(answer, row(gold)))
        assert all(len(found) == 1 for found in verdicts.values()), (gold, verdicts)


@pytest.mark.parametrize("kind", CASES)
def test_whether_two_answers_are_the_same_has_no_order(kind):
    for gold, right, wrong in CASES[kind]:
        for answer in [*right, *wrong]:
            assert MATH.same(gold, answer, row("1")) is MATH.same(answer, gold, row("1")), (gold, answer)
            if MATH.canonical(gold, row("1")) == MATH.canonical(answer, row("1")):
                assert MATH.same(gold, answer, row("1")), (gold, answer)


@pytest.mark.parametrize(
    ("gold", "completion", "right"),
    [
        ("5", "The answer is .5", False),
        ("0.5", "The answer is .5", True),
        ("5", "The answer is **5**", True),
        ("5", "The answer is **5**.", True),
        ("5", "**The answer is 5**", True),
        ("5", "The answer is $5$.", True),
        ("0.5", "So it is\n.5", True),
        ("5", "The answer is 5!", True),
        ("5", "**Answer**: 5", True),
        ("5", "**Answer:** 5", True),
        ("5", "Final Answer: the final answer is $5$.", True),
        ("5", "The answer is:\n\n5", True),
        ("1000", "The answer is 1,000.", True),
        ("-5", "The answer is \u20135.", True),
        ("5", "The answer is 5 or 7.", False),
        ("5", "The answer is not 5.", False),
        ("5", "The answer is ...", False),
        ("\\frac12", "\\boxed{\\frac{1}{2}} cm", True),
    ],
)
def test_completions(gold, completion, right):
    assert verify(parse(f"<think>so</think>\n\n{completion}"), row(gold)) is right


@pytest.mark.parametrize(
    ("question", "gold", "answer", "right"),
    [
        ("Simplify $\\sqrt{8}$.", "2\\sqrt2", "\\sqrt{8}", False),
        ("Simplify $\\sqrt{8}$.", "2\\sqrt2", "2\\sqrt{2}", True),
        ("Expand \\((x-1)(x+1)\\).", "x^2-1", "(x-1)(x+1)", False),
        ("Is $x^2+1$ or $x^2-1$ a multiple of $x-1$?", "x^2-1", "x^2-1", True),
        ("Which is larger, $\\frac12$ or $\\frac13$?", "0.5", "\\frac12", True),
        ("Write $0.5$ as a fraction.", "\\frac12", "1/2", True),
    ],
)
def test_a_formula_of_the_question_is_no_answer(question, gold, answer, right):
    asked = row(gold, question=question)
    assert verify(answer, asked) is right
    if not right:
        assert len(set(votes([Parsed("so", one, one) for one in (answer, gold)], asked))) == 2


@pytest.mark.parametrize(
    ("gold", "answer", "read", "reason"),
    [
        ("5", "**7**", "7", "`7` is not `5`"),
        ("5", "\\boxed{5}", "5", "`5` is right"),
        ("5", "2+3", "2+3", "`2+3` is not written as a plain number, which `5` is"),
        ("\\frac12", "\\frac{1}{", "\\frac{1}{", "`\\frac{1}{` cannot be read as mathematics; the gold is `\\frac12`"),
        ("5", "How much?", "How much?", "`How much?` is the question, or a formula of it"),
        (
            "(1,2)",
            "\\begin{pmatrix}1\\\\3\\end{pmatrix}",
            "\\begin{pmatrix}1 \\\\ 3\\end{pmatrix}",
            "`\\begin{pmatrix}1 \\\\ 3\\end{pmatrix}` is not `(1,2)`",
        ),
        ("5", "\\boxed{}", None, "the answer is empty"),
        ("5", "5" * 501, None, "the answer is longer than 500 characters"),
    ],
)
def test_a_verdict_has_a_reason(gold, answer, read, reason):
    verdict = MATH.explain(answer, row(gold))
    assert (verdict.read, verdict.reason) == (read, reason)
    assert verdict.right is MATH.verify(answer, row(gold)) is reason.endswith("is right")


@pytest.mark.parametrize(
    "gold", ["\\frac{", "}{", "\\frac{1}{0}", "9^{9^{9^9}}", "9" * 600, "a long explanation, " * 9]
)
def test_golds_that_no_rule_can_check(gold):
    assert not readable(gold)


HUGE = [
    "9^{9^{9^{9}}}", "(1000!)!", "\\tan(10^{100000})", "\\lfloor e^{100000}\\rfloor", "\\binom{99999}{50000}",
    "(" * 499, "(" * 240 + "x" + ")" * 240, "\\sin" * 100 + "x", "x^" * 200 + "x", "x" + "!" * 400, "-" * 400 + "x",
    "1+" * 240 + "x", "1/" * 240 + "x", "\\pm1," * 80, "|" * 400, "{" + "1," * 240 + "1}", "\\sqrt" * 90, "\x00",
    "\ud800", "\u2460", "\u0665", "\\begin{pmatrix}" * 30, "x=" * 240 + "x", "1:" * 240 + "1", "a" * 10**6,
    "\\text{" * 10**5,
]  # fmt: skip


@pytest.mark.parametrize("gold", ["\\frac{1}{2}x", "\\{1,2\\}", "7.25", "a=1,b=2", "x>2", "y=2x+3"])
def test_no_answer_raises_or_is_taken_for_right(gold):
    """Nor hangs: no formula is worked out that is too large or too deep."""
    for answer in HUGE:
        assert verify(answer, row(gold)) is False
        assert isinstance(MATH.canonical(answer, row(gold)), str) and MATH.same(answer, gold, row(gold)) is False


def test_nothing_is_read_of_a_long_answer():
    assert MATH.explain("1" * 10**6, row("5")).read is None
    assert bare("x" * 10**6) == "x" * MAX_TEXT
    assert verify("5" + " " * (MAX_ANSWER - 1), row("5")) and not verify("5" + " " * MAX_ANSWER, row("5"))
