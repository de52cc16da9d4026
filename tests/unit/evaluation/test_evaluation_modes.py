"""Qwen3's evaluation: conversations with flags, who follows them, and what the report shows of it."""

import re
from types import SimpleNamespace

import pytest

from data.errors import InputError
from data.text.chat import render_completion
from data.text.completion import Completion
from data.text.modes import MODES, mode_of, without_flags
from data.world.families import rows
from stages.core.sampling.thinking_budget import EARLY_STOP
from stages.evaluation import benchmarks, figures
from stages.evaluation import evaluate_modes as evaluation
from stages.evaluation.benchmarks import Recorder
from stages.evaluation.published import QWEN3_TABLE_22, R1_TABLE_3
from stages.evaluation.records import StageRecord
from stages.evaluation.reporting import render, samples, strong_to_weak
from stages.evaluation.result_figures import budget_curve
from stages.evaluation.results import LEADING, beside_paper, lines, summary_table
from stages.evaluation.settings import ModeEvaluation

SETTINGS = SimpleNamespace(
    seed=1, conversations=40, tasks={"arithmetic": 1.0, "equation": 1.0}, split="test", temperature=0.6, top_p=0.95,
    non_thinking_temperature=0.7, non_thinking_top_p=0.8, max_completion_length=20, samples_per_question=2,
    bootstrap_samples=50, budgets=[0, 8],
    pass_k_samples=4, pass_k_questions=3, opening="<think>\n",
)  # fmt: skip


@pytest.fixture
def recorder():
    return Recorder(SimpleNamespace(recipe="qwen3", scale="test", settings=SETTINGS))


def test_every_conversation_has_a_flag_and_two_to_four_turns():
    scripts = evaluation.conversations(SimpleNamespace(settings=SETTINGS))
    assert scripts == evaluation.conversations(SimpleNamespace(settings=SETTINGS)) and len(scripts) == 40
    assert {len(script) for script in scripts} == {2, 3, 4}
    assert all(any(without_flags(turn["content"]) != turn["content"] for turn in script) for script in scripts)
    assert {mode_of(script) for script in scripts} == {"thinking", "non_thinking"}


class Speaker:
    """Thinks as the last flag of its prompt asks, or always."""

    def __init__(self, tokenizer, obeys):
        self.tokenizer, self.obeys, self.prompts = tokenizer, obeys, []

    def generate(self, prompts, n, sampling, seed):
        self.prompts += prompts
        found = []
        for prompt in prompts:
            flag = max(("/think", "/no_think"), key=lambda flag: prompt.rfind(f" {flag}<|im_end|>"))
            thinks = flag == "/think" or f" {flag}<" not in prompt or not self.obeys
            found.append([Completion(render_completion("so" if thinks else "", "5"), 6, True, "chat")])
        return found


def test_who_obeys_follows_all_and_who_always_thinks_some(recorder, tokenizer):
    obedient = Speaker(tokenizer, obeys=True)
    evaluation.think_follow(recorder, "obedient", obedient)
    evaluation.think_follow(recorder, "always", Speaker(tokenizer, obeys=False))
    values = {(row["checkpoint"], row["mode"]): row["value"] for row in recorder.results}
    assert values == {
        ("obedient", "thinking"): 1.0, ("obedient", "non_thinking"): 1.0,
        ("always", "thinking"): 1.0, ("always", "non_thinking"): 0.0,
    }  # fmt: skip
    asked = [mode_of(script) for script in evaluation.conversations(SimpleNamespace(settings=SETTINGS))]
    assert [row["n"] for row in recorder.results] == 2 * [asked.count(mode) for mode in MODES]
    assert not any("<think>" in prompt for prompt in obedient.prompts)  # history loses its thinking


def test_the_two_modes_are_sampled_as_the_paper_does():
    assert evaluation.decoding_of(SETTINGS, "non_thinking").temperature == 0.7
    assert evaluation.decoding_of(SETTINGS, "non_thinking").top_p == 0.8
    assert evaluation.decoding_of(SETTINGS, "thinking") == evaluation.decoding_of(SETTINGS, None)


class Solver:
    """Writes the reference answers, or 0 where it may not think; keeps how it was asked."""

    def __init__(self, tokenizer=None):
        self.tokenizer, self.asked = tokenizer, []

    def answer(self, rows, n, sampling, seed, enable_thinking=True, opening=""):
        assert opening == SETTINGS.opening
        self.asked.append((enable_thinking, sampling.temperature, sampling.top_p))
        texts = [render_completion("so", row["answer"]) if enable_thinking else "zero" for row in rows]
        return [[Completion(text, 6, True, "chat")] * n for text in texts]


@pytest.fixture
def reasoned(recorder):
    """A recorder with the reasoning benchmarks of one checkpoint in both modes, and the engine that answered."""
    questions = rows(SETTINGS.tasks, 6, "test", 1)
    engine = Solver()
    for mode in MODES:
        benchmarks.reasoning(recorder, "m", engine, questions, evaluation.decoding_of(SETTINGS, mode), mode)
    return recorder, engine


def test_reasoning_rows_carry_their_mode_and_format_is_for_thinking(reasoned):
    recorder, engine = reasoned
    assert engine.asked == [
        (True, 0.6, 0.95), (True, 0, 1.0), (True, 1.0, 1.0), (False, 0.7, 0.8), (False, 0, 1.0), (False, 1.0, 1.0),
    ]  # fmt: skip
    values = {(row["mode"], row["metric"]): row["value"] for row in recorder.results if row["benchmark"] == "reasoning"}
    assert values["thinking", "pass@1"] == 1.0 and values["non_thinking", "pass@1"] == 0.0
    assert values["thinking", "format_rate"] == 1.0 and ("non_thinking", "format_rate") not in values
    assert {row["budget"] for row in recorder.results} == {None}
    assert benchmarks.headline(recorder, "m") == {"reasoning pass@1": 1.0, "reasoning format_rate": 1.0}


def test_the_report_shows_the_completions_of_both_modes(reasoned):
    recorder, _ = reasoned
    assert {(kept["mode"], kept["sampling"]) for kept in recorder.completions} == {
        ("thinking", "T 0.6"), ("non_thinking", "T 0.7"),
    }  # fmt: skip
    shown = samples(recorder.completions, ["m (thinking)", "m (non_thinking)"])
    assert shown and all(
        [n for n, _ in entry["completions"]] == ["m (thinking)", "m (non_thinking)"] for entry in shown
    )


def test_win_rates_are_against_the_reference_in_the_same_mode(recorder):
    questions = rows({"greeting": 1.0}, 3, "test", 1)
    good, bad = (
        [[Completion(render_completion("", text), 6, True, "chat")] * 2 for text in texts]
        for texts in ([row["answer"] for row in questions], ["?"] * 3)
    )
    recorder.run.config = {"inputs": {}}
    benchmarks.preference(recorder, questions, {"ref": bad, "m": good}, bad, None, "thinking")
    benchmarks.preference(recorder, questions, {"ref": good, "m": bad}, good, None, "non_thinking")
    benchmarks.preference(recorder, questions, {"base": bad}, None)
    wins = {(row["checkpoint"], row["mode"]): row["value"] for row in recorder.results if row["metric"] == "win_rate"}
    benchmarks.preference(recorder, questions, {"early": bad}, good)  # of one mode: answers are given
    assert [
        row["value"] for row in recorder.results if row["checkpoint"] == "early" and row["metric"] == "win_rate"
    ] == [0]
    assert wins == {("ref", "thinking"): 0.5, ("m", "thinking"): 1.0, ("ref", "non_thinking"): 0.5,
                    ("m", "non_thinking"): 0.0}  # fmt: skip


def test_every_budget_is_a_row_of_its_own(recorder, tokenizer, monkeypatch):
    questions = rows(SETTINGS.tasks, 4, "test", 1)

    def cut(engine, prompts, n, sampling, budget, seed):
        assert sampling.max_tokens == SETTINGS.max_completion_length + budget and len(prompts) == 4
        thoughts = [EARLY_STOP if budget == 0 or number == 0 else "so" for number in range(4)]
        answers = [row["answer"] if budget else "zero" for row in questions]
        texts = [render_completion(thought, answer) for thought, answer in zip(thoughts, answers, strict=True)]
        return [[Completion(text, budget + 2, True, "chat")] * n for text in texts]

    monkeypatch.setattr(evaluation, "generate_with_budget", cut)
    evaluation.budgets(recorder, "m", Solver(tokenizer), questions)
    assert {(row["budget"], row["metric"]): row["value"] for row in recorder.results} == {
        (0, "pass@1"): 0.0, (0, "cut"): 1.0, (0, "pass@1 (cut)"): 0.0, (0, "mean_tokens"): 2.0,
        (8, "pass@1"): 1.0, (8, "cut"): 0.25, (8, "pass@1 (cut)"): 1.0, (8, "mean_tokens"): 10.0,
    }  # fmt: skip


def row(checkpoint, benchmark, metric, value, mode=None, budget=None):
    return {"checkpoint": checkpoint, "benchmark": benchmark, "mode": mode, "budget": budget, "metric": metric,
            "value": value, "low": value - 0.1, "high": value + 0.1, "n": 10, "k": 2}  # fmt: skip


def test_budgets_are_lines_of_their_own_behind_the_other_benchmarks():
    measured = [row("m", "budget", "pass@1", value, budget=n) for n, value in ((0, 0.1), (8, 0.2), (16, 0.3))]
    measured += [row("m", "length_control", "length_score", 0.4, "thinking"), row("m", "think_follow", "followed", 0.5)]
    measured += [row("m", "reasoning", "pass@1", 0.6, "thinking")]
    found = lines(measured, LEADING)
    assert [(line.benchmark, line.metric) for line in found] == [
        ("reasoning", "pass@1"), ("think_follow", "followed"), ("length_control", "length_score"),
        ("budget", "pass@1 at 0"), ("budget", "pass@1 at 8"), ("budget", "pass@1 at 16"),
    ]  # fmt: skip
    assert [line.cells["m"].text for line in found[3:]] == ["10.0", "20.0", "30.0"]
    assert found[2].cells["m (thinking)"].text == "40.0"


def test_the_budget_curve_has_every_budget_and_both_modes():
    found = [row("m", "budget", "pass@1", 0.1 * n, budget=8 * n) for n in range(3)]
    found += [row("m", "reasoning", "pass@1", 0.9, "thinking"), row("m", "reasoning", "pass@1", 0.2, "non_thinking")]
    found += [row("other", "reasoning", "pass@1", 0.5)]
    figure = budget_curve(found)
    for label in (">0<", ">8<", ">16<", "no budget 90.0", "not thinking 20.0"):
        assert label in figure
    assert figure.count('class="dot"') == 3 and figure.count('class="faint"') == 2
    assert budget_curve(found[3:]) == ""


def test_strong_to_weak_shows_what_was_measured_beside_the_paper():
    measured = [row(name, "reasoning", "pass@1", 0.4, "thinking") for name in ("student_rl", "on_policy_distillation")]
    stages = [SimpleNamespace(name="student_rl", manifest={"seconds": 70.0})]
    both = [*stages, SimpleNamespace(name="on_policy_distillation", manifest={"seconds": 20.0})]
    assert [(line["times"], line["hours_times"]) for line in strong_to_weak(measured, both)] == [
        (3.5, pytest.approx(17920 / 1800)), (None, None),
    ]  # fmt: skip
    assert strong_to_weak(measured, stages)[0]["times"] is None
    found = strong_to_weak(measured, stages)
    assert [(line["method"], line["seconds"], line["hours"]) for line in found] == [
        ("+ RL", 70.0, 17920), ("+ on-policy distillation", None, 1800),
    ]  # fmt: skip
    assert found[0]["cells"][0][0] == "pass@1" and strong_to_weak([], stages) == []


def stages_in_modes():
    """pass@1 in maths and ThinkFollow of Stage 2, which has one mode, and of Stages 3 and 4, which have two."""
    found = [row("reasoning_rl", "math", "pass@1", 0.8)]
    for name, thinking, without in (("thinking_mode_fusion", 0.4, 0.3), ("general_rl", 0.45, 0.6)):
        for mode, value in (("thinking", thinking), ("non_thinking", without)):
            found += [row(name, "math", "pass@1", value, mode), row(name, "think_follow", "followed", 0.9, mode)]
    return found


def test_the_stages_stand_beside_the_paper_in_each_mode():
    (thinking, shapes), (without, others) = beside_paper(stages_in_modes())
    assert "thinking" in thinking.source and without.source.endswith("non-thinking")
    aime = shapes[0]
    assert aime.values == (0.8, 0.4, 0.45) and aime.our_steps == ("↓", "≈") and aime.paper_steps == ("↓", "≈")
    assert aime.agreement == (2, 2)
    follow = next(shape for shape in shapes if shape.benchmark == "think_follow")
    assert follow.ours[0] is None and follow.paper[0] is None and follow.agreement == (0, 1)
    assert others[0].values == (0.3, 0.6) and others[0].agreement == (1, 1)
    assert beside_paper([row("a", "math", "pass@1", 0.5, "thinking")]) == beside_paper([]) == []


def test_every_row_of_a_paper_table_fits_its_columns():
    for table in (R1_TABLE_3, *QWEN3_TABLE_22):
        assert len(table.labels) == len(table.stages)
        assert {len(published.values) for published in table.rows} == {len(table.stages)}


def test_the_printed_table_has_those_that_do_not_think_apart():
    text = summary_table(stages_in_modes())
    head, without = text.split("The same without thinking")
    assert "reasoning" in head and "45.0" in head and "60.0" not in head and "(thinking)" not in head
    without = without.split("Beside")[0]
    assert "60.0" in without and "45.0" not in without and "reasoning" not in without
    assert text.count("Beside arXiv 2505.09388v1, Table 22") == 2 and "Table 3" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_page_shows_both_tables(tmp_path):
    import pyarrow
    import pyarrow.parquet

    folder = tmp_path / "evaluation"
    (folder / "data").mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(stages_in_modes()), folder / "data" / "rows.parquet")
    stage = StageRecord("evaluation", str(folder), {"script": "evaluation.evaluate_modes"}, {})
    page = render("qwen3", "tiny", [stage])
    assert "Table 22 (Qwen3-32B), thinking" in page and "Table 22 (Qwen3-32B), non-thinking" in page
    assert "98.9" in page and "Table 3" not in page


def test_long_names_have_room_in_the_figure():
    def label_at(name):
        return int(re.search(r'<text class="label" x="(\d+)"', figures.interval_chart([(name, 0.5, 0.4, 0.6)]))[1])

    assert label_at("base") == 140 and label_at("off_policy_distillation (non_thinking)") > 240


def test_a_checkpoint_that_is_not_evaluated_is_refused():
    settings = ModeEvaluation.model_construct(
        both_modes=["m", "other"], budget_checkpoint="m", tasks=SETTINGS.tasks, reasoning_questions=1,
        questions_per_benchmark=1, split="test", seed=1,
    )  # fmt: skip
    run = SimpleNamespace(stage="evaluation", settings=settings, config={"inputs": {"checkpoints": {"m": "runs/m"}}})
    with pytest.raises(InputError, match="names other, which is none of its checkpoints"):
        evaluation.main(run)
