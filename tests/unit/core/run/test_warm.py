"""A command in a child of the server ends, writes and is killed as the plain one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages.core.run import warm_server
from stages.core.run.warm import ADDRESS

ROOT = Path(__file__).resolve().parents[4]
LONGEST = 60
"""Seconds after which something does not happen any more."""


def until(happens: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + LONGEST
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Server:
    """A server that has loaded nothing, and commands for it, which lie in `folder`."""

    def __init__(self, folder: Path, first: str = "pass"):
        self.folder, self.address = folder, folder / "of_server" / "socket"
        self.address.parent.mkdir()
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), ADDRESS: str(self.address)}
        without = f"import {warm_server.__name__} as server; server.LIBRARIES = (); {first}; server.main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", without, str(self.address)], stdin=subprocess.PIPE, env=self.environment
        )
        until(lambda: self.address.exists() or self.process.poll() is not None)

    def start(self, code: str, **environment: str) -> subprocess.Popen:
        """A command, its output in a pipe."""
        (self.folder / "command.py").write_text(code)
        return subprocess.Popen(
            [sys.executable, "-m", "stages.core.run.warm", "command", "first", "second"], cwd=self.folder,
            env=self.environment | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, code: str, **environment: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        process = self.start(code, **environment)
        output, _ = process.communicate(timeout=LONGEST)
        return process.returncode, output


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.process.stdin.close()
    assert server.process.wait(timeout=LONGEST) == 0
    assert not server.address.parent.exists()


def gone(process: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


PARENT = "import os; print(open(f'/proc/{os.getppid()}/cmdline').read())"
WAITS = """
import os, signal, time
from pathlib import Path
def ends(number, frame):
    print("got", number, flush=True)
    raise SystemExit(7)
signal.signal(signal.SIGTERM, ends)
signal.signal(signal.SIGINT, ends)
Path("draft").write_text(str(os.getpid()))
Path("draft").rename(os.environ["SAYS"])
while True:
    time.sleep(0.01)
"""


COUNTS = """
import os, signal, time
from pathlib import Path
def counts(number, frame):
    global ends
    print("got", number, flush=True)
    ends = time.monotonic() + 1
signal.signal(signal.SIGTERM, counts)
ends = time.monotonic() + 60
Path("draft").write_text(str(os.getpid()))
Path("draft").rename("started")
while time.monotonic() < ends:
    time.sleep(0.01)
"""


def keeper_of(child: int) -> int:
    """The parent of a child."""
    return int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])


def waiting(server: Server, name: str = "started") -> tuple[subprocess.Popen, int]:
    """A command that waits for a signal, and its child."""
    process = server.start(WAITS, SAYS=name)
    until((server.folder / name).exists)
    return process, int((server.folder / name).read_text())


def test_a_child_is_as_the_plain_command(server):
    code = (
        "import os, sys\nprint(sys.argv[1:], os.getcwd(), os.environ['SAYS'], sys.path[0], __name__, __spec__.name)\n"
        "print('also', file=sys.stderr)\nsys.exit(5)\n"
    )
    warm = server.run(code, SAYS="this")
    (server.folder / "command.py").write_text(code)
    plain = subprocess.run(
        [sys.executable, "-m", "command", "first", "second"], cwd=server.folder, text=True, check=False,
        env=server.environment | {"SAYS": "this"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert warm == (plain.returncode, plain.stdout) and warm[0] == 5
    assert "warm_server" in server.run(PARENT)[1]


def test_code_that_changes_on_the_disk_is_the_code_that_runs(server):
    for number in ("1", "23"):  # of another length: within a second Python tells files apart by that
        (server.folder / "imported.py").write_text(f"NUMBER = {number}")
        assert server.run("import imported; print(imported.NUMBER)") == (0, f"{number}\n")


def test_an_error_is_told_and_ends_with_1(server):
    code, output = server.run("raise ValueError('wrong')")
    assert code == 1 and output.rstrip().endswith("ValueError: wrong")


def test_two_commands_at_once_and_one_outlives_the_server(server):
    (first, first_child), (second, second_child) = waiting(server, "first"), waiting(server, "second")
    second.send_signal(signal.SIGTERM)
    assert second.communicate(timeout=LONGEST)[0] == f"got {signal.SIGTERM}\n" and second.returncode == 7
    assert gone(second_child) and not gone(first_child) and first.poll() is None
    server.process.stdin.close()
    server.process.wait(timeout=LONGEST)
    first.send_signal(signal.SIGINT)
    assert first.communicate(timeout=LONGEST)[0] == f"got {signal.SIGINT}\n" and first.returncode == 7


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_the_end_of_the_command_kills_the_child(server, number):
    process, child = waiting(server)
    process.send_signal(number)
    assert process.wait(timeout=LONGEST) == -number
    until(lambda: gone(child))


def test_a_killed_child_ends_its_command_by_the_same_signal(server):
    process, child = waiting(server)
    os.kill(child, signal.SIGKILL)
    assert process.wait(timeout=LONGEST) == -signal.SIGKILL


def test_the_keeper_takes_its_child_along(server):
    process, child = waiting(server)
    os.kill(keeper_of(child), signal.SIGKILL)
    assert process.wait(timeout=LONGEST) == -signal.SIGKILL
    until(lambda: gone(child))


def test_a_signal_to_all_processes_reaches_the_child_once(server):
    """A cluster that ends a job signals whatever runs in it; a stage that is told twice saves nothing."""
    process = server.start(COUNTS)
    until((server.folder / "started").exists)
    child = int((server.folder / "started").read_text())
    for each in (server.process.pid, keeper_of(child), child, process.pid):
        os.kill(each, signal.SIGTERM)
    assert process.communicate(timeout=LONGEST)[0] == f"got {signal.SIGTERM}\n" and process.returncode == 0
    assert server.run("print('still')") == (0, "still\n")


def test_a_killed_server_leaves_its_children_and_holds_up_nobody(tmp_path):
    server = Server(tmp_path)
    process, _ = waiting(server)
    server.process.kill()
    server.process.wait()
    code, output = server.run(PARENT)
    assert code == 0 and "warm_server" not in output
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LONGEST) == 7


def test_a_request_that_nobody_begins_is_the_plain_command(server):
    address = server.folder / "deaf"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(str(address))
        door.listen()
        process = server.start(PARENT, **{ADDRESS: str(address)})
        with door.accept()[0] as link:
            link.recv(1)
        output, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0 and "warm_server" not in output


@pytest.mark.parametrize(
    "missing", ["del server.os.pidfd_open", "server.signal.pidfd_send_signal = lambda *_: server.os.close(-1)"]
)
def test_there_is_no_server_where_a_process_has_no_handle(tmp_path, missing):
    server = Server(tmp_path, missing)
    assert server.process.wait(timeout=LONGEST) == 0 and not server.address.parent.exists()
    code, output = server.run(PARENT)
    assert code == 0 and "warm_server" not in output


def test_a_closed_stream_stays_closed(server):
    (server.folder / "command.py").write_text("import sys; print(sys.stdin)")
    command = f"exec {sys.executable} -m stages.core.run.warm command <&-"
    done = subprocess.run(command, shell=True, cwd=server.folder, env=server.environment, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (0, b"None\n")


def test_files_beside_the_socket_are_kept(tmp_path):
    server = Server(tmp_path)
    (server.address.parent / "mine").touch()
    server.process.stdin.close()
    assert server.process.wait(timeout=LONGEST) == 0
    assert [path.name for path in server.address.parent.iterdir()] == ["mine"]


def test_temporary_files_lie_where_the_command_says(tmp_path):
    server = Server(tmp_path, "server.tempfile.gettempdir()")
    assert server.run("import tempfile; print(tempfile.gettempdir())", TMPDIR=str(tmp_path)) == (0, f"{tmp_path}\n")
    server.process.stdin.close()
    server.process.wait(timeout=LONGEST)


def test_without_a_server_it_is_the_plain_command(server):
    code, output = server.run(PARENT, **{ADDRESS: str(server.folder / "nobody")})
    assert code == 0 and "warm_server" not in output


def test_threads_are_those_of_the_command(tmp_path):
    """OMP_NUM_THREADS is read when torch is loaded: a child of another number has to be told."""
    (tmp_path / "command.py").write_text("import torch; print(torch.get_num_threads())")
    request = {"arguments": ["command"], "folder": str(tmp_path), "environment": os.environ | {"OMP_NUM_THREADS": "3"}}
    loaded = f"import torch; from {warm_server.__name__} import become; become({request!r})".replace(
        "environ(", "dict("
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", loaded], env=environment, text=True, timeout=LONGEST, capture_output=True, check=True
    )
    assert done.stdout == "3\n"
