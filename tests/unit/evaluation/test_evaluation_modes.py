"""Qwen3's evaluation: conversations with flags, who follows them, and what the report shows of it."""

import re
from types import SimpleNamespace

import pytest

from data.errors import InputError
from data.public.sources import SOURCES
from data.text.chat import render_completion
from data.text.completion import Completion
from data.text.modes import MODES, mode_of, without_flags
from data.text.prompts import PAPERS_CLOSING
from data.world.families import rows
from stages.core.pipeline.recipe import load_recipe
from stages.core.pipeline.schema import check_settings
from stages.core.sampling.engine import Decoding
from stages.core.sampling.generation import TransformersEngine
from stages.evaluation import benchmarks, figures
from stages.evaluation import evaluate_modes as evaluation
from stages.evaluation.benchmarks import Recorder
from stages.evaluation.beside import (
    TABLES,
    beside_paper,
    budget_points,
    lecture_tables,
    strong_to_weak,
    summary_table,
)
from stages.evaluation.questions import answers_of
from stages.evaluation.records import StageRecord
from stages.evaluation.reporting import render, samples
from stages.evaluation.result_figures import budget_curve
from stages.evaluation.results import LEADING, lines
from stages.evaluation.settings import Evaluation, ModeEvaluation
from tests.answers import by_question

SETTINGS = SimpleNamespace(
    seed=1, conversations=40, tasks={"arithmetic": 1.0, "equation": 1.0}, split="test", temperature=0.6, top_p=0.95,
    non_thinking_temperature=0.7, non_thinking_top_p=0.8, max_completion_length=20, samples_per_question=2,
    bootstrap_samples=50, budgets=[0, 8],
    pass_k_samples=4, pass_k_questions=3, top_k=20, presence_penalty=0.0, non_thinking_top_k=20,
    non_thinking_presence_penalty=1.5, by_data_set={}, opening="<think>\n", measures=[],
    closing_sentence={"en": PAPERS_CLOSING, "zh": PAPERS_CLOSING},
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
    assert evaluation.decoding_of(SETTINGS, "non_thinking") == Decoding(0.7, 20, 0.8, 20, 1.5)
    assert evaluation.decoding_of(SETTINGS, "thinking") == Decoding(0.6, 20, 0.95, 20, 0.0)
    assert evaluation.decoding_of(SETTINGS) == evaluation.decoding_of(SETTINGS, "thinking")


def test_the_recipes_ask_each_data_set_as_its_paper_does():
    def settings(name):
        return load_recipe(f"recipes/{name}.yaml").stages["evaluation"].settings

    qwen3 = settings("qwen3")
    aime, gpqa = ({"task": name} for name in ("aime_2025", "gpqa_diamond"))
    given = ModeEvaluation.model_construct(**qwen3, samples_per_question=16)
    assert evaluation.asked(given, aime, evaluation.decoding_of(given)) == (64, Decoding(0.6, 38912, 0.95, 20))
    without = evaluation.decoding_of(given, "non_thinking")
    assert evaluation.asked(given, gpqa, without) == (10, Decoding(0.7, 32768, 0.8, 20, 1.5))
    for name in ("r1", "r1_zero"):
        given = Evaluation.model_construct(**settings(name))
        asked = [evaluation.asked(given, {"task": task}, evaluation.decoding_of(given)) for task in SOURCES]
        assert {own for _, own in asked} == {Decoding(0.6, 32768, 0.95)}
        samples = {task: k for task, (k, _) in zip(SOURCES, asked, strict=True)}
        assert (samples["aime_2024"], samples["gpqa_diamond"], samples["math_500"]) == (64, 64, 16)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"math500": {"top_k": 2}}, "no data set is called so; did you mean `math_500`"),
        ({"math_500": {"topk": 2}}, r"by_data_set\[math_500\]\[topk\]` is 2: extra inputs are not permitted"),
        ({"math_500": {"samples_per_question": 0}}, "samples_per_question.*greater than 0"),
        ({"math_500": {"presence_penalty": 3}}, "presence_penalty.*less than or equal to 2"),
    ],
)
def test_what_a_data_set_cannot_be_asked_with_is_one_sentence(written, sentence):
    with pytest.raises(InputError, match=sentence) as raised:
        check_settings(Evaluation, {"by_data_set": written}, "x.yaml", "evaluation.evaluate")
    assert "\n" not in str(raised.value)


class Solver:
    """Writes the reference answers, or 0 where it may not think; keeps how it was asked."""

    def __init__(self, tokenizer=None):
        self.tokenizer, self.asked = tokenizer, []

    def answer(self, rows, n, sampling, seed, enable_thinking=True, opening=""):
        assert opening == SETTINGS.opening
        self.asked.append((enable_thinking, sampling.temperature, sampling.top_p))
        texts = [render_completion("so", row["answer"]) if enable_thinking else "zero" for row in rows]
        return [[Completion(text, 6, True, "chat")] * n for text in texts]


def asked_and_reasoned(recorder, engine, questions, mode):
    decoding = evaluation.decoding_of(SETTINGS, mode)
    sampled = answers_of(engine, SETTINGS, questions, decoding, mode)
    benchmarks.reasoning(recorder, "m", engine, questions, sampled, decoding, mode)


@pytest.fixture
def reasoned(recorder):
    """A recorder with the reasoning benchmarks of one checkpoint in both modes, and the engine that answered."""
    questions = rows(SETTINGS.tasks, 6, "test", 1)
    engine = Solver()
    for mode in MODES:
        asked_and_reasoned(recorder, engine, questions, mode)
    return recorder, engine


def test_reasoning_rows_carry_their_mode(reasoned):
    recorder, engine = reasoned
    assert engine.asked == [
        (True, 0.6, 0.95), (True, 0, 1.0), (True, 1.0, 1.0), (False, 0.7, 0.8), (False, 0, 1.0), (False, 1.0, 1.0),
    ]  # fmt: skip
    values = {(row["mode"], row["metric"]): row["value"] for row in recorder.results if row["benchmark"] == "reasoning"}
    assert values["thinking", "pass@1"] == 1.0 and values["non_thinking", "pass@1"] == 0.0
    assert not any(metric == "format_rate" for _, metric in values)  # the tag is given
    assert {row["budget"] for row in recorder.results} == {None}
    assert benchmarks.headline(recorder, "m") == {"reasoning pass@1": 1.0}


def test_format_is_measured_where_a_model_opens_its_thought_itself(recorder, monkeypatch):
    monkeypatch.setattr(SETTINGS, "opening", "")
    for mode in MODES:
        asked_and_reasoned(recorder, Solver(), rows(SETTINGS.tasks, 6, "test", 1), mode)
    found = {row["mode"] for row in recorder.results if row["metric"] == "format_rate"}
    assert found == {"thinking"}


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
    against = dict.fromkeys(("ref", "m"), bad), dict.fromkeys(("ref", "m"), good)
    benchmarks.preference(recorder, questions, {"ref": bad, "m": good}, against[0], None, "thinking")
    benchmarks.preference(recorder, questions, {"ref": good, "m": bad}, against[1], None, "non_thinking")
    benchmarks.preference(recorder, questions, {"base": bad}, {})
    wins = {(row["checkpoint"], row["mode"]): row["value"] for row in recorder.results if row["metric"] == "win_rate"}
    benchmarks.preference(recorder, questions, {"early": bad}, {"early": good})  # of one mode: answers are given
    assert [
        row["value"] for row in recorder.results if row["checkpoint"] == "early" and row["metric"] == "win_rate"
    ] == [0]
    assert wins == {("ref", "thinking"): 0.5, ("m", "thinking"): 1.0, ("ref", "non_thinking"): 0.5,
                    ("m", "non_thinking"): 0.0}  # fmt: skip


def test_every_budget_is_a_row_of_its_own(recorder, tokenizer, monkeypatch):
    questions = rows(SETTINGS.tasks, 4, "test", 1)

    def cut(engine, prompts, n, sampling, budget, seed, closings):
        assert closings == [PAPERS_CLOSING] * 4
        assert sampling.max_tokens == SETTINGS.max_completion_length + budget and len(prompts) == 4
        was_cut = [budget == 0 or number == 0 for number in range(4)]
        answers = [row["answer"] if budget else "zero" for row in questions]
        texts = [render_completion("so", answer) for answer in answers]
        return [[Completion(text, budget + 2, True, "chat", own)] * n for text, own in zip(texts, was_cut, strict=True)]

    monkeypatch.setattr(evaluation, "generate_with_budget", cut)
    evaluation.budgets(recorder, "m", Solver(tokenizer), questions)
    assert {(row["budget"], row["metric"]): row["value"] for row in recorder.results} == {
        (0, "pass@1"): 0.0, (0, "cut"): 1.0, (0, "pass@1 (cut)"): 0.0, (0, "mean_tokens"): 2.0,
        (8, "pass@1"): 1.0, (8, "cut"): 0.25, (8, "pass@1 (cut)"): 1.0, (8, "mean_tokens"): 10.0,
    }  # fmt: skip


def test_a_cut_thought_is_closed_in_its_own_language(recorder, tokenizer, monkeypatch):
    questions, seen = rows(SETTINGS.tasks, 6, "test", 1), []

    def cut(engine, prompts, n, sampling, budget, seed, closings):
        seen.append(closings)
        return [[Completion(render_completion("so", "no"), 9, True, "chat")] * n for _ in prompts]

    monkeypatch.setattr(evaluation, "generate_with_budget", cut)
    own = {"closing_sentence": {"en": ", guess.", "zh": ""}, "budgets": [4]}
    recorder.run.settings = SimpleNamespace(**vars(SETTINGS) | own)
    evaluation.budgets(recorder, "m", Solver(tokenizer), questions)
    assert seen == [[", guess." if row["language"] == "en" else "" for row in questions]] and len(set(seen[0])) == 2


def test_the_recipe_closes_a_cut_thought_as_its_paper_does():
    settings = load_recipe("recipes/qwen3.yaml").stages["evaluation"].settings
    by_language = {"en": PAPERS_CLOSING, "zh": PAPERS_CLOSING}
    assert settings["closing_sentence"] == by_language == ModeEvaluation.model_fields["closing_sentence"].default


def test_budgets_are_tried_on_each_data_set_as_it_is_asked(recorder, tokenizer, monkeypatch):
    questions = [row | {"task": name} for row, name in zip(
        rows(SETTINGS.tasks, 6, "test", 1), 2 * ("aime_2024", "gpqa_diamond", "arithmetic"), strict=True
    )]  # fmt: skip
    asked = []

    def cut(engine, prompts, n, sampling, budget, seed, closings):
        asked.append((len(prompts), n, sampling.max_tokens - budget))
        return [[Completion(render_completion("so", "no"), 9, True, "chat")] * n for _ in prompts]

    monkeypatch.setattr(evaluation, "generate_with_budget", cut)
    own = {"aime_2024": {"samples_per_question": 8, "max_completion_length": 30}}
    recorder.run.settings = SimpleNamespace(**vars(SETTINGS) | {"by_data_set": own, "budgets": [4]})
    evaluation.budgets(recorder, "m", Solver(tokenizer), questions)
    assert asked == [(2, 8, 30), (4, 2, 20)]
    counts = {row["benchmark"]: (row["n"], row["k"]) for row in recorder.results if row["metric"] == "mean_tokens"}
    assert counts == {"aime_2024": (2, 8), "gpqa_diamond": (2, 2), "world_budget": (2, 2), "budget": (6, None)}
    assert {row["budget"] for row in recorder.results} == {4}


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
    stages = {"student_rl": 70.0}
    both = stages | {"on_policy_distillation": 20.0}
    assert [(line["times"], line["hours_times"]) for line in strong_to_weak(measured, both)] == [
        (3.5, pytest.approx(17920 / 1800)), (None, None),
    ]  # fmt: skip
    assert strong_to_weak(measured, stages)[0]["times"] is None
    found = strong_to_weak(measured, stages)
    assert [(line["method"], line["seconds"], line["hours"]) for line in found] == [
        ("+ RL", 70.0, 17920), ("+ on-policy distillation", None, 1800),
    ]  # fmt: skip
    assert "printed" not in found[0]  # the paper's numbers are of other data sets
    assert found[0]["cells"][0][0] == "pass@1" and strong_to_weak([], stages) == []


def stages_in_modes():
    """pass@1 on AIME and ThinkFollow of Stage 2, which has one mode, and of Stages 3 and 4, which have two."""
    found = [row("reasoning_rl", "aime_2024", "pass@1", 0.8)]
    for name, thinking, without in (("thinking_mode_fusion", 0.4, 0.3), ("general_rl", 0.45, 0.6)):
        for mode, value in (("thinking", thinking), ("non_thinking", without)):
            found += [row(name, "aime_2024", "pass@1", value, mode), row(name, "think_follow", "followed", 0.9, mode)]
    return found


def test_the_stages_stand_beside_the_paper_in_each_mode():
    thinking, without = beside_paper(stages_in_modes(), by_question(stages_in_modes()))
    assert "thinking" in thinking.table.source and without.table.source.endswith("non-thinking")
    [aime], [other] = thinking.same, without.same
    assert aime.values == (0.8, 0.4, 0.45) and aime.our_steps == ("↓", "≈") and aime.paper_steps == ("↓", "≈")
    assert aime.agreement == (2, 2)
    # The world's conversations are not the paper's: its ThinkFollow stands apart.
    assert [own.name for own in thinking.own] == ["think follow followed"] and thinking.own[0].ours[0] is None
    follow = next(shape for shape in thinking.apart if shape.name.startswith("ThinkFollow"))
    assert follow.paper == (None, 88.7, 98.9) and not any(follow.ours) and follow.paper_steps == ("", "↑")
    assert other.values == (0.3, 0.6) and other.agreement == (1, 1)
    assert beside_paper([row("a", "math", "pass@1", 0.5, "thinking")]) == beside_paper([]) == []


def test_a_budget_of_the_paper_stands_above_this_runs_on_the_same_data_set():
    found = [row("m", "aime_2024", "pass@1", 0.1 * n, "thinking", budget) for n, budget in ((1, 1024), (2, 500))]
    found += [row("m", "budget", "pass@1", 0.3, "thinking", 1024)]
    found += [row("m", "aime_2024", "pass@1", 0.7, mode) for mode in ("thinking", "non_thinking")]
    found += [row("other", "gpqa_diamond", "pass@1", 0.6, "non_thinking")]
    points = {published.name: cells for published, cells in budget_points(found)}
    assert [cell and cell.value for cell in points["AIME 2024"]] == [0.1, None, None, None, None, None, 0.7]
    assert [set(points[name]) for name in ("AIME 2025", "LiveCodeBench v5", "GPQA Diamond")] == [{None}] * 3
    assert {len(published.values) for published, _ in budget_points(found)} == {7}
    assert budget_points(found[3:]) == []


def test_every_row_of_a_paper_table_fits_its_columns():
    lecture = lecture_tables([{"beta": 1, "advantage_scaling": 1}])
    for table in (*TABLES, *(found.table for found in lecture)):
        assert len(table.labels) == len(table.stages)
        assert {len(published.values) for published in table.rows} == {len(table.stages)}


def test_the_printed_table_has_those_that_do_not_think_apart():
    text = summary_table(stages_in_modes())
    head, without = text.split("The same without thinking")
    assert "reasoning" in head and "45.0" in head and "60.0" not in head and "(thinking)" not in head
    without = without.split("The same data sets")[0]
    assert "60.0" in without and "45.0" not in without and "reasoning" not in without
    assert text.count("in arXiv 2505.09388v1, Table 22") == 2 and "Table 3" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_page_shows_both_tables(tmp_path):
    import pyarrow
    import pyarrow.parquet

    folder = tmp_path / "evaluation"
    (folder / "data").mkdir(parents=True)
    rows = stages_in_modes()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "data" / "rows.parquet")
    names = dict.fromkeys(row["checkpoint"] for row in rows)
    pyarrow.parquet.write_table(by_question(rows).table(list(names)), folder / "data" / "questions.parquet")
    stage = StageRecord("evaluation", str(folder), {"script": "evaluation.evaluate_modes"}, {})
    page = render("qwen3", "tiny", [stage])
    assert "Table 22 (Qwen3-32B), thinking" in page and "Table 22 (Qwen3-32B), non-thinking" in page
    assert "98.9" in page and "Table 3" not in page
    same = page.split("in this run and in the paper.")[1].split("</table>")[0]
    assert "AIME 2024, this run" in same and "AIME 2024, the paper" in same and "2 of 2" in same
    assert "ThinkFollow" not in same and "Thinking budget" not in page


def test_long_names_have_room_in_the_figure():
    def label_at(name):
        return int(
            re.search(
                r'<text class="label" x="(\d+)"', figures.interval_chart([figures.Interval(name, 0.5, 0.4, 0.6)])
            )[1]
        )

    assert label_at("base") == 140 and label_at("off_policy_distillation (non_thinking)") > 240


def test_a_checkpoint_that_is_not_evaluated_is_refused():
    settings = ModeEvaluation.model_construct(
        both_modes=["m", "other"], budget_checkpoint="m", tasks=SETTINGS.tasks, reasoning_questions=1,
        questions_per_benchmark=1, split="test", seed=1,
    )  # fmt: skip
    run = SimpleNamespace(stage="evaluation", settings=settings, config={"inputs": {"checkpoints": {"m": "runs/m"}}})
    with pytest.raises(InputError, match="names other, which is none of its checkpoints"):
        evaluation.main(run)


def test_the_whole_evaluation_of_a_model_in_both_modes(model, tokenizer, tmp_path, monkeypatch):
    """From questions of two data sets to the page: each set asked in its own way, by an engine that is no double."""
    settings = ModeEvaluation(
        samples_per_question=2, temperature=0.6, top_p=0.95, top_k=20, max_completion_length=9, both_modes=["m"],
        by_data_set={"aime_2024": {"samples_per_question": 3, "max_completion_length": 10}}, budget_checkpoint="m",
        non_thinking_temperature=0.7, non_thinking_top_p=0.8, non_thinking_top_k=20, non_thinking_presence_penalty=1.5,
        tasks={"arithmetic": 1, "equation": 1}, reasoning_questions=6, questions_per_benchmark=2, pass_k_questions=3,
        pass_k_samples=1, bootstrap_samples=20, sampling_batch_size=16, budgets=[1], conversations=2,
    )  # fmt: skip
    draw = benchmarks.draw_rows

    def renamed(run, mixture, *more):
        return [row | {"task": "aime_2024"} if row["task"] == "equation" else row for row in draw(run, mixture, *more)]

    drawn = []
    kept = TransformersEngine.generate
    monkeypatch.setattr(benchmarks, "draw_rows", renamed)
    monkeypatch.setattr(evaluation, "open_engine", lambda *_: TransformersEngine(model, tokenizer, "chat", 16))
    monkeypatch.setattr(
        TransformersEngine, "generate", lambda self, prompts, n, how, *more: drawn.append((n, how)) or kept(
            self, prompts, n, how, *more
        ),
    )  # fmt: skip
    saved = {}
    run = SimpleNamespace(
        stage="evaluation", recipe="qwen3", scale="test", settings=settings, folder=tmp_path / "evaluation",
        config={"inputs": {"checkpoints": {"m": "m"}}}, save_data=lambda tables, *_, **__: saved.update(tables),
        metrics=SimpleNamespace(log=lambda *_, **__: None, say=lambda text: None),
    )  # fmt: skip
    evaluation.main(run)
    assert {(3, Decoding(0.6, 10, 0.95, 20)), (2, Decoding(0.7, 9, 0.8, 20, 1.5))} <= set(drawn)
    found = {(row["benchmark"], row["mode"], row["budget"]) for row in saved["rows"]}
    for mode in MODES:
        assert {(name, mode, None) for name in ("aime_2024", "world_math", "math", "general")} <= found
    assert {("aime_2024", "thinking", 1), ("budget", "thinking", 1)} <= found

    (run.folder / "data").mkdir(parents=True)
    for name, table in saved.items():
        table.to_parquet(run.folder / "data" / f"{name}.parquet")
    page = render(
        "qwen3", "test", [StageRecord("evaluation", str(run.folder), {"script": "evaluation.evaluate_modes"}, {})]
    )
    assert "aime 2024" in page and "Fig. 2" in page
