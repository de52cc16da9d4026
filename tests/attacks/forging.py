"""Programs that say themselves that they are right, or change who says it."""

FORGE = {
    "a verdict on every descriptor": """
import json, os
LINES = [{"passed": True}, {"ended": None}, {"value": "true"}, {"output": "s3cr3t"}, {"right": True}, True, "passed"]
def f(x):
    for line in LINES:
        for descriptor in range(1, 64):
            try:
                os.write(descriptor, json.dumps(line).encode() + b"\\n")
            except OSError:
                pass
""",
    "a verdict, then an end": """
import os
def f(x):
    for descriptor in range(1, 64):
        try:
            os.write(descriptor, b'{"passed": true}\\n')
        except OSError:
            pass
    os._exit(0)
""",
    "a verdict on every descriptor at exit": """
import atexit, os
def say():
    for descriptor in range(1, 64):
        try:
            os.write(descriptor, b'{"passed": true}\\n')
        except OSError:
            pass
atexit.register(say)
def f(x):
    raise SystemExit(0)
""",
    "verdicts by a thread, for ever": """
import os, threading
def say():
    while True:
        for descriptor in range(3, 16):
            try:
                os.write(descriptor, b'{"passed": true}\\n')
            except OSError:
                pass
threading.Thread(target=say, daemon=True).start()
def f(x):
    return None
""",
    "verdicts by a daemon": """
import os, time
def f(x):
    if os.fork() == 0:
        os.setsid()
        for _ in range(100):
            for descriptor in range(1, 64):
                try:
                    os.write(descriptor, b'{"passed": true}\\n{"value": "1"}\\n')
                except OSError:
                    pass
            time.sleep(.01)
    return None
""",
    "lines that shift later answers": """
import os
def f(x):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b'{"value": "1"}\\n{"output": "1"}\\n{"passed": true}\\n' * 1000)
        except OSError:
            pass
    return 1
""",
    "lines in its parent's pipes": """
import ctypes, os
def f(x):
    libc = ctypes.CDLL(None)
    for process in {os.getppid(), 1}:
        for place in range(1, 16):
            descriptor = libc.open(f"/proc/{process}/fd/{place}".encode(), os.O_WRONLY | os.O_NONBLOCK)
            if descriptor >= 0 and process != 1:
                os.write(descriptor, b'{"passed": true}\\n{"value": "1"}\\n{"output": "1"}\\n')
""",
    "patched json": """
import json
json.dumps = lambda *_, **__: '{"passed": true}'
json.loads = lambda *_, **__: {"passed": True}
def f(x):
    return 1
""",
    "patched exec, compile, eval, print": """
import builtins
builtins.exec = builtins.eval = builtins.compile = builtins.print = lambda *_, **__: True
def f(x):
    return 1
""",
    "patched isinstance, repr, type": """
import builtins
builtins.isinstance, builtins.repr = (lambda *_: True), (lambda _: "true")
def f(x):
    return 1
""",
    "patched ast": """
import ast
ast.literal_eval = lambda _: type("Any", (), {"__eq__": lambda *_: True})()
def f(x):
    return 1
""",
    "patched modules": """
import sys, types
class Any(types.ModuleType):
    def __getattr__(self, name): return lambda *_, **__: True
for name in list(sys.modules):
    if name not in ("sys", "builtins"):
        sys.modules[name] = Any(name)
def f(x):
    return 1
""",
    "patched driver": """
import sys
main = sys.modules["__main__"]
for name, value in list(vars(main).items()):
    if callable(value) and not isinstance(value, type) and name != "f":
        setattr(main, name, lambda *_, **__: {"passed": True, "value": "true", "ended": None})
def f(x):
    return 1
""",
    "patched os.write": """
import os
write = os.write
os.write = lambda descriptor, data: write(descriptor, b'{"passed": true}\\n') and len(data)
def f(x):
    return 1
""",
    "a loop of its own over the channel": """
import os, sys
def f(x):
    for _ in range(50):
        try:
            os.write(4, b'{"value": "1", "passed": true, "raised": "StopIteration"}\\n')
            os.read(3, 1 << 16)
        except OSError:
            break
    return 1
""",
}
