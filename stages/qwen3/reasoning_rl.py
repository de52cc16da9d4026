"""Reasoning RL: GRPO on few query-verifier pairs, many rollouts each.

CONSUMES     from: the cold-start SFT model; data: the query-verifier pairs
PRODUCES     model/ that reasons
PAPER        Qwen3 s.4.2: GRPO on 3,995 pairs, a large batch, a high number of rollouts a query, off-policy updates
DEVIATIONS   1 a format reward beside the verifiers: the paper names no rewards
             2 entropy is held up by a bonus in the loss, whose weight is the scale's: the paper says that entropy is
               controlled, to rise steadily or stay stable, not how
             3 the objective's numbers are the scale's: the paper names none
             4 the group's deviation is the unbiased one, + 1e-4, the ratio a token's (DSM s.4): the paper names GRPO
               and prints no objective
             5 with vLLM a token's gain is weighed by trainer over sampler, cut at a cap: the paper speaks of none
"""

from functools import partial

from stages.core.run.stage import Run, stage_main
from stages.qwen3.settings import ReasoningRL


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.rules import accuracy, format, weighted
    from stages.core.training.grpo import policy_trainer, train_policy
    from stages.core.training.objectives import grpo_terms

    settings: ReasoningRL = run.settings
    policy, tokenizer = load_model(run), load_tokenizer(run)
    prompts = run.load_rows().to_list()
    rewards = weighted(settings.rewards, accuracy=accuracy, format=format)  # the verifiers of the pairs
    objective = partial(
        grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient,
        entropy_coefficient=settings.entropy_coefficient,
    )  # fmt: skip
    trainer = policy_trainer(
        run, policy, tokenizer, prompts, rewards, objective, refresh_reference_every=settings.reference_refresh_steps
    )
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, settings.template, headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
