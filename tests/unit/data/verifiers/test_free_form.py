"""The verifiers of public data sets: right answers in any form are right, and what a policy may try is not."""

import json
import os
import time
from pathlib import Path

import pytest

from data.errors import InputError
from data.text.chat import parse, render_completion
from data.text.completion import Completion
from data.verifiers import programs, worker
from data.verifiers.math_answers import readable
from data.verifiers.programs import code_of, same_output
from data.world.families import VERIFIERS, verify, votes
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


# -- programs


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("print(sum(map(int, input().split())))", True),
        ("import sys\na, b = map(int, sys.stdin.read().split())\nsys.stdout.write(str(a + b))", True),
        ("if __name__ == '__main__':\n    print(sum(map(int, open(0).read().split())))\n    exit()", True),
        ("import numpy as np\nprint(np.array(input().split(), int).sum())", True),
        ("print(3)", False),
        ("print(sum(map(int, input().split())))\nraise ValueError", False),
        ("print(sum(map(int, input().split())))\nprint('more')", False),
        ("print(sum(map(int, input().split()))", False),
        ("import os; os._exit(0)", False),
        ("import sys; sys.exit(1)", False),
        ("", False),
    ],
)
def test_programs_that_read_and_print(code, right):
    assert verify(f"```python\n{code}\n```", stdin(("1 2\n", "3\n"), ("5 6", "11"))) is right


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("3\n", "3", True), ("a b\nc\n", "a  b \nc\n\n", True), ("0.5", "0.50", True), ("0.5", "0.5000001", True),
        ("3", "3.0", False), ("a\nb", "a b", False), ("0.5", "0.6", False), ("0.5", "x", False), ("1", "", False),
        ("YES", "yes", False), ("a", "\na", False),
    ],
)  # fmt: skip
def test_same_output(expected, printed, same):
    assert same_output(expected, printed) is same


@pytest.mark.parametrize(
    ("code", "right"),
    [
        (ADD, True),
        ("class Solution:\n    def add(self, a, b):\n        return a + b", True),
        ("def add(a, b):\n    return a - b", False),
        ("def plus(a, b):\n    return a + b", False),
        ("class Any:\n    def __eq__(self, other):\n        return True\ndef add(a, b):\n    return Any()", False),
        ("class Three:\n    def __repr__(self):\n        return '3'\ndef add(a, b):\n    return Three()", False),
        ("import os\ndef add(a, b):\n    os._exit(0)", False),
        ("def add(a, b):\n    print(a + b)", False),
        ("raise SystemExit(0)\n" + ADD, False),
    ],
)
def test_functions(code, right):
    call = {"kind": "call", "function": "add", "input": [1, 2], "output": 3}
    literal = {"kind": "assert", "code": "assert add(1, 2) == 3"}
    other = {"kind": "assert", "code": "assert 0 < add(1, 2) < 4 and isinstance(add(1, 2), int)"}
    for test in (call, call | {"output": [3]}, literal, other):
        method = "class" in code and right
        if method and test["kind"] == "assert":  # asserts name a function
            continue
        assert verify(f"So:\n```python\n{code}\n```\nDone.", row("", "code_tests", tests=[test])) is right, test


@pytest.mark.parametrize(
    ("returned", "expected", "right"),
    [
        ("(1, 2)", [1, 2], True), ("[1, (2,)]", [1, [2]], True), ("{'a': 1}", {"a": 1}, True), ("0.1+0.2", 0.3, True),
        ("True", 1, False), ("1", True, False), ("'3'", 3, False), ("[1]", [1, 2], False), ("None", None, True),
        ("float('inf')", 1.0, False), ("{1: 2}", {"1": 2}, True),
    ],
)  # fmt: skip
def test_values_compare_as_json(returned, expected, right):
    test = {"kind": "call", "function": "f", "input": [], "output": expected}
    assert verify(f"def f():\n    return {returned}", row("", "code_tests", tests=[test])) is right


def test_asserts_compare_as_python_and_setup_goes_first():
    tests = [{"kind": "assert", "code": "assert f([N]) == (1,)"}]
    assert verify("def f(x):\n    return tuple(x)", row("", "code_tests", tests=tests, setup="N = 1"))
    assert not verify("def f(x):\n    return x", row("", "code_tests", tests=tests, setup="N = 1"))
    assert not verify("def f(x):\n    return tuple(x)", row("", "code_tests", tests=tests))


def test_every_test_counts_and_none_is_not_enough():
    assert not verify("print(3)", stdin(("1 2", "3"), ("2 2", "4")))
    assert not verify("print(4)", stdin(("1 2", "3"), ("2 2", "4")))
    assert not verify("print(3)", stdin())


def test_the_last_block_is_the_program():
    assert code_of("First\n```python\nx = 1\n```\nthen\n```\ny = 2\n```\nthat is it: `z`") == "y = 2\n"
    assert code_of("x = 1") == "x = 1"
    assert not verify("```python\nprint(3)\n", stdin(("1 2", "3")))  # never closed


def test_a_completion_is_read_as_its_verifier_needs_it():
    block = "```python\nprint(3)\n```"
    problem = stdin(("1 2", "3"))
    for text in (render_completion("Print.", f"So:\n{block}"), f"<think>Print.</think> <answer>{block}</answer>"):
        assert parse(text).final != block and verify(parse(text), problem) is True
        assert accuracy(Completion(text, 9, True, "chat"), problem) == 1.0
    assert verify(parse(render_completion(block, "It is 3.")), problem) is False  # only thought of
    assert verify(parse(render_completion("", "The answer is \\boxed{3}.")), row("3")) is True
    assert verify(parse("<think>never ends"), problem) is False
    whole = {name for name, it in VERIFIERS.items() if getattr(it, "reads", "final") == "answer"}
    assert whole == {"code_tests", "instructions"}


@pytest.mark.parametrize("code", ["while True: pass", "while True: print('x' * 99)", "import time\ntime.sleep(99)",
                                  "def f(n): return f(n + 1)\nf(0)", "x = 9 ** 9 ** 9"])  # fmt: skip
def test_endless_programs_are_stopped(code, monkeypatch):
    monkeypatch.setattr(worker, "SECONDS", 1.0)
    started = time.monotonic()
    assert verify(code, stdin(("", "3"), ("", "4"), ("", "5"))) is False
    assert time.monotonic() - started < worker.SECONDS + 3
    assert verify("print(3)", stdin((code, "3"))) is True


def test_many_slow_tests_have_one_limit(monkeypatch):
    monkeypatch.setattr(programs, "TOTAL_SECONDS", 0.5)
    code = "import time\ntime.sleep(0.2)\nprint(3)"
    assert verify(code, stdin(("", "3"))) is True
    started = time.monotonic()
    assert verify(code, stdin(*[(str(n), "3") for n in range(50)])) is False
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("code", ["x = [0] * 10**10", "x = 'a' * 10**10", "print('a' * 10**7)"])
def test_memory_and_output_are_limited(code):
    started = time.monotonic()
    assert verify(code + "\nprint(3)", stdin(("", "3"))) is False
    assert time.monotonic() - started < 3


def test_programs_leave_files_and_processes_alone(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("here")
    harms = [
        f"open({str(victim)!r}, 'w').write('gone')", f"import os\nos.remove({str(victim)!r})",
        f"import pathlib\npathlib.Path({str(victim)!r}).unlink()", f"import shutil\nshutil.rmtree({str(tmp_path)!r})",
        f"import os\nos.system('rm {victim}')", f"import subprocess\nsubprocess.run(['rm', {str(victim)!r}])",
        f"import os\nos.open({str(victim)!r}, os.O_WRONLY | os.O_TRUNC)", f"import os\nos.kill({os.getpid()}, 0)",
        "import os\nos.fork()", "import socket\nsocket.socket().connect(('127.0.0.1', 9))",
        f"import os\nos.rename({str(victim)!r}, {str(tmp_path / 'x')!r})",
    ]  # fmt: skip
    for harm in harms:
        assert verify(harm + "\nprint(3)", stdin(("", "3"))) is False, harm
    assert victim.read_text() == "here" and [path.name for path in Path(tmp_path).iterdir()] == ["victim"]


def test_a_worker_that_died_is_replaced():
    own = worker.Worker("program")
    assert own.ask({"code": "print(1)", "stdin": ""}) == {"output": "1\n"}
    own._process.kill()
    own._process.wait()
    assert own.ask({"code": "print(2)", "stdin": ""}) == {"output": "2\n"}
    own._process.kill()
