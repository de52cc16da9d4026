"""Questions drawn from the reasoning families, and a reader of chains that owes nothing to their generator."""

import random
import re

from data.world.families import REASONING, family

FAMILIES = [(name, language) for name, task in REASONING.items() for language in task.languages]
CHAINS = ("arithmetic", "word_problem", "code_output", "chain_sum")
NUMERIC = (*CHAINS, "equation", "simple_equations")


def draw(name, language="en", count=150, seed=0):
    """Random problems of a family."""
    rng = random.Random(seed)
    return [family(name)[0].problem(rng, language) for _ in range(count)]


def find(name, language="en", condition=lambda problem: True):
    """The row of the first problem that meets a condition."""
    rng = random.Random(0)
    return next(p for _ in range(5000) if condition(p := family(name)[0].problem(rng, language))).row()


VERBS = {
    "+": ("gets", "buys", "finds", "得到", "买了", "找到"),
    "-": ("loses", "eats", "sells", "丢了", "吃了", "卖了"),
}
SIGNS = {verb: sign for sign, verbs in VERBS.items() for verb in verbs}


def read_chain(name, question):
    """(start, [(operator, operand), ...]) of a chain in any dress."""
    if name == "word_problem":
        start = int(re.search(r"\d+", question)[0])
        steps = re.findall(rf"({'|'.join(SIGNS)}) ?(\d+)", question)
        return start, [(SIGNS[verb], int(number)) for verb, number in steps]
    if name == "code_output":
        variable, start = re.search(r"([xyn])=(\d+);", question).groups()
        assert f"print({variable})" in question
        return int(start), [(o, int(n)) for o, n in re.findall(rf"{variable}={variable}([+*-])(\d+);", question)]
    start, rest = re.search(r"(\d+)(.*)", question).groups()
    return int(start), [(o, int(n)) for o, n in re.findall(r"([+*-]) ?(\d+)", rest)]


def value_of(chain):
    """Step by step from the left, as all dresses ask for it."""
    value, values = chain[0], []
    for operator, operand in chain[1]:
        value = {"+": value + operand, "-": value - operand, "*": value * operand}[operator]
        values.append(value)
    return value, values
