"""Distillation: a smaller base learns the same samples by SFT alone, without RL.

CONSUMES     from: a smaller base; data: the rejection-sampled rows
PRODUCES     model/: the distilled student
PAPER        DeepSeek-R1 v1 s.2.4, v2 B.4.3: 2-3 epochs, learning rate by cosine to a tenth, batch 64
DEVIATIONS   none in the method; batch and learning rate are the scale's
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.supervised import train_sft

    train_sft(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
