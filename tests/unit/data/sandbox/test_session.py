"""A session's life: messages of any size, its end, and what is left of it in this process and on this machine."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data.sandbox import availability
from data.sandbox.command import CHECKOUT
from data.sandbox.server import SPARE_JOBS, bury, readable
from data.sandbox.session import MAX_REPLY, SandboxFailure, open_session
from tests.unit.data.sandbox.attacks import DRIVER, outcome

ECHO = """
import json, os
for line in open(3, "rb"):
    data = json.dumps({"size": len(line), "text": json.loads(line).get("text")}).encode() + b"\\n"
    while data:
        data = data[os.write(4, data):]
"""


def process_of(handle: int) -> int:
    """The number of the process of a handle; -1 if it is gone."""
    lines = Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))


def children(process: int) -> list[int]:
    """Of any thread of a process."""
    files = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def server_process() -> int:
    """The number of the server inside, once it runs."""
    outcome("return 0")
    return process_of(availability._server._handle)


def test_messages_come_in_order():
    with open_session(ECHO) as session:
        for number in range(3):
            session.send({"text": number})
        assert [session.receive(2)["text"] for _ in range(3)] == [0, 1, 2]


def test_large_messages_pass_both_ways():
    text = "\u00e4\ud800\n" * 100_000
    with open_session(ECHO) as session:
        session.send({"text": text})
        assert session.receive(5)["text"] == text
        session.send({"text": "x" * (MAX_REPLY - 100)})
        assert len(session.receive(5)["text"]) == MAX_REPLY - 100
        session.send({"text": "x" * MAX_REPLY})
        with pytest.raises(SandboxFailure, match="output"):
            session.receive(5)


def test_a_job_that_does_not_read():
    with open_session("import time\nwhile True: time.sleep(100)") as session:
        session.send({"text": "x" * 10_000_000})
        with pytest.raises(SandboxFailure, match="time"):
            session.receive(0.1)


def test_computing_and_sleeping_have_a_limit_each():
    with open_session(DRIVER) as session:
        session.send({"code": "import time\ndef attack(): time.sleep(0.3)"})
        assert session.receive(0.5) == {"value": None}
        session.send({"code": "import time\ndef attack():\n while time.process_time() < 0.3: pass\n time.sleep(0.3)"})
        assert session.receive(0.5) == {"value": None}


def test_a_busy_machine_takes_no_time_from_a_job():
    """Jobs that compute as long as three times what one has, on one processor: each has its own all the same."""
    pin = f"import os, time\nos.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}})\n"
    compute = "def attack():\n end = time.process_time() + 0.3\n while time.process_time() < end: pass"
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(open_session(DRIVER)) for _ in range(4)]
        for session in sessions:
            session.send({"code": pin + compute})
        assert [session.receive(0.5) for session in sessions] == [{"value": None}] * 4


def test_a_driver_that_fails_has_died():
    with open_session("raise ValueError") as session, pytest.raises(SandboxFailure, match="died"):
        session.receive(2)


def test_jobs_share_no_files():
    with open_session(DRIVER) as first, open_session(DRIVER) as second:
        first.send({"code": "def attack(): return open('/tmp/file', 'w').write('secret')"})
        assert first.receive(2) == {"value": 6}
        second.send({"code": "import os\ndef attack(): return os.listdir('/tmp')"})
        assert second.receive(2) == {"value": []}


def test_the_same_program_does_the_same():
    code = "return [list({str(n) for n in range(20)}), hash('text')]"
    assert outcome(code) == outcome(code)
    assert outcome("import random; return random.random()") != outcome("import random; return random.random()")


def test_packages_can_be_imported():
    assert outcome("import numpy; return int(numpy.arange(4).sum())", seconds=20) == {"value": 6}


def test_nothing_is_left_behind():
    server = server_process()
    bury()
    before = sorted(os.listdir("/proc/self/fd"))
    for code in ("return 0", "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()"):
        for _ in range(5):
            outcome(code)
    bury()
    assert sorted(os.listdir("/proc/self/fd")) == before
    with open_session(DRIVER):  # by the time that it is given, the jobs that wait have been made
        assert len(children(server)) <= SPARE_JOBS + 1


def test_a_job_is_gone_when_the_block_ends():
    with open_session(DRIVER) as session:
        session.send({"code": "while True: pass"})
        handle = os.dup(session._job.process)
    assert readable(handle, 30) and process_of(handle) == -1
    os.close(handle)


def test_threads_have_sessions_at_once():
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: outcome(f"return {n}"), range(40))) == [{"value": n} for n in range(40)]


def test_the_thread_that_started_the_server_may_end():
    availability.close()
    starter = threading.Thread(target=outcome, args=("return 0",))
    starter.start()
    starter.join()
    server = process_of(availability._server._handle)
    assert outcome("return 1") == {"value": 1} and server_process() == server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_to_everything_do_not_end_a_session(number):
    server = server_process()
    with open_session(DRIVER) as session:
        os.killpg(availability._server._process.pid, number)
        for process in (server, process_of(session._job.process)):
            os.kill(process, number)
        session.send({"code": "def attack(): return 1"})
        assert session.receive(2) == {"value": 1}
    assert outcome("return 2") == {"value": 2}


def test_a_server_that_is_killed_is_replaced():
    server = server_process()
    with open_session(DRIVER) as session:
        os.kill(server, signal.SIGKILL)
        assert readable(availability._server._handle, 30)  # which waits for its jobs
        session.send({"code": "def attack(): return 1"})
        with pytest.raises(SandboxFailure, match="died"):
            session.receive(5)
    assert outcome("return 2") == {"value": 2} and server_process() != server


def test_a_fork_of_this_process_has_a_server_of_its_own():
    server = server_process()
    child = os.fork()
    if child == 0:
        right = outcome("return 1") == {"value": 1} and server_process() != server
        availability.close()
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert outcome("return 2") == {"value": 2} and server_process() == server


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)", "sys.exit(0)"])
def test_nothing_outlives_this_process(end):
    program = f"""if True:
        import os, signal, sys
        from data.sandbox.session import open_session
        from tests.unit.data.sandbox.test_session import DRIVER, process_of, server_process
        print(server_process(), flush=True)
        with open_session(DRIVER) as session:
            session.send({{"code": "while True: pass"}})
            print(process_of(session._job.process), flush=True)
            sys.stdin.readline()
            {end}
    """
    command = [sys.executable, "-c", program]
    caller = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    handles = [os.pidfd_open(int(caller.stdout.readline())) for _ in range(2)]
    caller.communicate("\n")
    for handle in handles:
        assert select.select([handle], [], [], 30)[0]
        os.close(handle)
