"""Long2short DPO: the short correct answer is preferred to the long ones.

CONSUMES     from: the chosen long-CoT model; data: the pairs of shortest rejection sampling
PRODUCES     model/
PAPER        Kimi k1.5 s.2.4
DEVIATIONS   1 beta, epochs, rate, schedule, gradient norm, optimizer and batch are the scale's: the paper names none
             2 what is longer than the scale's length is cut
"""

from stages.core.run.stage import Run, stage_main
from stages.kimi_k15.settings import Long2ShortDPO


def main(run: Run) -> None:
    from trl import DPOConfig

    from stages.core.machines.weights import load_model, load_tokenizer, save_model
    from stages.core.training.callbacks import epoch_arguments, train, watch
    from stages.core.training.preference_optimisation import PreferenceTrainer

    settings: Long2ShortDPO = run.settings
    policy, tokenizer = load_model(run), load_tokenizer(run)
    pairs = run.load_rows(table="pairs")  # prompt; chosen: the shortest correct; rejected: longer or wrong
    trainer = PreferenceTrainer(
        model=policy,
        args=DPOConfig(
            **epoch_arguments(run),
            beta=settings.beta,
            lr_scheduler_type=settings.learning_rate_schedule,
            max_length=settings.max_length,
        ),
        train_dataset=pairs,
        processing_class=tokenizer,
    )
    trainer.count_tokens(run)
    watch(trainer, run)
    train(trainer, run)
    last: dict = next((entry for entry in reversed(trainer.state.log_history) if "rewards/accuracies" in entry), {})
    headline = {"pairs": len(pairs), "preferred": last.get("rewards/accuracies", 0.0)}
    save_model(run, trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
