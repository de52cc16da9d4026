"""One run of a stage at a time, tried with processes of their own."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from data.errors import InputError
from stages.core.run.lock import LOCK, check_free, only_run

HOLD = """
import os, sys
from pathlib import Path
from stages.core.run.lock import only_run
with only_run(Path(sys.argv[1])):
    workers = sys.argv[2:]
    child = os.fork() if workers else None
    last = child == 0 and os.fork() == 0
    if last or not workers:
        print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Start a process that has the lock of `tmp_path/stage`, until its stdin is closed or it is killed."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLD, str(tmp_path / "stage"), *arguments]
        process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()  # closes stdin: whatever it has forked ends


def test_a_second_run_is_refused_and_told_who_is_running(tmp_path, hold):
    first = hold()
    assert first.stdout.readline() == "held\n"
    sentence = f"stage is already running (process {first.pid} on {socket.gethostname()})"
    with pytest.raises(InputError, match=re.escape(sentence)), only_run(tmp_path / "stage"):
        pytest.fail("there are two")
    with pytest.raises(InputError, match=re.escape(sentence)):
        check_free(tmp_path / "stage")
    second = hold()
    assert sentence in second.communicate()[1] and second.returncode == 1


@pytest.mark.parametrize("workers", [(), ("workers",)])
def test_the_lock_ends_with_its_process_whatever_that_has_forked(tmp_path, hold, workers):
    first = hold(*workers)
    assert first.stdout.readline() == "held\n"
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    check_free(tmp_path / "stage")
    with only_run(tmp_path / "stage"):
        assert (tmp_path / "stage" / LOCK).read_text().startswith(f"process {os.getpid()} on ")


def test_what_no_run_has_touched_is_free(tmp_path):
    check_free(tmp_path / "stage")
    assert not (tmp_path / "stage").exists()


def test_a_file_system_without_locks_is_said_and_stops_nothing(tmp_path, monkeypatch, capsys):
    def refused(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refused)
    for _ in range(2):
        with only_run(tmp_path / "stage"), only_run(tmp_path / "stage"):
            check_free(tmp_path / "stage")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4 and all("stage: nobody would notice a second run of it" in line for line in said)
