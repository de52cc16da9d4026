"""Held-out questions along a run: accuracy, length and reflection against updates, as the papers draw them.

R1 v2 Fig. 1 and C.1 to C.2, Kimi k1.5 Fig. 5, Qwen3 s.4.2. The policy of the moment answers the same few questions
with the same seed; what it does then goes into the stage's metrics as `held_out/accuracy`, `held_out/level_3` and so on
(rewards/measures.py). Training does not notice: random states are put back, and nothing is learned from the answers
(with vLLM in a process of its own, whose random state nobody can put back, later rollouts are others).

All processes share the questions and ask equally often, so that none waits for another: also where weights lie in
shards, which are gathered for each answer or handed to vLLM. The divergence alone needs whole weights.
"""

import copy
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from accelerate.utils import gather_object
from torch.nn.utils.rnn import pad_sequence
from transformers import Trainer, TrainerCallback

from data.text.chat import Template, render_prompt
from data.text.completion import Completion
from data.text.row import REASONING_DOMAINS, Row
from stages.core.machines.adapters import is_adapted
from stages.core.machines.sharding import largest
from stages.core.pipeline.settings import Rollouts
from stages.core.rewards.measures import MORE, Measures, is_unsafe, means, of_general, of_reasoning
from stages.core.rewards.preference import PreferenceReward
from stages.core.run.processes import is_main, rank, world_size
from stages.core.run.stage import Run
from stages.core.sampling.drawing import draw_rows, with_room
from stages.core.sampling.engine import Decoding

PREFIX = "held_out/"
SECONDS = f"{PREFIX}seconds"
"""What a measurement took; a row of metrics that has it is one."""

KL_ROWS = 32
"""Completions whose distributions are in memory at a time, at most."""


def measure_held_out(
    run: Run, trainer, tokenizer, template: Template, rewards: Mapping[str, Any] | None = None
) -> None:
    """Have a trainer measure its policy every `held_out_every` updates; to be called before it trains.

    rewards: the stage's; where a preference is among them, general prompts are asked too.
    """
    if run.settings.held_out_every:
        with random_states_kept():
            trainer.add_callback(HeldOut(run, trainer, tokenizer, template, rewards or {}))


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Behind the block, the random states of Python, numpy and torch (all its GPUs) are what they were before it."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)


class HeldOut(TrainerCallback):
    """Measures before the first update, every so many, and after the last; each step once, over interruptions too.

    That of a step is made before the next one begins, when its checkpoint is saved already: a run that goes on from
    there finds it in its metrics, or makes it. Only that of the last step is made before it is saved.
    """

    def __init__(self, run: Run, trainer, tokenizer, template: Template, rewards: Mapping[str, Any]) -> None:
        self.run, self.trainer, self.tokenizer, self.template = run, trainer, tokenizer, template
        self.settings: Rollouts = run.settings
        self.preference = next((found for found in rewards.values() if isinstance(found, PreferenceReward)), None)
        self.more = [name for name in MORE if name in rewards]  # where a weak verifier rewards, its verdict
        self.rows = self._questions()
        texts = [render_prompt(tokenizer, row["prompt"], template) for row in self.rows]
        self.prompts: list[list[int]] = tokenizer(texts)["input_ids"]
        policy = trainer.accelerator.unwrap_model(trainer.model)
        self.start = frozen_copy(policy) if self.settings.held_out_kl and not is_adapted(policy) else None
        run.metrics.say(
            f"held out: {len(self.rows)} questions of the {self.settings.held_out_split} split, "
            f"{self.settings.held_out_samples} completions each, every {self.settings.held_out_every} updates"
        )

    def _questions(self) -> list[Row]:
        """Reasoning questions, and general prompts where a model judges answers to them, or they must be refused."""
        settings = self.settings
        drawn = draw_rows(
            self.run, settings.held_out_mixture(), settings.held_out_questions, settings.held_out_split,
            settings.held_out_seed,
        )  # fmt: skip
        rows = [row for row in drawn if row["domain"] in REASONING_DOMAINS]
        general = getattr(settings, "general_tasks", None)
        if self.preference is not None and general:
            applies, seed = self.preference.applies, settings.held_out_seed + 1
            drawn = draw_rows(self.run, general, settings.held_out_questions, settings.held_out_split, seed)
            rows += [row for row in drawn if applies(row) or is_unsafe(row)]
        limit = settings.held_out_length()
        return with_room(self.run, self.trainer.model, self.tokenizer, rows, self.template, limit)

    # -- when

    def on_train_begin(self, args, state, control, **kwargs):
        if state.global_step >= state.max_steps:  # of a run that was stopped at its end
            self.measure(state, control)

    def on_step_begin(self, args, state, control, **kwargs):
        self.measure(state, control)

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step >= state.max_steps and not largest(int(self.run.stop_requested)):
            self.measure(state, control)

    def measure(self, state, control) -> None:
        """Ask, measure and log, if it is due at this step and has not been done."""
        step = state.global_step
        if step % self.settings.held_out_every and step < state.max_steps:
            return
        if largest(int(is_main() and step in self.run.metrics.steps_with(SECONDS))):
            return
        started = time.perf_counter()
        with random_states_kept():
            torch.manual_seed(self.settings.held_out_seed * 1_000_003 + rank())
            found = self.ask()
        values = {f"{PREFIX}{name}": value for name, value in found.items()}
        values[SECONDS] = round(time.perf_counter() - started, 3)
        due = control.should_log
        Trainer.log(self.trainer, values)  # TRL's own would close the measures of the rollout
        control.should_log = due  # the update's own row is still to come
        said = [f"{name} {found[name]:.3g}" for name in ("accuracy", "tokens", "gold") if name in found]
        self.run.metrics.say(f"held out at step {step}: {', '.join(said)}, {values[SECONDS]:.1f} s")

    # -- what

    def ask(self) -> dict[str, float]:
        """The means of all measures over the completions of all processes, and how many tokens they have."""
        places = own_places(len(self.rows))
        asked = [place % len(self.rows) for place in places for _ in range(self.settings.held_out_samples)]
        written = self.sample(asked)
        answers = [self._completion(ids) for ids in written]
        measured = self._measured(asked, answers)
        if self.settings.held_out_kl:
            kls = self._divergences([self.prompts[place] for place in asked], written)
            for row, measures, kl in zip((self.rows[place] for place in asked), measured, kls, strict=True):
                measures["kl" if row["domain"] in REASONING_DOMAINS else "general_kl"] = kl
        counted = len([place for place in places if place < len(self.rows)]) * self.settings.held_out_samples
        of_all = gather_object(measured[:counted])  # without what fills up a process's part
        tokens = sum(gather_object([sum(map(len, written[:counted]))]))
        return means(of_all) | {"generated": tokens}

    def sample(self, places: list[int]) -> list[list[int]]:
        """A completion for each place of a question, equal ones in a row; as many at a time as a rollout has."""
        settings, args, count = self.settings, self.trainer.args, self.settings.held_out_samples
        batches = getattr(args, "steps_per_generation", None) or args.gradient_accumulation_steps
        size = max(1, args.per_device_train_batch_size * batches // count) * count
        limit = settings.held_out_length()
        decoding = Decoding(settings.held_out_temperature, limit, settings.held_out_top_p, settings.held_out_top_k)
        written: list[list[int]] = []
        for start in range(0, len(places), size):
            prompts = [self.prompts[place] for place in places[start : start + size]]
            written += self.trainer.sample(prompts, limit, copies=count, decoding=decoding)[0]
        return written

    def _completion(self, ids: list[int]) -> Completion:
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return Completion(text, len(ids), bool(ids) and ids[-1] in self.trainer.eos_token_ids, self.template)

    def _measured(self, places: list[int], answers: list[Completion]) -> list[Measures]:
        """The measures of each completion; the reward model is asked once, by all processes."""
        rows = [self.rows[place] for place in places]
        general = [number for number, row in enumerate(rows) if row["domain"] not in REASONING_DOMAINS]
        scores: dict[int, float | None] = {}
        if self.preference is not None:
            asked = [answers[number] for number in general], [rows[number] for number in general]
            scores = dict(zip(general, self.preference.scores(*asked), strict=True))
        words = self.settings.reflection_words
        return [
            of_general(answer, row, scores.get(number))
            if row["domain"] not in REASONING_DOMAINS
            else of_reasoning(answer, row, words, self.more)
            for number, (answer, row) in enumerate(zip(answers, rows, strict=True))
        ]

    def _divergences(self, prompts: list[list[int]], written: list[list[int]]) -> list[float]:
        """Of each completion, from the policy to the checkpoint that it started from."""
        policy: Any = self.trainer.accelerator.unwrap_model(self.trainer.model)
        training, size = policy.training, min(KL_ROWS, self.run.settings.micro_batch_size)
        policy.eval()
        found: list[float] = []
        for start in range(0, len(prompts), size):
            part = prompts[start : start + size], written[start : start + size], self.settings.held_out_temperature
            with self.trainer.accelerator.autocast():
                own, tokens = next_log_probs(policy, *part)
                with self._starting(policy) as model:
                    found += divergences(own, next_log_probs(model, *part)[0], tokens)
        policy.train(training)
        return found

    @contextmanager
    def _starting(self, policy) -> Iterator[Any]:
        """Inside, the checkpoint that the stage started from: a copy of it, or the policy without its adapter."""
        if self.start is not None:
            yield self.start
            return
        with policy.disable_adapter():
            yield policy


def frozen_copy(model):
    """The model as it is now, by its class: a forward that somebody has put on it would be that of the original."""
    copied = copy.deepcopy(model)
    vars(copied).pop("forward", None)
    return copied.eval().requires_grad_(False)


def own_places(count: int) -> list[int]:
    """The places of the questions that this process asks: as many in each process, those from `count` on fill up."""
    each = -(-count // world_size())
    return [rank() + number * world_size() for number in range(each)]


@torch.no_grad()
def next_log_probs(
    model, prompts: Sequence[list[int]], completions: Sequence[list[int]], temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T, V) log-probs, at the temperature, of what may come at each token, and (B, T) which are a completion's.

    Each of the B completions has its prompt before it, and one token at least; T is as wide as the longest needs.
    """
    device = model.device
    ids = [
        torch.tensor([*prompt, *written], device=device) for prompt, written in zip(prompts, completions, strict=True)
    ]
    padded, seen = (
        pad_sequence(ids, batch_first=True),
        pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
    )
    before = torch.tensor([len(prompt) for prompt in prompts], device=device)
    width = padded.shape[1] - int(before.min())
    logits = model(input_ids=padded, attention_mask=seen, logits_to_keep=width + 1).logits[:, :-1]
    places = torch.arange(padded.shape[1] - width, padded.shape[1], device=device)
    tokens = (places >= before[:, None]) & seen[:, -width:].bool()
    return (logits.float() / temperature).log_softmax(dim=-1), tokens


def divergences(own: torch.Tensor, other: torch.Tensor, tokens: torch.Tensor) -> list[float]:
    """KL(own || other) of each completion in nats: the sum over its tokens, exact over the vocabulary.

    own, other: (B, T, V) log-probs; tokens: (B, T) which count. The mean over completions is the divergence of the two
    policies where these are samples of `own`, not cut by top-p or top-k; over-optimisation is drawn against its root.
    """
    each = torch.where(own.isneginf(), 0.0, own.exp() * (own - other)).sum(dim=-1)  # (B, T)
    return (each * tokens).sum(dim=-1).tolist()
