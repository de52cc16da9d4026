"""The level of a question, which changes nothing else of it."""

import hashlib
import json
from itertools import islice

import pytest
import yaml

from data.text.row import level_of
from data.world.corpus import documents
from data.world.families import GENERAL, PUZZLES, REASONING, problems, rows

BEFORE = {
    "arithmetic": "60a168ac39665753", "word_problem": "719339fa34cf1845", "equation": "c63ee3efcd7a9312",
    "pair_search": "e86825579036d2a3", "chain_sum": "2e6c5a98f3a5d84c", "simple_equations": "0332cdcdc67d6689",
    "code_output": "097fa11d208e4390", "expression": "2349e9633dc895a4", "stem_choice": "828511ce23dd800a",
    "logic": "394bfccc7abb0b25",
}  # fmt: skip
"""Of the families' first 200 problems, before questions had a level."""
CORPUS_BEFORE = "919961cf5bf6b07c"
"""And of 500 documents of the scale `tiny`."""
LEVELS = {
    "arithmetic": {2, 3, 4, 5}, "word_problem": {2, 3, 4, 5}, "code_output": {2, 3, 4, 5}, "equation": {1, 2},
    "pair_search": {4, 5, 6}, "chain_sum": {2, 3}, "simple_equations": {2}, "expression": {2, 3},
    "stem_choice": {4, 5, 6, 8}, "logic": {3},
}  # fmt: skip


def digest(texts) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", BEFORE)
def test_questions_answers_and_splits_are_what_they_were(name):
    drawn = list(islice(problems({name: 1.0}, 7), 200))
    assert digest(f"{p.question}|{p.answer}|{p.key}|{p.split}" for p in drawn) == BEFORE[name]
    assert {p.info["level"] for p in drawn} == LEVELS[name]


def test_the_corpus_is_what_it_was():
    with open("recipes/scales/tiny.yaml", encoding="utf-8") as file:
        mixture = yaml.safe_load(file)["mixtures"]["world"]
    assert digest(islice(documents(mixture, 7), 500)) == CORPUS_BEFORE


def test_a_level_counts_what_makes_a_question_long():
    counted = {"pair_search": "numbers", "stem_choice": "options", "logic": "values"}
    for row in rows(dict.fromkeys(REASONING, 1.0), 100, "train", 1):
        assert level_of(row) == len(json.loads(row["info"])[counted.get(row["task"], "steps")])
    assert set(LEVELS) == set(REASONING)


def test_general_prompts_and_puzzles_have_none():
    for row in rows(dict.fromkeys(GENERAL, 1.0) | {next(iter(PUZZLES)): 1.0}, 30, "train", 1):
        assert level_of(row) is None
