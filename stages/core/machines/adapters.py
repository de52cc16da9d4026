"""Low-rank adapters by `peft`: put on before a stage trains, merged when it has.

Without `lora` in the scale's system every function here gives its model back as it came.
"""

import json
from pathlib import Path

from transformers import TrainerCallback

from data.errors import InputError
from stages.core.machines.attention import with_cpu_attention
from stages.core.machines.checks import model_of, reason
from stages.core.pipeline.system import Lora

ADAPTER_FILE = "adapter_config.json"


def with_adapter(model, lora: Lora | None, seed: int, task: str = "CAUSAL_LM"):
    """The model with a fresh adapter, which changes nothing yet: only the adapter is trained.

    seed: of the adapter's weights; task: peft's task type; for SEQ_CLS the new scalar head is trained as well.
    """
    if lora is None:
        return model
    import torch
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type=task,
    )
    torch.manual_seed(seed)
    return get_peft_model(model, config)


def is_adapted(model) -> bool:
    """Whether the model carries an adapter."""
    return hasattr(model, "peft_config")


def without_adapter(model):
    """The causal model that carries the adapter, whose layers it is in."""
    return model.get_base_model() if is_adapted(model) else model


def merged(model):
    """Plain weights: the adapter that was trained is added to them, any other is dropped."""
    return model.merge_and_unload(adapter_names=["default"]) if is_adapted(model) else model


def save_adapted(model, folder: Path, parent: Path | None) -> None:
    """Whole weights, or the trained adapter alone, which needs the weights in its `parent`'s folder and names it."""
    if parent is None:
        merged(model).save_pretrained(folder)
        return
    model.save_pretrained(folder, selected_adapters=["default"])
    config = json.loads((folder / ADAPTER_FILE).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = str(parent)
    (folder / ADAPTER_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_weights(folder: Path, kind, **options):
    """A checkpoint's model; where it is an adapter, its parent's weights with the adapter merged in.

    kind: a transformers auto class; options: for `model_of`. InputError where the folder is no such model.
    """
    file = folder / ADAPTER_FILE
    if not file.exists():
        return with_cpu_attention(model_of(folder, kind, **options))
    from peft import PeftModel

    try:
        parent = Path(json.loads(file.read_text(encoding="utf-8"))["base_model_name_or_path"])
        if parent.resolve() == folder.resolve():
            raise InputError(f"{file}: the adapter names itself as its model")
        return PeftModel.from_pretrained(load_weights(parent, kind, **options), folder).merge_and_unload()
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{folder}: its adapter cannot be loaded: {reason(error)}") from error


class RefreshReference(TrainerCallback):
    """The reference adapter that TRL keeps beside the trained one becomes a copy of it every `steps` steps.

    What TRL does with a whole reference model (`sync_ref_model`) it does not do with an adapter.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step_end(self, args, state, control, model=None, **kwargs):
        if state.global_step % self.steps == 0:
            copy_adapter(model, "default", "ref")


class LoadAdapter(TrainerCallback):
    """A resumed run's adapter: beside a second one (TRL's reference) the Trainer leaves the trained one as it was."""

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        from peft import set_peft_model_state_dict
        from peft.utils import load_peft_weights

        set_peft_model_state_dict(model, load_peft_weights(self.checkpoint, device="cpu"), adapter_name="default")


def copy_adapter(model, source: str, target: str) -> None:
    """The weights of one adapter into another of the same shape."""
    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        if f".{source}." in name:
            parameters[name.replace(f".{source}.", f".{target}.")].data.copy_(parameter.data)


def adapter_weights(model, adapter: str) -> dict:
    """The weights of one adapter, by name."""
    return {name: value.detach().cpu() for name, value in model.named_parameters() if f".{adapter}." in name}
