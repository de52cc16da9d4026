"""What a stage asks about: rows of the world's task families and of public data sets, by the weights of a mixture."""

import math
import random

from data.errors import InputError
from data.public.loading import asked
from data.public.mixture import prepare
from data.public.sources import SOURCES, find, revision_of
from data.text.chat import Template, render_prompt
from data.text.row import Row
from data.world.families import rows

Part = tuple[dict[str, float], int]
"""A part of a mixture, and how many rows it makes."""


def by_kind(mixture: dict[str, float], count: int) -> tuple[Part, Part]:
    """The task families and the public data sets of a mixture, with their shares of `count` rows."""
    families: dict[str, float] = {}
    sources: dict[str, float] = {}
    for name, weight in mixture.items():
        (sources if name in SOURCES else families)[name] = weight
    public = round(count * sum(sources.values()) / sum(mixture.values())) if sources else 0
    return (families if count > public else {}, count - public), (sources, public)


def first_uses(steps: int, steps_per_rollout: int, inner_epochs: int) -> list[int]:
    """The update at which the prompts of each mini-batch are first learned from: those of whole rollouts, in order.

    A rollout is of the prompts of `steps_per_rollout` mini-batches and serves that many updates `inner_epochs` times
    over. Its samples are shuffled among them, so a prompt may come earlier or later by less than `steps_per_rollout`.
    """
    rollouts = math.ceil(steps / (steps_per_rollout * inner_epochs))
    return [
        rollout * steps_per_rollout * inner_epochs + place
        for rollout in range(rollouts)
        for place in range(steps_per_rollout)
    ]


def draw_rows(run, mixture: dict[str, float], count: int, split: str, seed: int) -> list[Row]:
    """`count` rows of a split, fewer where there are no more; public ones decontaminated and asked as the scale says.

    What was dropped of each data set is told, and kept for the manifest.
    """
    (families, own), (sources, wanted) = by_kind(mixture, count)
    found = rows(families, own, split, seed) if families else []
    if not wanted:
        return found
    public = run.public_data
    drawn, counts = prepare(sources, wanted, split, seed, public.decontaminate, public.commercial_only)
    for name, by_rule in counts.items():
        listed = ", ".join(f"{rule} {number}" for rule, number in by_rule.items())
        run.metrics.say(f"{name} ({split}): {listed}")
        run.sources[f"{name} ({split}, seed {seed})"] = {"revision": revision_of(find(name))} | by_rule
    if not drawn:
        raise InputError(f"{run.stage}: no row of {', '.join(sources)} is left for the split {split}")
    instruction = public.math_instruction if split == "train" else public.evaluation_instruction
    found += [asked(row, instruction, public.math_answer) for row in drawn]
    random.Random(seed).shuffle(found)
    return found


def with_room(run, model, tokenizer, rows: list[Row], template: Template, max_new_tokens: int) -> list[Row]:
    """The rows whose prompt leaves room for a completion in the model's context; says how many others there are.

    Raises InputError where none does.
    """
    context = model.config.max_position_embeddings
    if run.system.engine == "vllm":
        context = min(context, run.system.vllm.max_model_length or context)
    texts = [render_prompt(tokenizer, row["prompt"], template) for row in rows]
    different = list(dict.fromkeys(texts))
    lengths = dict(zip(different, map(len, tokenizer(different)["input_ids"]), strict=True))
    kept = [row for row, text in zip(rows, texts, strict=True) if lengths[text] + max_new_tokens <= context]
    if not kept:
        raise InputError(
            f"{run.stage}: completions of {max_new_tokens} tokens leave no room for a prompt in a context of {context}"
        )
    if len(kept) < len(rows):
        run.metrics.say(f"{len(rows) - len(kept)} of {len(rows)} prompts are left out: no room in {context} tokens")
    return kept
