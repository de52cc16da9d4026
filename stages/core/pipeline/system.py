"""On what a scale runs its stages: engine, precision, adapters, processes, tracking. Imports no torch."""

from functools import cache
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from data.text.prompts import BOX_INSTRUCTION, EVALUATION_INSTRUCTION
from stages.core.allowed.mixtures import EvaluationSet
from stages.core.allowed.sentences import disagree, nearest
from stages.core.allowed.values import Number, Part, Port, Positive, Rate, Share, Text, no_repetition
from stages.core.pipeline.scripts import ROOT

PROFILES = ROOT / "profiles/accelerate"
"""How processes are started, and whether they share a model: a file each."""


def _profile(name: str) -> str:
    known = sorted(file.stem for file in PROFILES.glob("*.yaml"))
    if name not in known:
        raise ValueError(f"there is no profiles/accelerate/{name}.yaml; {nearest(name, known)}")
    return name


@cache
def in_shards(profile: str) -> str | None:
    """What lays a model in shards over processes (FSDP, DEEPSPEED); None where each has a whole one."""
    kind = yaml.safe_load((PROFILES / f"{profile}.yaml").read_text(encoding="utf-8"))["distributed_type"]
    return kind if kind in ("FSDP", "DEEPSPEED") else None


Tracker = Literal["none", "tensorboard", "trackio", "wandb"]


class Lora(BaseModel):
    """Low-rank adapters, trained in place of the weights; each stage starts with the last one merged in."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    r: Positive
    """Rank of the adapter."""
    alpha: Rate
    """Its scale: what it adds is multiplied by alpha / r."""
    dropout: Part = 0.0
    """Share of its inputs that are dropped in training."""
    target_modules: (
        Literal["all-linear"] | Annotated[list[Text], Field(min_length=1), AfterValidator(no_repetition)]
    ) = "all-linear"
    """The layers that get one."""
    save: Literal["merged", "adapter"] = "merged"
    """`merged` writes whole weights, `adapter` the adapter alone, which needs its parent's folder to be loaded."""


class Vllm(BaseModel):
    """Where vLLM samples, and how GRPO weighs what is left between its probabilities and the trainer's.

    The weight is a departure from the papers, which print none; the stages of GRPO declare it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    mode: Literal["colocate", "server"] = "colocate"
    """In the trainer's own process (colocate), or behind `trl vllm-serve` (server)."""
    gpu_memory_utilization: Share = 0.3
    """Share of a GPU's memory that vLLM may take."""
    tensor_parallel_size: Positive = 1
    """GPUs that one vLLM spans."""
    max_model_length: Positive | None = None
    """Longest sequence, in tokens; None is the model's own context."""
    server_host: Text = "127.0.0.1"
    """Where `trl vllm-serve` listens."""
    server_port: Port = 8000
    """And on which port."""
    importance_sampling: Literal["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"] = (
        "token_truncate"
    )
    """How a token (or a completion) is weighed by trainer over vLLM: cut off at the cap, or dropped above it."""
    importance_sampling_cap: Annotated[Number, Field(ge=1)] = 2.0
    """The largest such weight."""


class PublicData(BaseModel):
    """How the public data sets in a scale's mixtures are read (data/public/sources.py)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    decontaminate: Annotated[list[EvaluationSet], AfterValidator(no_repetition)] = []
    """Data sets whose test questions and 10-grams no training row may hold."""
    commercial_only: bool = False
    """Leave out what is not clearly licensed for commercial use."""
    math_instruction: str = BOX_INSTRUCTION
    """What a training question of free-form mathematics ends with (R1 v2 s.2.2); empty for nothing."""
    evaluation_instruction: str = EVALUATION_INSTRUCTION
    """What one of validation or test ends with (README of DeepSeek-R1); empty for nothing."""
    math_answer: Literal["marked", "anywhere"] = "marked"
    """Where its answer counts: in a box or answer tags alone (R1 v2 s.2.2), or also stated or in the last line."""


class System(BaseModel):
    """The machinery of a scale."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    engine: Literal["transformers", "vllm"] = "transformers"
    """What samples: transformers, or vLLM."""
    vllm: Vllm = Vllm()
    """Where and how vLLM samples."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """In which numbers models run; weights and optimizers are float32."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass, to save memory."""
    lora: Lora | None = None
    """Train adapters in the place of whole weights."""
    processes: Positive = 1
    """In how many processes a training stage runs, on all of its nodes together."""
    sampling_processes: Positive = 1
    """In how many processes of one thread `transformers` samples on a CPU; at most as many as the stage has threads."""
    nodes: Positive = 1
    """Machines that a training stage spans."""
    accelerate: Annotated[str, AfterValidator(_profile)] = "ddp"
    """Which of profiles/accelerate/ starts them."""
    logp_gap_limit: Rate = 0.02
    """Mean difference of sampler and trainer, in nats a token, above which an RL stage stops."""
    report_to: Tracker = "none"
    """A tracker beside the stage's own metrics."""

    @model_validator(mode="after")
    def _processes_have_a_place(self):
        if self.processes % self.nodes:
            disagree(
                ("processes", "nodes"), f"`processes` is {self.processes}, allowed: a multiple of `nodes`, {self.nodes}"
            )
        if self.lora and self.processes > 1 and in_shards(self.accelerate):
            disagree(
                ("lora", "accelerate"),
                f"`accelerate` is {self.accelerate!r}, allowed with `lora`, which trains whole models: ddp",
            )
        return self


CHANGES_NO_RESULT = frozenset({
    "accelerate", "nodes", "processes", "sampling_processes", "report_to", "logp_gap_limit", "guards",
    "min_held_out_accuracy",
})  # fmt: skip
"""Fields of the system and of settings that are no reason to run a stage again."""
