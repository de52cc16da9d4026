"""Shortest SFT: the long-CoT model learns its own shortest correct answers.

CONSUMES     from: the chosen long-CoT model; data: shortest rejection sampling
PRODUCES     model/
PAPER        Kimi k1.5 s.2.4
DEVIATIONS   1 epochs, rate, its fall by cosine, batch and length are the scale's: the paper names none
             2 rows longer than that are left out, not cut
"""

from stages.core.run.stage import Run, stage_main
from stages.kimi_k15.settings import ShortestSFT


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: ShortestSFT = run.settings
    policy, tokenizer = load_model(run), load_tokenizer(run)
    rows = run.load_rows().to_list()  # one for each prompt, the shortest correct
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, policy, tokenizer, examples)  # cross-entropy on their completions, the rate by cosine
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
