"""Tests for code problems that have none: which cases and which problems stay, and that the made tests tell."""

import json
import random

import pytest

from data.errors import InputError
from data.verifiers.expression import passes
from data.world.families import rows, verify
from data.world.reasoning.expressions import Expression
from data.world.test_cases import curate, generate_cases, keep_problem, output, select_cases, submissions


def votes(right: int, *others: str | None) -> list[str | None]:
    return ["4"] * right + list(others)


@pytest.fixture(scope="module")
def code_rows():
    return rows({"expression": 1.0}, 60, "train", 0)


# -- the two thresholds


def test_a_case_needs_seven_that_agree():
    outputs = [votes(10), votes(7, "1", "2", "3"), votes(6, "1", "1", "1", "1"), votes(3, *"5555555")]
    assert select_cases(outputs) == ([0, 1, 3], ["4", "4", "5"])
    assert select_cases(outputs, agree=10) == ([0], ["4"])
    assert select_cases([]) == ([], [])


def test_failures_do_not_agree():
    assert select_cases([[None] * 10, votes(3, *[None] * 7), votes(7, *[None] * 3)]) == ([2], ["4"])


def test_a_problem_needs_nine_that_pass_everything():
    one_wrong, two_wrong = [votes(9, "1"), votes(10)], [votes(9, "1"), ["1", *votes(9)]]
    assert keep_problem(one_wrong, [0, 1], ["4", "4"])
    assert not keep_problem(two_wrong, [0, 1], ["4", "4"])  # each fails on another case
    assert keep_problem(two_wrong, [0], ["4"])  # cases that were not kept do not count
    assert keep_problem(two_wrong, [0, 1], ["4", "4"], passed=8)


def test_a_problem_without_a_case_goes():
    assert not keep_problem([votes(5, *"12345")], [], [])


# -- the family's generator and submissions


def test_cases_are_distinct_and_repeatable(code_rows):
    cases = generate_cases(code_rows[0], 50, random.Random(1))
    assert len(cases) == len(set(cases)) == 50 and cases[:3] == [0, 1, -1]
    assert (
        cases
        == generate_cases(code_rows[0], 50, random.Random(1))
        != generate_cases(code_rows[0], 50, random.Random(2))
    )
    assert generate_cases(code_rows[0], 2, random.Random(1)) == [0, 1]


@pytest.mark.parametrize("wrong", [0, 1, 4, 10])
def test_planted_wrong_submissions_are_wrong(code_rows, wrong):
    rng = random.Random(wrong)
    for row in code_rows:
        cases = generate_cases(row, 10, rng)
        expected = [output(row["answer"], x) for x in cases]
        codes = submissions(row, rng, 10, wrong)
        right = [[output(code, x) for x in cases] == expected for code in codes]
        assert len(codes) == 10 and right.count(False) == wrong


def test_output_is_what_python_says(code_rows):
    rng = random.Random(3)
    for row in code_rows[:20]:
        for code in submissions(row, rng, 4, 2):
            tests = tuple((x, int(output(code, x))) for x in (-7, 0, 1, 12))
            assert passes(code, tests)


@pytest.mark.parametrize(
    "code", ["", "x+", "y", "x/2", "x**9", "f(x)", "x if x else 1", "True", "1.5", "'x'", "x.real"]
)
def test_anything_else_has_no_output(code):
    assert output(code, 3) is None


@pytest.mark.parametrize(("code", "value"), [("x", "3"), ("-x+1", "-2"), (" (x+2)*4 ", "20"), ("x-2*4", "-5")])
def test_output(code, value):
    assert output(code, 3) == value


def test_other_tasks_are_refused():
    row = rows({"arithmetic": 1.0}, 1, "train", 0)[0]
    with pytest.raises(InputError, match="for the family expression alone, not for arithmetic"):
        generate_cases(row, 5, random.Random(0))


# -- both together


def test_curated_rows_have_tests_that_tell(code_rows):
    bare = [row | {"info": json.dumps({"steps": json.loads(row["info"])["steps"]})} for row in code_rows]
    curated, counts = curate(bare, 0)
    assert counts["total"] == 60 and counts["kept"] == len(curated) > 30
    assert counts["valid_cases"] + counts["submissions"] + counts["kept"] == 60
    assert counts["submissions"] > 0
    rng = random.Random(5)
    for row in curated:
        assert 40 <= len(json.loads(row["info"])["tests"]) <= 50
        assert verify(row["answer"], row)
        assert not any(verify(code, row) for code in submissions(row, rng, 3, 3))
    assert (curated, counts) == curate(bare, 0)
    assert [row["id"] for row in curated] == [row["id"] for row in bare if row["id"] in {r["id"] for r in curated}]


def test_every_rule_rejects_what_it_is_for(code_rows):
    assert curate(code_rows, 0, wrong_share=0.0)[1] == {"total": 60, "valid_cases": 0, "submissions": 0, "kept": 60}
    counts = curate(code_rows, 0, wrong_share=1.0)[1]
    assert counts["valid_cases"] > 50 and counts["kept"] == 0
    assert curate([], 0) == ([], {"total": 0, "valid_cases": 0, "submissions": 0, "kept": 0})


def test_the_verifier_of_the_family_reads_the_new_tests(code_rows):
    row = curate(code_rows, 0, wrong_share=0.0)[0][0]
    assert Expression().verify(row["answer"], row)
