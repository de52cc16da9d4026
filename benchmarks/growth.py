"""How the cost of an RL step grows with sequences, length and model size, and whether it grows faster than it must.

    python -m benchmarks.growth runs/tiny/r1/cold_start_sft --plot docs/growth.svg

A rollout of one update is timed with a model of random weights that never ends a completion, so that all have the same
length: 32 to 512 sequences of 64 tokens, 32 sequences of 64 to 1024 tokens, four models of up to 20 million
parameters at 32 sequences of 64. The checkpoint lends its tokenizer alone. One rollout warms up, the fastest of the
`--rollouts` after it counts.

Prints a line for each: seconds of sampling and of the step without it, useful model FLOPs (GFLOP) of either, and peak
memory of the process so far (MiB). Then, for each of the three, the exponent of seconds and of FLOPs, fitted to the
logarithms of the largest three, where what a call costs by itself counts least: 1 is proportional. Where the first is
above the second, something grows faster than the mathematics.
"""

import argparse
import math
import resource
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rl_step import one_rollout, reasoning_rl, trainer_of
from data.errors import run_command

SEQUENCES = (32, 64, 128, 256, 512)
LENGTHS = (64, 128, 256, 512, 1024)
SIZES = ((64, 2, 2), (128, 3, 4), (256, 6, 8), (448, 8, 14))
"""(hidden size, layers, heads): half as many key-value heads, three times the width between; 0.2 to 20 million."""
LEAST = (SEQUENCES[0], LENGTHS[0], SIZES[1])
"""What stays as it is while something else grows."""
GROUP = 16
"""Completions of a prompt."""
PARTS = ("sampling", "step without it")
FITTED = 3
"""Points of each axis, the last ones, that the exponent is fitted to."""


@dataclass(frozen=True)
class Cost:
    """What one rollout and its update took, sampling and the rest apart."""

    seconds: tuple[float, float]
    flops: tuple[float, float]


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float:
    """b of y = a x^b, by least squares on the logarithms."""
    across, up = ([math.log(value) for value in values] for values in (xs, ys))
    mean_x, mean_y = sum(across) / len(across), sum(up) / len(up)
    together = sum((x - mean_x) * (y - mean_y) for x, y in zip(across, up, strict=True))
    return together / sum((x - mean_x) ** 2 for x in across)


def model_of(size: tuple[int, int, int], tokenizer, folder: Path):
    """A Qwen3 of random weights with the tokenizer's vocabulary, loaded from a folder, as its reference will be."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from stages.core.machines.adapters import load_weights

    hidden, layers, heads = size
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads // 2,
            head_dim=32,
            intermediate_size=3 * hidden,
            max_position_embeddings=2 * LENGTHS[-1],
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    model.save_pretrained(folder)
    return load_weights(folder, Qwen3ForCausalLM)


def cost_of(checkpoint: Path, scale: str, point: tuple[int, int, tuple[int, int, int]], rollouts: int) -> Cost:
    """The cheapest of so many rollouts at (sequences, tokens of a completion, size of the model)."""
    from stages.core.machines.weights import load_tokenizer

    sequences, length, size = point
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "prompts_per_step": sequences // GROUP,
            "group_size": GROUP,
            "steps_per_rollout": 1,
            "inner_epochs": 1,
            "max_completion_length": length,
        }
        run = reasoning_rl(scale, checkpoint, Path(folder), **settings)
        trainer = trainer_of(run, model=model_of(size, load_tokenizer(run), Path(folder, "model")))
        trainer.eos_token_ids = [-1]  # no token: nothing ends before its time
        found = [one_rollout(trainer) for _ in range(1 + rollouts)][1:]
    best = min(found, key=lambda rollout: rollout.whole)
    sampling = best.seconds["generation"]
    flops = best.flops["generation"]
    return Cost((sampling, best.whole - sampling), (flops, sum(best.flops.values()) - flops))


def points() -> dict[str, list[tuple[float, tuple]]]:
    """What grows -> its values, each with the whole point (the parameters of a size are known when it is made)."""
    sequences, length, size = LEAST
    return {
        "sequences": [(value, (value, length, size)) for value in SEQUENCES],
        "length": [(value, (sequences, value, size)) for value in LENGTHS],
        "parameters": [(weights_of(value), (sequences, length, value)) for value in SIZES],
    }


def weights_of(size: tuple[int, int, int]) -> int:
    """Parameters in the matrices of the layers, of which the FLOPs are."""
    hidden, layers, heads = size
    return layers * hidden * (3 * 32 * heads + 9 * hidden)


def peak_memory() -> int:
    """MiB of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit >> 20


def plot(found: dict[str, tuple[list[float], list[Cost]]], file: Path) -> None:
    """Seconds against what grows, both axes logarithmic; dashed: as the FLOPs grow, from the last point down."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(found), figsize=(10, 3.2), sharey=True, layout="constrained")
    for axis, (name, (values, costs)) in zip(axes, found.items(), strict=True):
        for part, (label, colour) in enumerate(zip(PARTS, ("tab:blue", "tab:orange"), strict=True)):
            seconds, flops = [cost.seconds[part] for cost in costs], [cost.flops[part] for cost in costs]
            axis.loglog(values, seconds, "o-", color=colour, label=label)
            axis.loglog(values, [seconds[-1] * each / flops[-1] for each in flops], "--", color=colour, alpha=0.5)
        axis.set_xlabel(name)
        axis.set_xticks(values, [f"{value / 1e6:.1f} M" if value >= 1e4 else f"{value:g}" for value in values])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds")
    axes[0].plot([], [], "--", color="grey", label="as the FLOPs grow")
    axes[0].legend()
    figure.savefig(file, metadata={"Date": None})


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of a stage that made a model, for its tokenizer")
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--rollouts", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="SVG", help="where to draw seconds against what grows")
    arguments = parser.parse_args(argv)

    found = {}
    known: dict[tuple, Cost] = {}
    head = f"{'':<12}{'':>11}" + "".join(f"{part:>17}{'GFLOP':>8}" for part in PARTS)
    print(f"{head}{'MiB':>7}", flush=True)
    for name, values in points().items():
        for value, point in values:
            if point not in known:
                known[point] = cost_of(arguments.checkpoint, arguments.scale, point, arguments.rollouts)
            cost = known[point]
            shown = "".join(f"{cost.seconds[part]:>17.2f}{cost.flops[part] / 1e9:>8.1f}" for part in range(len(PARTS)))
            print(f"{name:<12}{value:>11,}{shown}{peak_memory():>7}", flush=True)
        found[name] = [value for value, _ in values], [known[point] for _, point in values]
    print(f"\n{'exponent':<12}" + "".join(f"{part:>17}{'FLOPs':>8}" for part in PARTS))
    for name, (values, costs) in found.items():
        shown = ""
        for part in range(len(PARTS)):
            seconds, flops = ([getattr(cost, what)[part] for cost in costs[-FITTED:]] for what in ("seconds", "flops"))
            shown += f"{exponent(values[-FITTED:], seconds):>17.2f}{exponent(values[-FITTED:], flops):>8.2f}"
        print(f"{name:<12}{shown}", flush=True)
    if arguments.plot:
        plot(found, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
