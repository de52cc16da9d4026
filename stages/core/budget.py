"""Thinking budgets: thinking is cut after so many tokens and the answer follows (Qwen3 s.4.3)."""

from data.chat import THINK_CLOSE, THINK_OPEN, render_completion
from stages.core.engine import Completion, Sampling, TransformersEngine
from stages.core.errors import InputError

EARLY_STOP = "Considering the limited time by the user, I have to give the solution based on the thinking directly now."
"""What the paper inserts (s.4.3), in the form of its repository's documentation: no dot behind the closing tag."""


def closed_early(thinking: str) -> str:
    """A cut thought, closed, up to where the answer begins; with nothing thought only the sentence stands there."""
    return render_completion(f"{thinking.strip()}\n\n{EARLY_STOP}".lstrip("\n"), "")


def generate_with_budget(
    engine: TransformersEngine, prompts: list[str], n: int, sampling: Sampling, budget: int, seed: int
) -> list[list[Completion]]:
    """n completions for each prompt whose think blocks hold at most `budget` sampled tokens.

    The opening tag and its line break are given, so the budget counts what stands behind them; a block that is still
    open after `budget` tokens is cut there and `EARLY_STOP` closes it. sampling.max_tokens is the limit of what is
    sampled, thinking and answer together. `Completion.tokens` counts sampled tokens: neither the opening tag nor what
    is inserted. Budget 0 samples no thought. Raises InputError where no token is left for the answer.
    """
    if not 0 <= budget < sampling.max_tokens:
        raise InputError(f"thinking budget {budget}: allowed are 0 to {sampling.max_tokens - 1}, max_tokens less one")
    opening = f"{THINK_OPEN}\n"
    flat = [prompt for prompt in prompts for _ in range(n)]
    thought = [Completion("", 0, False, engine.template) for _ in flat]
    if budget:
        first = Sampling(sampling.temperature, budget, sampling.top_p)
        thought = [group[0] for group in engine.generate([prompt + opening for prompt in flat], 1, first, seed)]

    texts = [opening + part.text if THINK_CLOSE in part.text else closed_early(part.text) for part in thought]
    found = [
        Completion(text, part.tokens, part.finished and THINK_CLOSE in part.text, engine.template)
        for text, part in zip(texts, thought, strict=True)
    ]
    # What is left to sample differs between them: those that have used as much go on together.
    for used in sorted({completion.tokens for completion in found if not completion.finished}):
        rest = [i for i, completion in enumerate(found) if not completion.finished and completion.tokens == used]
        second = Sampling(sampling.temperature, sampling.max_tokens - used, sampling.top_p)
        answers = engine.generate([flat[i] + texts[i] for i in rest], 1, second, seed + 1)
        for i, (answer,) in zip(rest, answers, strict=True):
            found[i] = Completion(texts[i] + answer.text, used + answer.tokens, answer.finished, engine.template)
    return [found[start : start + n] for start in range(0, len(found), n)]
