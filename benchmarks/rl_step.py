"""How fast an RL step is: tokens a second beside stock TRL, the share of the machine's limit, and where the time goes.

    python -m benchmarks.rl_step runs/tiny/r1/cold_start_sft

The same checkpoint takes GRPO steps with the same prompts, rewards and settings (those of the scale's reasoning RL):
once in TRL's own GRPOTrainer, once in this project's, and where vLLM is installed, once in this project's that samples
with it. Each side does a rollout to warm up, then `--rollouts` in turn; medians are compared.

Prints how long it took until the first trainer was ready (imports, model, data), then a line for each side: completion
tokens a second, their ratio to stock TRL's, the share of the limit in percent, and for each part its seconds a rollout
and, where it computes with the model, its own share. The limit is what `benchmarks.limit` measures, here before each
rollout; the share is the FLOPs that the rollout's tokens need, without padding and each prompt once for its group, over
seconds and limit: one forward to sample, one of the reference, a forward and backward an inner epoch. Old log-probs
need none, as the sampler knows them. The parts are the time inside generation, rewards, log-probs of the rollout
(policy and reference) and the training steps; `other` is the trainers' own.
"""

import argparse
import contextlib
import importlib.util
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.limit import BACKWARD, Shape, matmul_rate, rollout_flops

PARTS = {
    "_generate_single_turn": "generation",
    "_calculate_rewards": "rewards",
    "_get_per_token_logps_and_entropies": "log-probs of the rollout",
    "training_step": "forward, backward",
}


@dataclass(frozen=True)
class Rollout:
    """The steps of one rollout: completion tokens, seconds by part (`other` makes them whole), useful FLOPs by part."""

    tokens: int
    seconds: dict[str, float]
    flops: dict[str, int]

    @property
    def whole(self) -> float:
        """Seconds of all parts."""
        return sum(self.seconds.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of a stage that made a model, with the chat template")
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--rollouts", type=int, default=3)
    parser.add_argument("--prompts-per-step", type=int, nargs="+", default=[8])
    arguments = parser.parse_args()

    engines = {"stock": "transformers", "ours": "transformers"}
    engines |= {"vllm": "vllm"} if importlib.util.find_spec("vllm") else {}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        trainer_of(reasoning_rl(arguments.scale, arguments.checkpoint, Path(folder)))
        print(f"start-up: {time.perf_counter() - started:.1f} s until a trainer is ready")
    print(
        f"{'sequences':>9} {'side':>6} {'tokens/s':>9} {'ratio':>6} {'share':>6}   seconds a rollout, by part",
        flush=True,
    )
    for prompts in arguments.prompts_per_step:
        rollouts: dict[str, list[Rollout]] = {side: [] for side in engines}
        rates = []
        with tempfile.TemporaryDirectory() as folder:
            trainers = {}
            for side, engine in engines.items():
                output = Path(folder, side)
                run = reasoning_rl(arguments.scale, arguments.checkpoint, output, engine, prompts_per_step=prompts)
                trainers[side] = trainer_of(run, stock=side == "stock")
            for repeat in range(arguments.rollouts + 1):
                for side, trainer in trainers.items():
                    rates.append(matmul_rate(rounds=2))
                    rollout = one_rollout(trainer)
                    if repeat:
                        rollouts[side].append(rollout)
        limit, stock = statistics.median(rates), speed_of(rollouts["stock"])
        for side, found in rollouts.items():
            speed, (share, parts) = speed_of(found), shares(found, limit)
            sequences = f"{prompts * run.settings.group_size:>9}"
            print(f"{sequences} {side:>6} {speed:>9,.0f} {speed / stock:>6.2f} {share:>6.1%}   {parts}", flush=True)
        print(f"          limit: {limit / 1e9:.0f} GFLOP/s", flush=True)


def speed_of(rollouts: Sequence[Rollout]) -> float:
    """The median of their completion tokens a second."""
    return statistics.median(rollout.tokens / rollout.whole for rollout in rollouts)


def shares(rollouts: Sequence[Rollout], limit: float) -> tuple[float, str]:
    """The median share of the limit (FLOP/s), and a text of the parts: mean seconds and share of each."""
    shown = []
    for part in rollouts[0].seconds:
        seconds = statistics.mean(rollout.seconds[part] for rollout in rollouts)
        flops = statistics.mean(rollout.flops.get(part, 0) for rollout in rollouts)
        share = f" ({flops / seconds / limit:.0%})" if flops and seconds else ""
        shown.append(f"{part} {seconds:.2f}{share}")
    whole = statistics.median(sum(rollout.flops.values()) / rollout.whole / limit for rollout in rollouts)
    return whole, "  ".join(shown)


def reasoning_rl(scale: str, checkpoint: Path, folder: Path, engine: str = "transformers", **settings: Any):
    """A run of the scale's reasoning RL that starts at a checkpoint, goes on for ever and saves nothing."""
    from stages.core.pipeline.workspace import load_workspace
    from stages.core.run.stage import Run

    stages = load_workspace({"scale": scale}).stages["r1"]
    config = next(stage for stage in stages if stage.name == "reasoning_rl").config
    config |= {"output": str(folder), "inputs": {"from": str(checkpoint)}}
    config["settings"] |= {"steps": 10_000, "save_every_rollouts": 10_000, "held_out_every": 0} | settings
    config["system"] |= {"engine": engine}
    return Run(config)


def trainer_of(run, stock: bool = False, model=None):
    """A trainer of the run, of TRL's own class or of ours; model: in the place of its checkpoint's."""
    from functools import partial

    from trl import GRPOTrainer

    from data.world.families import rows
    from stages.core.machines.weights import load_model, load_tokenizer
    from stages.core.rewards.rules import accuracy, format, language, weighted
    from stages.core.training.grpo import GRPOPolicyTrainer, policy_trainer
    from stages.core.training.objectives import grpo_terms

    settings = run.settings
    model = load_model(run) if model is None else model
    if stock:
        model.set_attn_implementation("sdpa")  # what a model has that is loaded without us
    with quiet():
        trainer = policy_trainer(
            run,
            model,
            load_tokenizer(run),
            rows(settings.tasks, 512, "train", 1),
            weighted(settings.rewards, accuracy=accuracy, format=format, language=language),
            partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient),
            refresh_reference_every=settings.reference_refresh_steps,
            trainer_class=type("Stock", (GRPOTrainer,), {}) if stock else GRPOPolicyTrainer,
        )
    trainer.steps_a_rollout = settings.steps_per_rollout
    return trainer


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing is printed in the block."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def one_rollout(trainer) -> Rollout:
    """The steps of one rollout, timed."""
    from transformers import TrainerCallback

    spent: dict[str, float] = defaultdict(float)
    inside: list[str] = []
    sampled: list[tuple[list, list]] = []

    def timed(name: str, part: str, method):
        def call(*args, **kwargs):
            if inside:  # a part of another part
                return method(*args, **kwargs)
            inside.append(name)
            rolled = spent["rollout"]
            started = time.perf_counter()
            try:
                result = method(*args, **kwargs)
            finally:
                inside.pop()
            spent[part] += time.perf_counter() - started - (spent["rollout"] - rolled)
            if name == "_generate_single_turn":
                sampled.append((args[0], result[0]))
            return result

        return call

    class Stop(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop = state.global_step % trainer.steps_a_rollout == 0

    rollout = trainer._generate_and_score_completions

    def timed_rollout(inputs):
        started, before = time.perf_counter(), list(inside)
        inside.clear()
        try:
            return rollout(inputs)
        finally:
            inside.extend(before)
            spent["rollout"] += time.perf_counter() - started

    with quiet():
        for name, part in PARTS.items():
            setattr(trainer, name, timed(name, part, getattr(trainer, name)))
        trainer._generate_and_score_completions = timed_rollout
        callback = Stop()
        trainer.add_callback(callback)
        trainer._last_loaded_step = -1  # each `train` counts from 0: vLLM would keep the weights of the one before
        started = time.perf_counter()
        trainer.train()
        whole = time.perf_counter() - started
        trainer.remove_callback(callback)
        for name in (*PARTS, "_generate_and_score_completions"):
            delattr(trainer, name)
    parts = {part: spent[part] for part in PARTS.values()}
    shape = Shape.of(trainer.model.config.to_dict())
    forward = sum(rollout_flops(shape, *found) for found in sampled)
    flops = {
        "generation": forward,
        "log-probs of the rollout": forward if trainer.beta else 0,
        "forward, backward": forward * (1 + BACKWARD) * trainer.num_iterations,
    }
    tokens = sum(len(ids) for _, completions in sampled for ids in completions)
    return Rollout(tokens, parts | {"other": whole - sum(parts.values())}, flops)


if __name__ == "__main__":
    main()
