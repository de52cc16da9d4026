"""Policy mirror descent: Kimi k1.5's reinforcement learning; the second phase of long2short RL is the same script.

CONSUMES     from: the long-CoT SFT model (or the RL model); data: the curated prompts with their pass rates
PRODUCES     model/
PAPER        Kimi k1.5 s.2.3.2 (objective, reference and optimizer anew at each iteration), s.2.3.3 (length reward after
             a warm-up), s.2.3.4 (curriculum, prioritised sampling), s.2.6 (partial rollouts, repeat detection)
DEVIATIONS   synchronous; the budget of output tokens is given for each rollout, not for the iteration
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.mirror_descent import mirror_descent_trainer
    from stages.core.policy import train_policy

    policy, tokenizer = run.load_model(), run.load_tokenizer()
    trainer = mirror_descent_trainer(run, policy, tokenizer, run.load_rows().to_list())
    headline = train_policy(run, trainer)
    run.save_model(trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
