"""Right programs, as people and models write them, are judged right: a job's first run and those after it."""

import pytest

from data.verifiers.programs import Program
from tests.unit.data.verifiers.test_programs import program_row

READ = "a, b = map(int, input().split())\n"
RECURSION = "import sys\nfrom functools import cache\nsys.setrecursionlimit(10 ** 6)\n@cache\n"
COUNT = "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\n"

SUMS = {
    # how they read
    "lines": READ + "print(a + b)",
    "a file": "print(sum(map(int, open(0).read().split())))",
    "a device": "print(sum(map(int, open('/dev/stdin').read().split())))",
    "bytes": "import sys\nprint(sum(map(int, sys.stdin.buffer.readline().split())))",
    "descriptors": "import os\nos.write(1, b'%d' % sum(map(int, os.read(0, os.fstat(0).st_size).split())))",
    "a buffer": (
        "import io, os\ninput = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline\n"
        "print(sum(map(int, input().split())))"
    ),
    "fileinput, left early": (
        "import fileinput\nfor line in fileinput.input():\n    print(sum(map(int, line.split())))\n    break"
    ),
    "numpy": "import numpy as np, sys\nprint(int(np.loadtxt(sys.stdin).sum()))",
    "input of its own": "import builtins, sys\nbuiltins.input = lambda: sys.stdin.readline()\n" + READ + "print(a + b)",
    # how they print
    "a file that is left open": READ + "out = open(1, 'w')\nout.write(str(a + b))",
    "a file that is closed": READ + "with open(1, 'w') as out:\n    out.write(str(a + b))",
    "a file for each line": READ + "print(a + b, file=open(1, 'w'))",
    "a stream that is closed": READ + "import sys\nprint(a + b)\nsys.stdout.close()\nsys.stdin.close()",
    "descriptors that are closed": READ + "import os\nprint(a + b, flush=True)\nos.close(0)\nos.close(1)",
    "an output device": READ + "with open('/dev/stdout', 'w') as out:\n    out.write(str(a + b))",
    "another wrapper": (
        READ + "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\nprint(a + b)"
    ),
    "a detached stream": (
        READ + "import codecs, sys\nsys.stdout = codecs.getwriter('utf-8')(sys.stdout.detach())\nprint(a + b)"
    ),
    "a print of its own": (
        "import builtins\nold = print\ndef new(*given): old(*given)\nbuiltins.print = new\n" + READ + "print(a + b)"
    ),
    "logging": (
        READ + "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(message)s', level=20)\n"
        "logging.info(a + b)"
    ),
    "errors beside it": READ + "import sys\nprint('seen', a, file=sys.stderr)\nprint(a + b)",
    # how they end
    "exit": READ + "print(a + b)\nexit()\nprint('never')",
    "exit inside": READ + "import sys\ntry:\n    print(a + b)\n    sys.exit(0)\nfinally:\n    pass",
    "at exit": READ + "import atexit\natexit.register(lambda: print(a + b))",
    "a thread": (
        "import threading\ndef main():\n    print(sum(map(int, input().split())))\n"
        "threading.Thread(target=main).start()"
    ),
    "a guard": "def main():\n    print(sum(map(int, input().split())))\nif __name__ == '__main__':\n    main()",
    # what they use
    "asyncio": (
        "import asyncio\nasync def main():\n    a, b = map(int, input().split())\n"
        "    print(sum(await asyncio.gather(asyncio.to_thread(int, a), asyncio.to_thread(int, b))))\n"
        "asyncio.run(main())"
    ),
    "a pool": (
        READ + "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    print(sum(pool.map(int, [a, b])))"
    ),
    "a pool that nobody shuts down": (
        READ + "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(4)\nprint(sum(pool.map(int, [a, b])))"
    ),
    "data classes": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass(order=True, slots=True)\n"
        "class Number:\n    value: int\n" + READ + "print(Number(a).value + Number(b).value)"
    ),
    "pickle": (
        READ + "import pickle\nclass Sum: pass\nmade = Sum()\nmade.value = a + b\n"
        "print(pickle.loads(pickle.dumps(made)).value)"
    ),
    "decimals": READ + "from decimal import *\ngetcontext().prec = 50\nprint(Decimal(a) + b)",
    "every name": (
        "from typing import *\nfrom math import *\nfrom collections import *\nfrom heapq import *\n"
        "def add(x: List[int]) -> Optional[int]: return sum(x)\nprint(add(list(map(int, input().split()))))"
    ),
    "a file of its own": READ + "open('sum', 'a').write(str(a + b))\nprint(open('sum').read())",
    "its own place": ("import os\nos.chdir(os.path.dirname(os.path.abspath(__file__)))\n" + READ + "print(a + b)"),
    "much memory": READ + "table = [0] * 50_000_000\ndef size(): return len(table)\nprint(a + b + 0 * size())",
    "much memory in an array": (
        READ + "import numpy\ntable = numpy.ones(50_000_000)\ndef size(): return table.size\nprint(a + b + 0 * size())"
    ),
    "no collector": (
        READ + "import gc\ngc.disable()\ntable = [0] * 50_000_000\ndef size(): return len(table)\n"
        "print(a + b + 0 * size())"
    ),
}
LARGE = " ".join(["12345"] * 900_000)
OTHERS = {
    "recursion": ("import sys\nsys.setrecursionlimit(10 ** 6)\n" + COUNT + "print(f(int(input())))", "90000", "90000"),
    "recursion through C": (RECURSION + COUNT + "print(f(int(input())))", "40000", "40000"),
    "recursion in a thread": (
        f"import threading\n{RECURSION}{COUNT}threading.stack_size(1 << 28)\n"
        "threading.Thread(target=lambda: print(f(int(input())))).start()", "90000", "90000",
    ),
    "a stack of its own": (
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY,) * 2)\n"
        "sys.setrecursionlimit(10 ** 6)\n" + COUNT + "print(f(int(input())))", "20000", "20000",
    ),
    "large input": ("import sys\nprint(sum(map(int, sys.stdin.read().split())))", LARGE, str(12345 * 900_000)),
    "large output": ("print('\\n'.join(['12345678'] * int(input())))", "100000", "12345678\n" * 100_000),
    "no input": ("import sys\nprint(len(sys.stdin.read()))", "", "0"),
    "an end of input": ("n = 0\ntry:\n    while True: n += int(input())\nexcept EOFError: print(n)", "1\n2\n3", "6"),
    "other line ends": ("print(int(input()) + int(input()))", "1\r\n2\r\n", "3\r\n"),
    "other letters": ("text = input()\nprint(text[::-1], len(text))", "\u00e4\u6f22\n", "\u6f22\u00e4 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", SUMS)
def test_sums(name):
    tests = [{"kind": "stdin", "input": f"{n} {n + 1}\n", "output": f"{2 * n + 1}\n"} for n in range(4)]
    verdict = Program().explain(SUMS[name], program_row(*tests))
    assert verdict.right, verdict.reason


@pytest.mark.parametrize("name", OTHERS)
def test_others(name):
    code, given, printed = OTHERS[name]
    verdict = Program().explain(code, program_row(*[{"kind": "stdin", "input": given, "output": printed}] * 2))
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("code", "given", "value"),
    [
        ("def f(a, b): return a[-1] + b[-1]", [list(range(120_000))] * 2, 239_998),
        ("def f(text): return len(text)", ["x" * 2_000_000], 2_000_000),
        ("table = [0] * 50_000_000\ndef f(x): return x", [3], 3),
        ("import sys\nsys.setrecursionlimit(10 ** 6)\n" + COUNT, [90_000], 90_000),
        ("print('started')\ndef f(x):\n    print(x)\n    return x", [3], 3),
        ("class Solution:\n    n = 0\n    def f(self, x):\n        self.n += 1\n        return self.n", [3], 1),
        ("import asyncio\nasync def g(x): return x\ndef f(x): return asyncio.run(g(x))", [3], 3),
    ],
)
def test_calls(code, given, value):
    tests = [{"kind": "call", "function": "f", "input": given, "output": value}] * 4
    verdict = Program().explain(code, program_row(*tests))
    assert verdict.right, verdict.reason
