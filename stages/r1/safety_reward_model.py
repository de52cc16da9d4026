"""Safety reward model: whether a whole response is safe.

CONSUMES     from: the general SFT model (Dev3)
PRODUCES     model/ with a scalar head (its sigmoid is the probability of safe)
PAPER        DeepSeek-R1 v2 s.3.1: responses labelled safe or unsafe by guidelines, pointwise loss, one epoch
DEVIATIONS   1 the labels are the world's own with some flipped, or a public data set's, where the paper has guidelines
             2 schedule, gradient norm and Adam's numbers are the scale's: the paper names the learning rate alone
"""

from data.world.preference_data import Labelled, labelled_responses, public_labels
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import by_kind, draw_rows
from stages.r1.settings import SafetyRewardModel


def main(run: Run) -> None:
    from stages.core.machines.weights import save_model
    from stages.core.rewards.scoring import scalar_head
    from stages.core.training.callbacks import train
    from stages.core.training.pointwise import pointwise_accuracy, pointwise_trainer

    settings: SafetyRewardModel = run.settings
    model, tokenizer = scalar_head(run)
    examples = labelled(run, settings.examples, "train", settings.label_noise)
    held_out = labelled(run, settings.held_out, "validation", 0.0)
    trainer = pointwise_trainer(run, model, tokenizer, examples)  # binary cross-entropy
    train(trainer, run)
    accuracy = pointwise_accuracy(model, tokenizer, held_out)
    save_model(run, trainer, tokenizer, "chat", {"held_out_accuracy": accuracy, "responses": len(examples)})


def labelled(run: Run, count: int, split: str, noise: float) -> list[Labelled]:
    """Responses of the world and of public data sets, with their labels."""
    settings: SafetyRewardModel = run.settings
    (families, own), (sources, wanted) = by_kind(settings.tasks, count)
    found = labelled_responses(families, own, split, settings.seed, noise) if families else []
    return found + public_labels(draw_rows(run, sources, wanted, split, settings.seed)) if wanted else found


if __name__ == "__main__":
    stage_main(main, __doc__)
