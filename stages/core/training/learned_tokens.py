"""TRL's loss on log-probs, on a CPU too of the learned tokens alone: TRL leaves out the others on GPUs only.

So a prompt and its padding cost no logits. Imported by the trainers that learn from completions.
"""

import torch
from trl.trainer import utils

_on_gpu = utils._use_triton


def learned_alone(device: torch.device) -> bool:
    """Whether logits are made of learned tokens alone; elsewhere shapes must not change from batch to batch."""
    return device.type == "cpu" or _on_gpu(device)


utils._use_triton = learned_alone
