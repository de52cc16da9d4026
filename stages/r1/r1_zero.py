"""R1-Zero: reinforcement learning on a base model that has seen no supervised reasoning data.

CONSUMES     from: a base checkpoint
PRODUCES     model/ trained with GRPO on reasoning prompts in the R1-Zero template
PAPER        DeepSeek-R1 v2 s.2: accuracy and format reward with equal weights, no neural reward model; 16 outputs a
             question, one rollout for 16 updates, the reference model replaced by the policy at intervals, longer
             completions in the last part of the run
DEVIATIONS   1 the ratio is a token's, and an answer counts by the mean of its tokens (DSM s.4): Eq. 1 prints it for
               whole answers
             2 Eq. 3's deviation is the unbiased one, + 1e-4: the paper prints neither
             3 the bound of the ratio is printed for R1's first RL stage alone: that of the scale
             4 schedule, gradient norm and Adam's numbers are the scale's: the paper names the learning rate alone
             5 with vLLM a token's gain is weighed by trainer over sampler, cut at a cap: the paper, with vLLM as well,
               prints no such weight
             6 prompts are the scale's: those of Table 4 are not public; none asks for a bug to be mended, as 8 thousand
               there do
"""

from functools import partial

from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.r1.settings import R1Zero


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.rewards.rules import accuracy, format, weak_accuracy, weighted
    from stages.core.training.callbacks import CompletionLengthCallback
    from stages.core.training.grpo import policy_trainer, train_policy
    from stages.core.training.objectives import grpo_terms

    settings: R1Zero = run.settings
    base, tokenizer = load_model(run), load_tokenizer(run)
    prompts = draw_rows(run, settings.tasks, settings.prompts, "train", settings.seed)
    rewards = weighted(  # Eq. 4: accuracy and format with equal weights
        settings.rewards, accuracy=accuracy, format=format, weak_accuracy=weak_accuracy
    )
    objective = partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient)  # Eq. 1
    trainer = policy_trainer(
        run, base, tokenizer, prompts, rewards, objective, longest=settings.extended_completion_length,
        refresh_reference_every=settings.reference_refresh_steps,
    )  # fmt: skip
    longer = CompletionLengthCallback(trainer, settings.extended_completion_length, settings.extended_from_step)
    trainer.add_callback(longer)
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, settings.template, headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
