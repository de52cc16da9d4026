"""Instructions that a program checks: the verifier, the reward, the benchmark. Some need the extra `ifeval`."""

import builtins
import inspect
import json
from types import SimpleNamespace

import pytest

from data.errors import InputError
from data.public.loading import load
from data.text.chat import parse, render_completion
from data.text.completion import Completion
from data.verifiers import instructions
from data.verifiers.instructions import ARGUMENTS, need_checkers
from data.world.families import verify
from stages.core.pipeline.system import PublicData
from stages.core.rewards.rules import RULES
from stages.core.rewards.self_test import self_test
from stages.evaluation.benchmarks import Recorder, held_out
from stages.evaluation.benchmarks import instructions as benchmark
from tests.hub_samples import SAMPLES
from tests.unit.data.world.test_puzzles import PlainTokenizer


@pytest.fixture(autouse=True)
def fresh():
    instructions._package.cache_clear()


@pytest.fixture
def package():
    return pytest.importorskip("if_verifiable")


def row_of(*pairs: tuple[str, dict], answer: str = "") -> dict:
    """A row with instructions."""
    info = json.dumps({"instructions": pairs})
    return {"task": "ifeval", "domain": "general", "language": "en", "verifier": "instructions", "answer": answer,
            "info": info, "prompt": [{"role": "user", "content": "Write."}]}  # fmt: skip


NO_COMMA = ("punctuation:no_comma", {})
THREE_WORDS = ("length_constraints:number_words", {"num_words": 3, "relation": "at least"})
SENTENCES = ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"})


# -- without the package


def test_rows_keep_each_instruction_with_its_own_arguments(put):
    put("ifeval", SAMPLES["ifeval"])
    (row,), _ = load("ifeval")
    assert json.loads(row["info"])["instructions"] == [list(NO_COMMA), list(THREE_WORDS)]
    assert (row["verifier"], row["domain"], row["split"]) == ("instructions", "general", "test")
    put("ifeval_like", SAMPLES["ifeval_like"] + [SAMPLES["ifeval_like"][0] | {"kwargs": [{}], "prompt": "Name one."}])
    rows, _ = load("ifeval_like")
    assert [json.loads(row["info"])["instructions"] for row in rows] == [[list(NO_COMMA)]] * 2
    assert rows[0]["answer"] == "Red and blue."


def test_a_missing_package_is_one_sentence(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "if_verifiable":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for ask in (lambda: verify("Red.", row_of(NO_COMMA)), lambda: need_checkers([row_of(NO_COMMA)])):
        with pytest.raises(InputError, match=r"not installed: pip install -e '\.\[ifeval\]'$") as error:
            ask()
        assert "\n" not in str(error.value)
    need_checkers([row_of(NO_COMMA) | {"verifier": "none"}])


def test_other_rows_have_no_instruction_reward():
    row = row_of(NO_COMMA) | {"verifier": "none"}
    assert RULES["instruction"](Completion("Red.", 1, True, "chat"), row) is None


# -- with it


def test_the_arguments_are_those_of_the_package(package):
    from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT

    found = {
        name: tuple(inspect.signature(checker.build_description).parameters)[1:]
        for name, checker in INSTRUCTION_DICT.items()
    }
    assert found == ARGUMENTS


@pytest.mark.parametrize(
    ("answer", "pairs", "followed"),
    [
        ("Red and blue.", [NO_COMMA, THREE_WORDS], True),
        ("Red, blue and green.", [NO_COMMA, THREE_WORDS], False),  # one of two is not enough
        ("Red.", [NO_COMMA, THREE_WORDS], False),
        ("", [NO_COMMA], False),
        ("*Red*, they say.\nRed", [NO_COMMA], False),  # strict: as it is, not after taking lines away
        ('"Red"', [("startend:quotation", {})], True),
        ("Das ist ein Haus und ein Garten.", [("language:response_language", {"language": "de"})], True),
        ("That is a house and a garden.", [("language:response_language", {"language": "de"})], False),
        ("red red", [("keywords:frequency", {"keyword": "red", "frequency": 2, "relation": "at least"})], True),
        ("red", [("keywords:frequency", {"keyword": "red", "frequency": 2, "relation": "at least"})], False),
        ("(c", [("keywords:existence", {"keywords": ["(c"]})], False),  # no pattern: nobody can follow
        ("red", [("keywords:frequency", {"keyword": "red", "frequency": 2, "relation": "about"})], False),
    ],
)
def test_all_instructions_must_be_followed(package, answer, pairs, followed):
    row = row_of(*pairs)
    for _ in range(3):
        assert verify(answer, row) is followed


def test_the_whole_visible_answer_counts(package):
    row = row_of(NO_COMMA, THREE_WORDS)
    assert verify(parse("<think>\na, b\n</think>\n\nRed and\n\\boxed{blue}"), row)
    assert not verify(parse("<think>\na b\n</think>\n\nRed, and\n\\boxed{three more words}"), row)
    assert not verify(parse("<think>\nRed and blue never end"), row)


def test_data_that_some_checkers_need_is_missed_in_one_sentence(package, monkeypatch, tmp_path):
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    assert verify("Red.", row_of(NO_COMMA))
    for ask in (lambda: verify("Red.", row_of(NO_COMMA, SENTENCES)), lambda: need_checkers([row_of(SENTENCES)])):
        with pytest.raises(InputError, match="`python -m nltk.downloader punkt_tab`") as error:
            ask()
        assert "\n" not in str(error.value)


def test_the_reward_and_its_self_test(package, put):
    put("ifeval_like", SAMPLES["ifeval_like"])
    (row,), _ = load("ifeval_like")
    rewarded = [
        RULES["instruction"](Completion(render_completion("so, so", answer), 1, True, "chat"), row)
        for answer in ("Red and blue.", "Red, blue.", "")
    ]
    assert rewarded == [1.0, 0.0, 0.0]
    bad = row | {"answer": "Red, blue."}  # a response that fails its own instructions is not asked
    means = self_test(["instruction"], [bad, row], PlainTokenizer(), "chat", per_task=1)
    assert means["instruction/gold"] == 1.0 and means["instruction/disobedient"] == 0.0


def test_the_benchmark_asks_a_public_set(package, put):
    put("ifeval", SAMPLES["ifeval"])
    mixtures = {"tasks": {}, "general_tasks": {}, "safety_tasks": {}, "instruction_tasks": {"ifeval": 1.0}}
    settings = SimpleNamespace(
        **mixtures, reasoning_questions=0, questions_per_benchmark=5, split="test", seed=0, samples_per_question=2,
        temperature=0.6, top_p=0.95, top_k=0, presence_penalty=0.0, max_completion_length=8, by_data_set={},
        bootstrap_samples=10,
    )  # fmt: skip
    run = SimpleNamespace(
        settings=settings, public_data=PublicData(), sources={},
        metrics=SimpleNamespace(say=lambda text: None), recipe="r1", scale="x", stage="evaluation",
    )  # fmt: skip
    questions = held_out(run)["instruction_following"]
    assert [row["task"] for row in questions] == ["ifeval"]
    recorder = Recorder(run)
    answers = [[Completion(text, 1, True, "chat") for text in ("Red and blue.", "Red, blue.")]]
    benchmark(recorder, "base", questions, answers)
    assert [(found["benchmark"], found["metric"], found["value"]) for found in recorder.results] == [
        ("ifeval", "followed", 0.5), ("instruction_following", "followed", 0.5),
    ]  # fmt: skip
    assert recorder.completions[0]["correct"] is True
