"""Thinking-mode fusion: the reasoning model learns to answer without thinking too, and to obey the flags.

CONSUMES     from: the reasoning RL model; data: the fusion data
PRODUCES     model/ with two modes
PAPER        Qwen3 s.4.3: continual SFT on the reasoning RL model
DEVIATIONS   none in the method; epochs, batch and learning rate are the scale's
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.supervised import train_sft

    train_sft(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
