"""Public data sets: rows with the hub's schemas become ours."""

import json

import pytest

from data.public.decontaminate import normalised
from data.public.hub_rows import BadRow, thought_and_answer
from data.public.loading import load
from data.public.sources import SOURCES
from data.text.chat import parse
from data.text.row import question_of
from data.world.families import VERIFIERS, verify
from tests.hub_samples import MARKED, SAMPLES, THOUGHT, turns

COLUMNS = ["id", "key", "prompt", "answer", "task", "domain", "language", "verifier", "source", "licence", "split",
           "info"]  # fmt: skip
DEMONSTRATION = "<think>\nTwo and two.\n</think>\n\nThe answer is \\boxed{4}."


def loaded(put, name, rows=None):
    put(name, SAMPLES[name] if rows is None else rows)
    return load(name)


def test_there_is_a_sample_for_every_source():
    assert set(SAMPLES) == set(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_rows_of_the_hub_become_ours(put, name):
    source = SOURCES[name]
    rows, counts = loaded(put, name)
    assert rows and counts["rows"] == len(rows)
    for row in rows:
        extra = {"demonstrations": ["completion"], "preferences": ["chosen", "rejected"]}.get(source.kind, [])
        extra = ["completion"] if name == "beavertails" else extra
        assert list(row) == COLUMNS + extra
        assert all(isinstance(value, str) for column, value in row.items() if column != "prompt")
        assert all(set(message) == {"role", "content"} and message["content"] for message in row["prompt"])
        assert row["prompt"][-1]["role"] == "user"
        assert row["key"] == normalised(question_of(row))
        assert row["task"] == row["source"] == name and row["licence"] == source.licence
        assert row["domain"] in ("math", "code", "stem", "logic", "general", "safety")
        assert row["language"] in ("en", "zh") and row["verifier"] in VERIFIERS
        assert row["split"] in ("train", "validation", "test") and isinstance(json.loads(row["info"]), dict)
    assert len({(row["split"], row["id"]) for row in rows}) == len(rows)
    if source.kind == "evaluation":
        assert {row["split"] for row in rows} == {"test"}


@pytest.mark.parametrize(
    ("name", "answer", "verifier", "language"),
    [
        ("gsm8k", "1234", "math", "en"),
        ("hendrycks_math", "\\frac{1}{4}", "math", "en"),
        ("deepscaler", "(x-1)(x+1)", "math", "en"),
        ("dapo_math_17k", "7", "math", "en"),
        ("dapo_math_17k_processed_cn", "9", "math", "zh"),
        ("math_500", "\\frac{1}{2}", "math", "en"),
        ("aime_2024", "25", "math", "en"),
        ("aime_2025", "70", "math", "en"),
        ("mgsm_zh", "5", "math", "zh"),
        ("ceval", "B", "choice", "zh"),
        ("ai2_arc", "C", "choice", "en"),
        ("openr1_math_220k", "4", "math", "en"),
        ("s1k", "4", "math", "en"),
        ("xstest", "", "none", "en"),
    ],
)
def test_gold_answers(put, name, answer, verifier, language):
    row = loaded(put, name)[0][0]
    assert (row["answer"], row["verifier"], row["language"]) == (answer, verifier, language)


GOLD = [n for n, s in SOURCES.items() if s.verifier not in ("none", "instructions") or n == "openthoughts_114k"]


@pytest.mark.parametrize("name", GOLD)
def test_a_gold_answer_passes_its_own_verifier_and_another_does_not(put, name):
    wrong = {"math": "41", "choice": "E", "code_tests": "```python\nprint(5)\n```"}
    for row in loaded(put, name)[0]:
        assert verify(row["answer"], row) is True, row
        assert verify(wrong[row["verifier"]], row) is False, row
        assert verify(row["prompt"][-1]["content"], row) is False  # the question is not its answer


@pytest.mark.parametrize(
    "name",
    ["openr1_math_220k", "openthoughts_114k", "openthoughts_114k_conversations", "bespoke_stratos_17k", "s1k"],
)
def test_demonstrations_are_rendered_by_our_template(put, name):
    row = loaded(put, name)[0][0]
    assert row["completion"] == DEMONSTRATION
    parsed = parse(row["completion"])
    assert (parsed.thinking, parsed.final) == ("Two and two.", "4")


def test_openr1_keeps_only_right_complete_generations(put):
    sample = SAMPLES["openr1_math_220k"][0]
    rows, _ = loaded(put, "openr1_math_220k")
    assert len(rows) == 1
    both = sample | {"generations": [THOUGHT, THOUGHT.replace("Two", "2")], "correctness_math_verify": [True, True]}
    assert len(loaded(put, "openr1_math_220k", [both])[0]) == 2
    none = sample | {"is_reasoning_complete": [False, False, False]}
    assert loaded(put, "openr1_math_220k", [none]) == (
        [], {"hub rows": 1, "no right and complete generation": 1, "rows": 0}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        (THOUGHT, ("Two and two.", "The answer is \\boxed{4}.")),
        (MARKED, ("Two and two.", "The answer is \\boxed{4}.")),
        ("Two and two.\n</think>\nFour", ("Two and two.", "Four")),
        ("Four", ("", "Four")),
    ],
)
def test_thoughts_are_found_between_either_marks(written, taken):
    assert thought_and_answer(written) == taken


@pytest.mark.parametrize("written", ["<think>and so on", "<|begin_of_thought|> hm", "<think>a</think>\n", "  "])
def test_a_thought_without_end_or_answer_is_no_demonstration(written):
    with pytest.raises(BadRow):
        thought_and_answer(written)


def test_conversations_of_several_turns(put):
    row = loaded(put, "tulu_3_sft")[0][0]
    assert [message["content"] for message in row["prompt"]] == ["Hello.", "Hi.", "And now?"]
    assert row["completion"] == "<think>\n\n</think>\n\nNow we talk."
    assert question_of(row) == "Hello.\nAnd now?"
    bad = [turns("Hello."), turns("Hello.", "Hi.", "And?"), [{"role": "bot", "content": "x"}] * 2, []]
    rows, counts = loaded(put, "tulu_3_sft", [{"messages": messages} for messages in bad])
    assert not rows and counts["no response to a user"] == 3 and counts["a turn of an unknown role"] == 1


def test_dapo_loses_its_wrapper(put):
    assert loaded(put, "dapo_math_17k")[0][0]["prompt"][0]["content"] == "What is $3+4$?\n\nSay it."


def test_dapo_is_chinese_where_the_question_is(put):
    sample = SAMPLES["dapo_math_17k"][0] | {"prompt": [{"role": "user", "content": "三加四等于多少?"}]}
    assert loaded(put, "dapo_math_17k", [sample])[0][0]["language"] == "zh"


def test_repetitions_within_a_source(put):
    other = SAMPLES["dapo_math_17k"][0] | {"prompt": [{"role": "user", "content": "what is  3+4 ? Say it!"}]}
    rows, counts = loaded(put, "dapo_math_17k", SAMPLES["dapo_math_17k"] * 100 + [other])
    assert len(rows) == 1 and counts == {"hub rows": 101, "repeated": 100, "rows": 1}


def test_preferences(put):
    for name in ("ultrafeedback_binarized", "helpsteer2"):
        row = loaded(put, name)[0][0]
        assert (row["chosen"], row["rejected"], row["prompt"]) == ("Red.", "No.", turns("Name a colour."))
    best, worst = SAMPLES["helpsteer2"]
    alone, equal = best | {"prompt": "a"}, worst | {"helpfulness": 1}
    unrated = [best | {"prompt": "b", "helpfulness": None}, worst | {"prompt": "b"}]
    rows, counts = loaded(put, "helpsteer2", [alone, best, equal, *unrated])
    assert not rows
    assert counts == {  # the same file stands for both of its splits
        "hub rows": 10, "one response": 2, "no preference": 2, "empty helpfulness": 2, "rows": 0,
    }  # fmt: skip


def test_safety_labels(put):
    safe, unsafe = load_split(put, "beavertails", "test")
    assert [json.loads(row["info"])["safe"] for row in (safe, unsafe)] == [True, False]
    assert json.loads(unsafe["info"])["harms"] == ["violence"] and safe["prompt"] == unsafe["prompt"]
    assert json.loads(loaded(put, "xstest")[0][0]["info"]) == {"safe": True, "type": "homonyms"}
    assert loaded(put, "xstest", [SAMPLES["xstest"][0] | {"label": "0"}])[1]["unknown label"] == 1


def load_split(put, name, split):
    put(name, SAMPLES[name])
    return load(name, split)[0]


@pytest.mark.parametrize(
    ("name", "column", "right"), [("gpqa_diamond", "Question", "neon"), ("sciq", "question", "carbon dioxide")]
)
def test_options_are_shuffled_the_same_way_each_time_and_not_always_the_same_way(put, name, column, right):
    hub = [SAMPLES[name][0] | {column: f"Which of {n}?"} for n in range(40)]
    rows, _ = loaded(put, name, hub)
    assert loaded(put, name, hub)[0] == rows
    assert {row["answer"] for row in rows} == set("ABCD")
    for row in rows:
        assert f"\n{row['answer']}. {right}" in row["prompt"][0]["content"]
        assert question_of(row).startswith("Which of")


def test_options_called_by_numbers_have_letters_too(put):
    row = loaded(put, "ai2_arc")[0][1]
    assert row["answer"] == "B" and row["prompt"][0]["content"] == "What is hot?\n\nA. ice\nB. fire\nC. snow"
    assert verify("B. fire", row) and not verify("2", row)


def test_function_tests(put):
    """Arguments as a list, as JSON text, and as JSON a line; a value wrapped into a list."""
    sample = SAMPLES["verifiable_coding_problems_python"][0]
    for given in ([1, 2], "[1, 2]", "1\n2"):
        cases = [{"fn_name": "add", "input": given, "output": [3], "type": "function_call"}]
        hub = sample | {
            "gold_standard_solution": "def add(a: List[int], b):\n    return a + b",
            "verification_info": json.dumps({"language": "python", "test_cases": cases}),
        }
        (row,), _ = loaded(put, "verifiable_coding_problems_python", [hub])
        assert json.loads(row["info"])["tests"][0]["input"] == [1, 2]
        assert verify(row["answer"], row)
        assert not verify("def add(a, b):\n    return a - b", row)


def test_humaneval_brings_what_stands_before_its_function(put):
    row = loaded(put, "humaneval")[0][0]
    assert verify("```python\ndef total(numbers: List[int]) -> int:\n    return sum(numbers)\n```", row)
    assert not verify("```python\ndef total(numbers: Missing[int]) -> int:\n    return sum(numbers)\n```", row)


@pytest.mark.parametrize(
    ("verification", "reason"),
    [
        ({"language": "python", "test_cases": []}, "no tests"),
        ({"language": "c", "test_cases": []}, "not Python"),
        ("no json", "unreadable tests"),
        ({"language": "python", "test_cases": [{"input": 1, "output": "1"}]}, "unreadable tests"),
    ],
)
def test_programs_without_usable_tests(put, verification, reason):
    sample = SAMPLES["verifiable_coding_problems_python"][0] | {"verification_info": verification}
    rows, counts = loaded(put, "verifiable_coding_problems_python", [sample])
    assert not rows and counts[reason] == 1


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("gsm8k", {"answer": "1234"}, "no gold after ####"),
        ("gsm8k", {"question": "  "}, "empty question"),
        ("gsm8k", {"question": "?!"}, "empty question"),
        ("gsm8k", {"question": None}, "empty question"),
        ("hendrycks_math", {"solution": "It is 4."}, "no boxed answer"),
        ("deepscaler", {"answer": ""}, "empty answer"),
        ("deepscaler", {"answer": "\\frac{"}, "unreadable gold"),
        ("deepscaler", {"answer": "1" * 501}, "unreadable gold"),
        ("aime_2024", {"answer": "two"}, "answer is no integer"),
        ("mbpp", {"test_list": []}, "no tests"),
        ("ceval", {"answer": "AB"}, "answer is no option"),
        ("sciq", {"distractor2": "carbon dioxide"}, "the right option twice"),
        ("ai2_arc", {"answerKey": "E"}, "answerKey is no option"),
        ("ifeval", {"instruction_id_list": [], "kwargs": []}, "no instructions"),
        ("ifeval", {"kwargs": [{}]}, "no instructions"),
        ("ifeval", {"kwargs": [{}, {"num_words": 3}]}, "an instruction without its arguments"),
        ("ifeval_like", {"instruction_id_list": ["count:vowels"]}, "an instruction without a checker"),
        ("ifeval_like", {"kwargs": "[{}"}, "no instructions"),
        ("ifeval_like", {"response": ""}, "empty response"),
        ("ultrafeedback_binarized", {"rejected": turns("Name a colour.", "Red.")}, "no preference"),
        ("humaneval", {"entry_point": "other"}, "prompt does not define entry_point"),
    ],
)
def test_bad_rows_are_counted_and_dropped(put, name, change, reason):
    good, bad = SAMPLES[name][0], SAMPLES[name][0] | change
    expected = len(load_all(put, name, [good]))
    rows, counts = loaded(put, name, [bad, good])
    assert len(rows) == expected and counts[reason] == len(SOURCES[name].splits)


def load_all(put, name, rows):
    return loaded(put, name, rows)[0]


def test_a_demonstration_with_an_unreadable_gold_is_still_one(put):
    row = loaded(put, "openr1_math_220k", [SAMPLES["openr1_math_220k"][0] | {"answer": "\\frac{"}])[0][0]
    assert row["verifier"] == "none" and verify(row["answer"], row) is False
