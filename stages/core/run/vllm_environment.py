"""The environment that vLLM reads when it is imported."""

import importlib.util
import os

from data.errors import InputError

ON_CPU = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_USE_AOT_COMPILE": "0",
    "TORCHDYNAMO_DISABLE": "1",
}
"""Environment of vLLM on a CPU: in the stage's own process, nothing compiled. What the user has set stays."""


def prepare_vllm() -> None:
    """Set vLLM's environment, which it reads when it is imported; an InputError where it is not installed."""
    if importlib.util.find_spec("vllm") is None:
        raise InputError("engine: `vllm` needs a package that is not installed: pip install -e '.[vllm]'")
    import torch

    for name, value in ({} if torch.cuda.is_available() else ON_CPU).items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
