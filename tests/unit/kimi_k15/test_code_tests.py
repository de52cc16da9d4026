"""The stage that gives code prompts tests which tell right from wrong: of the family, and of public data sets."""

import json
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from stages.core.pipeline.system import PublicData
from stages.kimi_k15.code_tests import main
from stages.kimi_k15.settings import CodeTests

SETTINGS = {
    "seed": 0, "cases": 50, "valid_cases": 40, "submissions": 10, "agreeing": 7, "passing": 9, "problems": 20,
    "planted_wrong": 0.0, "wrong_submissions": 10,
}  # fmt: skip
PRODUCT = "n, m = map(int, input().split())\nprint(n * m)"
DOUBLE = "def double(x):\n    return 2 * x"


class Stage(SimpleNamespace):
    """What the page asks of its stage run; keeps what is saved."""

    stage, public_data = "code_tests", PublicData()

    def save_data(self, tables, headline, counts):
        self.rows, self.counts = tables["rows"].to_list(), counts


def hub(number: int, solution: str, *cases: tuple[str, str], function: str | None = None) -> dict:
    tests = [{"fn_name": function, "input": given, "output": wanted} for given, wanted in cases]
    return {"prompt": f"Problem {number}", "gold_standard_solution": solution,
            "verification_info": {"language": "python", "test_cases": tests}}  # fmt: skip


def made(**tasks: float) -> Stage:
    metrics = SimpleNamespace(say=lambda text: None)
    run = Stage(settings=CodeTests(**SETTINGS, tasks=tasks), metrics=metrics, sources={})
    main(run)
    return run


def test_public_problems_keep_the_tests_that_tell(put):
    put("verifiable_coding_problems_python", [
        hub(1, PRODUCT, ("3 5\n", "15\n"), ("4 7\n", "27\n")),
        hub(2, DOUBLE, ("[21]", "42"), function="double"),
        hub(3, "print(input())", ("a\n", "a\n")),
        hub(4, "print 5", ("", "5\n")),
    ])  # fmt: skip
    run = made(verifiable_coding_problems_python=1.0)
    kept = {row["prompt"][0]["content"]: json.loads(row["info"])["tests"] for row in run.rows}
    assert {question.splitlines()[0]: len(tests) for question, tests in kept.items()} == {
        "Problem 1": 1,
        "Problem 2": 1,
    }
    assert run.counts == {"total": 4, "valid_cases": 1, "submissions": 0, "telling": 1, "kept": 2}


def test_the_family_and_public_problems_stand_in_one_table(put):
    problem = {"text": "Double a number.", "code": DOUBLE, "test_list": ["assert double(3) == 6"]}
    put("mbpp", [problem | {"test_setup_code": ""}], "train")
    put("mbpp", [problem | {"text": "Halve a number.", "test_setup_code": ""}], "test")
    run = made(expression=3.0, mbpp=1.0)
    assert {row["verifier"] for row in run.rows} == {"expression", "code_tests"}
    assert (
        run.counts["total"] == run.counts["kept"] == len(run.rows) == 16
    )  # 15 of the family and the one that there is


@pytest.mark.parametrize("name", ["arithmetic", "gsm8k", "humaneval"])
def test_only_code_to_train_on_may_be_named(name):
    with pytest.raises(ValidationError, match="is none of code problems"):
        CodeTests(**SETTINGS, tasks={name: 1.0})
