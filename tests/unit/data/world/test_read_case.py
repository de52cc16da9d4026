"""Cases that somebody brings: rows as in data sets, short forms, and what is neither."""

import json
from pathlib import Path

import pytest

from data.errors import InputError
from data.public.loading import load
from data.world.cases import read_case
from data.world.families import FREE_FORM, TASKS, rows, verify
from tests.hub_samples import SAMPLES

ROW = {"verifier": "arithmetic", "answer": "7"}
STDIN = {"kind": "stdin", "input": "", "output": "7"}


@pytest.mark.parametrize("name", TASKS)
def test_a_row_of_a_family_is_itself(name):
    [row] = rows({name: 1.0}, 1, "train", 3)
    read, completion = read_case({"row": row, "completion": "7"})
    assert read == row and completion == "7"
    read, _ = read_case({"row": row | {"info": json.loads(row["info"]), "pass_rate": 0.5}, "completion": "7"})
    assert read == row | {"pass_rate": 0.5}


def test_a_short_form_is_a_row():
    row, _ = read_case({"verifier": "math", "gold": "1/2", "completion": "x"})
    assert (row["verifier"], row["answer"], row["domain"], row["language"]) == ("math", "1/2", "math", "en")
    row, _ = read_case({"verifier": "math", "gold": 5, "info": {"answer_form": "marked"}, "completion": "x"})
    assert row["answer"] == "5" and json.loads(row["info"]) == {"answer_form": "marked"}
    case = {"verifier": "code_tests", "tests": [STDIN], "setup": "import math", "completion": "x"}
    row, _ = read_case(case)
    assert row["domain"] == "code" and json.loads(row["info"]) == {"tests": [STDIN], "setup": "import math"}
    row, _ = read_case({"verifier": "choice", "gold": " b", "choices": ["one", "two"], "completion": "x"})
    assert row["answer"] == "B" and verify("B", row) and not verify("A", row)
    case = {
        "verifier": "instructions",
        "instructions": [["punctuation:no_comma", {}]],
        "prompt": "Go.",
        "completion": "",
    }
    row, _ = read_case(case)
    assert row["prompt"] == [{"role": "user", "content": "Go."}] and row["domain"] == "general"
    row, _ = read_case({"verifier": "expression", "tests": [[1, 2], [2.5, 5.0]], "completion": "x"})
    assert row["domain"] == "code" and verify("x*2", row) and not verify("x+1", row)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_of_a_public_data_set_is_itself(put, name):
    put(name, SAMPLES[name])
    for row in load(name)[0]:
        assert read_case({"row": row, "completion": "7"})[0] == row


@pytest.mark.parametrize("name", [name for name in FREE_FORM if name != "none"])
def test_what_a_verifier_needs_is_named_where_it_is_missing(name):
    with pytest.raises(InputError, match=f"is missing: the verifier `{name}` needs"):
        read_case({"verifier": name, "completion": "x"})


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (7, "found 7; a case is a JSON object"),
        ([], "a case is a JSON object"),
        ({}, "`completion` is the text that is judged; found none"),
        ({"verifier": "math", "gold": "1", "completion": None}, "`completion` is the text that is judged; found null"),
        ({"verifier": "math", "gold": "1", "completion": ["1"]}, '`completion` is the text .* found \\["1"\\]'),
        ({"completion": "x"}, "`verifier` is missing; allowed: arithmetic"),
        ({"verifier": "maht", "gold": "1", "completion": "x"}, "`verifier` is 'maht'; did you mean `math`\\?"),
        ({"verifier": 3, "completion": "x"}, "`verifier` is 3"),
        ({"verifier": ["math"], "completion": "x"}, "`verifier` is"),
        ({"verifier": "math", "gold": 0.5, "completion": "x"}, "`gold` is a text; found 0.5"),
        ({"verifier": "math", "gold": True, "completion": "x"}, "`gold` is a text; found true"),
        ({"verifier": "math", "gold": "1", "glod": "1", "completion": "x"}, "unknown key `glod`; did you mean `gold`"),
        ({"verifier": "math", "gold": "1", "info": [], "completion": "x"}, "`info` is an object; found \\[\\]"),
        ({"verifier": "math", "gold": "1", "language": "fr", "completion": "x"}, "`language`: .*'en' or 'zh'.*'fr'"),
        ({"verifier": "math", "gold": "1", "prompt": 3, "completion": "x"}, "`prompt.0.content`: .*string, found 3"),
        ({"row": "x", "completion": "x"}, "`row` is an object as in a data set; found 'x'"),
        ({"row": {}, "completion": "x"}, "`row.verifier` is missing"),
        ({"row": ROW, "gold": "7", "completion": "x"}, "unknown key `gold`; allowed: row, completion"),
        ({"row": ROW | {"answer": 7}, "completion": "x"}, "`row.answer`: .*string, found 7"),
        ({"row": ROW | {"domain": "maths"}, "completion": "x"}, "`row.domain`: .*'maths'"),
        ({"row": ROW | {"prompt": []}, "completion": "x"}, "`row.prompt`: .*at least 1 item"),
        ({"row": ROW | {"prompt": ["x"]}, "completion": "x"}, "`row.prompt.0`"),
        ({"row": ROW | {"info": "{"}, "completion": "x"}, "`row.info` is no JSON object; found '{'"),
        ({"row": ROW | {"info": "[" * 10**5}, "completion": "x"}, "`row.info` is no JSON object"),
        ({"row": ROW | {"info": "[]"}, "completion": "x"}, "`row.info` is no JSON object"),
        ({"row": {"verifier": "code_tests"}, "completion": "x"}, "`row.info.tests`: field required"),
        ({"verifier": "code_tests", "tests": [], "completion": "x"}, "`tests`: .*at least 1 item"),
        ({"verifier": "code_tests", "tests": ["x"], "completion": "x"}, "`tests.0`"),
        ({"verifier": "code_tests", "tests": [{"kind": "std"}], "completion": "x"}, "'stdin', 'call', 'assert'"),
        ({"verifier": "code_tests", "tests": [{"kind": "call"}], "completion": "x"}, "`tests.0.call.function`"),
        ({"verifier": "code_tests", "tests": [STDIN | {"input": 3}], "completion": "x"}, "`tests.0.stdin.input`"),
        ({"verifier": "code_tests", "tests": [STDIN], "setup": 3, "completion": "x"}, "`setup`"),
        ({"verifier": "expression", "tests": [[1]], "completion": "x"}, "`tests.0`: .*at least 2"),
        ({"verifier": "expression", "tests": [["1", 2]], "completion": "x"}, "`tests.0.0"),
        ({"verifier": "expression", "tests": {"1": 2}, "completion": "x"}, "`tests`: .*list"),
        ({"verifier": "choice", "gold": "C", "choices": ["a", "b"], "completion": "x"}, "`gold` is 'C'; allowed: A, B"),
        ({"verifier": "choice", "gold": "", "choices": ["a", "b"], "completion": "x"}, "`gold` is ''"),
        ({"verifier": "choice", "gold": "AB", "choices": ["a", "b"], "completion": "x"}, "`gold` is 'AB'"),
        ({"verifier": "choice", "gold": "A", "choices": ["a"], "completion": "x"}, "`choices`: .*at least 2"),
        ({"verifier": "instructions", "instructions": [["no:such", {}]], "completion": "x"}, "`instructions` names"),
        ({"verifier": "instructions", "instructions": [[["x"], {}]], "completion": "x"}, "`instructions` names"),
        ({"verifier": "instructions", "instructions": [["startend:end_checker", {}]], "completion": "x"}, "end_phrase"),
        ({"verifier": "instructions", "instructions": [["startend:quotation", 3]], "completion": "x"}, "are 3; they"),
    ],
)  # fmt: skip
def test_what_is_no_case_is_one_sentence(case, sentence):
    with pytest.raises(InputError, match=sentence) as refused:
        read_case(case)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 1_200


def test_the_cases_of_the_documents_are_cases():
    shown = [line for line in Path("docs/how_to.md").read_text(encoding="utf-8").splitlines() if '"completion"' in line]
    assert {json.loads(line).get("verifier") for line in shown} >= {None, "math", "choice", "code_tests", "expression"}
    for line in shown:
        read_case(json.loads(line))
