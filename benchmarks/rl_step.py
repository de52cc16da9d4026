"""How fast an RL step is beside stock TRL: tokens a second as a ratio, and where the time goes; one run, in turns.

    python -m benchmarks.rl_step runs/tiny/r1/cold_start_sft

The same checkpoint takes GRPO steps with the same prompts, rewards and settings (those of the scale's reasoning RL):
once in TRL's own GRPOTrainer, once in this project's, and where vLLM is installed, once in this project's that samples
with it. Each side does a rollout to warm up, then `--rollouts` in turn; medians are compared. The parts are the time
inside generation, rewards, log-probs of the rollout (policy and reference) and the training steps; the rest is the
trainers' own.
"""

import argparse
import contextlib
import importlib.util
import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

PARTS = {
    "_generate_single_turn": "generation",
    "_calculate_rewards": "rewards",
    "_get_per_token_logps_and_entropies": "log-probs of the rollout",
    "training_step": "forward, backward",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of a stage that made a model, with the chat template")
    parser.add_argument("--scale", default="tiny")
    parser.add_argument("--rollouts", type=int, default=3)
    parser.add_argument("--prompts-per-step", type=int, nargs="+", default=[8])
    arguments = parser.parse_args()

    print(f"{'sequences':>9} {'side':>6} {'tokens/s':>9} {'ratio':>6}   seconds a rollout, by part", flush=True)
    for prompts in arguments.prompts_per_step:
        sides = ["stock", "ours", *(["vllm"] if importlib.util.find_spec("vllm") else [])]
        seconds: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        speeds: dict[str, list[float]] = {side: [] for side in sides}
        with tempfile.TemporaryDirectory() as folder:
            trainers = {side: trainer_of(side, arguments, prompts, Path(folder) / side) for side in speeds}
            for repeat in range(arguments.rollouts + 1):
                for side, trainer in trainers.items():
                    tokens, parts = one_rollout(trainer)
                    if repeat:
                        speeds[side].append(tokens / parts["all"])
                        seconds[side].append(parts)
        stock = statistics.median(speeds["stock"])
        for side in sides:
            speed = statistics.median(speeds[side])
            means = {name: statistics.mean(parts[name] for parts in seconds[side]) for name in seconds[side][0]}
            shown = "  ".join(f"{name} {value:.2f}" for name, value in means.items())
            print(f"{prompts * 16:>9} {side:>6} {speed:>9,.0f} {speed / stock:>6.2f}   {shown}", flush=True)


def trainer_of(side: str, arguments: argparse.Namespace, prompts_per_step: int, folder: Path):
    """A trainer of the scale's reasoning RL that saves nothing: `stock` is of TRL's class, `vllm` samples with it."""
    from functools import partial

    from trl import GRPOTrainer

    from data.world.families import rows
    from stages.core.machines.weights import load_model, load_tokenizer
    from stages.core.pipeline.workspace import load_workspace
    from stages.core.rewards.rules import accuracy, format, language, weighted
    from stages.core.run.stage import Run
    from stages.core.training.grpo import GRPOPolicyTrainer, policy_trainer
    from stages.core.training.objectives import grpo_terms

    stages = load_workspace({"scale": arguments.scale}).stages["r1"]
    config = next(stage for stage in stages if stage.name == "reasoning_rl").config
    config |= {"output": str(folder), "inputs": {"from": str(arguments.checkpoint)}}
    config["settings"] |= {"prompts_per_step": prompts_per_step, "steps": 10_000, "save_every_rollouts": 10_000}
    if side == "vllm":
        config["system"] |= {"engine": "vllm"}
    run = Run(config)
    settings = run.settings
    trainer = policy_trainer(
        run,
        load_model(run),
        load_tokenizer(run),
        rows(settings.tasks, 512, "train", 1),
        weighted(settings.rewards, accuracy=accuracy, format=format, language=language),
        partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient),
        refresh_reference_every=settings.reference_refresh_steps,
        trainer_class=type("Stock", (GRPOTrainer,), {}) if side == "stock" else GRPOPolicyTrainer,
    )
    trainer.steps_a_rollout = settings.steps_per_rollout
    return trainer


def one_rollout(trainer) -> tuple[int, dict[str, float]]:
    """The steps of one rollout -> (completion tokens that were sampled, seconds by part)."""
    from transformers import TrainerCallback

    spent: dict[str, float] = defaultdict(float)
    inside: list[str] = []
    tokens = 0

    def timed(name: str, part: str, method):
        def call(*args, **kwargs):
            nonlocal tokens
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
                tokens += sum(map(len, result[0]))
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

    with contextlib.ExitStack() as stack, open(os.devnull, "w") as nowhere:
        stack.enter_context(contextlib.redirect_stdout(nowhere))
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
    return tokens, parts | {"other": whole - sum(parts.values()), "all": whole}


if __name__ == "__main__":
    main()
