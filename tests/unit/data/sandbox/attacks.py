"""What code in a job tries, and what it must get: run by the tests, and once more by them as an ordinary user.

Each attack is the body of a function whose value is the reply; an exception is answered by its type.
"""

import json
import platform
import sys
import textwrap

from data.sandbox.command import CHECKOUT
from data.sandbox.seccomp import REFUSED
from data.sandbox.session import SandboxFailure, open_session

DRIVER = """
import json, os
for line in open(3, "rb"):
    space = {}
    try:
        exec(json.loads(line)["code"], space)
        reply = {"value": space["attack"]()}
    except BaseException as error:
        if isinstance(error, MemoryError):
            raise
        reply = {"error": "OSError" if isinstance(error, OSError) else type(error).__name__}
    data = json.dumps(reply).encode() + b"\\n"
    while data:
        data = data[os.write(4, data):]
"""
LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
NO = {"error": "OSError"}
SYSTEM_CALLS = list(REFUSED.values())

ATTACKS: dict[str, tuple[str, object]] = {
    # networks
    "socket": ("import socket; socket.socket()", NO),
    "unix_socket": ("import socket; socket.socket(socket.AF_UNIX)", NO),
    "netlink": ("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", NO),
    "web": ("from urllib.request import urlopen; urlopen('http://127.0.0.1')", NO),
    # files
    "passwords": ("open('/etc/passwd')", NO),
    "checkout": (f"open('{CHECKOUT}/README.md')", NO),
    "home": ("import os; return [n for n in os.listdir('/root') if n != '.pyenv'] if os.path.exists('/root') else []",
             {"value": []}),
    "homes": ("import os; os.listdir('/home')", NO),
    "devices": ("import os; return sorted(os.listdir('/dev'))",
                {"value": ["full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"]}),
    "sysfs": ("open('/sys/kernel/notes', 'rb')", NO),
    "write_root": ("open('/file', 'w')", NO),
    "write_system": ("open('/usr/bin/file', 'w')", NO),
    "write_python": ("import os; open(os.__file__, 'a')", NO),
    "delete_python": ("import os; os.remove(os.__file__)", NO),
    "write_dev": ("open('/dev/file', 'w')", NO),
    "kernel_settings": ("open('/proc/sys/kernel/hostname', 'w')", NO),
    "host": ("import os; return os.uname().nodename", {"value": "sandbox"}),
    "environment": ("import os; return [n for n in os.environ if 'SECRET' in n]", {"value": []}),
    # processes
    "others": ("import os; return [n for n in os.listdir('/proc') if n.isdigit()]", {"value": ["1"]}),
    "parent": ("import os; return os.getppid()", {"value": 0}),
    "kill_all": ("import os; os.kill(-1, 9)", NO),
    "kill_parent": ("import os; os.kill(2, 9)", NO),
    "fork": ("import os; os.fork()", NO),
    "fork_bomb": (f"{LIBC}return [libc.fork() for _ in range(100)].count(-1)", {"value": 100}),
    "daemon": ("import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)", NO),
    "spawn": ("import os; os.posix_spawn('/bin/true', ['true'], {})", NO),
    "multiprocessing": ("from multiprocessing import get_context; get_context('fork').Process().start()", NO),
    "exec": ("import os; os.execv('/bin/true', ['true'])", NO),
    "thread_bomb": (
        """
        import threading
        wait, started = threading.Event(), 0
        try:
            while started < 1000:
                threading.Thread(target=wait.wait, daemon=True).start()
                started += 1
        except RuntimeError:
            return 0 < started < 64
        """,
        {"value": True},
    ),
    "ptrace": (f"{LIBC}return libc.ptrace(16, 1, 0, 0)", {"value": -1}),
    "system_calls": (
        f"""
        import ctypes, os, platform
        libc = ctypes.CDLL(None, use_errno=True)
        passed, column = [], 0 if platform.machine() == 'x86_64' else 1
        for numbers in {SYSTEM_CALLS}:
            if numbers[column] is not None and (libc.syscall(numbers[column], 0, 0, 0), ctypes.get_errno()) != (-1, 1):
                passed.append(numbers)
        return passed
        """,
        {"value": []},
    ),
    "lock": ("import fcntl, os; fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX)", NO),
    # rights
    "root": ("import os; os.setuid(0)", NO),
    "rights": (
        """
        import os
        lines = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
        sets = {int(lines[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
        return [sets == {0}, int(lines["NoNewPrivs"]), int(lines["Seccomp"]), os.getuid() != 0]
        """,
        {"value": [True, 1, 2, True]},
    ),
    "user_namespace": (f"{LIBC}return libc.unshare(0x10000000)", {"value": -1}),
    "mount": (f"{LIBC}return libc.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None)", {"value": -1}),
    "unmount": (f"{LIBC}return libc.umount2(b'/tmp', 2)", {"value": -1}),
    "priority": ("import os; os.nice(-5)", NO),
    "limits": ("import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))", {"error": "ValueError"}),
    # memory and disk
    "memory": ("return bytearray(2 << 30)", "memory"),
    "memory_slowly": ("held = []\nwhile True: held.append(bytearray(1 << 24))", "memory"),
    "shared_memory": (f"{LIBC}return libc.shmget(0, 1 << 20, 0o1600)", {"value": -1}),
    "memory_file": ("import os; os.memfd_create('file')", NO),
    "mapping": ("import mmap; mmap.mmap(-1, 2 << 30)", NO),
    "large_file": ("open('file', 'wb').write(bytes(33 << 20))", NO),
    "disk": ("for number in range(9): open(f'file{number}', 'wb').write(bytes(8 << 20))", NO),
    "shm": ("for number in range(9): open(f'/dev/shm/{number}', 'wb').write(bytes(8 << 20))", NO),
    "many_files": ("for number in range(5000): open(f'file{number}', 'w').close()", NO),
    "open_files": ("held = [open('/dev/null') for _ in range(100)]", NO),
    # what is left to find
    "descriptors": (
        """
        import fcntl
        found = []
        for descriptor in range(64):
            try:
                fcntl.fcntl(descriptor, fcntl.F_GETFD)
            except OSError:
                continue
            found.append(descriptor)
        return found
        """,
        {"value": [0, 1, 2, 3, 4]},
    ),
    "files_of_others": ("import os; return os.listdir('/tmp')", {"value": []}),
    # time
    "endless": ("while True: pass", "time"),
    "sleep": ("import time; time.sleep(1000)", "time"),
    "threads_that_burn": (
        "import threading\ndef burn():\n while True: pass\n"
        "for _ in range(3): threading.Thread(target=burn).start()\nburn()",
        "time",
    ),
    # replies
    "large_reply": ("return [()] * 1_900_000", "output"),
    "flood": ("import os\nwhile True: os.write(4, b'x' * 65536)", "output"),
    "flood_of_lines": ("import os\nfor _ in range(100): os.write(4, b'\\n' * 65536)", "output"),
    "not_utf8": ("import os; os.write(4, b'\\xff\\xfe\\n')", "output"),
    "no_json": ("import os; os.write(4, b'passed\\n')", "output"),
    "not_finite": ("return float('nan')", "output"),
    "no_object": ("import os; os.write(4, b'[true]\\n')", "output"),
    "deep": ("import os; os.write(4, b'[' * 1_000_000 + b'\\n')", "output"),
    "deep_object": ("import os; os.write(4, b'{\"a\":' * 500_000 + b'\\n')", "output"),
    "huge_number": ("import os; os.write(4, b'{\"value\": ' + b'9' * 1_000_000 + b'}\\n')", "output"),
    # ends
    "exit": ("import os; os._exit(0)", "died"),
    "abort": ("import os; os.abort()", "died"),
    "crash": (f"{LIBC}ctypes.string_at(0)", "died"),
    "system_exit": ("raise SystemExit(0)", {"error": "SystemExit"}),
    "interrupt": ("raise KeyboardInterrupt", {"error": "KeyboardInterrupt"}),
    "closed_pipes": ("import os; os.close(3); os.close(4)", "died"),
    "kill_itself": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL); os._exit(1)", "died"),
}  # fmt: skip

if platform.machine() == "x86_64":  # system calls by the other tables that it has
    ATTACKS["calls_of_32_bits"] = (
        """
        import ctypes, mmap
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(bytes([0xB8, 2, 0, 0, 0, 0xCD, 0x80, 0xC3]))  # fork
        return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
        """,
        "died",
    )
    ATTACKS["calls_of_x32"] = (f"{LIBC}return libc.syscall(0x40000000 + 41, 1, 1, 0)", "died")


def outcome(code: str, seconds: float = 2.0) -> object:
    """The reply to an attack, or the reason why there was none."""
    with open_session(DRIVER) as session:
        session.send({"code": "def attack():\n" + textwrap.indent(textwrap.dedent(code), " ")})
        try:
            return session.receive(seconds)
        except SandboxFailure as failure:
            return failure.reason


def seconds_for(name: str) -> float:
    """Little where all of it is spent."""
    return 0.2 if ATTACKS[name][1] == "time" else 5.0


if __name__ == "__main__":
    outcomes = {}
    for attack in ATTACKS:
        outcomes[attack] = [outcome(ATTACKS[attack][0], seconds_for(attack)), outcome("return 6 * 7")]
    json.dump(outcomes, sys.stdout)
