"""Tests for code problems that have none: which cases and which problems stay, and that the made tests tell."""

import json
import random

import pytest

from data.errors import InputError
from data.verifiers.expression import passes, printed
from data.world.families import rows, verify
from data.world.reasoning.expressions import Expression
from data.world.test_cases import curate, generate_cases, submissions


@pytest.fixture(scope="module")
def code_rows():
    return rows({"expression": 1.0}, 60, "train", 0)


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
        expected = [printed(row["answer"], x) for x in cases]
        codes = submissions(row, rng, 10, wrong)
        right = [[printed(code, x) for x in cases] == expected for code in codes]
        assert len(codes) == 10 and right.count(False) == wrong


def test_output_is_what_python_says(code_rows):
    rng = random.Random(3)
    for row in code_rows[:20]:
        for code in submissions(row, rng, 4, 2):
            tests = tuple((x, int(printed(code, x))) for x in (-7, 0, 1, 12))
            assert passes(code, tests)


def test_other_tasks_are_refused():
    row = rows({"arithmetic": 1.0}, 1, "train", 0)[0]
    with pytest.raises(InputError, match="for the family expression alone, not for arithmetic"):
        generate_cases(row, 5, random.Random(0))


# -- both together


def test_curated_rows_have_tests_that_tell(code_rows):
    bare = [row | {"info": json.dumps({"steps": json.loads(row["info"])["steps"]})} for row in code_rows]
    curated, counts = curate(bare, 0)
    assert counts["total"] == 60 and counts["kept"] == len(curated) > 30
    assert counts["valid_cases"] + counts["submissions"] + counts["telling"] + counts["kept"] == 60
    assert counts["submissions"] > 0
    rng = random.Random(5)
    for row in curated:
        assert 35 <= len(json.loads(row["info"])["tests"]) <= 50
        assert verify(row["answer"], row)
        assert not any(verify(code, row) for code in submissions(row, rng, 3, 3))
    assert (curated, counts) == curate(bare, 0)
    assert [row["id"] for row in curated] == [row["id"] for row in bare if row["id"] in {r["id"] for r in curated}]


def test_every_rule_rejects_what_it_is_for(code_rows):
    assert curate(code_rows, 0, wrong_share=0.0)[1] == {
        "total": 60, "valid_cases": 0, "submissions": 0, "telling": 0, "kept": 60}  # fmt: skip
    counts = curate(code_rows, 0, wrong_share=1.0)[1]
    assert counts["valid_cases"] > 50 and counts["kept"] == 0
    assert curate([], 0) == ([], {"total": 0, "valid_cases": 0, "submissions": 0, "telling": 0, "kept": 0})


def test_a_case_that_exposes_no_wrong_submission_is_left_out(code_rows):
    """With one wrong submission of a product at 0, both give 0: the case goes."""
    left_out = 0
    for row in curate(code_rows, 0, cases=3, valid=1, wrong_share=0.0, wrong=1)[0]:
        inputs = [x for x, _ in json.loads(row["info"])["tests"]]
        left_out += inputs != [0, 1, -1]
        assert inputs and set(inputs) <= {0, 1, -1}
    assert left_out


def test_the_verifier_of_the_family_reads_the_new_tests(code_rows):
    row = curate(code_rows, 0, wrong_share=0.0)[0][0]
    assert Expression().verify(row["answer"], row)
