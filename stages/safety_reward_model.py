"""Safety reward model: whether a whole response is safe.

CONSUMES     from: the general SFT model (Dev3)
PRODUCES     model/ with a scalar head (its sigmoid is the probability of safe)
PAPER        DeepSeek-R1 v2 s.3.1: responses labelled safe or unsafe by guidelines, pointwise loss, one epoch
DEVIATIONS   the labels are the world's own with some flipped
"""

from data.preference_data import labelled_responses
from stages.core.checkpoint import Run, stage_main
from stages.core.settings import SafetyRewardModel


def main(run: Run) -> None:
    from stages.core.pointwise import train_pointwise

    settings: SafetyRewardModel = run.settings
    examples = labelled_responses(settings.tasks, settings.examples, "train", settings.seed, settings.label_noise)
    held_out = labelled_responses(settings.tasks, settings.held_out, "validation", settings.seed, 0.0)
    train_pointwise(run, examples, held_out)


if __name__ == "__main__":
    stage_main(main, __doc__)
