"""How near each stage comes to the machine's limit: the share of its matmul rate that useful model FLOPs make.

    python -m benchmarks.limit runs/tiny/r1 runs/tiny/base

Prints the rate of a 2048-cube matmul in float32 (GFLOP/s), with as many threads as the stages had, and for each stage
its seconds, tokens, model FLOPs (GFLOP), share of the limit in percent and peak memory (MiB), all but the rate from its
manifest.json. FLOPs are those of the matmuls that the tokens need: no padding, a prompt once for all its samples, a
backward as two forwards. Attention's own are left out here, as manifests know no lengths, and so are other models that
a stage asks (teacher, reward model): a share is a lower bound, but for the reference (`stage_flops`). Run it on
the machine that made the runs, idle.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError, run_command
from stages.core.run.manifest import read_json, read_manifest

CUBE = 2048
"""Side of the matrices whose product is the limit."""
BACKWARD = 2
"""Forwards that a backward costs: the gradients of activations and of weights."""


@dataclass(frozen=True)
class Shape:
    """The matmuls of a decoder with gated feed-forward layers, as multiplications of weights a token."""

    layer_weights: int
    """In all layers: queries, keys, values, output, and the three matrices of the feed-forward."""
    head_weights: int
    """In the head, for each position whose logits (or score) are wanted."""
    attention_width: int
    """Layers x heads x head size: what one query and one key cost, twice, for the scores and for the values."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Shape":
        """From a model's config.json; InputError where it lacks what a decoder of this kind has."""
        try:
            hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
            size = config.get("head_dim") or hidden // heads
            key_values = config.get("num_key_value_heads") or heads
            layer = hidden * (2 * heads * size + 2 * key_values * size + 3 * config["intermediate_size"])
            writes = any("CausalLM" in name for name in config["architectures"])
            head = hidden * (config["vocab_size"] if writes else len(config.get("id2label") or [0]))
        except KeyError as error:
            raise InputError(f"a model's config.json has no `{error.args[0]}`: its FLOPs cannot be counted") from None
        return cls(layers * layer, head, layers * heads * size)


def forward_flops(shape: Shape, spans: Iterable[tuple[int, int]], logits: int) -> int:
    """FLOPs of a forward over spans (tokens before, new tokens), each new token seeing itself and all before it.

    logits: positions that the head is wanted for. A multiplication and its addition are two.
    """
    tokens = pairs = 0
    for before, new in spans:
        tokens += new
        pairs += new * before + new * (new + 1) // 2
    return 2 * (shape.layer_weights * tokens + 2 * shape.attention_width * pairs + shape.head_weights * logits)


def rollout_flops(shape: Shape, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]) -> int:
    """FLOPs of one forward over a rollout: each distinct prompt once, its completions after it.

    prompts, completions: token ids, one prompt a completion. A completion's last token is read by nobody, and each of
    its tokens wants logits. To sample costs as much as to score.
    """
    spans = [(0, len(prompt)) for prompt in set(map(tuple, prompts))]
    spans += [(len(prompt), len(ids) - 1) for prompt, ids in zip(prompts, completions, strict=True) if len(ids)]
    return forward_flops(shape, spans, sum(map(len, completions)))


def stage_flops(shape: Shape, tokens: Mapping[str, float], reference: bool) -> float:
    """FLOPs that a stage's tokens need, attention's own left out. tokens: as a manifest counts them.

    Samples are read once after their prompts. What is trained goes forward and backward after its prompt, in RL once an
    inner epoch. reference: the rollouts are scored by a reference model, too; all are counted, though those of a policy
    that is still its reference need no scoring.
    """
    prompt, generated, trained = (tokens.get(name, 0) for name in ("prompt", "generated", "trained"))

    def forward(read: float, logits: float) -> float:
        return 2 * (shape.layer_weights * read + shape.head_weights * logits)

    passes = trained / generated if generated else 1
    sampling = forward(prompt + generated, generated) if generated else 0
    training = (1 + BACKWARD) * forward(prompt * passes + trained, trained) if trained else 0
    return sampling * (1 + reference) + training


def matmul_rate(threads: int | None = None, rounds: int = 5) -> float:
    """FLOP/s of the 2048 cube in float32 on the CPU, the median of `rounds`; threads: torch's own where None."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    left, right = torch.ones(CUBE, CUBE), torch.ones(CUBE, CUBE)
    seconds = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        torch.mm(left, right)
        seconds.append(time.perf_counter() - started)
    torch.set_num_threads(before)
    return 2 * CUBE**3 / statistics.median(seconds[1:])


def shapes_of(folder: Path, manifest: Mapping[str, Any]) -> list[Shape]:
    """The models of a stage: the one that it has trained, or those that it has sampled from."""
    inputs = manifest["config"]["inputs"]
    named = [inputs[role] for role in ("from", "sampler", "checkpoints") if role in inputs]
    sampled = [Path(path) for item in named for path in ([item] if isinstance(item, str) else item.values())]
    of = [folder] if manifest["payload"] == "model" else sampled
    files = [path / "model" / "config.json" for path in of]
    return [Shape.of(read_json(file, "a model has one")) for file in files if file.exists()]


def row_of(folder: Path, rates: Mapping[int, float]) -> dict[str, Any]:
    """A stage's line: seconds, tokens, FLOPs and share, None where its manifest counts no tokens."""
    manifest = manifest_of(folder)
    tokens, shapes = manifest.get("tokens") or {}, shapes_of(folder, manifest)
    reference = bool(manifest["config"]["settings"].get("kl_coefficient"))
    flops = statistics.mean(stage_flops(shape, tokens, reference) for shape in shapes) if tokens and shapes else None
    return {
        "seconds": manifest["seconds"],
        "tokens": tokens,
        "flops": flops,
        "share": flops / manifest["seconds"] / rates[threads_of(manifest)] if flops else None,
        "memory": manifest["hardware"].get("peak_memory_mib"),
    }


def manifest_of(folder: Path) -> dict[str, Any]:
    """A stage's manifest with what is read here; InputError where it lacks any of it."""
    manifest = read_manifest(folder)
    for name in ("payload", "config", "seconds", "finished", "hardware"):
        if not manifest.get(name):
            raise InputError(f"{folder / 'manifest.json'}: `{name}` is missing")
    return manifest


def threads_of(manifest: Mapping[str, Any]) -> int:
    """The threads that a stage ran with."""
    return int(manifest["hardware"].get("threads") or os.cpu_count() or 1)


def stages_of(runs: Iterable[Path]) -> list[Path]:
    """The folders of complete stages at or below each of `runs`, in the order in which they ended."""
    folders: set[Path] = set()
    for run in runs:
        found = {file.parent for file in run.rglob("manifest.json")}
        if not found:
            raise InputError(f"{run}: no manifest.json is below it")
        folders |= found
    return sorted(folders, key=lambda folder: manifest_of(folder)["finished"])


def table(runs: list[Path]) -> None:
    """Measure the rates, print a line a stage."""
    folders = stages_of(runs)
    rates = {threads: matmul_rate(threads) for threads in sorted({threads_of(manifest_of(path)) for path in folders})}
    for threads, rate in rates.items():
        print(f"matmul, {threads} threads: {rate / 1e9:.0f} GFLOP/s")
    print(f"{'stage':<24}{'seconds':>9}{'GFLOP':>9}{'share %':>9}{'MiB':>7}   tokens")
    for folder in folders:
        row = row_of(folder, rates)
        flops, share = (
            ("-", "-") if row["flops"] is None else (f"{row['flops'] / 1e9:,.0f}", f"{100 * row['share']:.1f}")
        )
        tokens = "  ".join(f"{name} {count:,.0f}" for name, count in row["tokens"].items()) or "-"
        print(f"{folder.name:<24}{row['seconds']:>9.1f}{flops:>9}{share:>9}{row['memory'] or '-':>7}   {tokens}")


def main() -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folder of a stage, a recipe or a scale")
    arguments = parser.parse_args()
    table(arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
