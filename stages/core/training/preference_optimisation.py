"""Direct preference optimisation: TRL's trainer, its reference in shards where the policy is."""

from trl import DPOTrainer
from trl.trainer import dpo_trainer

from stages.core.machines.sharding import cut_references
from stages.core.machines.padding import without_padding
from stages.core.training import learned_tokens  # noqa: F401
from stages.core.training.callbacks import MeanOverUpdate

cut_references(dpo_trainer)


class PreferenceTrainer(MeanOverUpdate, DPOTrainer):
    """TRL's DPO trainer."""

    def __init__(self, model, **options) -> None:
        super().__init__(without_padding(model), **options)
        if self.ref_model is not None:
            without_padding(self.ref_model)
