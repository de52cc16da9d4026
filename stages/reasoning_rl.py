"""Reasoning RL, R1's first RL stage: the cold-start model learns to reason in one language.

CONSUMES     from: the cold-start SFT model (Dev1)
PRODUCES     model/ (Dev2)
PAPER        DeepSeek-R1 v2 s.3.2.1: GRPO as for R1-Zero with clip epsilon 10; the language-consistency reward (Eq. 7)
             is added to the rule rewards with weight 1
DEVIATIONS   none in the method; lengths, batch and learning rate are the scale's
"""

from data.tasks import rows
from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.policy import policy_trainer, train_policy

    policy, tokenizer = run.load_model(), run.load_tokenizer()
    prompts = rows(run.settings.tasks, run.settings.prompts, "train", run.settings.seed)
    trainer = policy_trainer(run, policy, tokenizer, prompts)
    headline = train_policy(run, trainer)
    run.save_model(policy, tokenizer, run.settings.template, headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
