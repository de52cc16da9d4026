"""Helpful reward model: which of two answers would be preferred.

CONSUMES     from: the general SFT model (Dev3)
PRODUCES     model/ with a scalar head
PAPER        DeepSeek-R1 v2 s.3.1: pairs judged four times, order randomised, kept where the mean scores differ by more
             than 1, lengths balanced; pairwise loss, one epoch
DEVIATIONS   1 the judge is the world's gold preference seen through noise, where the paper asks DeepSeek-V3
             2 it gives each answer 1 to 10 points, and a pair is kept where these differ by more than 1; the paper's
               judge gives one of five verdicts on the pair (B.2), so that its 1 is another one
             3 pairs of public data sets come judged: once, by their authors
             4 scores are held around 0 by a small term, which the paper does not have
             5 schedule, gradient norm and Adam's numbers are the scale's: the paper names the learning rate alone
"""

from stages.core.run.stage import Run, stage_main
from stages.r1.settings import HelpfulRewardModel


def main(run: Run) -> None:
    from stages.core.machines.weights import save_model
    from stages.core.rewards.scoring import scalar_head
    from stages.core.training.callbacks import train
    from stages.core.training.pairwise import drawn_pairs, pairwise_accuracy, pairwise_trainer

    settings: HelpfulRewardModel = run.settings
    model, tokenizer = scalar_head(run)  # Dev3 with a head of zeros
    pairs = drawn_pairs(run, settings.examples, "train")  # judged several times, clear, as long as each other
    held_out = drawn_pairs(run, settings.held_out, "validation")
    trainer = pairwise_trainer(run, model, tokenizer, pairs)  # -log sigmoid(chosen - rejected)
    train(trainer, run)
    accuracy = pairwise_accuracy(model, tokenizer, held_out)
    save_model(run, trainer, tokenizer, "chat", {"held_out_accuracy": accuracy, "pairs": len(pairs)})


if __name__ == "__main__":
    stage_main(main, __doc__)
