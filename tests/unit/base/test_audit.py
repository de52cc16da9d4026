"""The audit of a corpus: its figures by hand on a few documents, its command on a real one."""

import json
import subprocess
import sys

import pytest

from data.world.audit import UNSEEN, audit_corpus, audit_unseen, guesser, spread
from data.world.corpus import Document
from data.world.families import TASKS
from data.world.task import Problem, Trace
from stages.base.audit import main


def sum_of(
    answer, language="en", kind="careless", steps=2, form="r1_zero", thought="first 1+1=2, then 2+1=3.", **given
):
    """A document about 1+1+1, whose author says `answer`."""
    info = {"start": 1, "steps": [["+", 1], ["+", 1]], "level": 2}
    problem = Problem("arithmetic", "math", "en", "Start at 1: +1, +1. Result?", "3", "chain 1+1+1", info)
    trace = Trace([{"en": "first 1+1=2", "zh": "先1+1=2"}] * steps, answer) if kind in ("careless", "patient") else None
    response = f" <think> {thought} </think> <answer> {answer} </answer>"
    shown = thought if trace else ""
    return Document(kind, "", problem, given.get("response", response), form, shown, trace, answer)


def pair(answer, steps):
    problem = Problem(
        "pair_search", "math", "en", "", "1+2", "pair_search 1 2 5 9", {"numbers": [1, 2, 5, 9], "target": 3}
    )  # fmt: skip
    trace = Trace([{"en": step, "zh": ""} for step in steps], answer)
    return Document("patient", "", problem, "", "plain", ", ".join(steps), trace, answer)


DOCUMENTS = [
    Document("drill", ""),
    sum_of("3"),
    sum_of("4", steps=4, thought="first 1+1=2, 再2+1=3."),
    sum_of("3", kind="direct"),
    sum_of("3", kind="patient", thought="先1+1=2,再2+1=3。", response="先1+1=2,再2+1=3。 3"),
    sum_of("2", kind="patient", form="plain"),
    pair("1+2", ["1+2=3 yes"]),
    pair("1+5", ["1+9=10 high", "guess"]),
    Document("general", "", Problem("greeting", "general", "en", "Hi.", "hello", "greeting", {}), answer="Hello."),
    Document("drill", ""),
]


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.setattr(type(TASKS["greeting"]), "verify", lambda self, answer, row: True)
    return audit_corpus(DOCUMENTS, tokens=len)


def test_shares_of_the_corpus(figures):
    assert figures["documents"] == 10
    assert figures["kinds"] == {"drill": 0.2, "general": 0.1, "direct": 0.1, "careless": 0.2, "patient": 0.4}
    assert list(figures["families"]) == ["arithmetic", "pair_search", "greeting", "all"]
    assert [found["documents"] for found in figures["families"].values()] == [0.5, 0.2, 0.1, 0.7]
    assert [found["thought"] for found in figures["families"].values()] == [0.8, 1.0, 0.0, pytest.approx(6 / 7)]


def test_scores_of_the_authors_and_of_a_guesser(figures):
    sums, pairs, greetings, everything = figures["families"].values()
    assert sums["right"] == {
        "direct": {"score": 1.0, "n": 1}, "careless": {"score": 0.5, "n": 2}, "patient": {"score": 0.5, "n": 2},
    }  # fmt: skip
    assert pairs["right"] == {"patient": {"score": 0.5, "n": 2}} and greetings["right"] == {
        "general": {"score": 1.0, "n": 1}
    }
    assert everything["right"]["patient"] == {"score": 0.5, "n": 4}
    assert (sums["author"], pairs["author"], greetings["author"]) == (3 / 5, 1 / 2, 1.0)
    assert sums["chance"] == pytest.approx(1 / 21) and pairs["chance"] == pytest.approx(1 / 6)
    assert everything["chance"] == pytest.approx((5 / 21 + 2 / 6) / 7)
    assert sums["commonest"] == pairs["commonest"] == 1.0 and everything["commonest"] == pytest.approx(5 / 7)
    assert greetings["chance"] is None and greetings["steps"] is None and greetings["guess"] is None


def test_shape_of_the_thoughts(figures):
    sums, pairs, *_ = figures["families"].values()
    assert sums["steps"] == {"mean": 2.5, "p95": 4, "max": 4} and pairs["steps"] == {"mean": 1.5, "p95": 2, "max": 2}
    english, mixed, chinese = "first 1+1=2, then 2+1=3.", "first 1+1=2, 再2+1=3.", "先1+1=2,再2+1=3。"
    assert sums["tokens"]["mean"] == pytest.approx((2 * len(english) + len(mixed) + len(chinese)) / 4)
    assert sums["guess"] == 0.0 and pairs["guess"] == 0.5
    assert sums["mixed"] == 0.25 and sums["other_language"] == 0.25
    assert sums["tags"] == pytest.approx(2 / 3)  # of the three in R1-Zero's template
    assert pairs["tags"] is None  # all of it is plain


def test_spread():
    assert spread([]) is None
    assert spread([7]) == {"mean": 7, "p95": 7, "max": 7}
    assert spread(list(range(1, 101))) == {"mean": 50.5, "p95": 95, "max": 100}
    assert spread([3, 1, 2]) == {"mean": 2, "p95": 3, "max": 3}


def test_the_commonest_answer_is_one_of_each_language():
    made = [Problem("logic", "logic", la, "", answer, "", {}) for la, answer in
            (("en", "true"), ("en", "true"), ("en", "false"), ("zh", "真"), ("zh", "假"))]  # fmt: skip
    assert guesser(made) == {"chance": 0.5, "commonest": 3 / 5}


@pytest.mark.parametrize("name", ["pair_difference", "long_arithmetic", "basic_arithmetic", "gcd"])
def test_families_without_a_corpus(name):
    found = audit_unseen(name, 20)
    assert 0 < found["chance"] < 0.5 and 0 < found["commonest"] <= 1 and found == audit_unseen(name, 20)
    assert ("solver" in found) == (name not in ("basic_arithmetic", "gcd")) and found.get("solver", 1.0) == 1.0


def test_the_command_prints_figures_of_the_scales_own_author(capsys):
    assert main(["--scale", "smoke", "--documents", "200", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scale"] == "smoke" and found["base"] == "base" and found["documents"] == 200
    assert found["author"]["patience"] == 0.25 and list(found["unseen"]) == list(UNSEEN)
    assert set(found["families"]) <= {"equation", "logic", "stem_choice", "code_output", "facts", "greeting",
                                      "translation", "unsafe", "safe_lookalike", "all"}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--documents", "0"], "--documents is 0, allowed: 1 to"),
        (["--scale", "tyni"], "there is no scale `tyni`"),
        (["--base", "bace"], "--base is 'bace': the scale tiny pretrains none of this name; did you mean `base`?"),
        (["--scale", "qwen3-14b"], "has no base that is pretrained on a corpus"),
    ],
)
def test_bad_input_is_one_sentence(capsys, given, said):
    assert main(given) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_it_imports_no_torch():
    code = "import stages.base.audit, sys; raise SystemExit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
