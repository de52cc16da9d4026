"""What a majority vote counts: answers that a verifier takes for the same are one vote, others are apart."""

import json
import random

import pytest

from data.text.chat import Parsed, parse
from data.world.families import PUZZLES, REASONING, rows, verify, votes
from tests.questions import find
from tests.unit.data.verifiers.test_free_form import row as public
from tests.unit.data.verifiers.test_free_form import stdin


def said(answers, row):
    """The votes of bare answers."""
    return votes([Parsed("so", answer or "", answer) for answer in answers], row)


PAIR = find("pair_search", "en", lambda problem: problem.answer == "3+9")
CHOICE = public("B", "choice", domain="stem", choices=["one", "two", "three"])
SAME = [
    (find("equation", "en", lambda problem: problem.answer == "7"), ["7", " 07", "x = 7", "7.0", "+7"]),
    (find("arithmetic", "zh", lambda problem: problem.answer == "0"), ["0", "-0", "0.00"]),
    (find("chain_sum", "en", lambda problem: problem.answer == "7"), ["7", "+07", "7.0"]),
    (PAIR, ["3+9", "9+3", "9 + 3 = 12", "9, 3"]),
    (find("stem_choice", "en", lambda problem: problem.answer == "A"), ["A", "a", "(A)", "A 12", "a."]),
    (find("logic", "zh", lambda problem: problem.answer == "真"), ["真", "true", " True"]),
    (
        find("expression", "en", lambda problem: problem.answer == "(x+2)*3"),
        ["(x+2)*3", "3*x+6", "`6 + x*3`", "sum([x,x,x,6])", "3.0*(x+2)"],
    ),
    (public("\\frac{1}{2}"), ["0.5", "\\frac12", "$\\dfrac{2}{4}$", "1/2", ".50"]),
    (public("(x-1)(x+1)"), ["x^2-1", "(x+1)(x-1)", "x^2 - 1"]),
    (public("1000"), ["1,000", "1000.", "\\boxed{1000}"]),
    (CHOICE, ["B", "(b)", "B. two", "**B**", "the answer".replace("the a", "A") + ": B"]),
    (
        stdin(("1 2\n", "3\n"), ("5 6", "11")),
        ["print(sum(map(int, input().split())))", "```python\na, b = input().split()\nprint(int(a) + int(b), '')\n```"],
    ),
    (
        public("", "code_tests", domain="code", tests=[{"kind": "assert", "code": "assert f(2) == 4"}]),
        ["def f(x):\n    return 2 * x", "def f(x):\n    return x ** 2", "f = lambda x: x + x"],
    ),
]


@pytest.mark.parametrize(("row", "answers"), SAME, ids=lambda value: value.get("task") if "id" in value else None)
def test_answers_that_are_the_same_are_one_vote(row, answers):
    assert len(set(said(answers, row))) == 1 and None not in said(answers, row)
    assert {verify(Parsed("so", answer, answer), row) for answer in answers} == {True}


APART = [
    (SAME[0][0], ["7", "-7", "8", "3+4", "seven", "7 or 8"]),
    (PAIR, ["3+9", "3+8", "9", "3+9+1", "3+9=13", "none"]),
    (SAME[4][0], ["A", "B", "A or B", "12"]),
    (SAME[5][0], ["真", "假", "p"]),
    (SAME[6][0], ["(x+2)*3", "x+2*3", "x*", "y", "__import__('os')", "while True: pass"]),
    (SAME[7][0], ["0.5", "0.25", "\\frac13", "half"]),
    (public("18"), ["18", "9+9", "10+9", "eighteen"]),  # no expression is a plain number
    (CHOICE, ["B", "C", "B. three", "B or C"]),
    (SAME[11][0], ["print(3)", "print(11)", "print(", "1/0"]),
]


@pytest.mark.parametrize(("row", "answers"), APART)
def test_other_answers_are_other_votes(row, answers):
    """Also those that cannot be read: they are answers all the same, each its own."""
    found = said(answers, row)
    assert len(set(found)) == len(answers) and None not in found


def test_a_missing_answer_casts_no_vote():
    row = SAME[0][0]
    texts = ["<think>never ends", "<think>so</think>", "<think>so</think> 7", "", "<think>so</think> \\boxed{}"]
    assert votes([parse(text) for text in texts], row) == [None, None, "7", None, None]
    assert votes([parse("<think>so</think>")], SAME[11][0]) == [None]
    assert votes([], row) == []


def test_the_question_is_no_vote_for_its_value():
    """`verify` takes it for wrong, whatever it is worth: it must not speak for right answers."""
    row = public("(x-1)(x+1)", question="$x^2-1$")
    assert said(["x^2-1", "(x-1)(x+1)", "(x+1)(x-1)"], row)[1:] == ["(x-1)(x+1)"] * 2
    assert len(set(said(["x^2-1", "(x-1)(x+1)"], row))) == 2


def test_an_equal_answer_votes_for_the_one_seen_first():
    """Equality need not be transitive: an answer is compared with the first of each class, in their order."""
    row = public("\\frac{1}{2}")
    assert said(["\\frac{1}{2}", "2/4", "7", "0.5"], row) == ["\\frac{1}{2}", "\\frac{1}{2}", "7", "\\frac{1}{2}"]


@pytest.mark.parametrize("name", [*REASONING, *sorted(PUZZLES.keys() - {"zebra_puzzles"})])
def test_answers_of_one_vote_have_one_verdict(name):
    """On the gold answers of many rows, and on gold answers of other rows: right and wrong never share a vote."""
    drawn = rows({name: 1.0}, 12, "test", 3)
    rng = random.Random(0)
    for row in drawn:
        answers = [row["answer"], *(other["answer"] for other in drawn), row["answer"].upper()]
        answers += ["".join(rng.sample(row["answer"], len(row["answer"]))) for _ in range(4)]
        verdicts: dict[str | None, set[bool]] = {}
        for answer, vote in zip(answers, said(answers, row), strict=True):
            verdicts.setdefault(vote, set()).add(verify(answer, row))
        assert all(len(found) == 1 for found in verdicts.values()), (verdicts, row)


def test_puzzles_vote_by_what_their_scorers_read():
    (roles,), (sums,), (face,) = (
        rows({name: 1.0}, 1, "test", 1) for name in ("knights_knaves", "cryptarithm", "color_cube_rotation")
    )
    turned = ", and ".join(reversed(roles["answer"].rstrip(".").replace(", and ", ", ").split(", ")))
    assert len(set(said([roles["answer"], turned, roles["answer"].upper()], roles))) == 1
    assert len(set(said([sums["answer"], " , ".join(reversed(sums["answer"].split(",")))], sums))) == 1
    assert len(set(said([face["answer"], face["answer"].upper()], face))) == 1
    (jugs,) = rows({"jugs": 1.0}, 1, "test", 1)
    assert len(set(said([jugs["answer"], json.dumps(json.loads(jugs["answer"]), indent=1)], jugs))) == 1
