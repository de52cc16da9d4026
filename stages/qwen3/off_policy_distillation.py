"""Off-policy distillation: a smaller base learns the teacher's responses in both modes.

CONSUMES     from: a smaller base; data: the distillation data
PRODUCES     model/: a student that reasons and switches modes
PAPER        Qwen3 s.4.5: the outputs of the teacher with /think and /no_think are combined for response distillation
DEVIATIONS   1 epochs, rate, its fall by cosine, batch and length are the scale's: the paper names none
             2 rows longer than that are left out, not cut
"""

from stages.core.run.stage import Run, stage_main
from stages.qwen3.settings import OffPolicyDistillation


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: OffPolicyDistillation = run.settings
    student, tokenizer = load_model(run), load_tokenizer(run)
    rows = run.load_rows().to_list()  # /think and /no_think
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, student, tokenizer, examples)  # cross-entropy on their completions, the rate by cosine
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
