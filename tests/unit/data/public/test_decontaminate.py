"""Decontamination and mixtures: what is dropped is counted by the rule that dropped it."""

import json

import pytest

from data.errors import InputError
from data.public.decontaminate import EvaluationTexts, grams, normalised
from data.public.mixture import prepare
from data.text.row import question_of, split_of

ENGLISH = "A farmer has twelve red hens and sells them for four coins each at the market"
COUNTING = "count on from there by one and stop at the number that comes next."
CHINESE = "小明有十二只红色的母鸡,他在市场上以每只四个硬币卖掉"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What is $3+4$?", "what is 3 + 4", True),
        ("What is 3+4?", "What is 3-4?", False),
        ("What is 3.5?", "What is 35?", False),
        ("x^2", "x_2", False),
        ("三加四等于多少?", "三加四 等于多少\uff1f", True),
        ("三加四等于多少?", "三加五等于多少?", False),
        ("\uff11\uff12 apples", "12 Apples.", True),
    ],
)
def test_normalised(one, other, same):
    assert (normalised(one) == normalised(other)) is same


def test_grams_count_a_chinese_character_as_a_word():
    assert grams("one two three", 2) == {("one", "two"), ("two", "three")}
    assert grams("One, TWO; three!", 2) == grams("one two three", 2)
    assert grams("加三得7", 2) == {("加", "三"), ("三", "得"), ("得", "7")}
    assert grams("one two", 3) == set()
    assert len(grams(CHINESE)) == len(CHINESE) - 1 - 9  # the comma is no word


@pytest.mark.parametrize("question", [ENGLISH, CHINESE])
def test_overlap_needs_ten_words_in_a_row(question):
    texts = EvaluationTexts.of([question])
    words = question.split() if question == ENGLISH else list(question.replace(",", ""))
    join = " ".join if question == ENGLISH else "".join
    assert texts.overlaps("something else", "so " + join(words[2:12]).upper() + "; then")
    assert not texts.overlaps(join(words[2:11]), join(words[3:12]))
    assert not texts.overlaps(join([*words[2:7], "zero", *words[7:12]]))
    assert texts.is_question(question + " ?") and not texts.is_question(join(words[1:]))


def test_a_short_question_is_found_only_whole():
    texts = EvaluationTexts.of(["What is 3+4?"])
    assert texts.is_question("what is 3 + 4") and not texts.is_question("So what is 3+4?")
    assert not texts.overlaps("So what is 3+4? It is seven, and seven is more than six, is it not?")


def test_reference_solutions_count():
    texts = EvaluationTexts.of(["What?"], ["Sell the hens one by one and add four coins each time."])
    assert texts.overlaps("I sell the hens one by one and add four coins each time")
    assert not texts.is_question("Sell the hens one by one and add four coins each time.")


# -- mixtures


def sums(numbers, text="What is {n} plus one?"):
    return [{"problem": text.format(n=n), "answer": str(n + 1), "solution": ""} for n in numbers]


def words(numbers):
    return [{"prompt": f"What is {n} plus two?", "solution": str(n + 2)} for n in numbers]


def in_train(text):
    """The text with the first number that puts it into the training split."""
    return next(q for q in (text.format(n=n) for n in range(99)) if split_of(normalised(q)) == "train")


def ids(rows):
    return sorted(row["id"] for row in rows)


def test_a_source_gets_its_share(put):
    put("deepscaler", sums(range(200)))
    put("dapo_math_17k_processed_en", words(range(200)))
    mixture = {"deepscaler": 2.0, "dapo_math_17k_processed_en": 1.0}
    rows, counts = prepare(mixture, 50, "train", 0, [])
    assert len(rows) == 50 and {row["split"] for row in rows} == {"train"}
    assert [sum(row["source"] == name for row in rows) for name in mixture] == [33, 17]
    for name in mixture:
        of = counts[name]
        assert of["rows"] == of["other split"] + of["not drawn"] + of["kept"] == 200
    assert [row["source"] for row in rows] != sorted(row["source"] for row in rows)
    assert prepare(mixture, 50, "train", 0, [])[0] == rows
    assert ids(prepare(mixture, 50, "train", 1, [])[0]) != ids(rows)
    everything = {split: prepare(mixture, None, split, 0, [])[0] for split in ("train", "validation", "test")}
    assert sum(map(len, everything.values())) == 400
    assert len({row["id"] for part in everything.values() for row in part}) == 400


def test_a_small_source_gives_what_it_has(put):
    put("deepscaler", sums(range(10)))
    put("dapo_math_17k_processed_en", words(range(200)))
    rows, counts = prepare({"deepscaler": 1.0, "dapo_math_17k_processed_en": 1.0}, 60, "train", 0, [])
    assert counts["deepscaler"]["kept"] == 10 - counts["deepscaler"]["other split"]
    assert counts["dapo_math_17k_processed_en"]["kept"] == 30 and len(rows) == 30 + counts["deepscaler"]["kept"]


def test_repetitions_over_sources(put):
    put("deepscaler", sums(range(50)))
    again = [{"prompt": hub["problem"].upper() + " ?", "solution": hub["answer"]} for hub in sums(range(50))]
    put("dapo_math_17k_processed_en", again + words(range(50)))
    rows, counts = prepare({"deepscaler": 1.0, "dapo_math_17k_processed_en": 1.0}, None, "train", 0, [])
    assert counts["dapo_math_17k_processed_en"]["repetition"] == counts["deepscaler"]["kept"] > 30
    questions = [normalised(question_of(row)) for row in rows]
    assert len(set(questions)) == len(questions)


def test_demonstrations_of_one_question_are_no_repetitions(put):
    thought = "<think>\n{n}\n</think>\n\n4"
    hub = {
        "problem": "What is $2+2$?", "answer": "4", "generations": [thought.format(n=n) for n in (1, 2, 2)],
        "correctness_math_verify": [True] * 3, "is_reasoning_complete": [True] * 3,
    }  # fmt: skip
    put("openr1_math_220k", [hub])
    splits = [prepare({"openr1_math_220k": 1.0}, None, split, 0, [])[0] for split in ("train", "validation", "test")]
    assert sorted(map(len, splits)) == [0, 0, 2]


def test_a_question_that_another_source_holds_out_is_not_trained_on(put):
    """GSM8K has a test split of its own: its training questions would else be test questions of another source."""
    put("deepscaler", sums(range(200)))
    put("gsm8k", [{"question": hub["problem"], "answer": f"#### {hub['answer']}"} for hub in sums(range(200))], "train")
    put("gsm8k", [{"question": "Else?", "answer": "#### 1"}], "test")
    mixture = {"gsm8k": 1.0, "deepscaler": 1.0}
    parts = {split: prepare(mixture, None, split, 0, []) for split in ("train", "validation", "test")}
    found = [{normalised(question_of(row)) for row in rows} for rows, _ in parts.values()]
    assert not found[0] & found[1] and not found[0] & found[2] and not found[1] & found[2]
    assert parts["train"][1]["gsm8k"]["held out elsewhere"] > 5


def test_evaluation_questions_are_found_and_counted(put):
    short = in_train("What is {n} plus one?")
    put("math_500", [{"problem": short, "answer": "8", "solution": f"We {COUNTING}"}])
    put("mgsm_en", [{"question": ENGLISH + ", how many coins has he?", "answer_number": 48}])
    put("mgsm_zh", [{"question": CHINESE + ",他有多少硬币?", "answer_number": 48}])
    dirty = [
        {"problem": short.upper().rstrip("?"), "answer": "8", "solution": ""},
        {"problem": in_train("{n}: " + ENGLISH + ". So how many hens?"), "answer": "12", "solution": ""},
        {"problem": in_train("昨天{n}," + CHINESE + "。他还有几只?"), "answer": "12", "solution": ""},
        {"problem": in_train("Clean in {n}?"), "answer": "8", "solution": f"Let us {COUNTING}"},
    ]
    put("deepscaler", sums(range(40), "How much is {n} and one more?") + dirty)
    asked = {"deepscaler": 1.0}
    before, _ = prepare(asked, None, "train", 0, [])
    after, counts = prepare(asked, None, "train", 0, ["math_500", "mgsm_en", "mgsm_zh"])
    lost = {question_of(row) for row in before} - {question_of(row) for row in after}
    assert lost == {hub["problem"] for hub in dirty} and len(before) == len(after) + 4
    assert counts["deepscaler"]["evaluation question"] == 1 and counts["deepscaler"]["evaluation 10-gram"] == 3
    _, counts = prepare(asked, None, "train", 0, ["mgsm_zh"])
    assert counts["deepscaler"]["evaluation question"] == 0 and counts["deepscaler"]["evaluation 10-gram"] == 1


def test_a_completion_that_quotes_an_evaluation_question_is_dropped(put):
    question = in_train("Is {n} enough?")
    put("math_500", [{"problem": ENGLISH, "answer": "48", "solution": ""}])
    hub = {
        "problem": question, "answer": "1", "generations": [f"<think>I know: {ENGLISH}</think>1", "<think>a</think>1"],
        "correctness_math_verify": [True] * 2, "is_reasoning_complete": [True] * 2,
    }  # fmt: skip
    put("openr1_math_220k", [hub])
    rows, counts = prepare({"openr1_math_220k": 1.0}, None, "train", 0, ["math_500"])
    assert len(rows) == 1 and "hens" not in rows[0]["completion"]
    assert counts["openr1_math_220k"]["evaluation 10-gram"] == 1


def test_only_for_commercial_use(put):
    put("deepscaler", sums(range(20)))
    put("dapo_math_17k_processed_en", words(range(20)))  # its licence is not checked
    mixture = {"deepscaler": 1.0, "dapo_math_17k_processed_en": 1.0}
    assert {row["source"] for row in prepare(mixture, None, "train", 0, [])[0]} == set(mixture)
    rows, counts = prepare(mixture, 10, "train", 0, [], commercial_only=True)
    assert {row["source"] for row in rows} == {"deepscaler"} and len(rows) == 10
    assert {row["licence"] for row in rows} == {"MIT"}
    assert counts["dapo_math_17k_processed_en"] == {"left out: not checked": 1}
    with pytest.raises(InputError, match="no source of the mixture allows commercial use: no_robots"):
        prepare({"no_robots": 1.0}, 10, "train", 0, [], commercial_only=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"aime_2024": 1.0}, 5, "train", 0, []), "aime_2024 is for evaluation only"),
        (({"gsm9k": 1.0}, 5, "train", 0, []), "no data source is called 'gsm9k'"),
        (({"deepscaler": 1.0}, 5, "train", 0, ["openr1_math_220k"]), "no test split of its own"),
        (({"deepscaler": 1.0}, 5, "dev", 0, []), "split 'dev': allowed are train, validation, test"),
        (({"deepscaler": 0.0}, 5, "train", 0, []), "weights"),
        (({"deepscaler": -1.0}, 5, "train", 0, []), "weights"),
        (({}, 5, "train", 0, []), "weights"),
    ],
)
def test_what_cannot_be_asked_for(put, arguments, message):
    put("deepscaler", sums(range(20)))
    with pytest.raises(InputError, match=message):
        prepare(*arguments)


def test_an_evaluation_set_may_be_prepared_as_itself(put):
    put("math_500", [{"problem": ENGLISH, "answer": "48", "solution": "Count."}])
    rows, counts = prepare({"math_500": 1.0}, None, "test", 0, ["math_500"])
    assert len(rows) == 1 and counts["math_500"]["kept"] == 1
    assert json.loads(rows[0]["info"]) == {"solution": "Count."}
