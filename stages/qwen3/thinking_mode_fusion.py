"""Thinking-mode fusion: the reasoning model learns to answer without thinking too, and to obey the flags.

CONSUMES     from: the reasoning RL model; data: the fusion data
PRODUCES     model/ with two modes
PAPER        Qwen3 s.4.3: continual SFT on the reasoning RL model
DEVIATIONS   1 epochs, rate, its fall by cosine, batch and length are the scale's: the paper names none
             2 rows longer than that are left out, not cut
"""

from stages.core.run.stage import Run, stage_main
from stages.qwen3.settings import ThinkingModeFusion


def main(run: Run) -> None:
    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.supervised import fitting, sft_trainer, train_supervised

    settings: ThinkingModeFusion = run.settings
    policy, tokenizer = load_model(run), load_tokenizer(run)  # continual: from the RL model, not the base
    rows = run.load_rows().to_list()  # both modes, with their flags
    examples = fitting(run, tokenizer, rows, settings.max_length)
    trainer = sft_trainer(run, policy, tokenizer, examples)  # cross-entropy on their completions, the rate by cosine
    headline = train_supervised(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
