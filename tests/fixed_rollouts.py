"""A stage as tests of several processes run it: `python -m tests.fixed_rollouts CONFIG.json`.

What a policy samples depends on how many processes sample; what is learned from given samples must not. So completions
and rewards are known beforehand. And accelerate cuts models into shards on GPUs only: for the profile `cpu_fsdp2` it is
told that these cores are some, which torch's FSDP2 does not mind.
"""

import hashlib
import importlib
import json
import os
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import torch
from accelerate.state import DistributedType, PartialState

from data.world.families import rows
from stages.core.machines.weights import load_model, load_tokenizer, save_model
from stages.core.rewards.scoring import open_scorer
from stages.core.run.processes import rank
from stages.core.run.stage import Run, stage_main
from stages.core.training.grpo import policy_trainer, train_policy
from stages.core.training.mirror_descent import MirrorDescentTrainer
from stages.core.training.objectives import grpo_terms
from stages.core.training.on_policy_distillation import OnPolicyDistillationTrainer
from stages.core.training.trl_seam import PolicyTrainer


def completion(prompt: list[int], number: int) -> list[int]:
    """The n-th completion of a prompt: ids that hardly any other has, and an end."""
    digest = hashlib.sha256(f"{prompt} {number}".encode()).digest()
    return [300 + byte for byte in digest[: 3 + digest[0] % 5]] + [2]


def sample(
    trainer: PolicyTrainer, prompts: list[list[int]], limit: int, *_, **__
) -> tuple[list[list[int]], list[list[float]]]:
    """In place of the policy's own samples; the log-probs are the policy's.

    Of mirror descent's prompts each other one has no completion that ends within its limit.
    """
    met: Counter[tuple[int, ...]] = Counter()
    written = []
    for prompt in prompts:
        ids = completion(prompt, met[tuple(prompt)])
        endless = isinstance(trainer, MirrorDescentTrainer) and sum(prompt) % 2
        written.append((ids[:-1] * limit if endless else ids)[:limit])
        met[tuple(prompt)] += 1
    logps = []
    with torch.no_grad():
        for prompt, ids in zip(prompts, written, strict=True):
            logits = trainer.accelerator.unwrap_model(trainer.model)(torch.tensor([prompt + ids])).logits
            chosen = logits[0, len(prompt) - 1 : -1].log_softmax(-1)
            logps.append(chosen.gather(-1, torch.tensor(ids)[:, None])[:, 0].tolist())
    return written, logps


def brief(run: Run) -> None:
    """In place of `r1_zero`: a policy that is to write few tokens."""
    settings = run.settings
    model, tokenizer = load_model(run), load_tokenizer(run)
    prompts = rows(run.settings.tasks, run.settings.prompts, "train", 0)
    rewards = {"accuracy": lambda completions, batch: [-float(c.tokens) for c in completions]}
    objective = partial(grpo_terms, clip_epsilon=settings.clip_epsilon, kl_coefficient=settings.kl_coefficient)
    trainer = policy_trainer(
        run, model, tokenizer, prompts, rewards, objective, refresh_reference_every=settings.reference_refresh_steps
    )
    # Adam divides by the size of a gradient: where there is none but rounding, its sign would be a step of full length.
    trainer.args.adam_epsilon = 1e-3
    headline = train_policy(run, trainer)
    save_model(run, trainer, tokenizer, "chat", headline)


def scores(run: Run) -> None:
    """In place of `general_rl`: what its reward model says, to as many texts as the number of the process."""
    asked = [f"{number}?" for number in range(rank() + 1)]
    said = open_scorer(run, "helpful").score(asked, ["so " * len(question) for question in asked])
    (run.folder / f"scores_{rank()}.json").write_text(json.dumps(said))
    run.finish("model", Path.mkdir, {}, {})  # a stage has to end with one


if __name__ == "__main__":
    config = json.loads(Path(sys.argv[1]).read_text())
    if config["system"]["accelerate"] == "cpu_fsdp2" and "RANK" in os.environ:
        os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
        torch.distributed.init_process_group("gloo")
        PartialState._prepare_backend = lambda *_, **__: ("gloo", DistributedType.MULTI_GPU)
    if config["script"] in ("r1.r1_zero", "qwen3.on_policy_distillation", "kimi_k15.long2short_rl"):
        PolicyTrainer.sample = OnPolicyDistillationTrainer.sample = sample
    own = {"r1.r1_zero": brief, "r1.general_rl": scores}.get(config["script"])
    stage_main(own or importlib.import_module(f"stages.{config['script']}").main, __doc__)
