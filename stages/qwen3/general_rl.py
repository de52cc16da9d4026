"""General RL over many tasks, in both modes, with three types of reward.

CONSUMES     from: the fused model; reward_models: preference (without reference), reference (with reference)
PRODUCES     model/
PAPER        Qwen3 s.4.4: tasks for instruction following, format following (the flags, the think tags), preference
             alignment, answers grounded in a passage; rewards by rule, by a model with a reference answer, by a reward
             model without one
DEVIATIONS   1 the tasks of the mixtures of a scale, fewer than the twenty and more of the paper
             2 no tool use: TRL's tool loop parses calls by a response schema that only released templates have, takes
               prompts as messages, and its tool tokens would have to be left out of the sampler/trainer gate
             3 GRPO, as in s.4.2: the paper names no algorithm for this stage
             4 names and weights of the rewards, and the objective's numbers, are the scale's: the paper names none
             5 the group's deviation is the unbiased one, + 1e-4, the ratio a token's (DSM s.4)
             6 with vLLM a token's gain is weighed by trainer over sampler, cut at a cap: the paper speaks of none
"""

import random
from functools import partial

from data.public.sources import SOURCES
from data.text.conversations import in_both_modes
from data.text.row import REASONING_DOMAINS, Row
from data.verifiers.instructions import need_checkers
from data.world.general.length_control import LENGTH_ASKED
from stages.core.rewards.rules import RULES, BatchReward, weighted
from stages.core.run.gate import refuse_weak
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows, first_uses
from stages.qwen3.settings import GeneralRL

PREFERENCE, REFERENCE = "preference_reward_model", "reference_reward_model"
WITH_REFERENCE = ("translation", "passage")
BY_RULE = LENGTH_ASKED


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.grpo import policy_trainer, train_policy
    from stages.core.training.objectives import grpo_terms

    settings: GeneralRL = run.settings
    refuse_weak(run)
    prompts = mixed_prompts(run)  # both modes, some at the end of a conversation
    policy, tokenizer = load_model(run), load_tokenizer(run)
    rewards = weighted(
        settings.rewards,
        **RULES,  # by rule: accuracy, format, language, mode, instruction, length asked for
        preference=preference(run),  # by a model, without reference
        reference=reference(run),  # by a model, with one
    )
    objective = partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient)
    trainer = policy_trainer(
        run, policy, tokenizer, prompts, rewards, objective, shuffle=False,
        refresh_reference_every=settings.reference_refresh_steps,
    )  # fmt: skip
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, settings.template, headline)


def mixed_prompts(run: Run) -> list[Row]:
    """Reasoning and general prompts in random order, for both modes, some at the end of a conversation."""
    settings: GeneralRL = run.settings
    uses = first_uses(settings.steps, settings.steps_per_rollout, settings.inner_epochs)
    total = len(uses) * settings.prompts_per_step
    general = round(total * settings.general_fraction)
    pool = draw_rows(run, settings.tasks, total - general, "train", settings.seed + 4)
    pool += draw_rows(run, settings.general_tasks, general, "train", settings.seed + 5)
    need_checkers(pool)
    # Not the seed of the modes: the same permutation of both would give all reasoning prompts one mode.
    random.Random(settings.seed + 7).shuffle(pool)
    share = settings.non_thinking_fraction
    return in_both_modes(pool, total, share, settings.seed, settings.multi_turn, settings.system_flags)


def preference(run: Run) -> BatchReward:
    """The preference reward model's score of the visible answer; None where a rule or a reference decides."""
    from stages.core.rewards.preference import scaled_preference

    settings: GeneralRL = run.settings
    return scaled_preference(run, PREFERENCE, is_open, settings.preference_normalisation, settings.preference_clip)


def reference(run: Run) -> BatchReward:
    """The probability that the visible answer agrees with the row's own; None where none is asked."""
    from stages.core.rewards.preference import reference_reward
    from stages.core.rewards.scoring import open_scorer

    return reference_reward(open_scorer(run, REFERENCE), has_reference)


REWARD_MODELS = {"preference": preference, "reference": reference}
"""The rewards that models give, by the recipe's name for them."""


def has_reference(row: Row) -> bool:
    """Whether an answer is compared with the row's own: a demonstration's, or one that a rule would misjudge."""
    if row["task"] in SOURCES:
        return row["domain"] not in REASONING_DOMAINS and SOURCES[row["task"]].kind == "demonstrations"
    return row["task"] in WITH_REFERENCE


def is_open(row: Row) -> bool:
    """Whether an answer is judged by preference: neither a rule nor a reference decides."""
    return row["domain"] not in REASONING_DOMAINS and row["task"] not in BY_RULE and not has_reference(row)


if __name__ == "__main__":
    stage_main(main, __doc__)
