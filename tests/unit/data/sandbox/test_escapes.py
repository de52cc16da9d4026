"""Nothing that code in a job tries gets out, and the next job is as any other; as this user, and as an ordinary one."""

import json
import os
import subprocess
import sys

import pytest

from data.sandbox.command import CHECKOUT, as_nobody
from tests.unit.data.sandbox.attacks import ATTACKS, outcome, seconds_for


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "seen")
    code, allowed = ATTACKS[name]
    assert outcome(code, seconds_for(name)) == allowed
    assert outcome("return 6 * 7") == {"value": 42}


def test_attacks_as_an_ordinary_user():
    if os.getuid() != 0:
        return  # the tests above were that
    read = [os.path.realpath(path) for path in (sys.base_prefix, sys.prefix, CHECKOUT)]
    command = [*as_nobody(read), sys.executable, "-m", "tests.unit.data.sandbox.attacks"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, env={"SECRET_TOKEN": "seen"})
    assert done.returncode == 0, done.stderr
    expected = {name: [allowed, {"value": 42}] for name, (_, allowed) in ATTACKS.items()}
    assert json.loads(done.stdout) == expected
