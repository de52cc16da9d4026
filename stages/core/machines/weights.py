"""A stage's weights: loading what it consumes, freezing what it only asks, saving what it has trained."""

import shutil
from pathlib import Path

import torch
import transformers

from data.errors import InputError
from stages.core.machines.adapters import is_adapted, load_weights, save_adapted, with_adapter
from stages.core.machines.checks import check_finite, tokenizer_of
from stages.core.machines.sharding import give_back_zeros, in_shards, join_processes, shards
from stages.core.run.processes import is_main, local_rank
from stages.core.run.stage import Run

KEPT = "kept"
"""Where in a payload the checkpoints lie that a stage kept beside its last one."""


def load_model(
    run: Run,
    role: str = "from",
    name: str | None = None,
    kind: str = "AutoModelForCausalLM",
    kept: str | None = None,
    **options,
):
    """The weights of an input, in float32; those that the stage trains (`from`) carry the system's adapter.

    kind: a transformers auto class; kept: one of the input's `kept_checkpoints`, in the place of its last; options: for
    `from_pretrained`.
    """
    if shards():
        join_processes()
    options = {"dtype": torch.float32} | options
    folder = run.parent(role, name) / "model"
    folder = folder / KEPT / kept if kept else folder
    model = load_weights(folder, getattr(transformers, kind), new_head=role == "from", **options)
    if shards():
        give_back_zeros(model)
    if is_main():  # where there are shards the others have no weights yet
        check_finite(model, folder)
    if role != "from":
        return model
    task = "SEQ_CLS" if "SequenceClassification" in kind else "CAUSAL_LM"
    return with_adapter(model, run.system.lora, run.settings.seed, task)


def without_dropout(model):
    """The model, no layer of which drops anything any more: policy, sampler and reference are one function.

    In training mode dropout would make each log-prob a draw, so ratios and KL would be noise. The saved configuration
    keeps its own value, which SFT trains with.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.p = 0.0
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):  # of an attention, which hands it to its kernel
                setattr(module, name, 0.0)
    return model


def load_frozen(
    run: Run, role: str, name: str | None = None, kind: str = "AutoModelForCausalLM", kept: str | None = None
):
    """An input that is only asked: on this process's GPU where there is one, there in the system's precision.

    In shards where those of the trained model are.
    """
    gpu = torch.cuda.is_available()
    half = gpu and run.system.precision == "bfloat16"
    model = load_model(run, role, name, kind, kept, dtype=torch.bfloat16 if half else torch.float32)
    if shards():
        return in_shards(model)
    return model.to(f"cuda:{local_rank()}" if gpu else "cpu").eval().requires_grad_(False)


def load_tokenizer(run: Run, role: str = "from", name: str | None = None):
    """The tokenizer saved with an input's weights."""
    return tokenizer_of(run.parent(role, name) / "model")


def whole_weights(trained: transformers.Trainer):
    """(model, options for its `save_pretrained`) of what a trainer has trained.

    Where the weights lie in shards, every process must ask, and the main one gets them all, on the CPU.
    """
    accelerator = trained.accelerator
    model = accelerator.unwrap_model(trained.model, keep_torch_compile=False)
    sharded = trained.is_fsdp_enabled or trained.is_deepspeed_enabled
    if sharded and is_adapted(model):
        raise InputError("system.lora trains whole models on every GPU: choose accelerate `ddp`, or no lora")
    return model, {"state_dict": accelerator.get_state_dict(trained.model_wrapped)} if sharded else {}


def keep_weights(run: Run, trained: transformers.Trainer, tokenizer, name: str) -> None:
    """The policy of this moment is put aside; it comes into the payload when the stage is complete."""
    model, weights = whole_weights(trained)
    if is_main():
        folder = run.trainer_folder / KEPT / name
        if is_adapted(model):
            save_adapted(model, folder, run.parent("from") / "model")  # to merge it would end its training
        else:
            model.save_pretrained(folder, **weights)
        tokenizer.save_pretrained(folder)


def kept_checkpoints(run: Run, role: str) -> list[str]:
    """The names of the checkpoints that an input kept beside its last one, the earliest first."""
    folders = (run.parent(role) / "model" / KEPT).glob("*")
    return sorted((folder.name for folder in folders), key=lambda name: int(name.rpartition("_")[2]))


def save_model(run: Run, trained, tokenizer, template: str, headline: dict) -> None:
    """Weights and tokenizer complete the stage; `template` names the prompt format that the model was trained on.

    trained: the model, or the trainer that has it, perhaps in shards over several processes.
    """
    model, weights = whole_weights(trained) if hasattr(trained, "accelerator") else (trained, {})

    def write(payload: Path) -> None:
        if is_adapted(model):
            alone = run.system.lora is not None and run.system.lora.save == "adapter" and "from" in run.config["inputs"]
            save_adapted(model, payload, run.parent("from") / "model" if alone else None)
        else:
            model.save_pretrained(payload, **weights)
        tokenizer.save_pretrained(payload)
        if (aside := run.folder / "trainer" / KEPT).exists():
            shutil.copytree(aside, payload / KEPT)

    run.finish("model", write, headline, {"template": template})
