"""Student RL: reinforcement learning on the distilled student, beside which on-policy distillation is measured.

CONSUMES     from: the off-policy distilled student
PRODUCES     model/
PAPER        Qwen3 s.4.7, Table 21: RL and on-policy distillation from the same off-policy distilled 8B model
DEVIATIONS   1 as many prompts a step as the scale gives: the paper compares GPU hours
             2 the scale's reasoning prompts, where the paper's are of mathematics and code
             3 GRPO, its numbers and the rewards are the scale's: the paper names none
             4 the group's deviation is the unbiased one, + 1e-4, the ratio a token's (DSM s.4)
             5 with vLLM a token's gain is weighed by trainer over sampler, cut at a cap: the paper speaks of none
"""

from functools import partial

from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.qwen3.settings import StudentRL


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.rules import accuracy, format, weighted
    from stages.core.training.grpo import policy_trainer, train_policy
    from stages.core.training.objectives import grpo_terms

    settings: StudentRL = run.settings
    policy, tokenizer = load_model(run), load_tokenizer(run)
    prompts = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed)
    rewards = weighted(settings.rewards, accuracy=accuracy, format=format)  # the verifiers of the pairs
    objective = partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient)
    trainer = policy_trainer(
        run, policy, tokenizer, prompts, rewards, objective, refresh_reference_every=settings.reference_refresh_steps
    )
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, settings.template, headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
