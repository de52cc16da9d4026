"""What runs first where not all that could run fits on the cores."""

from types import SimpleNamespace

from stages.core.pipeline.workspace import priorities

PARENTS = {
    "base": [],
    "student": [],
    "rl": ["base"],
    "sft": ["rl"],
    "reward_model": ["sft"],
    "final": ["sft", "reward_model"],
    "distilled": ["student", "rl"],
    "small_rl": ["student"],
    "evaluation": ["final", "distilled", "small_rl"],
}


def test_the_longest_chain_is_first_and_side_branches_after_it():
    stages = [SimpleNamespace(folder=name, parents=parents) for name, parents in PARENTS.items()]
    found = priorities(stages)
    # 9 stages; chains of 6, 5, 4, 3, 3 (behind student four wait, behind reward_model three), 2, 2, 2, 1
    assert found == {
        "base": 9 * 6 + 7, "rl": 9 * 5 + 6, "sft": 9 * 4 + 4, "student": 9 * 3 + 4, "reward_model": 9 * 3 + 3,
        "final": 9 * 2 + 2, "distilled": 9 * 2 + 2, "small_rl": 9 * 2 + 2, "evaluation": 9 + 1,
    }  # fmt: skip
    assert found["not asked for"] == 0
