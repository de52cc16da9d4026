"""Several processes for one stage: started by `accelerate launch`, one of them writes."""

import os
import sys
from pathlib import Path
from typing import Any

from stages.core.errors import InputError
from stages.core.schema import nearest
from stages.core.settings import PAYLOAD

PROFILES = Path("profiles/accelerate")
SINGLE = ("base", "pretrained", "merge")
"""Scripts that write a model and yet train in one process, or not at all."""


def rank() -> int:
    """The number of this process."""
    return int(os.environ.get("RANK", 0))


def local_rank() -> int:
    """The number of this process on its machine, and of its GPU."""
    return int(os.environ.get("LOCAL_RANK", 0))


def is_main() -> bool:
    """Whether this process writes: metrics, trainer state, payload, manifest."""
    return rank() == 0


def world_size() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", 1))


def launch_command(config: dict[str, Any], path: str) -> list[str] | None:
    """How to start a training stage in several processes; None where one is enough or they are running already."""
    system, script = config["system"], config["script"]
    count, profile = system.get("processes", 1), system.get("accelerate", "ddp")
    if count < 2 or "RANK" in os.environ or script in SINGLE or script in PAYLOAD:
        return None
    file = PROFILES / f"{profile}.yaml"
    if not file.exists():
        known = [found.stem for found in PROFILES.glob("*.yaml")]
        raise InputError(f"system.accelerate: there is no {file}; {nearest(profile, known)}")
    # A free port: two stages may run side by side.
    launcher = ["-m", "accelerate.commands.launch", "--config_file", str(file), "--main_process_port", "0"]
    return [sys.executable, *launcher, "--num_processes", str(count), "-m", f"stages.{script}", path]


def any_process(flag: bool) -> bool:
    """Whether `flag` is true in one of the processes; all of them must ask."""
    if world_size() == 1:
        return flag
    import torch

    flags = torch.tensor(float(flag), device="cuda" if torch.cuda.is_available() else "cpu")
    torch.distributed.all_reduce(flags)
    return flags.item() > 0
