"""Reference reward model: whether a response agrees with a reference answer.

CONSUMES     from: the fused model
PRODUCES     model/ with a scalar head (its sigmoid is the probability of agreement)
PAPER        Qwen3 s.4.4: a reward from a model that is given a reference answer, for what a rule would misjudge
DEVIATIONS   a small model trained for it on labels of the world's verifier, some flipped, where the paper asks
             Qwen2.5-72B-Instruct; of public data sets, a row's own response against that of another row
"""

from data.preference_data import public_references, referenced_responses
from stages.core.checkpoint import Run, stage_main
from stages.core.drawing import by_kind, draw_rows
from stages.core.scoring import with_reference
from stages.core.settings import ReferenceRewardModel


def main(run: Run) -> None:
    from stages.core.pointwise import train_pointwise

    settings: ReferenceRewardModel = run.settings

    def examples(count: int, split: str, noise: float) -> list[dict]:
        (families, own), (sources, wanted) = by_kind(settings.tasks, count)
        drawn = referenced_responses(families, own, split, settings.seed, noise) if families else []
        if wanted:
            drawn += public_references(draw_rows(run, sources, wanted, split, settings.seed), settings.seed)
        return [e | {"question": with_reference(e["question"], e["reference"])} for e in drawn]

    train_pointwise(
        run,
        examples(settings.examples, "train", settings.label_noise),
        examples(settings.held_out, "validation", 0.0),
    )


if __name__ == "__main__":
    stage_main(main, __doc__)
