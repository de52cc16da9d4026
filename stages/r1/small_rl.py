"""Small RL: the reinforcement learning of R1-Zero on a smaller base, beside which distillation is measured.

CONSUMES     from: the smaller base
PRODUCES     model/
PAPER        DeepSeek-R1 v1 s.4.1, v2 B.4.1: large-scale RL on Qwen2.5-32B as on R1-Zero, over 10K steps
DEVIATIONS   1 a smaller base of the scale, where the paper has Qwen2.5-32B
             2 prompts of logic as well, where the paper's are of mathematics, code and STEM
             3 the ratio is a token's, and an answer counts by the mean of its tokens (DSM s.4): Eq. 1 prints it for
               whole answers
             4 Eq. 3's deviation is the unbiased one, + 1e-4: the paper prints neither
             5 the bound of the ratio is printed for R1's first RL stage alone: that of the scale
             6 schedule, gradient norm and Adam's numbers are the scale's: the paper names the learning rate alone
             7 with vLLM a token's gain is weighed by trainer over sampler, cut at a cap: the paper, with vLLM as well,
               prints no such weight
"""

from functools import partial

from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.r1.settings import SmallRL


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.rules import accuracy, format, weighted
    from stages.core.training.grpo import policy_trainer, train_policy
    from stages.core.training.objectives import grpo_terms

    settings: SmallRL = run.settings
    student, tokenizer = load_model(run), load_tokenizer(run)
    prompts = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed)
    rewards = weighted(settings.rewards, accuracy=accuracy, format=format)  # Eq. 4
    objective = partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient)  # Eq. 1
    trainer = policy_trainer(
        run, student, tokenizer, prompts, rewards, objective, refresh_reference_every=settings.reference_refresh_steps
    )
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, settings.template, headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
