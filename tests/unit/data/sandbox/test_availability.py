"""Without a sandbox nothing runs, and the sentence says what to do; unless it is allowed, which is repeated."""

import pytest

from data.errors import InputError
from data.sandbox import availability, command
from data.sandbox.seccomp import filter_program
from tests.unit.data.sandbox.attacks import outcome


@pytest.fixture(autouse=True)
def afresh():
    """No server from before, none for after."""
    availability.close()
    yield
    availability.allow_unsandboxed(False)
    availability.close()


@pytest.fixture
def refused(monkeypatch, tmp_path):
    """A bubblewrap that this machine does not let work."""
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_this_machine_has_one():
    for _ in range(2):
        availability.require_sandbox()
        assert not availability.unsandboxed()


@pytest.mark.parametrize("call", [availability.require_sandbox, lambda: outcome("return 1")])
def test_without_bubblewrap(monkeypatch, tmp_path, call):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as raised:
        call()
    sentence = str(raised.value)
    assert "bubblewrap" in sentence and "make sandbox" in sentence and "allow_unsandboxed_code: true" in sentence
    assert "\n" not in sentence


def test_where_namespaces_are_refused(refused):
    with pytest.raises(InputError, match="setting up uid map: Permission denied"):
        availability.require_sandbox()


@pytest.mark.parametrize("setting, value, remedy", [
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces"),
])  # fmt: skip
def test_the_setting_that_refuses_is_named(refused, monkeypatch, tmp_path, setting, value, remedy):
    file = tmp_path / "sys" / setting
    file.parent.mkdir(parents=True)
    file.write_text(f"{value}\n")
    monkeypatch.setattr(availability, "SYSCTL", tmp_path / "sys")
    with pytest.raises(InputError, match=remedy):
        availability.require_sandbox()


def test_a_container_is_told_its_flags(refused, monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(InputError, match=r"--security-opt seccomp=unconfined .*seccompProfile: \{type: Unconfined\}"):
        availability.require_sandbox()


def test_an_unknown_machine_has_none(monkeypatch):
    monkeypatch.setattr(availability, "filter_program", lambda: b"")
    with pytest.raises(InputError, match="sandbox"):
        availability.require_sandbox()
    assert filter_program("aarch64") and filter_program("x86_64") and filter_program("riscv64") == b""


def test_unsandboxed_where_it_is_allowed(refused, caplog):
    availability.allow_unsandboxed(True)
    availability.require_sandbox()
    assert availability.unsandboxed() and availability.UNSANDBOXED in caplog.text
    assert outcome("return 6 * 7") == {"value": 42}
    assert outcome("import os; os.fork()") == {"error": "OSError"}
    assert outcome("return bytearray(2 << 30)") == "memory"
    assert outcome("import os; return os.environ.get('SECRET_TOKEN')") == {"value": None}
    assert outcome("while True: pass", 0.2) == "time"
    availability.allow_unsandboxed(False)
    with pytest.raises(InputError):
        outcome("return 6 * 7")


def test_a_sandbox_is_used_where_there_is_one_all_the_same():
    availability.allow_unsandboxed(True)
    assert outcome("open('/etc/passwd')") == {"error": "OSError"}
    assert not availability.unsandboxed()


def test_a_job_needs_no_proc(monkeypatch):
    """Containers that mask parts of /proc refuse a new one."""
    start = availability.Server
    monkeypatch.setattr(availability, "Server", lambda sandboxed, proc=False: start(sandboxed, False))
    assert outcome("open('/proc/self/status')") == {"error": "OSError"}
    assert outcome("import numpy; return int(numpy.arange(4).sum())", seconds=20) == {"value": 6}


def test_paths_are_shown_and_hidden_from_the_root_down():
    seen = {"/usr", "/usr/local", "/usr/src/app/.venv/lib", "/opt/python"}
    hidden = {"/usr/src/app", "/usr/src/app/runs", "/root", "/"}
    shown = {"/usr": True, "/opt/python": True, "/usr/src/app": False, "/usr/src/app/.venv/lib": True}
    assert command.shown_or_hidden(seen, hidden) == shown
