"""Cold-start SFT: the base model learns the format, one language a thought, and to end with a summary.

CONSUMES     from: the base checkpoint (not R1-Zero); data: the cold-start rows
PRODUCES     model/ (Dev1)
PAPER        DeepSeek-R1 v1 s.2.3.1, v2 B.4.2: 2-3 epochs, cosine learning rate
DEVIATIONS   1 rows that do not fit into the context are left out, not cut: what the paper does with them is not said
             2 warm-up, gradient norm and Adam's numbers are the scale's: the paper names the learning rates alone
"""

from stages.core.run.stage import Run, stage_main
from stages.r1.settings import ColdStartSFT


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: ColdStartSFT = run.settings
    base, tokenizer = load_model(run), load_tokenizer(run)
    rows = run.load_rows().to_list()  # readable thoughts, then a summary
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, base, tokenizer, examples)  # cross-entropy on their completions, the rate by cosine
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)  # Dev1


if __name__ == "__main__":
    stage_main(main, __doc__)
