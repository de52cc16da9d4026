"""Direct preference optimisation: TRL's trainer, its reference in shards where the policy is."""

from trl import DPOTrainer
from trl.trainer import dpo_trainer

from stages.core.machines.sharding import cut_references
from stages.core.training.callbacks import MeanOverUpdate

cut_references(dpo_trainer)


class PreferenceTrainer(MeanOverUpdate, DPOTrainer):
    """TRL's DPO trainer."""
