"""What ran beside what, against values worked out by hand."""

import pytest

from stages.core.pipeline.timeline import WIDTH, Span, at_work, bars, most_threads, occupied, span_of

BASE, LEFT, RIGHT = Span(0.0, 40.0, 2), Span(1000.0, 1040.0, 1), Span(1000.0, 1020.0, 1)
"""40 s on two threads; much later 40 s and 20 s beside each other on one each."""


def test_span_of_a_manifest():
    manifest = {"finished": "1970-01-01T00:01:40.500+00:00", "seconds": 60.25, "hardware": {"threads": "2"}}
    assert span_of(manifest) == Span(40.25, 100.5, 2)
    assert span_of(manifest | {"hardware": {"threads": None}}).threads == 1


def test_seconds_in_which_some_stage_ran():
    spans = [LEFT, BASE, RIGHT]
    assert at_work(spans) == 80.0
    assert at_work(spans, 500.0) == 40.0 and at_work(spans, 1010.0) == 50.0 and at_work(spans, 0.0) == 0.0


def test_share_of_the_cores_that_had_a_thread():
    assert most_threads([BASE, LEFT, RIGHT]) == 2
    assert most_threads([LEFT, Span(1020.0, 1040.0, 3), RIGHT]) == 4  # one begins as another ends
    # 80 + 40 + 20 of 2 x 80 seconds
    assert occupied([BASE, LEFT, RIGHT]) == pytest.approx(140 / 160, abs=1e-6)
    assert occupied([LEFT]) == 1.0


def test_bars_leave_out_the_time_in_which_nothing_ran():
    half, quarter = WIDTH // 2, WIDTH // 4
    assert bars([BASE, LEFT, RIGHT]) == [
        "#" * half + "." * half,
        "." * half + "=" * half,
        "." * half + "=" * quarter + "." * quarter,
    ]


def test_the_shortest_stage_is_seen():
    assert bars([Span(0.0, 1000.0, 2), Span(1000.0, 1000.0, 1)])[1] == "." * (WIDTH - 1) + "="
