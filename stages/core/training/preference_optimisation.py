"""Direct preference optimisation: TRL's trainer, its reference in shards where the policy is."""

from trl import DPOTrainer
from trl.trainer import dpo_trainer

from stages.core.machines.padding import without_padding
from stages.core.machines.sharding import cut_references
from stages.core.run.stage import Run
from stages.core.training import learned_tokens  # noqa: F401
from stages.core.training.callbacks import MeanOverUpdate

cut_references(dpo_trainer)


class PreferenceTrainer(MeanOverUpdate, DPOTrainer):
    """TRL's DPO trainer."""

    def __init__(self, model, **options) -> None:
        super().__init__(model, **options)  # which gives the reference the attention that the model has by now
        for asked in (self.model, self.ref_model):
            if asked is not None:
                without_padding(asked)

    def count_tokens(self, run: Run) -> None:
        """Into the manifest: those of the prompts, once for both completions, and of the completions."""
        prompt, *trained = (
            run.settings.epochs * sum(map(len, self.train_dataset[name]))
            for name in ("prompt_ids", "chosen_ids", "rejected_ids")
        )
        run.tokens.update(prompt=prompt, trained=sum(trained))
