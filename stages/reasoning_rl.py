"""Reasoning RL: the cold-start model learns to reason, with rule rewards.

CONSUMES     from: the cold-start SFT model (R1's Dev1); data: the queries to train on (optional; without it they are
             drawn from the mixture of the scale)
PRODUCES     model/ (R1's Dev2)
PAPER        DeepSeek-R1 v2 s.3.2.1: GRPO as for R1-Zero with clip epsilon 10; the language-consistency reward (Eq. 7)
             is added to the rule rewards with weight 1. Qwen3 s.4.2: GRPO on few selected query-verifier pairs
DEVIATIONS   none in the method; lengths, batch and learning rate are the scale's
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.policy import train_on_reasoning

    train_on_reasoning(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
