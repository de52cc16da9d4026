"""Merge: the plain average of the long and the short model's weights, without training.

CONSUMES     checkpoints: the long-CoT RL model and the vanilla SFT model
PRODUCES     model/
PAPER        Kimi k1.5 s.2.4
DEVIATIONS   none
"""

from stages.core.run.stage import Run, stage_main
from stages.kimi_k15.settings import Merge


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.merging import average_weights

    settings: Merge = run.settings
    names = list(run.config["inputs"]["checkpoints"])
    models = [load_model(run, "checkpoints", name) for name in names]
    models[0].load_state_dict(average_weights([model.state_dict() for model in models], settings.weights))
    run.metrics.say("weights of " + ", ".join(f"{w} {name}" for w, name in zip(settings.weights, names, strict=True)))
    save_model(run, models[0], load_tokenizer(run, "checkpoints", names[0]), "chat", {})


if __name__ == "__main__":
    stage_main(main, __doc__)
