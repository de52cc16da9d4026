"""Which stages need a sandbox."""

import pytest

from data.sandbox import availability
from stages.core.run.untrusted_code import check_sandbox, prepare_sandbox, runs_programs


@pytest.mark.parametrize("settings, needed", [
    ({"tasks": {"mbpp": 1.0}}, True),
    ({"steps": 3, "tasks": {"gsm8k": 1.0}, "general_tasks": {"humaneval": 0.1}}, True),
    ({"tasks": {"gsm8k": 1.0, "expression": 1.0}}, False),
    ({"rewards": {"accuracy": 1.0}, "optimizer": {"lr": 0.1}}, False),
    ({}, False),
])  # fmt: skip
def test_stages_that_ask_for_programs_need_one(monkeypatch, settings, needed):
    asked = []
    monkeypatch.setattr("stages.core.run.untrusted_code.require_sandbox", lambda: asked.append(1))
    assert runs_programs({"settings": settings}) is needed
    prepare_sandbox({"settings": settings})
    check_sandbox([{"settings": {}}, {"settings": settings}])
    assert len(asked) == (2 if needed else 0)


def test_a_check_leaves_no_server():
    check_sandbox([{"settings": {"tasks": {"mbpp": 1.0}}}])
    assert availability._server is None
