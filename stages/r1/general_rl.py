"""General RL, R1's second RL stage: reasoning by rules, helpfulness and safety by reward models.

CONSUMES     from: the general SFT model (Dev3); reward_models: helpful and safety
PRODUCES     model/ (R1)
PAPER        DeepSeek-R1 v2 s.3.2.2, Eq. 8-10: rule rewards on reasoning prompts; general prompts and their reward
             models only in the last 400 of 1,700 steps; helpfulness is scored on the final summary, harmlessness on
             the whole response; language consistency on all; temperature 0.7
DEVIATIONS   1 the helpful score is standardised and cut, the safe one a probability: the paper prints no scale
             2 the share of general prompts in the last steps is the scale's: the paper prints how many there are, not
               how they are mixed
             3 the ratio is a token's, and an answer counts by the mean of its tokens (DSM s.4): Eq. 1 prints it for
               whole answers
             4 Eq. 3's deviation is the unbiased one, + 1e-4: the paper prints neither
             5 schedule, gradient norm and Adam's numbers are the scale's: the paper names the learning rate alone
             6 with vLLM a token's gain is weighed by trainer over sampler, cut at a cap: the paper, with vLLM as well,
               prints no such weight
             7 prompts are the scale's: those of Table 4 are not public; none asks for a bug to be mended, as 8 thousand
               there do
             8 a scale may leave the share of the safety set, 12 of 78 thousand general prompts in Table 4, to its
               mixture: where the last steps are few, so many prompts would not teach a refusal
"""

import random
from collections.abc import Callable
from functools import partial

from data.text.row import Row
from stages.core.allowed.mixtures import must_be_refused
from stages.core.rewards.rules import BatchReward
from stages.core.run.gate import refuse_weak
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows, first_uses, with_room
from stages.r1.settings import GeneralRL

HELPFUL, SAFETY = "helpful_reward_model", "safety_reward_model"


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.rules import accuracy, format, language, weighted
    from stages.core.training.grpo import policy_trainer, train_policy
    from stages.core.training.objectives import grpo_terms

    settings: GeneralRL = run.settings
    refuse_weak(run)
    dev3, tokenizer = load_model(run), load_tokenizer(run)
    room = partial(
        with_room, run, dev3, tokenizer, template=settings.template, max_new_tokens=settings.max_completion_length
    )
    prompts = ordered_prompts(run, room)
    rewards = weighted(  # Eq. 8-10: rules on reasoning prompts, models on general ones, language on all
        settings.rewards, accuracy=accuracy, format=format, language=language, helpful=helpful(run), safe=safe(run)
    )
    objective = partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient)  # Eq. 1
    trainer = policy_trainer(
        run, dev3, tokenizer, prompts, rewards, objective, shuffle=False,
        refresh_reference_every=settings.reference_refresh_steps,
    )  # fmt: skip
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, settings.template, headline)  # R1


def ordered_prompts(run: Run, with_room: Callable[[list[Row]], list[Row]]) -> list[Row]:
    """The prompts in the order of training: reasoning alone, then mixed with general ones in the last steps.

    with_room: those of some rows that the trainer can take; it must leave none of these out, or all would move up.
    """
    settings: GeneralRL = run.settings
    rng = random.Random(settings.seed)
    uses = first_uses(settings.steps, settings.steps_per_rollout, settings.inner_epochs)
    mixed_from = settings.steps - settings.preference_steps
    early = sum(use < mixed_from for use in uses) * settings.prompts_per_step
    late = len(uses) * settings.prompts_per_step - early
    general = round(late * settings.general_fraction)
    count = min(early + late - general, settings.prompts)
    reasoning = with_room(draw_rows(run, settings.tasks, count, "train", settings.seed + 4)) if count else []
    alone = [reasoning[i % len(reasoning)] for i in range(early)]
    mixed = [reasoning[(i + early) % len(reasoning)] for i in range(late - general)]
    for tasks, wanted in general_parts(settings, general):
        pool = with_room(draw_rows(run, tasks, min(wanted, settings.prompts), "train", settings.seed + 5))
        mixed += [pool[i % len(pool)] for i in range(wanted)]
    if general:
        share = sum(map(is_safety, mixed)) / general
        run.metrics.say(f"{general} general prompts, of the safety set {share:.1%} (v2 Table 4: 12 of 78 thousand)")
    rng.shuffle(mixed)
    return alone + mixed


def general_parts(settings: GeneralRL, count: int) -> list[tuple[dict[str, float], int]]:
    """(mixture, prompts) of the general prompts: one, or the safety set apart from the others, in its share."""
    if settings.unsafe_fraction is None:
        return [(settings.general_tasks, count)] if count else []
    unsafe = round(count * settings.unsafe_fraction)
    parts: list[tuple[dict[str, float], int]] = []
    for of_safety, wanted in ((False, count - unsafe), (True, unsafe)):
        tasks = {name: weight for name, weight in settings.general_tasks.items() if must_be_refused(name) == of_safety}
        parts += [(tasks, wanted)] if wanted else []
    return parts


def helpful(run: Run) -> BatchReward:
    """The helpful reward model's score of the summary; None for the prompts that are not of its set."""
    from stages.core.rewards.preference import scaled_preference

    settings: GeneralRL = run.settings
    return scaled_preference(run, HELPFUL, is_helpfulness, settings.helpful_normalisation, settings.helpful_clip)


def safe(run: Run) -> BatchReward:
    """The safety reward model's probability that the whole response is safe; None for other prompts."""
    from stages.core.rewards.preference import safety_reward
    from stages.core.rewards.scoring import open_scorer

    return safety_reward(open_scorer(run, SAFETY), is_safety)


REWARD_MODELS = {"helpful": helpful, "safe": safe}
"""The rewards that models give, by the recipe's name for them."""


def is_safety(row: Row) -> bool:
    """Whether a prompt is of the safety set. Safe look-alikes are of the helpfulness set: answering them is right."""
    return row["domain"] == "safety" and row["task"] != "safe_lookalike"


def is_helpfulness(row: Row) -> bool:
    """Whether a prompt is of the helpfulness set."""
    return row["domain"] in ("general", "safety") and not is_safety(row)


if __name__ == "__main__":
    stage_main(main, __doc__)
