"""`r1_zero` with completions and rewards known beforehand: `python -m tests.fixed_rollouts CONFIG.json`, in processes.

What a policy samples depends on how many processes sample; what is learned from given samples must not.
"""

import hashlib
from collections import Counter

import torch

from data.tasks import rows
from stages.core.checkpoint import Run, stage_main
from stages.core.policy import PolicyTrainer, policy_trainer, train_policy


def completion(prompt: list[int], number: int) -> list[int]:
    """The n-th completion of a prompt: ids that hardly any other has, and an end."""
    digest = hashlib.sha256(f"{prompt} {number}".encode()).digest()
    return [300 + byte for byte in digest[: 3 + digest[0] % 5]] + [2]


def sample(trainer: PolicyTrainer, prompts: list[list[int]], *_, **__) -> tuple[list[list[int]], list[list[float]]]:
    """In place of the policy's own samples; the log-probs are the policy's."""
    met: Counter[tuple[int, ...]] = Counter()
    written = []
    for prompt in prompts:
        written.append(completion(prompt, met[tuple(prompt)]))
        met[tuple(prompt)] += 1
    logps = []
    with torch.no_grad():
        for prompt, ids in zip(prompts, written, strict=True):
            logits = trainer.accelerator.unwrap_model(trainer.model)(torch.tensor([prompt + ids])).logits
            chosen = logits[0, len(prompt) - 1 : -1].log_softmax(-1)
            logps.append(chosen.gather(-1, torch.tensor(ids)[:, None])[:, 0].tolist())
    return written, logps


def main(run: Run) -> None:
    """A policy that is to write few tokens."""
    model, tokenizer = run.load_model(), run.load_tokenizer()
    prompts = rows(run.settings.tasks, run.settings.prompts, "train", 0)
    brief = {"helpful": lambda completions, batch: [-float(c.tokens) for c in completions]}
    trainer = policy_trainer(run, model, tokenizer, prompts, brief)
    # Adam divides by the size of a gradient: where there is none but rounding, its sign would be a step of full length.
    trainer.args.adam_epsilon = 1e-3
    headline = train_policy(run, trainer)
    run.save_model(trainer, tokenizer, "chat", headline)


if __name__ == "__main__":
    PolicyTrainer.sample = sample
    stage_main(main, __doc__)
