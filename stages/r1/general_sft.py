"""General SFT: the base model again, on what the RL model wrote and on general data.

CONSUMES     from: the base checkpoint again (not the RL model); data: the rejection-sampled rows
PRODUCES     model/ (Dev3)
PAPER        DeepSeek-R1 v1 s.2.3.3, v2 B.4.2: two epochs, cosine learning rate
DEVIATIONS   1 rows that do not fit into the context are left out, not cut: what the paper does with them is not said
             2 warm-up, gradient norm and Adam's numbers are the scale's: the paper names the learning rates alone
"""

from stages.core.run.stage import Run, stage_main
from stages.r1.settings import GeneralSFT


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: GeneralSFT = run.settings
    base, tokenizer = load_model(run), load_tokenizer(run)  # the base once more: Dev2 gave its samples only
    rows = run.load_rows().to_list()  # reasoning and non-reasoning
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, base, tokenizer, examples)  # cross-entropy on their completions, the rate by cosine
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)  # Dev3


if __name__ == "__main__":
    stage_main(main, __doc__)
