"""Preference reward model: which of two answers people would prefer, without a reference answer.

CONSUMES     from: the fused model
PRODUCES     model/ with a scalar head
PAPER        Qwen3 s.4.4: a reward model trained on human preferences gives a scalar to each response
DEVIATIONS   1 the preferences are the world's gold preference seen through noise, where the paper has people's
             2 how pairs are judged and kept is R1's (v2 s.3.1), with its least difference in points of 1 to 10: the
               paper does not say
             3 scores are held around 0 by a small term, and every number is the scale's: the paper names none
"""

from stages.core.run.stage import Run, stage_main
from stages.qwen3.settings import PreferenceRewardModel


def main(run: Run) -> None:
    from stages.core.machines.weights import save_model
    from stages.core.rewards.scoring import scalar_head
    from stages.core.training.callbacks import train
    from stages.core.training.pairwise import drawn_pairs, pairwise_accuracy, pairwise_trainer

    settings: PreferenceRewardModel = run.settings
    model, tokenizer = scalar_head(run)  # the fused model with a head of zeros
    pairs = drawn_pairs(run, settings.examples, "train")
    held_out = drawn_pairs(run, settings.held_out, "validation")
    trainer = pairwise_trainer(run, model, tokenizer, pairs)  # -log sigmoid(chosen - rejected)
    train(trainer, run)
    accuracy = pairwise_accuracy(model, tokenizer, held_out)
    save_model(run, trainer, tokenizer, "chat", {"held_out_accuracy": accuracy, "pairs": len(pairs)})


if __name__ == "__main__":
    stage_main(main, __doc__)
