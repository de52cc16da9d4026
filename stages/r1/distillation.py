"""Distillation: a smaller base learns the same samples by SFT alone, without RL.

CONSUMES     from: a smaller base; data: the rejection-sampled rows
PRODUCES     model/: the distilled student
PAPER        DeepSeek-R1 v1 s.2.4, v2 B.4.3: 2-3 epochs, learning rate by cosine to a tenth, batch 64
DEVIATIONS   1 one student, of the scale, where the paper has six of Qwen2.5 and Llama 3
             2 rows that do not fit into the context are left out, not cut: what the paper does with them is not said
             3 warm-up, gradient norm and Adam's numbers are the scale's: the paper names the learning rates alone
"""

from stages.core.run.stage import Run, stage_main
from stages.r1.settings import Distillation


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: Distillation = run.settings
    student, tokenizer = load_model(run), load_tokenizer(run)
    rows = run.load_rows().to_list()  # the very rows of general_sft
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, student, tokenizer, examples)  # cross-entropy on their completions, the rate by cosine
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
