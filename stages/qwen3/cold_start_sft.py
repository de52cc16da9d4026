"""Cold-start SFT: the base model learns reasoning patterns from few examples, in few steps.

CONSUMES     from: the base checkpoint; data: the cold-start rows
PRODUCES     model/ that reasons, with room for RL
PAPER        Qwen3 s.4.1: few samples and few steps, so that RL has potential left
DEVIATIONS   1 epochs, rate, its fall by cosine, batch and length are the scale's: the paper names none
             2 rows longer than that are left out, not cut
"""

from stages.core.run.stage import Run, stage_main
from stages.qwen3.settings import ColdStartSFT


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: ColdStartSFT = run.settings
    base, tokenizer = load_model(run), load_tokenizer(run)
    rows = run.load_rows().to_list()
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, base, tokenizer, examples)  # cross-entropy on their completions, the rate by cosine
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
