"""Rows and splits: distinct questions, and no content of the test set in training in another dress."""

import hashlib
import itertools
import json
import re
from types import SimpleNamespace

import pytest

from data.text.language import LANGUAGES
from data.text.row import split_of
from data.world.families import GENERAL, REASONING, TASKS, problems, rows
from data.world.joined import join
from data.world.task import Problem, Task
from stages.evaluation.evaluate import held_out
from tests.questions import CHAINS, draw, read_chain


def test_the_same_chain_is_in_the_same_split_in_every_dress():
    """A test question may not be known from training as a story, a program or in the other language."""
    dresses = {}
    for name in CHAINS:
        for language in REASONING[name].languages:
            for problem in draw(name, language, 2500):
                start, steps = read_chain(name, problem.question)
                dresses.setdefault((start, tuple(steps)), {}).setdefault(problem.split, set()).add((name, language))
    assert all(len(splits) == 1 for splits in dresses.values())
    worn = [next(iter(splits.values())) for splits in dresses.values()]
    for name in CHAINS:  # each family shares many chains with another one
        assert len([dress for dress in worn if {other for other, _ in dress} > {name}]) > 50
    assert len([dress for dress in worn if {language for _, language in dress} == {"en", "zh"}]) > 50


def test_both_equation_families_share_their_split():
    owners = {}
    for name, count in (("equation", 2500), ("simple_equations", 150)):
        for problem in draw(name, "en", count):
            content = re.search(r"(\d+)\*[a-z] ?([+-]) ?(\d+) ?= ?(\d+)", problem.question)
            if content:
                owners.setdefault(content.groups(), {}).setdefault(problem.split, set()).add(name)
    assert all(len(splits) == 1 for splits in owners.values())
    assert sum(len(next(iter(splits.values()))) == 2 for splits in owners.values()) > 20


@pytest.mark.parametrize("name", [name for name, task in REASONING.items() if len(task.languages) == 2])
def test_translations_share_their_split(name):
    """The same content in English and Chinese has one key; the key decides the split."""
    english, chinese = ({p.key: p.split for p in draw(name, language, 1500)} for language in LANGUAGES)
    common = english.keys() & chinese.keys()
    assert len(common) > 20
    assert all(english[key] == chinese[key] for key in common)


def test_pair_search_is_split_by_its_numbers():
    """The same list with another sum is no new question."""
    splits = {}
    for problem in draw("pair_search", "en", 3000):
        splits.setdefault(tuple(problem.info["numbers"]), set()).add(problem.split)
    assert all(len(found) == 1 for found in splits.values()) and len(splits) < 2500


def test_split_is_a_hash_of_the_key():
    shares = dict.fromkeys(("train", "validation", "test"), 0)
    for number in range(2000):
        problem = Problem("t", "math", "en", "q", "a", f"key {number}")
        percent = int(hashlib.sha256(f"key {number}".encode()).hexdigest(), 16) % 100
        assert problem.split == ("train" if percent < 80 else "validation" if percent < 90 else "test")
        shares[problem.split] += 1
    assert shares["train"] == pytest.approx(1600, abs=72)  # four standard deviations
    assert shares["validation"] == pytest.approx(200, abs=54)
    assert (
        Problem("other", "code", "zh", "Q", "A", "key 1").split == Problem("t", "math", "en", "q", "a", "key 1").split
    )


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_rows_are_of_the_asked_split_distinct_and_in_both_languages(split):
    found = rows(dict.fromkeys(REASONING | GENERAL, 1.0), 300, split, 5)
    assert len(found) == 300
    assert {row["split"] for row in found} == {split}
    assert len({row["prompt"][0]["content"] for row in found}) == len({row["id"] for row in found}) == 300
    assert {row["task"] for row in found} == {*REASONING, *GENERAL}
    assert {row["domain"] for row in found} == {"math", "code", "stem", "logic", "general", "safety"}
    share = sum(row["language"] == "zh" for row in found) / 300
    assert 0.25 < share < 0.6  # the gym families have no Chinese
    for row in found:
        assert list(row) == ["id", "key", "prompt", "answer", "task", "domain", "language", "verifier", "source",
                             "licence", "split", "info"]  # fmt: skip
        assert all(isinstance(value, str) for key, value in row.items() if key != "prompt")
        assert split_of(row["key"]) == split
        assert [message["role"] for message in row["prompt"]] == ["user"]


def test_splits_share_no_content():
    mixture = dict.fromkeys(CHAINS, 1.0)
    contents = [
        {
            json.dumps([json.loads(row["info"])[key] for key in ("start", "steps")])
            for row in rows(mixture, 400, split, 1)
        }
        for split in ("train", "validation", "test")
    ]
    assert all(not a & b for a, b in itertools.combinations(contents, 2))
    assert all(len(content) > 200 for content in contents)


def test_the_key_is_the_content_whatever_the_wording():
    questions = rows({"stem_choice": 1.0, "word_problem": 1.0, "arithmetic": 1.0}, 300, "test", 1)
    contents: dict[str, set] = {}
    for row in questions:
        info = json.loads(row["info"])
        content = info.get("operation") or json.dumps([info["start"], info["steps"]])
        contents.setdefault(row["key"], set()).add(content)
    assert len(contents) < len(questions) and all(len(found) == 1 for found in contents.values())
    first, second = questions[:2]
    assert join(first, second)["key"] == f"{first['key']} | {second['key']}"
    assert Problem.from_row(first).row() == first


def test_same_seed_same_rows():
    mixture = {"arithmetic": 2.0, "logic": 1.0, "chain_sum": 1.0, "facts": 1.0}
    first, again, other = (rows(mixture, 60, "train", seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert rows(mixture, 20, "train", 3) == first[:20]


def test_mixture_weights():
    drawn = list(itertools.islice(problems({"arithmetic": 3.0, "logic": 1.0, "facts": 0.0}, 0), 2000))
    counts = {name: sum(problem.task == name for problem in drawn) for name in ("arithmetic", "logic", "facts")}
    assert counts["facts"] == 0
    assert counts["arithmetic"] == pytest.approx(1500, abs=78)  # four standard deviations
    assert {problem.split for problem in drawn} == {"train", "validation", "test"}


def test_a_family_that_runs_dry_gives_what_it_has(monkeypatch):
    class Dry(Task):
        name, domain = "dry", "math"

        def problem(self, rng, language):
            number = rng.randrange(3)
            return Problem("dry", "math", language, f"{number}?", str(number), "key 1")

        def solve(self, problem, rng, author=None):
            raise NotImplementedError

        def verify(self, answer, row):
            raise NotImplementedError

    monkeypatch.setitem(TASKS, "dry", Dry())
    split = Problem("dry", "math", "en", "", "", "key 1").split
    assert sorted(row["answer"] for row in rows({"dry": 1.0}, 10, split, 0)) == ["0", "1", "2"]


def test_the_evaluation_asks_what_the_scale_trains_on():
    """Reasoning questions follow the scale's mixture, the other benchmarks have their own; all are held out."""
    tasks = {"arithmetic": 1.0, "pair_search": 3.0, "stem_choice": 1.0}
    settings = SimpleNamespace(
        tasks=tasks, reasoning_questions=100, questions_per_benchmark=12, split="validation", seed=0,
        general_tasks={"facts": 1.0}, instruction_tasks={"facts": 1.0},
        safety_tasks={"unsafe": 1.0, "safe_lookalike": 1.0},
    )  # fmt: skip
    found = held_out(SimpleNamespace(settings=settings))
    assert {name: len(questions) for name, questions in found.items()} == {
        "reasoning": 100, "general": 12, "instruction_following": 12, "safety": 12,
    }  # fmt: skip
    counts = {name: sum(row["task"] == name for row in found["reasoning"]) for name in tasks}
    assert sum(counts.values()) == 100 and counts["pair_search"] == pytest.approx(60, abs=20)
    assert {row["task"] for row in found["safety"]} == {"unsafe", "safe_lookalike"}
    assert all(json.loads(row["info"])["instruction"] for row in found["instruction_following"])
    assert {row["split"] for questions in found.values() for row in questions} == {"validation"}
    settings.questions_per_benchmark = 30
    more = held_out(SimpleNamespace(settings=settings))
    assert more["reasoning"] == found["reasoning"] and len(more["general"]) == 30


def test_no_rows():
    assert rows({"arithmetic": 1.0}, 0, "train", 0) == []
