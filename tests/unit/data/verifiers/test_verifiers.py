"""The verifiers of the reasoning families: wrong answers that look right are wrong."""

import json

import pytest

from data.text.language import LANGUAGES
from data.verifiers.numbers import same_number
from data.world.families import verify
from data.world.reasoning import gym
from tests.questions import FAMILIES, NUMERIC, draw, find


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_no_answer_is_wrong(name, language):
    row = find(name, language)
    assert verify(None, row) is False
    assert verify("", row) is False and verify("no idea", row) is False
    assert verify(row["prompt"][0]["content"], row) is False  # the question is not its answer


@pytest.mark.parametrize(("name", "language"), [family for family in FAMILIES if family[0] in NUMERIC])
def test_a_number_beside_the_right_one_is_wrong(name, language):
    for problem in draw(name, language, 60):
        right, row = int(problem.answer), problem.row()
        assert verify(str(right), row)
        for wrong in (right + 1, right - 1, -right - 1, f"1{right}", f"{right}.5", f"{right} or {right + 1}"):
            assert not verify(str(wrong), row), (wrong, problem)


@pytest.mark.parametrize("name", NUMERIC)
def test_an_expression_is_not_its_value(name):
    row = find(name, "en", lambda problem: problem.answer == "7")
    for wrong in ("3+4", "x=3+4", "3+4=7", "14/2", "7 apples", "seven", "7=7", "7,8", "x"):
        assert not verify(wrong, row), wrong


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        *[(text, True) for text in ("7", " 7 ", "07", "+7", "7.0", "7.00", "x=7", "x = 7", "y=+7")],
        *[
            (text, False)
            for text in ("-7", "7.5", "7.01", "70", "77", "7 7", "7.", "=7", "x=", "xx=7", "7x", "3+4", "")
        ],
        *[(text, False) for text in ("x==7", "7e0", "0x7", "--7", "seven", "七")],
    ],
)
def test_same_number(answer, right):
    assert same_number("7", answer) is right


def test_same_number_of_other_golds():
    assert same_number("0", "-0") and same_number("0", "0.0") and same_number("-3", "-3")
    assert not same_number("-3", "3") and not same_number("0", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pair_search_verifier(language):
    row = find("pair_search", language, lambda problem: problem.answer == "3+9" and 6 in problem.info["numbers"])
    numbers = json.loads(row["info"])["numbers"]
    stranger = next(n for n in range(1, 6) if n not in numbers and 12 - n not in numbers)
    right = ("3+9", "9+3", "3 + 9", "3, 9", "3 9", "3和9", "(3,9)", "3+9=12")
    wrong = (
        "12",  # the sum alone
        "3",
        "3+3",
        "6+6",  # the same number twice, with the right sum
        f"{stranger}+{12 - stranger}",  # the right sum of numbers that are not in the list
        f"3+{next(n for n in numbers if n not in (3, 9))}",  # the wrong sum
        "3+9=13",
        "3+9+0",
        "3+9, 9+3",
        "39",
        "03+9+12+1",
        " ".join(map(str, numbers)),  # the whole list
        "3+8",  # off by one
        "",
    )
    assert [answer for answer in right if not verify(answer, row)] == []
    assert [answer for answer in wrong if verify(answer, row)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_stem_choice_verifier(language):
    row = find("stem_choice", language, lambda problem: problem.answer == "B")
    value = json.loads(row["info"])["value"]
    right = ("B", "b", " B ", "(B)", "B.", "B。", f"B {value}", f"B{value}", f"B{value}。")
    wrong = ("A", "C", "H", "a", "(A)", str(value), "8", "?", "none", "正确", f"A{value}", f"A {value}", f"{value}B")
    assert [answer for answer in right if not verify(answer, row)] == []
    assert [answer for answer in wrong if verify(answer, row)] == []


@pytest.mark.parametrize("answer", ["both", "BA", "B or A", "bread", "B C D", "But I do not know"])
def test_stem_choice_takes_one_option(answer):
    assert not verify(answer, find("stem_choice", "en", lambda problem: problem.answer == "B"))


@pytest.mark.parametrize(
    ("gold", "right", "wrong"),
    [
        (
            "true",
            ("true", "True", " TRUE ", "真"),
            ("false", "假", "not true", "true or false", "t", "1", "", "untrue"),
        ),
        ("false", ("false", "False", "假"), ("true", "真", "not true", "非真", "false, true", "0", "")),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_logic_verifier(language, gold, right, wrong):
    wanted = {"en": gold, "zh": {"true": "真", "false": "假"}[gold]}[language]
    row = find("logic", language, lambda problem: problem.answer == wanted)
    assert [answer for answer in right if not verify(answer, row)] == []
    assert [answer for answer in wrong if verify(answer, row)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_expression_verifier(language):
    row = find("expression", language, lambda problem: problem.info["steps"] == [("+", 3), ("*", 4)])
    right = ("(x+3)*4", "4*(3+x)", "x*4+12", "`(x+3)*4`", " ( x + 3 ) * 4 ", "4*x+12", "sum([x,3])*4")
    wrong = (
        "x+3*4",  # no parentheses
        "(x+3)*5",
        "(x+3)*4+1",
        "(x+3)*x",
        "12",  # right for x = 0 only
        "16",
        "(x+3)*4 if x<11 else 0",  # every test counts
        "y=(x+3)*4",
        "lambda x: (x+3)*4",
        "(x+3*4",
        "x",
    )
    assert [answer for answer in right if not verify(answer, row)] == []
    assert [answer for answer in wrong if verify(answer, row)] == []


# -- reasoning-gym


@pytest.mark.parametrize("name", ["chain_sum", "simple_equations"])
def test_gym_families_are_scored_by_the_package_and_only_full_marks_count(monkeypatch, name):
    row = find(name, "en", lambda problem: problem.answer == "7")
    partial = gym._dataset(name).score_answer("it is 7", {"answer": "7"})
    assert 0 < partial < 1  # the package gives something for that
    assert not verify("it is 7", row)
    asked = []

    class Scorer:
        def score_answer(self, answer, entry):
            asked.append((answer, entry["answer"]))
            return float(answer)

    monkeypatch.setattr(gym, "_dataset", lambda dataset, options=(): Scorer())
    assert [verify(score, row) for score in ("1.0", "0.99", "0.01", "0")] == [True, False, False, False]
    assert asked[0] == ("1.0", "7")


@pytest.mark.parametrize("name", ["chain_sum", "simple_equations"])
def test_gym_rows_say_where_they_come_from(name):
    assert find(name)["source"] == "reasoning-gym"
    assert find("arithmetic")["source"] == "procedural"
    assert type(gym._dataset(name)).__module__.startswith("reasoning_gym.")
