"""Several processes for one stage, on one node or several: started by `accelerate launch`, one of them writes."""

import atexit
import ctypes
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.errors import InputError
from stages.core.pipeline.schema import nearest, settings_class
from stages.core.pipeline.scripts import ROOT
from stages.core.pipeline.settings import trains_in_several
from stages.core.pipeline.system import PROFILES

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl.h: which signal a process gets when its parent ends."""


def rank() -> int:
    """The number of this process."""
    return int(os.environ.get("RANK", 0))


def local_rank() -> int:
    """The number of this process on its machine, and of its GPU."""
    return int(os.environ.get("LOCAL_RANK", 0))


def node() -> int:
    """The number of this node, where a stage runs on several."""
    return int(os.environ.get("NODE_RANK", os.environ.get("SLURM_NODEID", 0)))


def is_main() -> bool:
    """Whether this process writes: metrics, trainer state, payload, manifest."""
    return rank() == 0


def world_size() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", 1))


def launch(config: dict[str, Any], path: str) -> None:
    """Start a training stage again in its processes, and exit with what became of them.

    Returns at once where one process is enough, or in one of them.
    """
    settings = settings_class(config["script"], path)
    if "RANK" in os.environ or not trains_in_several(settings, config["system"]):
        return
    module = getattr(sys.modules["__main__"].__spec__, "name", f"stages.{config['script']}")
    if config["system"].get("nodes", 1) > 1 and "MASTER_ADDR" not in os.environ:
        command = on_every_node(config["system"]["nodes"], module, path)
        os.execvp(command[0], command)
    started, manifest = time.time(), Path(config["output"], "manifest.json")

    def complete() -> bool:
        """Whether a signal came too late to stop the stage; on all nodes but the first that is not theirs to say."""
        return node() > 0 or (manifest.exists() and manifest.stat().st_mtime >= started)

    sys.exit(launched(launch_arguments(config["system"], module, path), complete))


def launch_arguments(system: dict[str, Any], module: str, path: str) -> list[str]:
    """What `accelerate launch` is told on this node."""
    nodes, count, profile = system.get("nodes", 1), system["processes"], system.get("accelerate", "ddp")
    if count % nodes:
        raise InputError(f"system.processes: {count} cannot be divided among {nodes} nodes")
    file = PROFILES / f"{profile}.yaml"
    if not file.exists():
        known = [found.stem for found in PROFILES.glob("*.yaml")]
        raise InputError(f"system.accelerate: there is no {file.relative_to(ROOT)}; {nearest(profile, known)}")
    arguments = ["--config_file", str(file), "--num_processes", str(count)]
    if threads := int(os.environ.get("OMP_NUM_THREADS", 0)):  # those of the stage, which each process would start
        arguments += ["--num_cpu_threads_per_process", str(max(1, threads // (count // nodes)))]
    if nodes == 1:
        arguments += ["--main_process_port", "0"]  # a free one: two stages may run side by side
    else:
        if "MASTER_PORT" not in os.environ or not os.environ.keys() & {"NODE_RANK", "SLURM_NODEID"}:
            raise InputError("MASTER_ADDR is set: a stage on several nodes needs MASTER_PORT and NODE_RANK beside it")
        arguments += ["--num_machines", str(nodes), "--machine_rank", str(node()), "--same_network"]
        arguments += ["--deepspeed_multinode_launcher", "standard"]  # its own would start all nodes from each
        arguments += ["--main_process_ip", os.environ["MASTER_ADDR"]]
        arguments += ["--main_process_port", os.environ["MASTER_PORT"]]
    return [*arguments, "-m", module, path]


def on_every_node(nodes: int, module: str, path: str) -> list[str]:
    """The command that starts this very stage on each node of its Slurm job; this one is the first of them."""
    if "SLURM_JOB_ID" not in os.environ:
        raise InputError(
            f"system.nodes is {nodes}: run it on Slurm, or start it on each node yourself, with MASTER_ADDR and "
            "MASTER_PORT of the first and NODE_RANK from 0"
        )
    with socket.socket() as free:
        free.bind(("", 0))
        meet = f"MASTER_ADDR={socket.gethostname()},MASTER_PORT={free.getsockname()[1]}"
    each = [f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", "--cpu-bind=none", "--kill-on-bad-exit=1"]
    return ["srun", *each, f"--export=ALL,{meet}", sys.executable, "-m", module, path]


def launched(arguments: list[str], complete: Callable[[], bool]) -> int:
    """Run `accelerate launch` to its end -> the exit code of the first process that failed, 0 where none did.

    complete: asked after a signal, which is passed on to the processes: whether they were done all the same.
    """
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    # The processes say themselves why they end, and may take long to save when they are told to.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "3600")
    try:
        launch_command(launch_command_parser().parse_args(arguments))
    except SignalException as error:
        return 0 if complete() else 128 + error.sigval
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        return code if code > 0 else 128 - code
    return 0


def end_with_launcher() -> None:
    """From here on this process ends when its launcher is killed: two runs of a stage must not write at once."""
    if "RANK" in os.environ and sys.platform == "linux":
        end_with_parent()


def end_with_parent() -> None:
    """From here on this process, on Linux, is killed when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_process(code: int) -> None:
    """Exit without Python's own end, which takes a second to clear away what a stage has loaded.

    Of several processes, a thread of their group may still hold a tensor then: it would wait for Python, and abort.
    """
    atexit._run_exitfuncs()  # a tracker's last word
    for stream in filter(None, (sys.stdout, sys.stderr)):  # they may be closed
        stream.flush()
    os._exit(code)
