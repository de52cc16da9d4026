"""On what a scale runs its stages: engine, precision, adapters, processes, tracking. Imports no torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stages.core.pipeline.settings import Fraction, Positive, Rate

Tracker = Literal["none", "tensorboard", "trackio", "wandb"]


class Lora(BaseModel):
    """Low-rank adapters, trained in place of the weights; each stage starts from weights with the last one merged in.

    save: `merged` writes whole weights, `adapter` the adapter alone, which needs its parent's folder to be loaded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    r: Positive
    alpha: Rate
    dropout: Fraction = 0.0
    target_modules: Literal["all-linear"] | list[str] = "all-linear"
    save: Literal["merged", "adapter"] = "merged"


class Vllm(BaseModel):
    """Where vLLM samples: in the trainer's own process (colocate), or behind `trl vllm-serve` (server).

    importance_sampling: how GRPO's loss weighs a token (or a completion) by the ratio of the trainer's probability to
    vLLM's: cut off at the cap (truncate), or dropped above it (mask).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["colocate", "server"] = "colocate"
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.3
    tensor_parallel_size: Positive = 1
    max_model_length: Positive | None = None
    server_host: str = "127.0.0.1"
    server_port: Positive = 8000
    importance_sampling: Literal["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"] = (
        "token_truncate"
    )
    importance_sampling_cap: Annotated[float, Field(ge=1)] = 2.0


class PublicData(BaseModel):
    """How the public data sets in a scale's mixtures are read (data/public/sources.py).

    decontaminate: data sets whose test questions and 10-grams no training row may hold.
    commercial_only: leave out what is not clearly licensed for commercial use.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decontaminate: list[str] = []
    commercial_only: bool = False


class System(BaseModel):
    """The machinery of a scale.

    processes: in how many processes a training stage runs, on all of its `nodes` together; accelerate: which of
    `profiles/accelerate/` starts them.
    logp_gap_limit: mean difference between the sampler's and the trainer's log-probs, in nats a token, above which an
    RL stage stops.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["transformers", "vllm"] = "transformers"
    vllm: Vllm = Vllm()
    precision: Literal["float32", "bfloat16"] = "float32"
    gradient_checkpointing: bool = False
    lora: Lora | None = None
    processes: Positive = 1
    nodes: Positive = 1
    accelerate: str = "ddp"
    logp_gap_limit: Rate = 0.02
    report_to: Tracker = "none"


CHANGES_NO_RESULT = frozenset({"accelerate", "nodes", "processes", "report_to", "logp_gap_limit"})
"""Fields that are no reason to run a stage again."""
