"""R1's general RL: which prompts come when, whatever the rollouts are like."""

from types import SimpleNamespace

import pytest

from data.text.row import REASONING_DOMAINS
from stages.core.sampling.drawing import first_uses
from stages.r1.general_rl import general_parts, is_safety, ordered_prompts
from stages.r1.settings import GeneralRL


class Told(list):
    """What a stage says."""

    say = list.append


def prompts(steps, preference_steps, steps_per_rollout, inner_epochs, with_room=lambda rows: rows, **changed):
    """The prompts in the order of training, 4 a step."""
    settings = {
        "steps": steps, "preference_steps": preference_steps, "steps_per_rollout": steps_per_rollout,
        "inner_epochs": inner_epochs, "prompts_per_step": 4, "general_fraction": 0.5, "prompts": 8000, "seed": 3,
        "tasks": {"logic": 1.0, "arithmetic": 1.0}, "general_tasks": {"facts": 1.0}, "unsafe_fraction": None,
    }  # fmt: skip
    return ordered_prompts(SimpleNamespace(settings=SimpleNamespace(**settings | changed), metrics=Told()), with_room)


def kinds(*numbers, **changed):
    """Of each mini-batch of 4 prompts how many are general."""
    found = prompts(*numbers, **changed)
    general = [row["domain"] not in REASONING_DOMAINS for row in found]
    return [sum(general[start : start + 4]) for start in range(0, len(general), 4)]


def test_the_step_at_which_the_prompts_of_a_mini_batch_are_first_learned_from():
    assert first_uses(steps=4, steps_per_rollout=1, inner_epochs=1) == [0, 1, 2, 3]
    assert first_uses(steps=8, steps_per_rollout=2, inner_epochs=2) == [0, 1, 4, 5]
    assert first_uses(steps=5, steps_per_rollout=4, inner_epochs=1) == [0, 1, 2, 3, 4, 5, 6, 7]  # a whole rollout more


def test_general_prompts_come_in_the_last_steps_alone():
    found = kinds(12, 4, 2, 1)
    assert len(found) == 12
    assert found[:8] == [0] * 8 and sum(found[8:]) == 8


def test_a_rollout_that_is_gone_through_twice_needs_half_as_many_prompts():
    found = kinds(12, 4, 2, 2)
    assert len(found) == 6
    assert found[:4] == [0] * 4 and sum(found[4:]) == 4  # steps 8 to 11 are the last rollout's


def test_the_paper_s_numbers_end_in_a_rollout_that_is_not_used_up():
    found = kinds(1700, 400, 16, 1)
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


# -- the share of the safety set

MIXED = {"facts": 60.0, "greeting": 10.0, "safe_lookalike": 10.0, "unsafe": 80.0}


@pytest.mark.parametrize(("share", "expected"), [(12 / 78, 12), (0.5, 39), (0.0, 0), (1.0, 78)])
def test_the_share_of_the_safety_set_is_kept_whatever_the_weights(share, expected):
    found = prompts(39, 39, 1, 1, general_tasks=MIXED, unsafe_fraction=share)
    assert len(found) == 156
    general = [row for row in found if row["domain"] not in REASONING_DOMAINS]
    assert len(general) == 78 and sum(map(is_safety, general)) == expected
    assert sum(row["task"] == "safe_lookalike" for row in general) <= 78 - expected  # those are to be answered


def test_without_a_share_the_weights_decide_as_ever():
    assert general_parts(SimpleNamespace(unsafe_fraction=None, general_tasks=MIXED), 40) == [(MIXED, 40)]
    assert general_parts(SimpleNamespace(unsafe_fraction=None, general_tasks=MIXED), 0) == []
    parts = general_parts(SimpleNamespace(unsafe_fraction=0.25, general_tasks=MIXED), 40)
    assert parts == [({"facts": 60.0, "greeting": 10.0, "safe_lookalike": 10.0}, 30), ({"unsafe": 80.0}, 10)]


def test_what_the_general_prompts_are_is_told():
    told = Told()
    settings = SimpleNamespace(
        steps=20, preference_steps=20, steps_per_rollout=1, inner_epochs=1, prompts_per_step=4, general_fraction=0.5,
        prompts=8000, seed=3, tasks={"logic": 1.0}, general_tasks=MIXED, unsafe_fraction=0.25,
    )  # fmt: skip
    ordered_prompts(SimpleNamespace(settings=settings, metrics=told), lambda rows: rows)
    assert told == ["40 general prompts, of the safety set 25.0% (v2 Table 4: 12 of 78 thousand)"]


def test_the_recipe_has_the_paper_s_share():
    from stages.core.pipeline.recipe import load_recipe

    stage = load_recipe("recipes/r1.yaml").stages["general_rl"]
    assert stage.settings["unsafe_fraction"] == pytest.approx(12 / 78, abs=5e-4)
    assert "Table 4" in stage.cite["unsafe_fraction"] and GeneralRL.model_fields["unsafe_fraction"].default is None
