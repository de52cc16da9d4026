"""Reasoning RL, R1's first RL stage: the cold-start model learns to reason, with rule rewards.

CONSUMES     from: the cold-start SFT model (Dev1)
PRODUCES     model/ (Dev2)
PAPER        DeepSeek-R1 v2 s.3.2.1: GRPO as for R1-Zero with clip epsilon 10; the language-consistency reward (Eq. 7)
             is added to the rule rewards with weight 1
DEVIATIONS   1 the ratio is a token's, and an answer counts by the mean of its tokens (DSM s.4): Eq. 1 prints it for
               whole answers
             2 Eq. 3's deviation is the unbiased one, + 1e-4: the paper prints neither
             3 a word's language is told by its script: the paper does not say how words are found
             4 schedule, gradient norm and Adam's numbers are the scale's: the paper names the learning rate alone
             5 with vLLM a token's gain is weighed by trainer over sampler, cut at a cap: the paper, with vLLM as well,
               prints no such weight
             6 prompts are the scale's: those of Table 4 are not public; none asks for a bug to be mended, as 8 thousand
               there do
"""

from functools import partial

from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.r1.settings import ReasoningRL


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.rules import accuracy, format, language, weighted
    from stages.core.training.grpo import policy_trainer, train_policy
    from stages.core.training.objectives import grpo_terms

    settings: ReasoningRL = run.settings
    dev1, tokenizer = load_model(run), load_tokenizer(run)
    prompts = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed)
    rewards = weighted(settings.rewards, accuracy=accuracy, format=format, language=language)  # Eq. 4 + Eq. 7
    objective = partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient)  # Eq. 1
    trainer = policy_trainer(
        run, dev1, tokenizer, prompts, rewards, objective, refresh_reference_every=settings.reference_refresh_steps
    )
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, settings.template, headline)  # Dev2


if __name__ == "__main__":
    stage_main(main, __doc__)
