"""Shortest SFT: the long-CoT model learns its own shortest correct answers.

CONSUMES     from: the long-CoT RL model; data: shortest rejection sampling
PRODUCES     model/
PAPER        Kimi k1.5 s.2.4
DEVIATIONS   none in the method
"""

from stages.core.checkpoint import Run, stage_main


def main(run: Run) -> None:
    from stages.core.supervised import train_sft

    train_sft(run)


if __name__ == "__main__":
    stage_main(main, __doc__)
