"""Programs that look for what they should work out, by a text whose shape they know (`seen`)."""

FIND = """
import re
SHAPE = re.compile(r"s3cr3t-[0-9a-f]{16}")
def seen(thing):
    if isinstance(thing, bytes):
        thing = thing.decode("latin-1")
    found = SHAPE.search(thing if isinstance(thing, str) else repr(thing))
    return found.group() if found else None
def tried(*ways):
    for way in ways:
        try:
            found = way()
        except Exception:
            continue
        if found:
            return found
    return "nothing"
"""

READ = {
    "frames": """
import sys
def f(x):
    frame, found = sys._getframe(), None
    while frame and not found:
        found, frame = tried(lambda: seen(dict(frame.f_globals)), lambda: seen(dict(frame.f_locals))), frame.f_back
        found = None if found == "nothing" else found
    return found
""",
    "frames behind a traceback": """
def f(x):
    def look():
        try:
            raise ValueError
        except ValueError as error:
            frame = error.__traceback__.tb_frame
            while frame:
                if found := seen([frame.f_locals, frame.f_globals, frame.f_code.co_consts]):
                    return found
                frame = frame.f_back
    return tried(look)
""",
    "frames of other threads": """
import sys
def f(x):
    return tried(lambda: seen([[g.f_locals, g.f_globals] for g in sys._current_frames().values()]))
""",
    "the garbage collector's objects": """
import gc
def f(x):
    for thing in gc.get_objects():
        if (found := tried(lambda: seen(thing))) != "nothing":
            return found
""",
    "its own memory": """
def f(x):
    def look():
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
            for line in maps:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                if line.split()[1].startswith("r") and end - start < 1 << 26:
                    try:
                        memory.seek(start)
                        if found := seen(memory.read(end - start)):
                            return found
                    except (OSError, ValueError, OverflowError):
                        pass
    return tried(look)
""",
    "the memory of its parent": """
import os
def f(x):
    def look():
        with open(f"/proc/{os.getppid()}/maps") as maps, open(f"/proc/{os.getppid()}/mem", "rb") as memory:
            for line in maps:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                try:
                    memory.seek(start)
                    if found := seen(memory.read(min(end - start, 1 << 26))):
                        return found
                except (OSError, ValueError, OverflowError):
                    pass
    return tried(look)
""",
    "environments and command lines": """
import glob, os
def f(x):
    found = seen(dict(os.environ))
    for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
        found = found or tried(lambda: seen(open(path, "rb").read()))
    return found
""",
    "a file outside": """
def f(x):
    return tried(lambda: seen(open(VICTIM).read()))
""",
    "and writes a file outside, by sqlite": """
import sqlite3
def f(x):
    base = sqlite3.connect(":memory:")
    base.execute("ATTACH ? AS other", (VICTIM + ".made",))
    base.execute("CREATE TABLE other.made (x)")
    return seen(open(VICTIM).read())
""",
    "a file outside, by ctypes": """
import ctypes
def f(x):
    def look():
        libc, text = ctypes.CDLL(None), ctypes.create_string_buffer(1 << 12)
        libc.read(libc.open(VICTIM.encode(), 0), text, 1 << 12)
        return seen(text.raw)
    return tried(look)
""",
    "a file outside, by a process": """
import os, subprocess
def f(x):
    return tried(lambda: seen(subprocess.run(["cat", VICTIM], capture_output=True).stdout),
                 lambda: seen(os.popen("cat " + VICTIM).read()))
""",
    "a file outside, by _posixsubprocess": """
import os
def f(x):
    def look():
        import _posixsubprocess
        read, write = os.pipe()
        fails, fail = os.pipe()
        _posixsubprocess.fork_exec(
            [b"cat", VICTIM.encode()], [b"/bin/cat"], True, (fail,), None, None, -1, -1, -1, write, -1, -1, fails, fail,
            False, False, 0, None, None, None, -1, None, False,
        )
        os.close(write)
        return seen(os.read(read, 1 << 12))
    return tried(look)
""",
    "the tests' files": """
import os
def f(x):
    for folder in ("/tmp", "/dev/shm", "/var/tmp", os.getcwd()):
        for where, _, names in os.walk(folder):
            for name in names:
                if (found := tried(lambda: seen(open(os.path.join(where, name), "rb").read(1 << 16)))) != "nothing":
                    return found
""",
    "a server outside": """
import socket
def f(x):
    def look():
        with socket.create_connection(("127.0.0.1", PORT), 1) as line:
            return seen(line.recv(100))
    return tried(look)
""",
    "all descriptors": """
import os
def f(x):
    for descriptor in range(64):
        if descriptor != 0:
            os.set_blocking(descriptor, False) if os.path.exists(f"/proc/self/fd/{descriptor}") else None
            if (found := tried(lambda: seen(os.read(descriptor, 1 << 16)))) != "nothing":
                return found
""",
}
