"""General SFT: the base model again, on what the RL model wrote and on general data.

CONSUMES     from: the base checkpoint again (not the RL model); data: the rejection-sampled rows
PRODUCES     model/ (Dev3)
PAPER        DeepSeek-R1 v1 s.2.3.3, v2 B.4.2: two epochs, cosine learning rate
DEVIATIONS   none in the method; batch and learning rate are the scale's
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.supervised import train_sft

    train_sft(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
