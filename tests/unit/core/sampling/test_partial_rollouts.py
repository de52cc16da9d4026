"""Partial rollouts: nothing lost, nothing doubled, and the same after a resume."""

import os
import random

import pytest

from stages.core.sampling.partial_rollouts import Group, Rollout, RolloutBuffer, segment_mask

BUDGET, LONGEST, PER_ITERATION = 6, 20, 3


def iterate(buffer: RolloutBuffer, rng: random.Random) -> list[Group]:
    """One iteration: new prompts come in, open rollouts go on by the budget, the oldest complete groups leave."""
    first = buffer.added
    new = [Group({"id": first + n, "text": "问"}, [Rollout(), Rollout()], first + n) for n in range(PER_ITERATION)]
    buffer.add(new)
    for group in buffer.pending():
        for rollout in group.rollouts:
            if rollout.done:
                continue
            ends = rng.random() < 0.4
            room = min(rng.randint(1, BUDGET) if ends else BUDGET, LONGEST - len(rollout.ids))
            ids = [group.index * 1_000 + len(rollout.ids) + n for n in range(room)]
            full = len(rollout.ids) + room == LONGEST
            rollout.extend(ids, [-rng.random() for _ in ids], "stop" if ends else "length" if full else None)
    return buffer.take_complete(PER_ITERATION)


def test_no_rollout_is_lost_or_doubled():
    rng, buffer, taken = random.Random(1), RolloutBuffer(), []
    segments = set()
    for _ in range(200):
        taken += iterate(buffer, rng)
        assert buffer.added == buffer.taken + buffer.held == len(taken) + len(buffer.groups)
        seen = [group.index for group in [*taken, *buffer.groups]]
        assert sorted(seen) == list(range(buffer.added))
    assert buffer.added == 600 and len(taken) > 500
    for group in taken:
        for rollout in group.rollouts:
            assert rollout.done and rollout.reason in ("stop", "length")
            assert rollout.ids == [
                group.index * 1_000 + n for n in range(len(rollout.ids))
            ]  # each token once, in order
            assert len(rollout.ids) == len(rollout.logps) <= LONGEST
            segments.add(len(rollout.segments))
    assert segments == {1, 2, 3, 4}


@pytest.mark.parametrize("stop", [1, 7, 15])
def test_a_saved_buffer_goes_on_identically(tmp_path, stop):
    def run(buffer, rng, number):
        return [iterate(buffer, rng) for _ in range(number)]

    whole, rng = RolloutBuffer(), random.Random(2)
    expected = run(whole, rng, 30)

    first, rng = RolloutBuffer(), random.Random(2)
    begun = run(first, rng, stop)
    first.save(tmp_path / "buffer.json")
    second = RolloutBuffer.load(tmp_path / "buffer.json")
    assert second.groups == first.groups and second.groups is not first.groups
    assert begun + run(second, rng, 30 - stop) == expected
    assert (second.groups, second.added, second.taken) == (whole.groups, whole.added, whole.taken)


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "buffer.json"
    buffer = RolloutBuffer()
    buffer.add([Group({}, [Rollout()], 0)])
    buffer.save(path)

    def crash(*arguments):
        raise OSError("killed")

    buffer.add([Group({}, [Rollout()], 1)])
    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="killed"):
        buffer.save(path)
    assert RolloutBuffer.load(path).added == 1


def test_complete_groups_leave_first_in_first_out():
    def group(index, *done):
        return Group({}, [Rollout([1], [-1.0], [0], d, "stop" if d else None) for d in done], index)

    buffer = RolloutBuffer()
    buffer.add([group(0, True, False), group(1, True, True), group(2, True), group(3, False), group(4, True)])
    assert [g.index for g in buffer.pending()] == [0, 3]
    assert [g.index for g in buffer.take_complete(2)] == [1, 2]
    buffer.groups[0].rollouts[1].extend([2], [-0.5], "repeat")
    assert [g.index for g in buffer.take_complete(5)] == [0, 4]
    assert (buffer.added, buffer.taken, buffer.held) == (5, 4, 1)
    assert buffer.take_complete(5) == []


def test_segment_mask():
    rollout = Rollout()
    assert segment_mask(rollout, False) == []
    rollout.extend([1, 2, 3], [-1.0] * 3, None)
    assert segment_mask(rollout, False) == [1, 1, 1]
    rollout.extend([4], [-1.0], None)
    rollout.extend([5, 6], [-1.0] * 2, "stop")
    assert rollout.segments == [0, 3, 4]
    assert segment_mask(rollout, False) == [0, 0, 0, 0, 1, 1]
    assert segment_mask(rollout, True) == [1] * 6


def test_what_is_finished_stays_finished():
    rollout = Rollout()
    with pytest.raises(ValueError, match="2 tokens but 1 log-probs"):
        rollout.extend([1, 2], [-1.0], None)
    rollout.extend([1], [-1.0], "stop")
    with pytest.raises(ValueError, match="finished rollout"):
        rollout.extend([2], [-1.0], None)
