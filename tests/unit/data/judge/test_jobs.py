"""The code of tests and a program that is far away: a test sees what Python would have shown it."""

import json
import time

import pytest

from data.judge import jobs
from data.judge.jobs import replies
from data.judge.plain import decode
from data.judge.runs_tests import asked
from data.sandbox import session


def told(code, *tests, setup=""):
    """What an assert test says of a program: None where it holds."""
    return [reply.failure for reply in replies(code, setup, [{"kind": "assert", "code": test} for test in tests])]


PROGRAM = """
import collections, enum, fractions, functools, math
Point = collections.namedtuple("Point", "x y")
Colour = enum.IntEnum("Colour", "RED GREEN")
LIMIT, NAMES = 10, ["a", "b"]
class Node:
    kept = 5
    def __init__(self, value, next=None):
        self.value, self.next = value, next
    def __eq__(self, other):
        return True
    def __len__(self):
        return 2
    def __getitem__(self, at):
        return self.value[at]
    def total(self):
        return self.value + (self.next.total() if self.next else 0)
    def __str__(self):
        return f"Node {self.value}"
def node(value): return Node(value)
def same(value): return value
def add(a, b=1): return a + b
def push(items, more): items.append(more); items.sort()
def fill(table, items, kept): table["a"] = 1; items |= {9}; kept[0].append(3)
def deepen(rows): rows[0][0] = 7
def count():
    yield from range(3)
def endless():
    number = 0
    while True:
        yield number
        number += 1
def adder(n): return lambda m: m + n
def applied(function, *given): return function(*given)
def guarded(function):
    try:
        return function()
    except KeyError as error:
        return error.args[0]
def fails(kind): raise kind("why", 7)
class Mine(LookupError): pass
def fails_mine(): raise Mine("mine")
def half(): return fractions.Fraction(1, 2)
def array(n):
    import numpy
    return numpy.arange(n)
"""

HOLD = [
    "assert add(1, 2) == 3 and add(a=1, b=2) == 3 and add(4) == 5 and add([1], [2]) == [1, 2]",
    "assert same((1, [2, {3: {4}}])) == (1, [2, {3: {4}}]) and same([1]) != (1,)",
    "assert same({1, 2}) == frozenset({2, 1}) and same(range(3)) == range(3) and same(range(3)) != [0, 1, 2]",
    "assert half() == 0.5 and isinstance(half() * 2, object)",
    "assert LIMIT == 10 and NAMES == ['a', 'b']",
    "assert same(True) is True and same(None) is None and isinstance(same(1.5), float)",
    "items = [3, 1]\npush(items, 2)\nassert items == [1, 2, 3]",
    "table, items, kept = {}, {1}, ([],)\nfill(table, items, kept)\n"
    "assert (table, items, kept) == ({'a': 1}, {1, 9}, ([3],))",
    "rows = [[1, 2], [3]]\nfirst = rows[0]\ndeepen(rows)\nassert rows == [[7, 2], [3]] and first is rows[0]",
    "assert list(count()) == [0, 1, 2] and sum(count()) == 3 and [n for n in count() if n] == [1, 2]",
    "import itertools\nassert list(itertools.islice(endless(), 4)) == [0, 1, 2, 3]",
    "it = endless()\nassert next(it) + next(it) == 1",
    "assert adder(3)(4) == 7 and applied(adder(1), 5) == 6",
    "assert applied(lambda a, b: a * b, 3, 4) == 12 and applied(max, 3, 4) == 4 and applied(str, 5) == '5'",
    "seen = []\napplied(seen.append, 3)\nassert seen == [3]",
    "def fail():\n    return {}['gone']\nassert 'gone' in guarded(fail)",
    "one = Node(1, Node(2))\nassert one.total() == 3 and one.next.value == 2 and str(one) == 'Node 1'",
    "one = Node([4, 5])\nassert one[1] == 5 and len(one) == 2\none.value = 9\nassert one.value == 9 and Node.kept == 5",
    "one = Node(1)\nassert one == one and same(one) == one and one is not None and isinstance(one, Node)",
    "assert not isinstance(same(3), Node) and type(same(3)) is int",
    "for kind in (ValueError, KeyError, ZeroDivisionError):\n    try:\n        fails(kind)\n    except kind as error:\n"
    "        assert error.args == ('why', 7)\n    else:\n        assert False",
    "try:\n    fails_mine()\nexcept LookupError as error:\n    assert str(error) == 'mine'",
    "import unittest\nwith unittest.TestCase().assertRaises(TypeError):\n    add()",
    "import numpy\nassert numpy.allclose(array(3), [0, 1, 2]) and (array(2) == [0, 1]).all() and array(5).sum() == 10",
    "assert math.isclose(add(0.1, 0.2), 0.3) and np.isclose(add(0.1, 0.2), 0.3)",
    "assert same(10 ** 400) == 10 ** 400 and same(float('inf')) == float('inf') and same(float('nan')) != same(1.0)",
    "assert applied(lambda x: add(x, 1), 3) == 4",
    "kept = {add: 1}\nassert kept[same(add)] == 1 and same not in kept",
    "assert tuple(Point(1, 2)) == (1, 2)",
    "import copy\nrows = [[1], [2]]\nassert same(copy.deepcopy(rows)) == rows",
    "assert sorted([3, 1], key=same) == [1, 3] and list(map(add, [1, 2])) == [2, 3]",
    "from collections import Counter\nassert same(Counter('aab')) == Counter('aba') == {'a': 2, 'b': 1}",
]


@pytest.mark.parametrize("test", HOLD)
def test_what_holds_in_python_holds(test):
    assert told(PROGRAM, test) == [None]
    space = {}
    exec(PROGRAM + "\nimport numpy as np\n", space)
    exec(test, space)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("assert add(1, 2) == 4", "the test `assert add(1, 2) == 4` fails"),
        ("value = add(1, 2)\nassert value == 4, 'no'", "the test `assert value == 4, 'no'` fails"),
        ("assert same([1]) == (1,)", "fails"),
        ("assert count() == [0, 1, 2]", "refused: an object of the program's own type generator is compared"),
        ("assert node(1) == 1", "refused: an object of the program's own type Node is compared"),
        ("assert 1 == node(1)", "refused: "),
        ("assert node(1) in [1]", "refused: "),
        ("assert node(1) == node(1)", "refused: "),
        ("assert not node(1) != 5", "refused: "),
        ("assert node(1) < 5", "refused: "),
        ("assert sorted([node(1), node(2)])", "refused: "),
        ("class Own: pass\nassert same(Own())", "refused: the test gives an object of type Own"),
        ("assert abs(node(1) - 1) < 1e-6", "refused: an object of the program's own type Node computes for itself"),
        ("assert abs(1 - node(1)) < 1e-6", "refused: "),
        ("with node(1) as one: pass", "refused: "),
        ("class Mine(Node): pass", "refused: "),
        ("assert node(1).startswith('a')", "refused: "),
        ("import copy\ncopy.deepcopy([node(1)])", "refused: "),
        ("fails(SystemExit)", "it raised SystemExit"),
        ("try:\n    fails(SystemExit)\nexcept BaseException:\n    pass", "it raised SystemExit"),
        ("try:\n    fails(KeyboardInterrupt)\nexcept:\n    pass", "it raised KeyboardInterrupt"),
        ("assert all(map(lambda x: fails(StopIteration), [1]))", "it raised StopIteration"),
        ("for _ in map(fails, [StopIteration]): pass", "it raised StopIteration"),
        ("fails(GeneratorExit)", "it raised GeneratorExit"),
        ("gone(1)", "NameError"),
        ("assert (", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import sys\nsys.exit(0)", "SystemExit"),
        ("assert array(3) == [0, 1, 2]", "ValueError"),
        ("while True: pass", "it took too long"),
        ("while True: same(1)", "it took too long"),
        ("for _ in endless(): pass", "it took too long"),
    ],
)
def test_what_does_not_hold_fails_and_says_why(test, why, monkeypatch):
    monkeypatch.setattr(jobs, "TEST_SECONDS", 0.5)
    (failure,) = told(PROGRAM, test)
    assert failure and why in failure
    assert told(PROGRAM, "assert add(1, 2) == 3") == [None]


def test_a_test_asks_so_often_and_no_more(monkeypatch):
    monkeypatch.setattr(jobs, "QUESTIONS", 20)
    often = "for n in range({}): assert same(n) == n"
    assert told(PROGRAM, often.format(15), often.format(15)) == [None, None]
    assert told(PROGRAM, often.format(25)) == ["the test asks more than 20 times"]
    assert told(PROGRAM, "for _ in endless(): pass") == ["the test asks more than 20 times"]


def test_a_failure_says_nothing_of_the_next_test():
    right = "assert add(1) == 2"
    tests = ["assert add(1) == 3", right, "fails(SystemExit)", right, right]
    assert [failure is None for failure in told(PROGRAM, *tests)] == [False, True, False, True, True]


def test_each_test_is_a_run_of_its_own():
    code = "seen = []\ndef f():\n    seen.append(1)\n    return len(seen)"
    assert told(code, "assert f() == 1 and f() == 2", "assert f() == 1") == [None, None]
    call = {"kind": "call", "function": "f", "input": []}
    made = [reply.value for reply in replies(code, "", [call, call, call | {"again": True}, call])]
    assert made == ["1", "1", "2", "1"]


@pytest.mark.parametrize("code", ["def add(", "raise ValueError('no')", "exit(0)", "import nothing_like_it", "1/0"])
def test_a_program_that_does_not_load_fails_every_test(code):
    assert all(told(code, "assert True", "assert add(1) == 2"))


# -- whose a name is


@pytest.mark.parametrize(
    ("setup", "code", "names"),
    [
        ("", "assert f(1) == 2", ["f"]),
        ("", "def check(candidate):\n    assert candidate(1) == 2\ncheck(f)", ["f"]),
        ("import math\ndef helper(x): return x", "assert abs(helper(f(1)) - math.pi) < 1", ["f"]),
        ("root = Node(1)", "assert height(root) == 1", ["Node", "height"]),
        ("", "assert math.isclose(f(1), 2) and np.all(f(1))", ["f"]),
        ("", "assert sum(1, 2) == 3", ["sum"]),
        ("", "assert max(sum(1), f(2)) == 3", ["f"]),
        ("", "assert bisect([1], 2) == abs(-1)", ["bisect"]),
        ("def f(x):\n    return helper(x)\ndef helper(x): return x", "assert f(1) == len([2])", ["f"]),
        ("def f(x):\n    'To do.'\ndef helper(x): return x", "assert f(1) == helper(1)", ["f"]),
        ("class Solution:\n    def f(self): ...\ndef helper(x): return x", "helper(Solution().f())", ["Solution"]),
        ("", "import random\ndef check(c):\n    import copy\n    x = [copy, random]\ncheck(f)", ["f"]),
        ("", "x = [a for a in g() if a]", ["g"]),
        ("", "assert True", []),
    ],
)
def test_a_test_asks_the_program_for_what_nobody_else_defines(setup, code, names):
    assert asked(setup, code) == names


def test_setup_is_there_on_both_sides():
    setup = "import math\ndef helper(x):\n    return x + math.floor(1.5)\n"
    assert told("def f(x):\n    return helper(x)", "assert f(1) == helper(1) == 2", setup=setup) == [None]
    tree = "root = Node(1)\nroot.left = Node(2)"
    code = """
class Node:
    def __init__(self, value):
        self.value, self.left = value, None
def height(node):
    return 1 + height(node.left) if node else 0
"""
    assert told(code, "assert height(root) == 2", setup=tree) == [None]


def test_what_a_setup_leaves_to_be_written_is_the_program_s():
    setup = "def f(x):\n    raise NotImplementedError\ndef helper(x):\n    return x"
    code = "def helper(x): return 5\ndef f(x): return x"
    assert told(code, "assert helper(f(1)) == 1", setup=setup) == [None]
    assert told(code, "assert helper(f(1)) == 5", setup=setup) != [None]
    assert told("def f(x): return 2", "assert f(1) == len([1]) + 1", setup="def f(x):\n    return 1") == [None]


def test_a_setup_of_the_tests_alone_fails_them():
    (why,) = told("def f(): return 1", "assert f() == 1", setup="1 / 0")
    assert "ZeroDivisionError" in why


# -- calls, and what is printed


def test_outputs_and_values_come_back_and_failures_say_why():
    tests = [{"kind": "stdin", "input": text} for text in ("1 2\n", "x\n", "3 4")]
    made = list(replies("print(sum(map(int, input().split())))", "", tests))
    assert [reply.output for reply in made] == ["3\n", None, "7\n"] and "ValueError" in made[1].failure
    asked_for = (("f", [1]), ("g", []), ("f", ["a"]), ("f", [2]))
    calls = [{"kind": "call", "function": name, "input": given} for name, given in asked_for]
    made = list(replies("def f(x):\n    return (x + 1, {x})", "", calls))
    assert decode(made[0].value) == (2, {1}) and decode(made[3].value) == (3, {2})
    assert "defines no g" in made[1].failure and "TypeError" in made[2].failure


def test_a_refused_value_says_so():
    code = "class Own: pass\ndef f():\n    return Own()"
    (reply,) = replies(code, "", [{"kind": "call", "function": "f", "input": []}])
    assert reply.failure == "refused: an object of type Own is no plain data"


PRINTING = [
    ("import threading\nthreading.Thread(target=lambda: print(input())).start()", "a\n"),
    ("import atexit\natexit.register(lambda: print('end'))\nprint(input())", "a\nend\n"),
    ("import os, sys\nprint(input())\nsys.stdout.flush()\nos._exit(0)", "a\n"),
    ("import sys\nprint(input())\nsys.exit()", "a\n"),
    ("print(input())\nexit()", "a\n"),
    ("print(input())\nquit(0)", "a\n"),
    ("import sys, io\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, write_through=True)\nprint(input())", "a\n"),
    ("import os\nos.write(1, os.read(0, 9))", "a\n"),
    ("print(open(0).read(), end='')", "a\n"),
    ("import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())", "a\n"),
    ("print(open('/dev/stdin').read(), end='')", "a\n"),
    ("import sys\nprint(input(), file=sys.stderr)\nprint('out')", "out\n"),
    ("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int' = 3\nprint(A())", "A(x=3)\n"),
    ("import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(20_000))", "20000\n"),
    ("if __name__ == '__main__':\n    print(input())", "a\n"),
    ("print('é漢')", "é漢\n"),
]


@pytest.mark.parametrize(("code", "output"), PRINTING)
def test_programs_print_as_they_would_alone(code, output):
    test = {"kind": "stdin", "input": "a\n"}
    assert [reply.output for reply in replies(code, "", [test] * 3)] == [output] * 3


def test_a_sandbox_that_ended_once_has_a_second_try(monkeypatch):
    ended = []
    receive = session.Session.receive

    def once(self, seconds):
        if not ended:
            ended.append(1)
            raise session.SandboxFailure("died")
        return receive(self, seconds)

    monkeypatch.setattr(session.Session, "receive", once)
    calls = [{"kind": "call", "function": "f", "input": [n]} for n in range(20)]
    assert [reply.value for reply in replies("def f(x): return x", "", calls)] == [str(n) for n in range(20)]


def test_a_reply_can_be_had_again_in_a_new_sandbox():
    code = (
        "import pathlib\npath = pathlib.Path('/tmp/runs')\npath.touch()\nprint(path.write_text(path.read_text() + 'x'))"
    )
    made = replies(code, "", [{"kind": "stdin", "input": ""}] * 3)
    seen = [next(made), next(made), made.send(True), next(made)]
    assert [(reply.output, reply.alone) for reply in seen] == [
        ("1\n", True), ("2\n", False), ("1\n", True), ("2\n", False),
    ]  # fmt: skip
    assert [reply.output for reply in replies(code, "", [{"kind": "stdin", "input": ""}] * 3, alone=True)] == [
        "1\n"
    ] * 3


def test_calls_of_one_run_share_a_sandbox_where_runs_are_alone():
    calls = [{"kind": "call", "function": "f", "input": [], "again": again} for again in (False, True, False, True)]
    code = "seen = []\ndef f():\n    seen.append(1)\n    return len(seen)"
    assert [reply.value for reply in replies(code, "", calls, alone=True)] == ["1", "2", "1", "2"]


@pytest.mark.parametrize("reply", [{"raised": "StopIteration", "says": ""}, {"failed": ""}, {"passed": True}, {}])
def test_a_failure_of_which_nothing_is_said_is_one(reply):
    line = json.dumps(reply).encode() + b"\n"
    code = f"import os\nwhile True:\n    os.write(4, {line!r})\n    os.read(3, 1 << 16)"
    (made,) = replies(code, "", [{"kind": "assert", "code": "assert f(7) == 8"}])
    assert made.failure and not made.held and made.value is made.output is None


@pytest.mark.parametrize(("seconds", "sandboxes"), [(0.0, 2), (0.35, 1)])
def test_a_program_that_dies_late_has_no_second_try(seconds, sandboxes, monkeypatch):
    """It has used the time of a test already, half of it asleep."""
    opened = []
    monkeypatch.setattr(jobs, "open_session", lambda script: opened.append(script) or session.open_session(script))
    monkeypatch.setattr(jobs, "TEST_SECONDS", 0.5)
    code = f"import os, time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"
    code += f"time.sleep({seconds})\nos.kill(os.getpid(), 9)\nos.abort()"
    (reply,) = replies(code, "", [{"kind": "stdin", "input": ""}])
    assert reply.failure == "it ended its own process" and len(opened) == sandboxes


def test_all_tests_have_one_limit_of_time(monkeypatch):
    monkeypatch.setattr(jobs, "TOTAL_SECONDS", 0.5)
    code = "import time\ntime.sleep(0.2)\nprint(3)"
    started = time.monotonic()
    made = list(replies(code, "", [{"kind": "stdin", "input": ""}] * 50))
    assert made[0].output == "3\n" and made[-1].failure == "it took too long" and not made[-1].settled
    assert time.monotonic() - started < 10


def test_large_inputs_and_outputs_pass():
    text = " ".join(map(str, range(100_000)))
    (reply,) = replies("print(input())", "", [{"kind": "stdin", "input": text}])
    assert reply.output == text + "\n"
    (reply,) = replies("def f(x): return x", "", [{"kind": "call", "function": "f", "input": [list(range(100_000))]}])
    assert json.loads(reply.value)[1:] == list(range(100_000))
    (reply,) = replies("def f(x): return 1", "", [{"kind": "call", "function": "f", "input": ["x" * (2 << 20)]}])
    assert reply.value == "1"
    (reply,) = replies("def f(x): return 1", "", [{"kind": "call", "function": "f", "input": ["x" * (9 << 20)]}])
    assert reply.failure == "refused: the test's input is too large"
