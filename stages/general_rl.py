"""General RL, R1's second RL stage: reasoning by rules, helpfulness and safety by reward models.

CONSUMES     from: the general SFT model (Dev3); reward_models: helpful and safety
PRODUCES     model/ (R1)
PAPER        DeepSeek-R1 v2 s.3.2.2, Eq. 8-10: rule rewards on reasoning prompts; general prompts and their reward
             models only in the last 400 of 1,700 steps; helpfulness is scored on the final summary, harmlessness on
             the whole response; language consistency on all; temperature 0.7
DEVIATIONS   none in the method; lengths, batch and learning rate are the scale's
"""

import random

from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import draw_rows
from stages.core.engine import Completion
from stages.core.settings import GeneralRL

HELPFUL, SAFETY = "helpful_reward_model", "safety_reward_model"


def main(run: Run) -> None:
    from stages.core.policy import policy_trainer, train_policy

    settings: GeneralRL = run.settings
    policy, tokenizer = run.load_model(), run.load_tokenizer()
    trainer = policy_trainer(run, policy, tokenizer, ordered_prompts(run), reward_models(run), shuffle=False)
    headline = train_policy(run, trainer)
    run.save_model(trainer, tokenizer, settings.template, headline)


def ordered_prompts(run: Run) -> list[dict]:
    """The prompts in the order of training: reasoning alone, then mixed with general ones in the last steps."""
    settings: GeneralRL = run.settings
    rng = random.Random(settings.seed)
    total, late = (steps * settings.prompts_per_step for steps in (settings.steps, settings.preference_steps))
    general = round(late * settings.general_fraction)
    reasoning = draw_rows(run, settings.tasks, min(total - general, settings.prompts), "train", settings.seed + 4)
    pool = draw_rows(run, settings.general_tasks, min(general, settings.prompts), "train", settings.seed + 5)
    early = [reasoning[i % len(reasoning)] for i in range(total - late)]
    mixed = [reasoning[(i + total - late) % len(reasoning)] for i in range(late - general)]
    mixed += [pool[i % len(pool)] for i in range(general)]
    rng.shuffle(mixed)
    return early + mixed


def reward_models(run: Run) -> dict:
    """The two reward models as batch rewards; None for the prompts that are not of their set."""
    from stages.core.general_rewards import scaled_preference
    from stages.core.objectives import sigmoid
    from stages.core.scoring import open_scorer

    settings: GeneralRL = run.settings
    safety_model = open_scorer(run, SAFETY)
    normalisation, clip = settings.helpful_normalisation, settings.helpful_clip
    helpful = scaled_preference(run, HELPFUL, is_helpfulness, normalisation, clip)

    def safe(completions: list[Completion], batch: list[dict]) -> list[float | None]:
        scores = safety_model.score([row["prompt"][-1]["content"] for row in batch], [c.text for c in completions])
        return [sigmoid(score) if is_safety(row) else None for score, row in zip(scores, batch, strict=True)]

    return {"helpful": helpful, "safe": safe}


def is_safety(row: dict) -> bool:
    """Whether a prompt is of the safety set. Safe look-alikes are of the helpfulness set: answering them is right."""
    return row["domain"] == "safety" and row["task"] != "safe_lookalike"


def is_helpfulness(row: dict) -> bool:
    """Whether a prompt is of the helpfulness set."""
    return row["domain"] in ("general", "safety") and not is_safety(row)


if __name__ == "__main__":
    stage_main(main, __doc__)
