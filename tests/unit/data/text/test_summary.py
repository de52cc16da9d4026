"""The summary after a thought: its last step and the boxed answer, nothing new, in the question's language."""

import random
import re

import pytest

from data.text.chat import Parsed, has_format, parse, render_completion
from data.text.language import LANGUAGES, language_consistency
from data.text.summary import summarise
from data.world.corpus import join_steps
from data.world.families import REASONING, rows, verify
from data.world.task import Problem
from data.world.written import worked_completion

COMMA, STOP, SEMICOLON = "\uff0c", "\u3002", "\uff1b"


@pytest.mark.parametrize(
    ("thinking", "final", "language", "expected"),
    [
        ("first 7+5=12, then 12-3=9.", "9", "en", "12-3=9. The answer is \\boxed{9}."),
        ("先7+5=12,再12-3=9。", "9", "zh", "12-3=9。答案是\\boxed{9}。"),
        ("first 7+5=12.", "12", "en", "7+5=12. The answer is \\boxed{12}."),
        ("先7+5=12。", "12", "zh", "7+5=12。答案是\\boxed{12}。"),
        # a repaired step
        ("first 7+5=13, wait, 7+5=12.", "12", "en", "7+5=12. The answer is \\boxed{12}."),
        ("先7+5=13,不对,7+5=12。", "12", "zh", "7+5=12。答案是\\boxed{12}。"),
        ("first 7+5=13, wait 7+5=12", "12", "en", "7+5=12. The answer is \\boxed{12}."),
        # a search: the step that hit
        ("1+7=8 low, 1+8=9 yes.", "1+8", "en", "1+8=9 yes. The answer is \\boxed{1+8}."),
        ("1+7=8 小,1+8=9 对。", "1+8", "zh", "1+8=9 对。答案是\\boxed{1+8}。"),
        # sentences and lines instead of commas
        ("first 7+5=12. then 12-3=9.", "9", "en", "12-3=9. The answer is \\boxed{9}."),
        ("7+5=12\n12-3=9\n", "9", "en", "12-3=9. The answer is \\boxed{9}."),
        ("7+5=12; 12-3=9; done", "9", "en", "done. The answer is \\boxed{9}."),
        # steps without an equals sign
        ("first x+3, then (x+3)*4.", "(x+3)*4", "en", "(x+3)*4. The answer is \\boxed{(x+3)*4}."),
        ("先x+3,再(x+3)*4。", "(x+3)*4", "zh", "(x+3)*4。答案是\\boxed{(x+3)*4}。"),
        ("force 3*6=18, A 9 low, B 18 yes.", "B", "en", "B 18 yes. The answer is \\boxed{B}."),
        ("力3*6=18,A9 小,B18 对。", "B", "zh", "B18 对。答案是\\boxed{B}。"),
        ("1+7=8 low, guess.", "1+8", "en", "guess. The answer is \\boxed{1+8}."),
        # no step to tell: the answer alone
        ("", "9", "en", "The answer is \\boxed{9}."),
        ("", "9", "zh", "答案是\\boxed{9}。"),
        (" \n", "9", "en", "The answer is \\boxed{9}."),
        (
            "p true, q true, r false, first true and true=true, then true or false=true.",
            "true",
            "en",
            "true or false=true. The answer is \\boxed{true}.",
        ),
    ],
)
def test_summarise(thinking, final, language, expected):
    assert summarise(thinking, final, language) == expected


def test_full_width_commas_separate_steps_too():
    summary = summarise(f"先7+5=12{STOP}再12-3=9{STOP}", "9", "zh")
    assert summary == "12-3=9。答案是\\boxed{9}。"


@pytest.mark.parametrize("mark", [COMMA, SEMICOLON])
def test_full_width_marks_separate_steps(mark):
    assert summarise(f"先7+5=12{mark}再12-3=9。", "9", "zh") == "12-3=9。答案是\\boxed{9}。"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", list(REASONING))
def test_summaries_are_faithful(name, language):
    """The summary of a worked solution says nothing that is not in the thought, and states its answer in a box."""
    for row in rows({name: 1.0}, 30, "train", 6):
        if row["language"] != language and name == "logic":
            continue  # its answer is a word
        trace = REASONING[name].solve(Problem.from_row(row), random.Random(0))
        thinking = join_steps(trace, [language] * len(trace.steps))
        summary = summarise(thinking, trace.answer, language)
        told, _, boxed = summary.rpartition("The answer is" if language == "en" else "答案是")
        assert parse(summary) == Parsed(None, summary, trace.answer)
        assert boxed.strip(" .。") == f"\\boxed{{{trace.answer}}}"
        assert verify(parse(summary).final, row)
        step = told.strip(" .。")
        assert step in thinking
        assert step and trace.steps[-1][language].endswith(step)
        assert set(re.findall(r"\d+", summary)) <= set(re.findall(r"\d+", thinking))
        assert language_consistency(summary, language) == 1.0


@pytest.mark.parametrize("name", list(REASONING))
def test_a_thought_and_its_summary_make_a_well_formed_completion(name):
    """What cold_start_data does: a thought of R1-Zero's form becomes a completion of the chat form."""
    for row in rows({name: 1.0}, 10, "train", 7):
        zero = parse(worked_completion(row, "r1_zero")[0])
        text = render_completion(zero.thinking, summarise(zero.thinking, zero.final, row["language"]))
        assert has_format(text, "chat")
        assert parse(text).thinking == zero.thinking and parse(text).final == zero.final
        assert verify(parse(text).final, row)
