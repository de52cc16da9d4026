"""Sampling with `transformers` that stops paying for what is finished.

`model.generate` keeps every sequence of a batch until the longest is done. With verifiable tasks most completions are
several times shorter than the longest, so here finished sequences leave the batch. Same distribution, same greedy
tokens (tests/unit/core/sampling/test_generation.py). Equal prompts are computed once, and the cache has room for the
tokens to come (cache.py). How fast: docs/performance.md.
"""

from collections.abc import Callable
from dataclasses import astuple

import torch

from data.text.chat import Template
from data.text.completion import Completion
from stages.core.machines.forked import in_forked
from stages.core.sampling.cache import roomy_cache
from stages.core.sampling.engine import Decoding, Engine, as_list

SHRINK = 0.125
"""The batch is cut down when this share of it has finished."""

LIKELY = 64
"""Tokens of a row that are ordered first for top-p; all are only where these do not reach it."""


@torch.inference_mode()
def sample_completions(
    model,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    end_ids: list[int],
    stopping=None,
    top_k: int = 0,
    presence_penalty: float = 0.0,
) -> tuple[list[list[int]], list[list[float]]]:
    """Completion ids of each prompt, the end token included where there is one, and the log-prob of each token.

    input_ids, attention_mask: (B, P), left-padded. Decoding as in `Decoding`; the log-probs are the model's own at the
    temperature, before any penalty or cut. Draws from torch's global generator.
    stopping: a `StoppingCriteria` on the generated ids (B, T) that may stop a sequence without an end token.
    """
    (batch, width), device = input_ids.shape, input_ids.device
    ends = torch.tensor(end_ids, device=device)
    output = torch.zeros((batch, max_new_tokens), dtype=torch.long, device=device)
    logps = torch.zeros((batch, max_new_tokens), device=device)
    lengths = torch.full((batch,), max_new_tokens, device=device)
    rows = torch.arange(batch, device=device)  # where the sequences in the batch belong
    running = torch.ones(batch, dtype=torch.bool, device=device)  # of those in the batch
    present = None  # (B, V), where a penalty needs it: the tokens that a completion has
    cache = roomy_cache(model.config, width + max_new_tokens)
    mask = torch.ones((batch, width + max_new_tokens), dtype=torch.bool, device=device)
    mask[:, :width] = attention_mask
    positions = attention_mask.sum(dim=1, keepdim=True)

    # A prompt is computed once, however many completions are asked of it.
    (tokens, seen), place = torch.unique(torch.stack([input_ids, attention_mask]), dim=1, return_inverse=True)
    logits = next_logits(model, tokens, seen, (seen.cumsum(dim=1) - 1).clamp(min=0), cache)[place]
    cache.batch_select_indices(place)
    for step in range(max_new_tokens):
        if step:
            logits = next_logits(model, tokens, mask[:, : width + step], positions, cache)
            positions = positions + 1
        if presence_penalty:
            present = torch.zeros_like(logits, dtype=torch.bool) if present is None else present
            chosen = sample_tokens(penalised(logits, present, presence_penalty), temperature, top_p, top_k)
            present.scatter_(1, chosen[:, None], True)
        else:
            chosen = sample_tokens(logits, temperature, top_p, top_k)
        output[rows, step] = chosen
        logps[rows, step] = log_probs(logits / (temperature or 1.0), chosen)
        finished = running & torch.isin(chosen, ends)
        if stopping is not None:
            finished |= running & stopping(output[rows, : step + 1], logits)
        lengths[rows[finished]] = step + 1
        running = running & ~finished
        left = int(running.sum())
        if not left:
            break
        if left <= (1 - SHRINK) * len(rows):
            keep = torch.arange(left, device=device)  # those behind move into the gaps, all others stay
            keep[~running[:left]] = left + running[left:].nonzero()[:, 0]
            cache.batch_select_indices(keep)
            rows, chosen, mask, positions, running = (x[keep] for x in (rows, chosen, mask, positions, running))
            present = None if present is None else present[keep]
        tokens = chosen[:, None]
    ends_at = lengths.tolist()
    written, values = (
        [row[:end] for row, end in zip(table.tolist(), ends_at, strict=True)] for table in (output, logps)
    )
    return written, values


def next_logits(model, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache) -> torch.Tensor:
    """(B, V) logits behind the last of tokens, (B, N), which are added to the cache; mask: (B, all tokens so far)."""
    output = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return output.logits[:, -1].float()


def log_probs(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """(B,) log-prob of each row's token by (B, V) logits."""
    return logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(dim=-1)


def penalised(logits: torch.Tensor, present: torch.Tensor, penalty: float) -> torch.Tensor:
    """(B, V) logits less the presence penalty where a token is `present`, (B, V) truth values, in the completion."""
    return logits - penalty * present


def sample_tokens(logits: torch.Tensor, temperature: float, top_p: float, top_k: int = 0) -> torch.Tensor:
    """One token for each row of (B, V) logits: of the top_k most probable (0: of all) the smallest set that has top_p.

    top_p is a share of the probability of the top_k.
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = (logits / temperature).softmax(dim=-1)
    if 0 < top_k < probabilities.shape[-1]:
        likely, tokens = probabilities.topk(top_k)
        likely = likely / likely.sum(dim=-1, keepdim=True)
        return tokens.gather(1, draw(nucleus(likely, top_p) if top_p < 1 else likely)[:, None])[:, 0]
    return draw(probabilities) if top_p == 1 else draw_of_nucleus(probabilities, top_p)


def draw_of_nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """(B,) a token of each row's nucleus; a row of (B, V) is ordered no further than it takes to know the nucleus.

    For most rows the most probable token reaches top_p, for nearly all the first LIKELY ones do.
    """
    at = torch.rand((len(probabilities), 1), dtype=torch.float64, device=probabilities.device)
    highest, chosen = probabilities.max(dim=-1)
    rows, vocabulary = (highest < top_p).nonzero()[:, 0], probabilities.shape[-1]
    for count in (LIKELY, vocabulary):
        if len(rows):
            likely, tokens = most_likely(probabilities[rows], count)
            known = (likely.sum(dim=-1) >= top_p) | (count >= vocabulary)
            places = draw(nucleus(likely[known], top_p), at[rows[known]])
            chosen[rows[known]] = tokens[known].gather(1, places[:, None])[:, 0]
            rows = rows[~known]
    return chosen


def most_likely(probabilities: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The `count` largest of each row, in their order, and which they are; all rows whole where it has no more."""
    if count < probabilities.shape[-1]:
        return probabilities.topk(count)
    return probabilities.sort(dim=-1, descending=True)


def nucleus(likely: torch.Tensor, top_p: float) -> torch.Tensor:
    """Ordered probabilities, 0 for those behind the smallest set that has top_p."""
    before = likely.cumsum(dim=-1) - likely
    return likely.masked_fill(before >= top_p, 0.0)


def draw(weights: torch.Tensor, at: torch.Tensor | None = None) -> torch.Tensor:
    """(B,) an index for each row of (B, V) weights, in proportion to them: where a uniform number hits their sum.

    at: (B, 1) these numbers, in [0, 1); by default of torch's global generator.
    """
    reached = weights.cumsum(dim=-1, dtype=torch.float64)
    if at is None:
        at = torch.rand((len(weights), 1), dtype=torch.float64, device=weights.device)
    return torch.searchsorted(reached, at * reached[:, -1:], right=True)[:, 0]


class TransformersEngine(Engine):
    """Batched `transformers` generation on whatever device the model is."""

    def __init__(self, model, tokenizer, template: Template, batch_size: int, processes: int = 1) -> None:
        """processes: of how many a batch each is sampled at a time, on a CPU."""
        self.model, self.tokenizer, self.template, self.batch_size = model.eval(), tokenizer, template, batch_size
        self.processes = min(processes, torch.get_num_threads()) if model.device.type == "cpu" else 1

    @property
    def end_ids(self) -> list[int]:
        return as_list(self.model.generation_config.eos_token_id)

    def generate(
        self,
        prompts: list[str],
        n: int,
        decoding: Decoding,
        seed: int,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[list[Completion]]:
        """n completions for each prompt, in the order of the prompts.

        Same seed and batch size, same completions, in however many processes.
        """
        parts = self.parts.of(prompts, n, astuple(decoding), seed, self.batch_size)
        # Prompts of one length share a batch: less padding.
        order = sorted((len(prompt), index) for index, prompt in enumerate(prompts) for _ in range(n))
        batches = {
            start: [index for _, index in order[start : start + self.batch_size]]
            for start in range(0, len(order), self.batch_size)
        }

        def sample(start: int) -> list[tuple[str, int, bool]]:
            torch.manual_seed(seed * 1_000_003 + start)
            return self._batch([prompts[index] for index in batches[start]], decoding)

        missing = [start for start in batches if start not in parts.values]
        sampled = in_forked(sample, missing, self.processes)
        found: list[list[Completion]] = [[] for _ in prompts]
        for start, indices in batches.items():
            if start not in parts.values:
                parts.add({start: next(sampled)})
            for index, (text, tokens, ended) in zip(indices, parts.values[start], strict=True):
                found[index].append(Completion(text, tokens, ended, self.template))
            progress(min(start + self.batch_size, len(order)), len(order))
        return self.counted(prompts, found)

    def _batch(self, prompts: list[str], decoding: Decoding) -> list[tuple[str, int, bool]]:
        """(text, tokens, whether it has ended) of one completion for each prompt, by torch's global generator."""
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
        inputs = inputs.to(self.model.device)
        ends = self.end_ids
        sampled, _ = sample_completions(
            self.model,
            inputs["input_ids"],
            inputs["attention_mask"],
            decoding.max_tokens,
            decoding.temperature,
            decoding.top_p,
            ends,
            top_k=decoding.top_k,
            presence_penalty=decoding.presence_penalty,
        )
        return [(self.tokenizer.decode(ids, skip_special_tokens=True), len(ids), ids[-1] in ends) for ids in sampled]
