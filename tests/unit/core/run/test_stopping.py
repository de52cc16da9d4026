"""A stage that is told to stop before it has anything to save."""

import signal

import pytest

from stages.core.run.stopping import STOPPED, on_stop, stoppable


@pytest.fixture(autouse=True)
def handlers():
    """The signals do afterwards what they did before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_one_sentence_also_where_signals_were_ignored(number, capsys):
    on_stop(signal.SIG_IGN)

    def command() -> int:
        signal.raise_signal(number)
        return 0

    assert stoppable(command, "rl") == STOPPED == 143
    assert capsys.readouterr().err == "rl: stopped; the same command goes on from the last saved step\n"
    signal.raise_signal(number)  # the launcher's own, which comes later: it ends already


def test_what_nobody_stops_ends_as_it_ends(capsys):
    assert stoppable(lambda: 7, "rl") == 7 and capsys.readouterr().err == ""
