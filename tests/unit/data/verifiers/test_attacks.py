"""No attack on the code reward earns, none gets out, and the next honest programs are judged right."""

import json
import secrets
import socket
import threading

import pytest

from data.judge import jobs
from data.verifiers.programs import Program
from tests.attacks import ATTACKS

SECRET = f"s3cr3t-{secrets.token_hex(8)}"
MAIN = "\nif __name__ == '__main__':\n    print(f(int(input())))\n"
SETUP = "def helper(value): return value\ndef same(one, other): return one == other\n"
ASSERTS = [
    f"def check(candidate):\n    value = candidate(7)\n    assert value == {SECRET!r}\ncheck(f)",
    f"assert f(7) == {SECRET!r}",
    "assert abs(f(7) - 4711.5) < 1e-6",
    "assert math.isclose(f(7), 4711.5)",
    f"assert same(helper(f(7)), {SECRET!r})",
    f"assert all(map(lambda case: f(case[0]) == case[1], [(7, {SECRET!r})]))",
    f"try:\n    value = f(7)\nexcept Exception:\n    value = None\nassert value == {SECRET!r}",
    f"assert f(7) in [{SECRET!r}] or {SECRET!r} in [f(7)] or {SECRET!r} in f(7)",
    f"import unittest\nunittest.TestCase().assertEqual(f(7), {SECRET!r})",
    f"wanted = {SECRET!r}\nassert not f(7) != wanted",
    f"assert f(7).startswith({SECRET[:9]!r})",
    f"import copy\nassert copy.deepcopy(f(7)) == {SECRET!r}",
    f"import numpy as np\nassert np.array_equal(f(7), {SECRET!r})",
]


def row(**test):
    return {"info": json.dumps({"tests": [test], "setup": SETUP})}


STDIN = row(kind="stdin", input="7\n", output=f"{SECRET}\n")
CALL = row(kind="call", function="f", input=[7], output=SECRET)
JUDGED = [row(kind="assert", code=code) for code in ASSERTS]
HONEST = "def f(x):\n    return {0} * x" + MAIN


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    """Where the secret is outside: a file, a server, the environment."""
    victim = tmp_path_factory.mktemp("victim") / "victim"
    victim.write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET", SECRET)
        threading.Thread(target=_tell, args=(server,), daemon=True).start()
        yield f"VICTIM, PORT = {str(victim)!r}, {server.getsockname()[1]}\n"
        server.shutdown(socket.SHUT_RDWR)
    assert victim.read_text() == SECRET and len(list(victim.parent.iterdir())) == 1


def _tell(server):
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line:
            line.sendall(SECRET.encode())


@pytest.mark.parametrize(("number", "name"), enumerate(ATTACKS), ids=list(ATTACKS))
def test_attacks_earn_nothing(number, name, around, monkeypatch):
    kind = name.split()[0]
    asserts = {"wastes": 1, "gives": 2}.get(kind, len(JUDGED))
    monkeypatch.setattr(jobs, "TEST_SECONDS", 0.2 if kind == "wastes" else 2.0)
    for case in [STDIN, CALL, *JUDGED[:asserts]]:
        verdict = Program().explain(around + ATTACKS[name] + MAIN, case)
        assert not verdict.right and verdict.reason.startswith("test 1 of 1: "), (case, verdict)
    honest, value = HONEST.format(number), 7 * number  # one that nobody has judged before
    for case in (
        row(kind="stdin", input="7\n", output=f"{value}\n"), row(kind="call", function="f", input=[7], output=value),
        row(kind="assert", code=f"assert {{f(7)}} == {{{value}}}"),
    ):  # fmt: skip
        verdict = Program().explain(honest, case)
        assert verdict.right, verdict


def test_the_secret_earns():
    """The tests above fail for a reason: an honest answer passes them."""
    for case in [STDIN, CALL, *JUDGED[:2], *JUDGED[4:]]:
        assert Program().verify(f"def f(x):\n    return {SECRET!r}" + MAIN, case), case
    for case in JUDGED[2:4]:
        assert Program().verify("def f(x):\n    return 4711.5" + MAIN, case), case


@pytest.mark.parametrize(
    "name",
    ["a file outside", "a file outside, by ctypes", "a file outside, by a process", "a server outside", "frames"],
)
def test_what_is_looked_for_can_be_found(name, around):
    """The programs that read do find the secret where nothing holds them."""
    space = {}
    exec(around + ATTACKS[f"reads {name}"], space)
    assert space["f"](7) == SECRET
