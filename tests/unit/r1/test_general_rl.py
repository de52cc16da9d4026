"""R1's general RL: which prompts come when, whatever the rollouts are like."""

from types import SimpleNamespace

import pytest

from data.text.row import REASONING_DOMAINS
from stages.core.sampling.drawing import first_uses
from stages.r1.general_rl import ordered_prompts


def kinds(steps, preference_steps, steps_per_rollout, inner_epochs, with_room=lambda rows: rows, **changed):
    """Of each mini-batch of 4 prompts how many are general."""
    settings = {
        "steps": steps, "preference_steps": preference_steps, "steps_per_rollout": steps_per_rollout,
        "inner_epochs": inner_epochs, "prompts_per_step": 4, "general_fraction": 0.5, "prompts": 8000, "seed": 3,
        "tasks": {"logic": 1.0, "arithmetic": 1.0}, "general_tasks": {"facts": 1.0},
    }  # fmt: skip
    found = ordered_prompts(SimpleNamespace(settings=SimpleNamespace(**settings | changed)), with_room)
    general = [row["domain"] not in REASONING_DOMAINS for row in found]
    return [sum(general[start : start + 4]) for start in range(0, len(general), 4)]


def test_the_step_at_which_the_prompts_of_a_mini_batch_are_first_learned_from():
    assert first_uses(steps=4, steps_per_rollout=1, inner_epochs=1) == [0, 1, 2, 3]
    assert first_uses(steps=8, steps_per_rollout=2, inner_epochs=2) == [0, 1, 4, 5]
    assert first_uses(steps=5, steps_per_rollout=4, inner_epochs=1) == [0, 1, 2, 3, 4, 5, 6, 7]  # a whole rollout more


def test_general_prompts_come_in_the_last_steps_alone():
    found = kinds(steps=12, preference_steps=4, steps_per_rollout=2, inner_epochs=1)
    assert len(found) == 12
    assert found[:8] == [0] * 8 and sum(found[8:]) == 8


def test_a_rollout_that_is_gone_through_twice_needs_half_as_many_prompts():
    found = kinds(steps=12, preference_steps=4, steps_per_rollout=2, inner_epochs=2)
    assert len(found) == 6
    assert found[:4] == [0] * 4 and sum(found[4:]) == 4  # steps 8 to 11 are the last rollout's


def test_the_paper_s_numbers_end_in_a_rollout_that_is_not_used_up():
    found = kinds(steps=1700, preference_steps=400, steps_per_rollout=16, inner_epochs=1)
    assert len(found) == 107 * 16  # 1,700 steps are 106.25 rollouts: the sampler takes whole ones only
    assert sum(found[:1300]) == 0 and sum(found[1300:]) == 2 * 412


def test_prompts_without_room_are_left_out_before_the_order_is_made():
    def with_room(rows):
        return [row for row in rows if row["task"] != "arithmetic"]

    found = kinds(12, 4, 2, 1, with_room)
    assert len(found) == 12 and found[:8] == [0] * 8


def test_general_prompts_from_the_first_step_on_and_no_others():
    def with_room(rows):
        assert rows
        return rows

    assert kinds(8, 8, 2, 1, with_room, general_fraction=1.0) == [4] * 8


@pytest.mark.parametrize("general_fraction", [0.0, 1.0])
def test_no_general_prompts_or_nothing_else_in_the_last_steps(general_fraction):
    found = kinds(8, 4, 2, 1, general_fraction=general_fraction)
    assert found == [0] * 4 + [4 * general_fraction] * 4
