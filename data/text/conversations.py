"""Prompts that ask for a mode: flags on single turns, and conversations in which the last of several flags counts."""

import random

from data.text.modes import MODES, Mode, mode_of, with_flag, with_system_flag
from data.text.row import Message, Row, last_turn
from data.text.summary import statement

FLAGGED = 0.7
"""How often an earlier turn of a conversation has a flag."""


def in_both_modes(
    pool: list[Row],
    count: int,
    non_thinking_fraction: float,
    seed: int,
    multi_turn: float = 0.0,
    in_system: float = 0.0,
) -> list[Row]:
    """`count` rows, the pool again and again: with their `mode`, and a prompt that asks for it, in random order.

    A share has /no_think; of the others one half has /think, the other no flag, which means thinking too.
    multi_turn: share of the rows that have one to three other questions of the pool before them, answered, with flags.
    in_system: share of the flagged rows whose only flag stands in the system message.
    """
    non_thinking = round(count * non_thinking_fraction)
    thinking = (count - non_thinking) // 2
    flags: list[Mode | None] = []
    flags += ["non_thinking"] * non_thinking
    flags += ["thinking"] * thinking
    flags += [None] * (count - len(flags))
    rng = random.Random(seed)
    rng.shuffle(flags)
    rows: list[Row] = []
    for number, flag in enumerate(flags):
        row, mode = pool[number % len(pool)], flag or "thinking"
        prompt = row["prompt"]
        if flag:
            put = with_system_flag if in_system and rng.random() < in_system else with_flag
            prompt = put(prompt, flag)
        if rng.random() < multi_turn:
            earlier = other_rows(pool, row, rng.randint(1, 3), rng)
            history = [(last_turn(other), statement(other)) for other in earlier]
            prompt = asking(last_turn(row), mode, history, rng, unflagged=0.9, in_system=in_system)
        rows.append({**row, "prompt": prompt, "mode": mode})
    return rows


def other_rows(pool: list[Row], row: Row, count: int, rng: random.Random) -> list[Row]:
    """`count` rows of a pool (fewer where it has no more), none of which asks what `row` asks.

    pool: rows with different `id`s. A question that stood in its own history would be answered there.
    """
    drawn = rng.sample(pool, min(len(pool), count + 1))
    return [other for other in drawn if other["id"] != row["id"]][:count]


def asking(
    question: str,
    mode: Mode,
    history: list[tuple[str, str]],
    rng: random.Random,
    unflagged: float,
    in_system: float,
) -> list[Message]:
    """A conversation whose last turn is `question` and which asks for `mode` (Qwen3 s.4.3).

    history: earlier (question, response) pairs; each of their user turns has a flag with probability 0.7, of a random
    mode. The last turn gets none with probability `unflagged` if the mode is the one in force already (the last flag's,
    or thinking), else its own flag, which stands in the system message with probability `in_system` if it is the only
    one.
    """
    messages: list[Message] = []
    flagged = False
    for asked, response in history:
        messages.append({"role": "user", "content": asked})
        if rng.random() < FLAGGED:
            messages, flagged = with_flag(messages, rng.choice(MODES)), True
        messages.append({"role": "assistant", "content": response})
    messages.append({"role": "user", "content": question})
    if mode_of(messages) == mode and rng.random() < unflagged:
        return messages
    if not flagged and rng.random() < in_system:
        return with_system_flag(messages, mode)
    return with_flag(messages, mode)
