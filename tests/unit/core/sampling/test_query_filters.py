"""Filters of queries and of responses, and the queries that ask two things."""

import random

import pytest

from data.text.language import LANGUAGES
from data.world.corpus import join_steps
from data.world.families import GENERAL, REASONING, TASKS
from data.world.joined import join, join_some
from data.world.task import Author
from stages.core.sampling.query_filters import disagrees, guesses, several_questions, similarity, verifiable
from tests.questions import FAMILIES, draw, find

# -- queries


@pytest.mark.parametrize("name", TASKS)
def test_a_query_is_verifiable_where_a_rule_accepts_its_gold_answer(name):
    language = TASKS[name].languages[0] if name not in GENERAL else "en"
    row = find(name, language)
    assert verifiable(row) is (name not in GENERAL)
    if row["source"] != "reasoning-gym":  # its scorers accept whatever is equal to the gold answer
        assert not verifiable(row | {"answer": "nobody knows"})
    assert not verifiable(row | {"verifier": "by hand"})


@pytest.mark.parametrize(
    "text",
    [
        "What is 2+3? And what is 4*5?",
        "2+3=\uff1f 4*5=\uff1f",
        "先算2+3=?再算4*5=\uff1f",
        "Do both: (1) add 2 and 3, (2) multiply 4 by 5.",
        "解答:(1)计算2+3;(2)计算4*5。",
        "解答\uff081\uff09计算2+3\uff082\uff09计算4*5。",
        "①计算2+3。②计算4*5。",
        "1) Solve x+3=5. 2) Solve 2*x=8.",
        "a) Find x. b) Find f(xy).",
        "(a) Find x. (b) Find y.",
    ],
)
def test_several_questions(text):
    assert several_questions(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Solve x+3=5. x=?",
        "解方程x+3=5。x=\uff1f",
        "Really?? 2+3=",
        "Only (1) add 2 and 3.",
        "Is (p or a) and (q or b)?",
        "Speed 3, time 4. Distance? A) 12 B) 7 (C) 3 (D) 1",
        "Find f(1) where f(2)=3.",
        "Compute (x-1)*(x-2) at (1)+(2).",
        "(2) comes before (1).",
    ],
)
def test_one_question(text):
    assert not several_questions(text)


@pytest.mark.parametrize("name", [*REASONING, *GENERAL])
def test_no_family_asks_several_things(name):
    for language in LANGUAGES:
        assert not any(several_questions(problem.question) for problem in draw(name, language))


def test_joined_queries_are_found_and_not_verifiable():
    first, second = find("equation", "zh"), find("logic", "zh")
    both = join(first, second)
    questions = [row["prompt"][0]["content"] for row in (first, second)]
    assert both["prompt"][0]["content"] == f"(1){questions[0]}(2){questions[1]}"
    assert both["answer"] == f"{first['answer']}; {second['answer']}"
    assert both["id"] not in (first["id"], second["id"]) and len(both["id"]) == len(first["id"])
    assert {key for key in first if first[key] != both[key]} == {"id", "key", "prompt", "answer"}
    english = join(find("equation"), find("logic"))["prompt"][0]["content"]
    assert english.startswith("(1) Solve ") and " (2) p " in english
    for language in LANGUAGES:
        for name, other in [("arithmetic", "stem_choice"), ("pair_search", "pair_search"), ("expression", "facts")]:
            row = join(find(name, language), find(other, language))
            assert several_questions(row["prompt"][0]["content"]) and not verifiable(row)


def test_join_some_joins_neighbours_of_one_language():
    same = {"key": "k", "answer": "", "info": "{}"}
    pool = [same | {"id": str(n), "language": la, "prompt": [{"content": la}]} for n, la in enumerate("ezezze")]
    found = join_some(pool, 2)
    assert sum("(2)" in row["prompt"][0]["content"] for row in found) == 2 and len(found) == 4
    assert {row["id"] for row in found} >= {"4", "5"}
    assert join_some(pool, 0) == pool and join_some([], 3) == []
    assert len(join_some(pool, 9)) == 4  # two e and z pairs, and one of each is left over


# -- responses


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_worked_solutions_neither_guess_nor_disagree(name, language):
    rng = random.Random(0)
    for problem in draw(name, language, 60):
        trace = TASKS[name].solve(problem, rng)
        for written in LANGUAGES:
            thinking = join_steps(trace, [written] * len(trace.steps))
            assert not guesses(thinking, trace.answer, 4), (thinking, trace.answer)
            assert not disagrees(thinking, trace.answer), (thinking, trace.answer)


@pytest.mark.parametrize("name", ["pair_search", "stem_choice"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_author_who_gives_up_guesses(name, language):
    rng = random.Random(0)
    given_up = 0
    for problem in draw(name, language, 60):
        trace = TASKS[name].solve(problem, rng, Author(give_up=1.0))
        if gave_up := trace.steps[-1]["en"] == "guess":
            given_up += 1
        assert guesses(join_steps(trace, [language] * len(trace.steps)), trace.answer, 4) is gave_up
    assert given_up > 10


@pytest.mark.parametrize(
    ("thinking", "final", "expected"),
    [
        ("first 12-3=9.", "9", False),
        ("first 12-3=9.", "8", True),  # from nowhere
        ("先12-3=9。", "x=9.0", False),
        ("先12-3=9。", "8", True),
        ("so 9", "9", True),  # two pieces, four are needed
        ("是9", "9", True),
        ("", "9", True),
        ("3+4=7 low, 3+5=8 yes.", "5+3", False),
        ("3+4=7 low, 3+5=8 yes.", "3+5=8", False),
        ("3+4=7 low, 3+5=8 yes.", "4+5", True),
        ("speed 3*4=12, A 3 low, guess.", "A", True),  # admitted
        ("速度3*4=12,A3小,猜。", "A", True),
        ("speed 3*4=12, A 3 low, B 12 yes.", "b", False),
        ("speed 3*4=12, A 3 low, B 12 yes.", "C", True),
        ("no need to guess, 12-3=9.", "9", False),
        ("p真,q假,再真且假=假。", "false", False),
        ("p true, q true, r true.", "假", True),
        ("first x+3, then (x+3)*2.", "2*x+6", False),
        ("first x+3, then (x+3)*2.", "x+6", True),
        ("The food of Kalo: red pears.", "Red pears.", False),
        ("The food of Kalo: red pears.", "apples", True),
    ],
)
def test_guesses(thinking, final, expected):
    assert bool(guesses(thinking, final, 4)) is expected


@pytest.mark.parametrize(
    ("thinking", "final", "expected"),
    [
        ("first 12-3=9, then 9+1=10.", "10", False),
        ("first 12-3=9, then 9+1=10.", "9", True),
        ("先12-3=9,再9+1=10。", "9", True),
        ("先3-7=-4。", "-4", False),
        ("先3-7=-4。", "4", True),
        ("so x=2.50.", "x = 2.5", False),
        ("3+4=7 low, 3+5=8 yes.", "3+4", True),
        ("3+4=7小,3+5=8对。", "5和3", False),
        ("3+4=7小,3+5=8对。", "3和4", True),
        ("3+4=7小,3+5=8对。", "3+5=8", False),
        ("A 3 low, B 12 yes.", "A", True),
        ("A3小,B12对。", "B 12", False),
        ("first true and false=false.", "假", False),
        ("先真且假=假。", "true", True),
        ("first x+3, then (x+3)*2.", "(3 + x)*2", False),  # the same value
        ("first x+3, then (x+3)*2.", "x+3*2", True),
        ("先x+3,再(x+3)*2。", "x+3", True),
        ("I like red pears.", "9", False),  # no number to compare
        ("", "9", False),
        ("The food: red pears.", "apples", False),  # words are not compared
        ("first 12-3=9.", "", False),
    ],
)
def test_disagrees(thinking, final, expected):
    assert disagrees(thinking, final) is expected


@pytest.mark.parametrize(
    ("text", "others", "ngram", "expected"),
    [
        ("Tom has 3 pears", ["Tom has 3 books"], 2, 2 / 3),  # tom-has, has-3 of tom-has, has-3, 3-pears
        ("Tom has 3 pears", ["3 pears", "tom HAS"], 2, 1 / 3),  # the best single other
        ("汤姆有3个梨", ["汤姆有3本书"], 3, 2 / 4),  # 汤姆有 姆有3 有3个 3个梨
        ("汤姆有3个梨", ["汤姆,有3个梨!"], 3, 1.0),
        ("a b", ["a b"], 10, 1.0),  # shorter than an n-gram: only the same text
        ("a b", ["a b c"], 10, 0.0),
        ("a b", ["x a b y"], 2, 1.0),
        ("a b", [], 2, 0.0),
        ("", ["", "a"], 2, 0.0),
        ("+-?", ["+-?"], 2, 0.0),
    ],
)
def test_similarity(text, others, ngram, expected):
    assert similarity(text, others, ngram) == pytest.approx(expected, abs=1e-9)


def test_similarity_needs_an_ngram():
    with pytest.raises(ValueError, match="ngram"):
        similarity("a", ["a"], 0)
