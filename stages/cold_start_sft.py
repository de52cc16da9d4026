"""Cold-start SFT: the base model learns the format, one language a thought, and to end with a summary.

CONSUMES     from: the base checkpoint (not R1-Zero); data: the cold-start rows
PRODUCES     model/ (Dev1)
PAPER        DeepSeek-R1 v1 s.2.3.1, v2 B.4.2: 2-3 epochs, cosine learning rate
DEVIATIONS   none in the method; batch and learning rate are the scale's
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.supervised import train_sft

    train_sft(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
