"""Log-probs of the learned tokens alone, on a CPU too, in few passes: what TRL's trainers score completions with.

TRL leaves out prompts and padding on GPUs only, and without Triton its tiles of logits take thirty passes over them.
Same values and gradients (tests/unit/core/training/test_next_token_loss.py). Imported by the trainers that use it.
"""

import torch
from torch import Tensor
from torch.nn.functional import linear
from trl.trainer import utils

LOGITS = 2**27
"""So many logits at most are held at once: half a GiB. TRL makes more of them in tiles, twice."""
GIVEN = {"log_probs", "entropy", "mean_logits", "is_top1"}

_on_gpu, _tiles = utils._use_triton, utils._ChunkedLogProbFunction


def learned_alone(device: torch.device) -> bool:
    """Whether logits are made of learned tokens alone; elsewhere shapes must not change from batch to batch."""
    return device.type == "cpu" or _on_gpu(device)


class LogProbs:
    """In the place of TRL's function."""

    @staticmethod
    def apply(
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        chunk_size: int,
        softcap: float | None = None,
        logit_scale: float = 1.0,
        outputs: tuple[str, ...] = (),
    ) -> tuple[Tensor | None, ...]:
        """Each (N,) of tokens with targets (N,): log-prob, entropy, nothing, mean logit, whether none is likelier.

        hidden: (N, H); weight: (V, H); bias: (V,). What is not named in `outputs` may be None.
        """
        if hidden.device.type != "cpu" or len(hidden) * len(weight) > LOGITS or softcap or {*outputs} - GIVEN:
            rest = (temperature, chunk_size, softcap, logit_scale, outputs)
            return _tiles.apply(hidden, weight, bias, targets, *rest)
        logits = linear(hidden, weight, bias).float()
        if logit_scale != temperature:
            logits = logits * (logit_scale / temperature)
        logps = logits.log_softmax(dim=-1)
        entropy = -(logps.exp() * logps).sum(dim=-1) if "entropy" in outputs else None
        mean = logits.detach().mean(dim=-1) if "mean_logits" in outputs else None
        return logps.gather(1, targets[:, None])[:, 0], entropy, None, mean, logps.argmax(dim=-1) == targets


utils._use_triton, utils._ChunkedLogProbFunction = learned_alone, LogProbs
