"""Thinking budgets: a thought is cut after so many tokens and closed, and the answer follows (Qwen3 s.4.3).

The model is never trained for it. As in the documentation of the paper's repository there is no dot behind the closing
tag, which the paper prints.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from data.errors import InputError
from data.text.chat import THINK_CLOSE, THINK_OPEN
from data.text.completion import Completion
from data.text.prompts import PAPERS_CLOSING
from stages.core.sampling.engine import Decoding, Engine


def is_open(text: str) -> bool:
    """Whether a completion has begun a think block and not closed it."""
    return THINK_OPEN in text and THINK_CLOSE not in text


def closed_early(text: str, closing: str = PAPERS_CLOSING) -> str:
    """A completion cut inside its think block, with the block closed, up to where the answer begins.

    text: from the opening tag on. closing: what is inserted behind the thought, with what parts it from that. Where
    nothing was thought the block holds only the sentence, without line breaks, blanks and commas before it.
    """
    thought = text.rstrip("\n ")
    if thought.endswith(THINK_OPEN):
        closing = "\n" + closing.lstrip("\n ,\uff0c")
    return f"{thought}{closing}\n{THINK_CLOSE}\n\n"


def thinking_limit(tokenizer, budget: int, max_tokens: int) -> int:
    """Tokens after which an open thought is cut: the opening tag and its line break, then the budget; 0 for budget 0.

    Raises InputError for a negative budget, and where none of max_tokens would be left for the answer.
    """
    opening = len(tokenizer(f"{THINK_OPEN}\n", add_special_tokens=False)["input_ids"])
    limit = opening + budget if budget else 0
    if budget < 0:
        raise InputError(f"thinking budget {budget}: it must be 0 or more")
    if limit >= max_tokens:
        raise InputError(
            f"thinking budget {budget}: with {opening} tokens for the opening tag nothing of {max_tokens} tokens is "
            f"left for the answer"
        )
    return limit


def generate_with_budget(
    engine: Engine,
    prompts: list[str],
    n: int,
    decoding: Decoding,
    budget: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    closings: Sequence[str] | None = None,
) -> list[list[Completion]]:
    """n completions for each prompt whose thoughts have at most `budget` tokens. Same seed, same completions.

    A thought that is open after its budget is cut (`Completion.cut`), closed, and the answer is sampled behind it.
    Any other completion is what it would be without a budget: one that has ended stays as it is, even inside its
    thought; one that has closed its thought, or began none, goes on. Budget 0 samples no thought.

    decoding.max_tokens limits what is sampled, thought and answer together. `Completion.tokens` counts that too: what
    is inserted is in `text`, but is not counted. Continuing starts from the text, so its tokens may be cut up anew, and
    bytes of a character that the limit cut in two are dropped. Behind the cut a presence penalty begins anew.
    progress: counts each of the two phases by itself. closings: what closes a cut thought of each prompt
    (`closed_early`), by default the paper's sentence.
    """
    limit = thinking_limit(engine.tokenizer, budget, decoding.max_tokens)
    if limit:
        first = replace(decoding, max_tokens=limit)
        found = engine.generate(prompts, n, first, seed, progress)
    else:
        found = [[Completion(THINK_OPEN, 0, False, engine.template)] * n for _ in prompts]

    # Whatever has not ended has used the whole limit, so all of it has as many tokens left.
    going = [(i, j) for i, group in enumerate(found) for j, completion in enumerate(group) if not completion.finished]
    heads = {(i, j): found[i][j].text.rstrip("\ufffd") for i, j in going}
    inserted = [PAPERS_CLOSING] * len(prompts) if closings is None else closings
    cut = {at for at, text in heads.items() if is_open(text)}
    heads = {at: closed_early(text, inserted[at[0]]) if at in cut else text for at, text in heads.items()}
    second = replace(decoding, max_tokens=decoding.max_tokens - limit)
    rests = engine.generate([prompts[i] + heads[i, j] for i, j in going], 1, second, seed + 1, progress)

    groups = [list(group) for group in found]
    for (i, j), (rest,) in zip(going, rests, strict=True):
        tokens = found[i][j].tokens + rest.tokens
        groups[i][j] = Completion(heads[i, j] + rest.text, tokens, rest.finished, engine.template, (i, j) in cut)
    return groups
