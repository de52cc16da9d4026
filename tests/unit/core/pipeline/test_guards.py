"""Guards: what they see in histories made by hand, and what a run that learns does not make them say."""

import pytest
from pydantic import ValidationError

from stages.core.pipeline.guards import Guards, Lookout, warnings
from stages.core.pipeline.workspace import load_workspace

PATIENT = Guards(patience=3)
HEALTHY = {
    "reward": [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1],
    "entropy": [0.8, 0.5, 0.4, 0.3, 0.2, 0.15, 0.12, 0.1],
    "kl": [0.0, 0.01, 0.0, 0.05, 0.3, 0.0, 0.02, 0.1],
    "completions/mean_length": [40.0, 38.0, 35.0, 30.0, 26.0, 24.0, 22.0, 20.0],
    "completions/clipped_ratio": [0.9, 0.95, 0.99, 0.6, 0.2, 0.1, 0.0, 0.0],
}


def history(**changed):
    """Rows of a run that learns, with one measure as it is given."""
    columns = HEALTHY | {name.replace("__", "/"): values for name, values in changed.items()}
    return [{"step": step + 1} | {name: values[step] for name, values in columns.items()} for step in range(8)]


def test_a_run_that_learns_is_not_warned_of():
    assert warnings(history(), PATIENT) == []


@pytest.mark.parametrize(
    ("guard", "since", "step", "changed", "reason"),
    [
        ("entropy", 4, 6, {"entropy": [0.8, 0.1, 0.02, 1e-3, 1e-4, 0.0, 0.0, 0.0]}, "entropy is 0 nats"),
        ("length", 5, 7, {"completions__mean_length": [40, 44, 36, 12, 7, 2, 1, 1]}, "shrunk from 40 to 1 tokens"),
        ("kl", 3, 5, {"kl": [0.0, 0.1, 4.0, 60.0, float("inf"), 9.0, 9.0, 9.0]}, "KL is inf nats"),
        ("reward", 1, 3, {"reward": [0.0] * 8}, "stays at 0"),
        ("reward", 3, 5, {"reward": [0.1, 0.9, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]}, "stays at 2"),
        ("cut", 1, 3, {"completions__clipped_ratio": [1.0] * 8}, "100% of the completions are cut"),
    ],
)
def test_a_fault_is_told_once_with_its_steps_and_its_reason(guard, since, step, changed, reason):
    [warned] = warnings(history(**changed), PATIENT)
    assert (warned.guard, warned.since, warned.step) == (guard, since, step)
    assert reason in warned.reason and f"step {step}: " in warned.told() and f"since step {since}" in warned.told()


def test_a_single_value_is_no_fault():
    spikes = {"kl": [0.0, 90.0, 0.1, 90.0, 90.0, 0.1, 90.0, 0.0], "entropy": [0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5, 0.0]}
    assert warnings(history(**spikes), PATIENT) == []


def test_what_comes_back_is_told_again():
    cut = [1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0]
    assert [warned.step for warned in warnings(history(completions__clipped_ratio=cut), PATIENT)] == [3, 7]


def test_rows_without_a_value_say_nothing_about_it():
    """With several updates a rollout its rewards and lengths are logged once."""
    rows = [{"step": 2 * number + 1, "reward": 0.0, "entropy": 0.5} for number in range(4)]
    rows += [{"step": 2 * number + 2, "entropy": 0.5, "kl": None} for number in range(4)]
    [warned] = warnings(sorted(rows, key=lambda row: row["step"]), PATIENT)
    assert (warned.guard, warned.since, warned.step) == ("reward", 1, 5)


def test_mirror_descent_logs_the_ratio_of_whole_answers():
    rows = [{"step": step, "completions/mean_length": 20.0, "log_ratio": 50.0} for step in (1, 2, 3)]
    [warned] = warnings(rows, PATIENT)
    assert warned.guard == "kl" and "2.5 nats a token" in warned.reason
    assert warnings([row | {"log_ratio": 10.0} for row in rows], PATIENT) == []


def test_a_reference_that_was_just_refreshed_hides_no_explosion():
    rows = [{"step": step, "kl": 0.0 if step % 2 else 30.0} for step in range(1, 8)]
    [warned] = warnings(rows, PATIENT)
    assert (warned.guard, warned.since, warned.step) == ("kl", 2, 6)


def test_zero_turns_a_guard_off():
    collapsed = {"entropy": [0.0] * 8, "completions__mean_length": [40.0, 40.0, 40.0, 0.0, 0.0, 0.0, 0.0, 0.0]}
    assert warnings(history(**collapsed), Guards(patience=3, min_entropy=0, min_length=0)) == []


def test_a_lookout_is_calm_until_the_first_fault_and_again_after_the_last():
    lookout, calm = Lookout(PATIENT), []
    for row in history(completions__clipped_ratio=[0.5, 1.0, 1.0, 1.0, 1.0, 0.2, 0.1, 0.1]):
        lookout.see(row)
        calm.append(lookout.calm)
    assert calm == [True, False, False, False, False, True, True, True] and not lookout.active


@pytest.mark.parametrize(
    "wrong",
    [
        {"patience": 1}, {"min_entropy": -0.1}, {"min_entropy": float("nan")}, {"min_length": 1.0}, {"max_kl": 0},
        {"max_kl": float("inf")}, {"cut": 1.1}, {"cut": 0}, {"stop_on": ["entropi"]}, {"stop_on": "entropy"}, {"kl": 1},
    ],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        Guards(**wrong)


def test_guards_are_no_reason_to_run_again():
    """Every stage with rollouts has them; other limits, or a stop, make no other result."""
    plain = load_workspace({"scale": "smoke"})
    guarded = {"guards": {"patience": 5, "stop_on": ["entropy", "kl"]}}
    names = ("reasoning_rl", "policy_mirror_descent", "on_policy_distillation")
    other = load_workspace({"scale": "smoke", "stages": dict.fromkeys(names, guarded)})
    before = {stage.folder: stage for stage in plain.rules()}
    changed = [stage for stage in other.rules() if stage.config != before[stage.folder].config]
    assert {stage.name for stage in changed} >= set(names)
    assert all(stage.key == before[stage.folder].key for stage in changed)
