"""Reasoning RL, R1's first RL stage: the cold-start model learns to reason in one language.

CONSUMES     from: the cold-start SFT model (Dev1)
PRODUCES     model/ (Dev2)
PAPER        DeepSeek-R1 v2 s.3.2.1: GRPO as for R1-Zero with clip epsilon 10; the language-consistency reward (Eq. 7)
             is added to the rule rewards with weight 1
DEVIATIONS   none in the method; lengths, batch and learning rate are the scale's
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.policy import train_on_reasoning

    train_on_reasoning(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
