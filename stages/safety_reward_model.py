"""Safety reward model: whether a whole response is safe.

CONSUMES     from: the general SFT model (Dev3)
PRODUCES     model/ with a scalar head (its sigmoid is the probability of safe)
PAPER        DeepSeek-R1 v2 s.3.1: responses labelled safe or unsafe by guidelines, pointwise loss, one epoch
DEVIATIONS   the labels are the world's own with some flipped, or a public data set's
"""

from data.preference_data import labelled_responses, public_labels
from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import by_kind, draw_rows
from stages.core.settings import SafetyRewardModel


def main(run: Run) -> None:
    from stages.core.pointwise import train_pointwise

    settings: SafetyRewardModel = run.settings
    examples = labelled(run, settings.examples, "train", settings.label_noise)
    train_pointwise(run, examples, labelled(run, settings.held_out, "validation", 0.0))


def labelled(run: Run, count: int, split: str, noise: float) -> list[dict]:
    """Responses of the world and of public data sets, with their labels."""
    settings: SafetyRewardModel = run.settings
    (families, own), (sources, wanted) = by_kind(settings.tasks, count)
    found = labelled_responses(families, own, split, settings.seed, noise) if families else []
    return found + public_labels(draw_rows(run, sources, wanted, split, settings.seed)) if wanted else found


if __name__ == "__main__":
    stage_main(main, __doc__)
