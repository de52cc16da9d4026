"""Repeat detection: generation that goes round in circles stops early (Kimi k1.5 s.2.6; no threshold is given)."""

import torch
from transformers import StoppingCriteria


def repeats(ids: list[int], ngram: int, times: int) -> bool:
    """Whether the tokens end in one block of 1 to `ngram` tokens, at least `times` times in a row."""
    _check(ngram, times)
    return any(
        ids[-period * times : -period] == ids[-period * (times - 1) :]
        for period in range(1, min(ngram, len(ids) // times) + 1)
    )


def first_repetition(ids: list[int], ngram: int, times: int) -> int:
    """The number of tokens after which `repeats` first holds; all of them where it never does."""
    _check(ngram, times)
    first = len(ids)
    for period in range(1, ngram + 1):
        run = 0  # tokens in a row that are the ones a period before
        for place in range(period, first):
            run = run + 1 if ids[place] == ids[place - period] else 0
            if run == period * (times - 1):
                first = place + 1
                break
    return first


class RepetitionStopping(StoppingCriteria):
    """Stops each sequence of a batch at the first repetition behind its prompt; see `repeats`.

    prompt_length: width of the (left-padded) prompts, in tokens.
    """

    def __init__(self, prompt_length: int, ngram: int, times: int) -> None:
        _check(ngram, times)
        self.prompt_length, self.ngram, self.times = prompt_length, ngram, times

    def __call__(self, input_ids: torch.LongTensor, scores=None, **kwargs) -> torch.BoolTensor:
        """(B, prompt + T) token ids -> (B,) true where the sequence is to stop."""
        generated = input_ids[:, self.prompt_length :]
        stop = torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
        for period in range(1, min(self.ngram, generated.shape[1] // self.times) + 1):
            tail = generated[:, -period * self.times :]
            stop |= (tail[:, :-period] == tail[:, period:]).all(dim=1)
        return stop


def _check(ngram: int, times: int) -> None:
    if ngram < 1 or times < 2:
        raise ValueError(f"a repetition needs ngram >= 1 and times >= 2, got {ngram} and {times}")
