"""R1-Zero: reinforcement learning on a base model that has seen no supervised reasoning data.

CONSUMES     from: a base checkpoint
PRODUCES     model/ trained with GRPO on reasoning prompts in the R1-Zero template
PAPER        DeepSeek-R1 v2 s.2: accuracy and format reward with equal weights, no neural reward model; 16 outputs a
             question, one rollout for 16 updates, the reference model replaced by the policy at intervals, longer
             completions in the last part of the run
DEVIATIONS   none in the method; lengths, batch and learning rate are the scale's
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.policy import train_on_reasoning

    train_on_reasoning(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
