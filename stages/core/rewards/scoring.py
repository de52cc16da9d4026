"""Reading scalar reward models."""

from collections.abc import Iterator

import torch

from data.text.chat import render_prompt
from stages.core.machines.padding import without_padding
from stages.core.machines.sharding import largest, shards
from stages.core.machines.weights import load_frozen, load_model, load_tokenizer


def scored_text(tokenizer, question: str, response: str) -> str:
    """What a reward model reads: the chat prompt, the response and the end of the turn (its score sits there)."""
    prompt = render_prompt(tokenizer, [{"role": "user", "content": question}], "chat")
    return f"{prompt}{response}{tokenizer.eos_token}"


def with_reference(question: str, reference: str) -> str:
    """The question for a judge that is given the reference answer."""
    return f"{question}\nReference: {reference}"


BATCH, BATCH_TOKENS = 256, 65_536
"""What a reward model reads at a time, at most: texts, and tokens with their padding."""


class RewardScorer:
    """A reward model with its tokenizer; `score` is batched. Where it lies in shards, all processes ask together."""

    def __init__(self, model, tokenizer) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer

    @torch.no_grad()
    def score(self, questions: list[str], responses: list[str]) -> list[float]:
        """One raw score for each (question, response)."""
        texts = [scored_text(self.tokenizer, q, r) for q, r in zip(questions, responses, strict=True)]
        parts = list(reading_batches(self.tokenizer(texts)["input_ids"])) if texts else []
        # Layers in shards are gathered from all processes: each runs the model as often as the one with the most texts.
        idle = largest(len(parts)) - len(parts) if shards() else 0
        scores: list[float] = []
        for ids in parts + idle * [[[self.tokenizer.eos_token_id]]]:
            inputs = self.tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
            scores += self.model(**inputs.to(self.model.device)).logits[:, 0].float().tolist()
        return scores[: len(texts)]


def reading_batches(texts: list[list[int]]) -> Iterator[list[list[int]]]:
    """Texts of token ids in their order, as many at a time as BATCH and BATCH_TOKENS allow, one at least."""
    batch: list[list[int]] = []
    longest = 0
    for ids in texts:
        longest = max(longest, len(ids))
        if batch and (len(batch) == BATCH or longest * (len(batch) + 1) > BATCH_TOKENS):
            yield batch
            batch, longest = [], len(ids)
        batch.append(ids)
    if batch:
        yield batch


def open_scorer(run, name: str) -> RewardScorer:
    """A reward model that a stage consumes."""
    model = load_frozen(run, "reward_models", name, kind="AutoModelForSequenceClassification")
    return RewardScorer(without_padding(model), load_tokenizer(run, "reward_models", name))


def scalar_head(run):
    """The parent's weights with a zeroed scalar head, and its tokenizer."""
    tokenizer = load_tokenizer(run)
    options = {"num_labels": 1, "pad_token_id": tokenizer.pad_token_id}
    model = load_model(run, kind="AutoModelForSequenceClassification", **options)
    for name, parameter in model.named_parameters():
        if "score" in name.split("."):
            torch.nn.init.zeros_(parameter)
    return model, tokenizer
