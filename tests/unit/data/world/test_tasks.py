"""The reasoning families: their questions mean what their answers say, and their worked solutions lead there."""

import itertools
import json
import random
import re

import pytest

from data.errors import InputError
from data.text.language import LANGUAGES
from data.world.families import REASONING, TASKS, rows, verify
from data.world.reasoning.chains import apply, chain_key
from data.world.reasoning.expressions import expression
from data.world.task import Author, Problem
from tests.questions import CHAINS, FAMILIES, NUMERIC, draw, read_chain, value_of


@pytest.mark.parametrize(("name", "language"), [family for family in FAMILIES if family[0] in CHAINS])
def test_chains_mean_what_they_say(name, language):
    for problem in draw(name, language):
        chain = read_chain(name, problem.question)
        assert 2 <= len(chain[1]) <= 5
        value, values = value_of(chain)
        assert str(value) == problem.answer
        assert min(values) >= 0 and max(values) <= 20
        assert problem.key == chain_key(chain)


@pytest.mark.parametrize(
    ("name", "language"), [("equation", "en"), ("equation", "zh"), ("simple_equations", "en")]
)  # fmt: skip
def test_equations_mean_what_they_say(name, language):
    for problem in draw(name, language, 60):
        factor, sign, operand, right = re.search(
            r"(?:(\d+)\*)?[a-z] ?([+-]) ?(\d+) ?= ?(\d+)", problem.question
        ).groups()
        unknown = int(problem.answer)
        assert int(factor or 1) * unknown + int(sign + operand) == int(right)
        assert problem.key == f"equation {f'{factor}*' if factor else ''}x{sign}{operand}={right}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_pair_search_has_exactly_one_pair(language):
    for problem in draw("pair_search", language):
        *numbers, target = map(int, re.findall(r"\d+", problem.question))
        pairs = [pair for pair in itertools.combinations(numbers, 2) if sum(pair) == target]
        assert len(set(numbers)) == len(numbers) and 4 <= len(numbers) <= 6
        assert [f"{a}+{b}" for a, b in pairs] == [problem.answer]


@pytest.mark.parametrize("language", LANGUAGES)
def test_expression_does_what_is_described(language):
    words = {"add": "+", "subtract": "-", "multiply by": "*", "加": "+", "减": "-", "乘": "*"}
    for problem in draw("expression", language):
        steps = [(words[word], int(n)) for word, n in re.findall(rf"({'|'.join(words)}) ?(\d+)", problem.question)]
        assert len(steps) in (2, 3)
        for x in (-7, 0, 1, 3, 20):
            assert eval(problem.answer, {"x": x}) == value_of((x, steps))[0]
        assert [tuple(test) for test in problem.info["tests"]] == [
            (x, value_of((x, steps))[0]) for x in (0, 1, 2, 5, 11)
        ]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("+", 3), ("*", 4)], "(x+3)*4"),
        ([("*", 4), ("+", 3)], "x*4+3"),
        ([("*", 4), ("*", 3)], "x*4*3"),
        ([("-", 2), ("+", 3)], "x-2+3"),
        ([("+", 2), ("*", 3), ("*", 4)], "(x+2)*3*4"),
        ([("*", 2), ("-", 3), ("*", 4)], "(x*2-3)*4"),
        ([], "x"),
    ],
)
def test_expression_has_parentheses_only_where_needed(steps, expected):
    assert expression(steps) == expected


LAWS = [
    ("Speed", "time", "distance"), ("Mass", "acceleration", "force"), ("Current", "resistance", "voltage"),
    ("Power", "time", "energy"), ("Density", "volume", "mass"), ("速度", "时间", "路程"), ("质量", "加速度", "力"),
    ("电流", "电阻", "电压"), ("功率", "时间", "能量"), ("密度", "体积", "质量"),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_stem_choice_knows_its_physics(language):
    sizes, answers = set(), set()
    for problem in draw("stem_choice", language, 300):
        given, options = re.split(r"\? ?", problem.question)
        (first, a), (second, b), (wanted, _) = re.findall(r"([A-Za-z]+|[\u4e00-\u9fff]+) ?(\d*)", given)
        names, a, b = [word.lower() for word in (first, second, wanted)], int(a), int(b)
        laws = [[word.lower() for word in law] for law in LAWS]
        if names in laws:
            value = a * b
        else:
            assert [names[2], names[1], names[0]] in laws
            value = a // b
            assert value * b == a
        separator, option = {"en": (", ", "([A-H]) (\\d+)"), "zh": (",", "([A-H])(\\d+)")}[language]
        offered = dict(re.fullmatch(option, text).groups() for text in options.split(separator))
        assert list(offered) == list("ABCDEFGH"[: len(offered)])
        assert len(set(offered.values())) == len(offered)  # no value twice: one option is right
        assert offered[problem.answer] == str(value)
        sizes.add(len(offered))
        answers.add(problem.answer)
    assert min(sizes) == 4 and max(sizes) == 8
    assert answers >= set("ABCDEF")


@pytest.mark.parametrize("language", LANGUAGES)
def test_logic_is_true_when_python_says_so(language):
    translate = {
        "真": " True",
        "假": " False",
        "true": "True",
        "false": "False",
        "且": " and ",
        "或": " or ",
        "非": "not ",
    }
    for problem in draw("logic", language, 300):
        text = re.sub("|".join(translate), lambda found: translate[found[0]], problem.question)
        facts, formula = re.fullmatch(r"(.*?)(?:\. Is |。)(.*)\?", text).groups()
        values = {name: value == "True" for name, value in re.findall(r"([pqr]) (True|False)", facts)}
        assert set(values) == set("pqr")
        truth = eval(formula, {}, values)
        assert problem.answer == {"en": ("false", "true"), "zh": ("假", "真")}[language][truth]


# -- worked solutions


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_worked_solution_is_right(name, language):
    task = REASONING[name]
    for problem in draw(name, language, 60):
        row = problem.row()
        for asked in (problem, Problem.from_row(row)):
            trace = task.solve(asked, random.Random(1))
            assert verify(trace.answer, row) and trace.steps
            assert all(set(step) == {"en", "zh"} for step in trace.steps)
        assert verify(problem.answer, row)
        if name in NUMERIC:
            assert trace.answer == problem.answer


@pytest.mark.parametrize(("name", "language"), FAMILIES)
def test_every_step_of_a_worked_solution_is_true(name, language):
    equalities = 0
    for problem in draw(name, language, 60):
        for step in REASONING[name].solve(problem, random.Random(2)).steps:
            for text in step.values():
                for left, right in re.findall(r"(\d+[+*/-]\d+)=(\d+)", text):
                    assert eval(left) == int(right)
                    equalities += 1
    assert equalities > 100 or name in ("expression", "logic")


def test_steps_by_hand():
    row = {"task": "arithmetic", "domain": "math", "language": "en", "answer": "9", "prompt": [{"content": "q"}],
           "info": json.dumps({"start": 7, "steps": [["+", 5], ["/", 4], ["*", 3]]}), "key": "k"}  # fmt: skip
    trace = TASKS["arithmetic"].solve(Problem.from_row(row), random.Random(0))
    assert [step["en"] for step in trace.steps] == ["first 7+5=12", "then 12/4=3", "then 3*3=9"]
    assert [step["zh"] for step in trace.steps] == ["先7+5=12", "再12/4=3", "再3*3=9"]
    assert trace.answer == "9"


def test_search_tries_until_it_hits():
    verdicts = {"low": lambda a, b: a < b, "high": lambda a, b: a > b, "yes": lambda a, b: a == b}
    lengths = set()
    for problem in draw("pair_search", "en", 60):
        steps = [step["en"] for step in TASKS["pair_search"].solve(problem, random.Random(3)).steps]
        for step in steps:
            total, verdict = re.fullmatch(r"\d+\+\d+=(\d+) (\w+)", step).groups()
            assert verdicts[verdict](int(total), problem.info["target"])
        assert [step.endswith("yes") for step in steps] == [False] * (len(steps) - 1) + [True]
        assert len(set(steps)) == len(steps)  # no pair twice
        lengths.add(len(steps))
    assert min(lengths) == 1 and max(lengths) >= 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_search_orders(language):
    """By the list in half of the searches, closing in from both ends in two fifths, by chance in a tenth."""
    numbers, target = [1, 3, 4, 7, 8, 12], 19  # only 7+12 fits
    problem = Problem("pair_search", "math", language, "", "7+12", "", {"numbers": numbers, "target": target})
    closing_in = [(1, 12), (3, 12), (4, 12), (7, 12)]
    by_list = list(itertools.combinations(numbers, 2))
    by_list = by_list[: by_list.index((7, 12)) + 1]
    counts = {"list": 0, "two_pointer": 0, "random": 0}
    rng = random.Random(0)
    for _ in range(2000):
        steps = TASKS["pair_search"].solve(problem, rng).steps
        tried = [tuple(map(int, re.match(r"(\d+)\+(\d+)=", step[language]).groups())) for step in steps]
        counts["list" if tried == by_list else "two_pointer" if tried == closing_in else "random"] += 1
    assert counts["list"] == pytest.approx(1000, abs=90)  # four standard deviations
    assert counts["two_pointer"] == pytest.approx(800, abs=88)
    assert counts["random"] == pytest.approx(200, abs=54)


@pytest.mark.parametrize(("language", "words"), [("en", ("low", "high", "yes")), ("zh", ("小", "大", "对"))])
def test_options_are_gone_through_like_a_search(language, words):
    seen = set()
    for problem in draw("stem_choice", "en", 60):
        value, options = problem.info["value"], problem.info["options"]
        first, *tries = [step[language] for step in TASKS["stem_choice"].solve(problem, random.Random(3)).steps]
        assert first.endswith(f"={value}")
        gap = {"en": " ", "zh": ""}[language]
        expected = [
            f"{letter}{gap}{option} {words[0 if option < value else 1 if option > value else 2]}"
            for letter, option in zip("ABCDEFGH", options, strict=False)
        ]
        assert tries == expected[: options.index(value) + 1]
        seen |= {text.split(" ")[-1] for text in tries}
    assert seen == set(words)


def test_logic_looks_its_variables_up_first():
    info = {"values": [True, False, True], "negated": [False, True, True], "connectives": ["and", "or"]}
    problem = Problem("logic", "logic", "en", "", "true", "", info)
    trace = TASKS["logic"].solve(problem, random.Random(0))
    assert [step["en"] for step in trace.steps] == [
        "p true",
        "q false not q true",
        "r true not r false",
        "first true and true=true",
        "then true or false=true",
    ]
    assert [step["zh"] for step in trace.steps] == ["p真", "q假 非q真", "r真 非r假", "先真且真=真", "再真或假=真"]
    assert trace.answer == "true"


@pytest.mark.parametrize("language", LANGUAGES)
def test_logic_slips_are_carried_on(language):
    """A variable looked up wrong stays wrong; its given value is never misquoted where a negation follows."""
    seen = set()
    words = {"en": ("false", "true"), "zh": ("假", "真")}[language]
    for seed, problem in enumerate(draw("logic", language, 80)):
        steps = [step[language] for step in TASKS["logic"].solve(problem, random.Random(seed), Author(slip=0.5)).steps]
        found = [re.findall("|".join(words), step) for step in steps]
        literals = [words.index(values[-1]) for values in found[:3]]
        for values, value, negated, literal in zip(
            found, problem.info["values"], problem.info["negated"], literals, strict=False
        ):
            assert len(values) == 1 + negated
            assert not negated or values[0] == words[value]
            seen.add(literal == (value != negated))
        # The connectives join what was looked up, right or wrong.
        assert [words.index(word) for word in found[3][:2]] == literals[:2]
        assert words.index(found[4][1]) == literals[2] and found[4][0] == found[3][2]
    assert seen == {True, False}


def solve(name, condition=lambda problem: True, seed=0, **author):
    problem = next(problem for problem in draw(name, "en", 3000) if condition(problem))
    return problem, TASKS[name].solve(problem, random.Random(seed), Author(**author))


def test_a_careless_author_errs():
    problem, trace = solve("arithmetic", slip=1.0)
    assert all(eval(left) != int(right) for left, right in re.findall(r"(\d+[+*-]\d+)=(\d+)", str(trace.steps)))
    problem, trace = solve("stem_choice", slip=1.0)
    assert trace.answer != problem.answer and not verify(trace.answer, problem.row())
    problem, trace = solve("stem_choice", slip=1.0)
    assert trace.steps[-1]["en"].startswith(f"{trace.answer} ") and trace.steps[-1]["en"].endswith("yes")
    problem, trace = solve("expression", lambda problem: "(" in problem.answer, slip=1.0)
    assert trace.answer == problem.answer.replace("(", "").replace(")", "")
    assert not verify(trace.answer, problem.row())
    wrong = [solve("logic", slip=1.0, seed=seed) for seed in range(4)]
    assert all("true and true=true" not in str(trace.steps) for _, trace in wrong)


def test_a_slip_that_is_noticed_is_repaired():
    problem, trace = solve("arithmetic", slip=1.0, repair=1.0)
    assert trace.answer == problem.answer
    steps = [step["en"] for step in trace.steps]
    assert len(steps) == 2 * len(problem.info["steps"])
    assert all(step.startswith("wait, ") for step in steps[1::2])
    assert steps[0].split("=")[0] == steps[1].replace("wait, ", "first ").split("=")[0]


def test_an_impatient_author_guesses():
    problem, trace = solve("pair_search", lambda problem: len(problem.info["numbers"]) == 6, seed=1, give_up=1.0)
    assert [step["en"] for step in trace.steps[1:]] == ["guess"] and len(trace.steps) == 2
    assert set(map(int, trace.answer.split("+"))) <= set(problem.info["numbers"])
    _, trace = solve("pair_search", seed=1, careless=1.0)
    assert len(trace.steps) == 1 and trace.steps[0]["en"].endswith("yes")


def test_apply():
    assert [apply(12, operator, 3) for operator in "+-*/"] == [15, 9, 36, 4]
    assert apply(7, "/", 0) == 0


def test_a_mixture_can_ask_in_one_language():
    assert {row["language"] for row in rows({"arithmetic@zh": 1.0}, 30, "train", 1)} == {"zh"}
    assert {row["language"] for row in rows({"arithmetic": 1.0}, 30, "train", 1)} == {"en", "zh"}


@pytest.mark.parametrize("name", ["arithmetics", "arithmetic@fr", "chain_sum@zh"])
def test_an_unknown_family_or_language_is_refused(name):
    with pytest.raises(InputError, match="task family .*allowed are arithmetic"):
        rows({name: 1.0}, 3, "train", 1)
