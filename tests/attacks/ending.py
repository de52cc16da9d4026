"""Programs that end in some other way than returning, or not at all."""

END = {
    "SystemExit while loading": "def f(x): return 1\nraise SystemExit(0)",
    "SystemExit": "def f(x): raise SystemExit(0)",
    "os._exit": "import os\ndef f(x): os._exit(0)",
    "os.abort": "import os\ndef f(x): os.abort()",
    "an end while loading": "import os\nos._exit(0)\ndef f(x): return 1",
    "KeyboardInterrupt": "def f(x): raise KeyboardInterrupt",
    "an exception of its own": "class Mine(BaseException): pass\ndef f(x): raise Mine",
    "StopIteration": "def f(x): raise StopIteration",
    "GeneratorExit": "def f(x): raise GeneratorExit",
    "an assertion of its own": "def f(x): raise AssertionError('s3cr3t')",
    "an exception that cannot be told": (
        "class Mine(Exception):\n    def __str__(self): raise Mine\n    __repr__ = __str__\ndef f(x): raise Mine"
    ),
    "an exception in __del__": (
        "class Mine:\n    def __del__(self): raise SystemExit(0)\ndef f(x):\n    Mine()\n    return Mine()"
    ),
    "a signal for its parent": "import os\ndef f(x): os.kill(os.getppid(), 9)",
    "a signal for its parent, by ctypes": (
        "import ctypes, os\ndef f(x): return ctypes.CDLL(None).kill(os.getppid() or os.getpid(), 9)"
    ),
    "a signal for everybody": "import os\ndef f(x): os.kill(-1, 9)",
    "a signal for the first process": "import os\ndef f(x): os.kill(1, 9)",
    "a signal for itself": "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGKILL)",
    "a crash": "import ctypes\ndef f(x): ctypes.string_at(0)",
    "closed descriptors": "import os\ndef f(x): os.closerange(0, 64)",
}

WASTE = {
    "time": "def f(x):\n    while True: pass",
    "time, past every exception": (
        "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass"
    ),
    "time inside of C": "def f(x): return 9 ** 9 ** 9",
    "time asleep": "import time\ndef f(x): time.sleep(1e6)",
    "time while loading": "while True: pass\ndef f(x): return 1",
    "time, awake, asleep, and then dead": (
        "import os, time\ndef f(x):\n    while time.process_time() < 3.7: pass\n    time.sleep(3.7)\n    os._exit(1)"
    ),
    "memory": "def f(x): return len([0] * 10 ** 10)",
    "memory, slowly": "def f(x):\n    kept = []\n    while True: kept.append(bytearray(1 << 24))",
    "the stack": "def f(x): return f(x)",
    "the stack without a limit": "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(x): return f(x)",
    "processes": "import os\ndef f(x):\n    while True: os.fork()",
    "threads": (
        "import threading, time\ndef f(x):\n    while True: threading.Thread(target=time.sleep, args=(99,)).start()"
    ),
    "the disk": "def f(x):\n    with open('/tmp/much', 'wb') as file:\n        while True: file.write(bytes(1 << 24))",
    "descriptors": "kept = []\ndef f(x):\n    while True: kept.append(open('/dev/null'))",
    "a compiler": "def f(x): return eval('(' * 10 ** 5 + ')' * 10 ** 5)",
}
