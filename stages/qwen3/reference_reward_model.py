"""Reference reward model: whether a response agrees with a reference answer.

CONSUMES     from: the fused model
PRODUCES     model/ with a scalar head (its sigmoid is the probability of agreement)
PAPER        Qwen3 s.4.4: a reward from a model that is given a reference answer, for what a rule would misjudge
DEVIATIONS   1 a small model trained for it on labels of the world's verifier, some flipped, where the paper asks
               Qwen2.5-72B-Instruct
             2 of public data sets, a row's own response against that of another row
             3 every number is the scale's: the paper trains no such model
"""

from data.world.preference_data import Labelled, public_references, referenced_responses
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import by_kind, draw_rows
from stages.qwen3.settings import ReferenceRewardModel


def main(run: Run) -> None:
    from stages.core.machines.weights import save_model
    from stages.core.rewards.scoring import scalar_head
    from stages.core.training.callbacks import train
    from stages.core.training.pointwise import pointwise_accuracy, pointwise_trainer

    settings: ReferenceRewardModel = run.settings
    model, tokenizer = scalar_head(run)
    examples = referenced(run, settings.examples, "train", settings.label_noise)
    held_out = referenced(run, settings.held_out, "validation", 0.0)
    trainer = pointwise_trainer(run, model, tokenizer, examples)  # binary cross-entropy
    train(trainer, run)
    accuracy = pointwise_accuracy(model, tokenizer, held_out)
    save_model(run, trainer, tokenizer, "chat", {"held_out_accuracy": accuracy, "responses": len(examples)})


def referenced(run: Run, count: int, split: str, noise: float) -> list[Labelled]:
    """Responses with the reference answer in their question, labelled by whether they agree with it."""
    from stages.core.rewards.scoring import with_reference

    settings: ReferenceRewardModel = run.settings
    (families, own), (sources, wanted) = by_kind(settings.tasks, count)
    drawn = referenced_responses(families, own, split, settings.seed, noise, settings.contrast) if families else []
    if wanted:
        drawn += public_references(draw_rows(run, sources, wanted, split, settings.seed), settings.seed)
    return [e | {"question": with_reference(e["question"], e["reference"])} for e in drawn]


if __name__ == "__main__":
    stage_main(main, __doc__)
