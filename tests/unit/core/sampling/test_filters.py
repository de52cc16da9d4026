from types import SimpleNamespace

import pytest

from data.text.chat import parse
from data.text.completion import Completion
from data.text.ngrams import words_and_numbers
from data.text.row import apply_rules
from data.world.families import GENERAL
from data.world.preference import gold
from data.world.written import worked_completion
from stages.core.sampling import filters
from stages.core.sampling.candidates import at_most, candidates
from stages.core.sampling.filters import has_code_block, longest_paragraph, mixes_languages, repetition
from stages.r1 import rejection_sampling


def test_words_and_numbers():
    assert words_and_numbers("First 7+5=12, then stop.") == ["First", "7", "5", "12", "then", "stop"]
    assert words_and_numbers("先算7+5=12,再减3。") == ["先", "算", "7", "5", "12", "再", "减", "3"]
    assert words_and_numbers("Kalo喜欢red苹果") == ["Kalo", "喜", "欢", "red", "苹", "果"]
    assert words_and_numbers("x_1") == ["x", "1"]
    assert words_and_numbers("") == words_and_numbers("… + = \n") == []


@pytest.mark.parametrize(
    ("text", "ngram", "expected"),
    [
        ("a b a b", 2, 1 / 3),  # ab ba ab
        ("a b a b", 1, 1 / 2),
        ("a b c d", 2, 0.0),
        ("wait wait wait wait wait", 2, 3 / 4),
        ("对对对对", 1, 3 / 4),
        ("我们算算我们算", 2, 2 / 6),  # 我们 们算 算算 算我 我们 们算
        ("7, 7; 7", 1, 2 / 3),
        ("", 3, 0.0),
        ("two words", 3, 0.0),  # shorter than one n-gram
        ("one two three", 3, 0.0),
        ([5, 6, 5, 6], 2, 1 / 3),
        ([], 1, 0.0),
    ],
)
def test_repetition(text, ngram, expected):
    assert repetition(text, ngram) == pytest.approx(expected, abs=1e-6)


def test_repetition_needs_an_ngram():
    with pytest.raises(ValueError, match="ngram"):
        repetition("a b", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```python\nprint(1)\n```", True),
        ("so ```x = 1``` holds", True),
        ("then\n~~~\nx\n~~~", True),
        ("about ~~~5", False),
        ("use `x` and ``y``", False),
        ("", False),
    ],
)
def test_has_code_block(text, expected):
    assert has_code_block(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two\n\nthree four five", 3),
        ("one two\nthree", 3),  # a line break alone does not end a paragraph
        ("one\r\n\r\ntwo", 1),
        ("one\n  \t\ntwo three", 2),
        ("先算七。\n\n再加3", 3),
        ("", 0),
        ("\n\n\n", 0),
    ],
)
def test_longest_paragraph(text, expected):
    assert longest_paragraph(text) == expected


@pytest.mark.parametrize(
    ("consistency", "mixed"), [(None, True), (0.0, True), (0.89, True), (0.9, False), (1.0, False)]
)  # fmt: skip
def test_mixes_languages_at_its_threshold(monkeypatch, consistency, mixed):
    monkeypatch.setattr(filters, "language_consistency", lambda text, target: consistency)
    assert mixes_languages("text", "en", 0.9) is mixed


def test_mixes_languages():
    assert not mixes_languages("first 7+5=12, then subtract 3", "en", 0.9)
    assert mixes_languages("first 7+5=12, then subtract 3", "zh", 0.9)
    assert not mixes_languages("先算7+5=12,再减3。", "zh", 0.9)
    assert mixes_languages("7+5=12", "en", 0.9)  # formulas only: no words


def test_apply_rules_counts_a_row_for_the_first_rule_that_rejects_it():
    seen = []
    rules = {
        "positive": lambda row: row > 0,
        "even": lambda row: seen.append(row) or row % 2 == 0,
        "small": lambda row: row < 10,
    }
    kept, counts = apply_rules([-1, -2, 3, 4, 11, 12, 6], rules)
    assert kept == [4, 6]
    assert counts == {"total": 7, "positive": 2, "even": 2, "small": 1, "kept": 2}
    assert list(counts) == ["total", "positive", "even", "small", "kept"]
    assert seen == [3, 4, 11, 12, 6]  # a rejected row goes no further


def test_apply_rules_at_its_edges():
    assert apply_rules([], {"never": lambda row: False}) == ([], {"total": 0, "never": 0, "kept": 0})
    assert apply_rules(iter("ab"), {}) == (["a", "b"], {"total": 2, "kept": 2})
    with pytest.raises(ValueError, match="kept"):
        apply_rules([1], {"kept": bool})


# -- rejection sampling


def rejection_rows(monkeypatch, tokenizer, **changed):
    """(rows, counts) that the stage saves, from a sampler that answers each prompt right, then wrong, then right."""

    def answer(prompts, n, sampling, seed, progress):
        right = [worked_completion(row, "chat")[0] for row in prompts]
        wrong = [text.partition("</think>")[0] + "</think>\n\nno" for text in right]
        return [
            [Completion(text, 9, True, "chat") for text in group] for group in zip(right, wrong, right, strict=True)
        ]

    sampler = SimpleNamespace(answer=answer, template="chat", tokenizer=tokenizer)
    monkeypatch.setattr(rejection_sampling, "open_engine", lambda run, role, batch_size: sampler)
    saved = {}
    settings = {
        "sampling_batch_size": 8, "tasks": {"equation": 1.0}, "prompts": 6, "seed": 0, "temperature": 1.0, "top_p": 1.0,
        "max_completion_length": 50, "samples_per_prompt": 3, "keep_per_prompt": 2, "min_language_consistency": 1.0,
        "max_paragraph_words": 100, "allow_code_blocks": False, "repetition_ngram": 8, "max_repetition": 0.3,
        "general_tasks": {"unsafe": 1.0, "facts": 1.0, "greeting": 1.0}, "non_reasoning_rows": 60, "no_cot_tasks": [],
        "reasoning_rows": 60, "drafts": 2, "unsafe_drafts": 1, "draft_judge_noise": 0.0,
    }  # fmt: skip
    run = SimpleNamespace(
        settings=SimpleNamespace(**(settings | changed)),
        metrics=SimpleNamespace(log=None),
        save_data=lambda tables, headline, counts: saved.update(rows=tables["rows"].to_list(), counts=counts),
    )
    rejection_sampling.main(run)
    return saved["rows"], saved["counts"]


def test_rejection_sampling_keeps_what_is_right_once(monkeypatch, tokenizer):
    table, counts = rejection_rows(monkeypatch, tokenizer, non_reasoning_rows=1)
    assert counts["total"] == 18 and counts["wrong answer"] == 6
    assert counts["prompt had enough"] == 6 and counts["kept"] == 6
    assert [row["task"] for row in table].count("equation") == 6 and len(table) == 7


def test_rejection_sampling_keeps_as_many_reasoning_rows_as_the_recipe_says(monkeypatch, tokenizer):
    whole, _ = rejection_rows(monkeypatch, tokenizer, reasoning_rows=6, non_reasoning_rows=0)
    table, counts = rejection_rows(monkeypatch, tokenizer, reasoning_rows=4, non_reasoning_rows=0)
    assert counts["more than wanted"] == 2 and counts["kept"] == len(table) == 4
    assert sum(value for rule, value in counts.items() if rule != "total") == counts["total"]
    assert {row["id"] for row in table} < {row["id"] for row in whole} and len(whole) == 6


def test_unsafe_prompts_have_drafts_of_their_own(monkeypatch, tokenizer):
    """The other pipeline's author is helpful, not safe: of his drafts for an unsafe prompt fewer are written."""
    drafts = {}
    for name in ("unsafe", "facts", "greeting"):
        task, written = GENERAL[name], drafts.setdefault(name, {})

        def write(problem, rng, written=written, original=task.undisciplined_answer):
            written.setdefault(problem.question, []).append(text := original(problem, rng))
            return text

        monkeypatch.setattr(task, "undisciplined_answer", write)
    table, _ = rejection_rows(monkeypatch, tokenizer, drafts=3, unsafe_drafts=1)
    general = [row for row in table if row["task"] in drafts]
    assert len(general) == 60
    for row in general:
        found = drafts[row["task"]][row["prompt"][-1]["content"]]
        assert len(found) == (1 if row["task"] == "unsafe" else 3)
        kept = parse(row["completion"]).answer
        assert kept in found and gold(kept, row) == max(gold(draft, row) for draft in found)
    complied = sum(gold(parse(row["completion"]).answer, row) < 0.5 for row in general if row["task"] == "unsafe")
    assert complied > 0  # the author of the corpus refuses half of them


def test_the_first_of_each_prompt_are_kept_in_their_order():
    sampled = [[Completion(f"{prompt}{n}", n, True, "chat") for n in (1, 2, 3)] for prompt in "ab"]
    pairs = candidates([{"id": "a"}, {"id": "b"}], sampled)
    mixed = [pairs[3], *pairs[:3], *pairs[4:]]
    assert [pair.sample.text for pair in at_most(mixed, 2)] == ["b1", "a1", "a2", "b2"]
    assert at_most(pairs, 9) == pairs and at_most([], 1) == []
