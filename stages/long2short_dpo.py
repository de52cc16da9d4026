"""Long2short DPO: the short correct answer is preferred to the long ones.

CONSUMES     from: the long-CoT RL model; data: the pairs of shortest rejection sampling
PRODUCES     model/
PAPER        Kimi k1.5 s.2.4
DEVIATIONS   none in the method
"""

from stages.core.checkpoint import Run, stage_main
from stages.core.settings import DPO


def main(run: Run) -> None:
    from trl import DPOConfig, DPOTrainer
    from trl.trainer import dpo_trainer

    from stages.core.callbacks import epoch_arguments, train, watch
    from stages.core.sharding import cut_references

    cut_references(dpo_trainer)
    settings: DPO = run.settings
    model, tokenizer = run.load_model(), run.load_tokenizer()
    pairs = run.load_rows(table="pairs")
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            **epoch_arguments(run),
            beta=settings.beta,
            lr_scheduler_type="linear",
            max_length=settings.max_length,
        ),
        train_dataset=pairs,
        processing_class=tokenizer,
    )
    watch(trainer, run)
    train(trainer, run)
    last = next((entry for entry in reversed(trainer.state.log_history) if "rewards/accuracies" in entry), {})
    headline = {"pairs": len(pairs), "preferred": last.get("rewards/accuracies", 0.0)}
    run.save_model(trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    stage_main(main, __doc__)
