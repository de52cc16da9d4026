"""A plugin that makes vLLM's weights replaceable on a CPU; the only module that is installed with the project.

vLLM's CPU build packs linear layers for oneDNN when they are loaded. New weights, which RL hands over after each
step, then fail to load or are not used. Without the packing they are ordinary parameters. vLLM calls `register` in
each of its processes (entry point group `vllm.general_plugins`); on a GPU it does nothing.
"""


def register() -> None:
    """No oneDNN packing; a model in float32, which vLLM would make bfloat16, stays as it is."""
    import torch
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return
    from vllm import _custom_ops

    _custom_ops._supports_onednn = False
    others = [dtype for dtype in current_platform.supported_dtypes if dtype != torch.float32]
    # The first is what a float32 model becomes.
    type(current_platform).supported_dtypes = property(lambda self: [torch.float32, *others])
