"""The busy neighbour and its table; the stages themselves are run by the benchmark."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import neighbour as benchmark
from data.errors import InputError

ROOT = Path(__file__).resolve().parents[3]


class Stage:
    """Stands for an undisturbed stage: `start` is told to run a program in its place."""

    name = "base"


def started(monkeypatch, code: int, seen: list):
    """`start` runs a program with this exit code and notes the setting."""

    def start(whole, folder, setting):
        seen.append(setting)
        folder.parent.mkdir(parents=True)
        return subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])

    monkeypatch.setattr(benchmark, "start", start)


def test_the_neighbour_is_a_process_a_core_and_ends_with_the_block():
    with benchmark.neighbour(2) as processes:
        assert [process.poll() for process in processes] == [None, None]
    assert [process.returncode for process in processes] == [-9, -9]


def test_the_neighbour_ends_when_the_block_fails():
    with pytest.raises(ZeroDivisionError), benchmark.neighbour(1) as processes:
        _ = 1 // 0
    assert processes[0].returncode == -9


def test_the_neighbour_ends_with_a_benchmark_that_is_killed():
    code = "import os; from benchmarks.neighbour import neighbour as n; b = n(1); b.__enter__(); os._exit(0)"
    command = [sys.executable, "-c", code]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=120)  # until all have closed it


def test_every_setting_is_measured_alone_and_beside(monkeypatch, tmp_path):
    seen: list = []
    started(monkeypatch, 0, seen)
    found = benchmark.measured(Stage, ["as set", "one thread"], 1, 2, tmp_path / "case" / "base")
    assert list(found) == ["as set", "one thread"]
    assert seen == [{}, {"OMP_NUM_THREADS": "1"}] * 4
    assert not (tmp_path / "case").exists()


def test_a_stage_that_fails_is_one_sentence_and_keeps_its_log(monkeypatch, tmp_path):
    started(monkeypatch, 3, [])
    with pytest.raises(InputError, match=r"log.txt: the stage ended with 3"):
        benchmark.seconds_of(Stage, {}, tmp_path / "case" / "base")
    assert (tmp_path / "case").exists()


def test_the_lines_ratios():
    assert benchmark.line("sft", "default", 12.0, 10.0, 30.0).split() == [
        "sft",
        "default",
        "12.0",
        "1.20",
        "30.0",
        "2.50",
    ]


def test_a_stages_threads_give_up_their_core_soon_unless_the_user_says_so():
    code = "import os, stages; print(os.environ['GOMP_SPINCOUNT'])"

    def spins(**own: str) -> str:
        clean = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean | own, capture_output=True, text=True)
        return done.stdout.strip()

    assert spins() == "3000"
    assert spins(GOMP_SPINCOUNT="7") == "7"
