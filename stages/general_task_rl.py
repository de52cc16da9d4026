"""General RL over many tasks, in both modes, with three types of reward.

CONSUMES     from: the fused model; reward_models: preference (without reference), reference (with reference)
PRODUCES     model/
PAPER        Qwen3 s.4.4: tasks for instruction following, format following (the flags, the think tags), preference
             alignment, answers grounded in a passage; rewards by rule, by a model with a reference answer, by a reward
             model without one
DEVIATIONS   six tasks instead of more than twenty; no tool use: TRL's tool loop parses calls by a response schema that
             only released templates have, takes prompts as messages, and its tool tokens would have to be left out of
             the sampler/trainer gate
"""

import random

from data.conversations import in_both_modes
from data.sources import SOURCES
from data.tasks import REASONING_DOMAINS
from data.tasks.instructions import need_checkers
from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import draw_rows
from stages.core.settings import GeneralTaskRL

PREFERENCE, REFERENCE = "preference_reward_model", "reference_reward_model"
WITH_REFERENCE = ("translation", "passage")
BY_RULE = ("repeat_word",)


def main(run: Run) -> None:
    from stages.core.general_rewards import reference_reward, scaled_preference
    from stages.core.policy import policy_trainer, train_policy
    from stages.core.scoring import open_scorer

    settings: GeneralTaskRL = run.settings
    prompts = mixed_prompts(run)
    policy, tokenizer = run.load_model(), run.load_tokenizer()
    normalisation, clip = settings.preference_normalisation, settings.preference_clip
    by_model = {
        "preference": scaled_preference(run, PREFERENCE, is_open, normalisation, clip),
        "reference": reference_reward(open_scorer(run, REFERENCE), has_reference),
    }
    by_model = {name: reward for name, reward in by_model.items() if name in settings.rewards}
    trainer = policy_trainer(run, policy, tokenizer, prompts, by_model, shuffle=False)
    headline = train_policy(run, trainer)
    run.save_model(trainer, tokenizer, settings.template, headline)


def mixed_prompts(run: Run) -> list[dict]:
    """Reasoning and general prompts in random order, for both modes, some at the end of a conversation."""
    settings: GeneralTaskRL = run.settings
    total = settings.steps * settings.prompts_per_step
    general = round(total * settings.general_fraction)
    pool = draw_rows(run, settings.tasks, total - general, "train", settings.seed + 4)
    pool += draw_rows(run, settings.general_tasks, general, "train", settings.seed + 5)
    need_checkers(pool)
    # Not the seed of the modes: the same permutation of both would give all reasoning prompts one mode.
    random.Random(settings.seed + 7).shuffle(pool)
    share = settings.non_thinking_fraction
    return in_both_modes(pool, total, share, settings.seed, settings.multi_turn, settings.system_flags)


def has_reference(row: dict) -> bool:
    """Whether an answer is compared with the row's own: a demonstration's, or one that a rule would misjudge."""
    if row["task"] in SOURCES:
        return row["domain"] not in REASONING_DOMAINS and SOURCES[row["task"]].kind == "demonstrations"
    return row["task"] in WITH_REFERENCE


def is_open(row: dict) -> bool:
    """Whether an answer is judged by preference: neither a rule nor a reference decides."""
    return row["domain"] not in REASONING_DOMAINS and row["task"] not in BY_RULE and not has_reference(row)


if __name__ == "__main__":
    stage_main(main, __doc__)
