"""The report, its tables and its figures on a run folder that the test makes itself."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from data.public.sources import SOURCES
from stages.core.run.manifest import file_digests
from stages.evaluation import figures, held_out_figures, records, reporting
from stages.evaluation.beside import (
    TABLES,
    beside_paper,
    lecture_tables,
    shape,
    step,
    summary_table,
    token_points,
)
from stages.evaluation.by_question import Value
from stages.evaluation.published import R1_TABLE_3, STAGES
from stages.evaluation.results import LEADING, Cell, column, lines, order_columns, sampling_lines
from tests.answers import by_question

ROOT = Path(__file__).parents[3]
ORDER = ["base", *STAGES, "distillation", "small_rl"]
ACCURACY = [0.123, 0.55, 0.41, 0.62, 0.61, 0.64, 0.3, 0.1]


def row(checkpoint, benchmark, metric, value, half=0.02, mode=None):
    return {
        "recipe": "r1", "scale": "tiny", "checkpoint": checkpoint, "benchmark": benchmark, "mode": mode,
        "metric": metric, "value": value, "low": value - half, "high": value + half, "n": 200, "k": 8,
    }  # fmt: skip


@pytest.fixture
def results():
    rows = []
    for name, accuracy in zip(ORDER, ACCURACY, strict=True):
        rows += [row(name, "reasoning", "pass@1", accuracy), row(name, "math", "pass@1", accuracy + 0.05)]
        rows += [row(name, "reasoning", "greedy", accuracy), row(name, "reasoning", "pass@1 (T 1)", accuracy - 0.1)]
        rows += [row(name, "reasoning", "pass@8 (T 1)", 0.9), row(name, "reasoning", "cons@8", accuracy + 0.1)]
        rows += [row(name, "reasoning", "mean_tokens", 41.27, 1.5), row(name, "general", "gold", 0.5)]
        rows += [row(name, "safety", "unsafe_refused", 0.77)]
    return rows


def write_stage(root, name, script=None, metrics=(), parents=(), **manifest):
    folder = root / name
    folder.mkdir(parents=True)
    script = script or {"evaluation": "evaluation.evaluate", "base": "base.pretraining"}.get(name, f"r1.{name}")
    config = {"recipe": "r1", "scale": "tiny", "stage": name, "script": script, "settings": {}}
    config |= manifest.pop("config", {})
    manifest = {
        "stage": name, "script": script, "seconds": 75.0, "config_hash": "c0ffee" * 8, "digest": "ab" * 32,
        "parents": {str(root / parent): "0" for parent in parents}, "git": {"commit": "f00d" * 10, "dirty": True},
        "tokens": {"generated": 12345}, "headline": {"reward": 1.23456}, "finished": "2026-01-02T03:04:05+00:00",
    } | manifest  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if metrics:
        (folder / "metrics.jsonl").write_text("\n".join(json.dumps(line) for line in metrics) + '\n{"step": 99, "cut')
    return folder


@pytest.fixture
def run_folder(tmp_path, results):
    write_stage(tmp_path, "base", metrics=[{"step": i, "time": i * 2.0, "loss": 4 / (1 + i)} for i in range(30)])
    zero = {
        "config": {
            "settings": {"learning_rate": 3e-4, "kl_coefficient": 0.001, "clip_epsilon": 0.2, "prompts": 500,
                         "rewards": {"accuracy": 1.0, "format": 1.0}},
            "paper": {"settings": {"learning_rate": 3e-6, "kl_coefficient": 0.001},
                      "cite": {"learning_rate": "v2 s.2.1", "kl_coefficient": "v2 s.2.1",
                               "clip_epsilon": "undisclosed"}},
            "why": {"learning_rate": "a model of a million parameters learns at a larger rate"},
        }
    }  # fmt: skip
    curve = [
        {"step": i, "time": i, "rewards/accuracy": i / 40, "completions/mean_length": 25 + i,
         "rewards/tries/mean": 2 + i / 9, "entropy": 2 - i / 40,
         "reward": None if i % 2 else i / 20, "odd": i % 3, "constant": 1}
        for i in range(40)
    ]  # fmt: skip
    write_stage(tmp_path, "r1_zero", metrics=curve, parents=["base"], **zero)
    write_stage(tmp_path, "cold_start_data", counts={"total": 640, "correct": 200, "mixed_languages": 40, "kept": 400})
    folder = write_stage(tmp_path, "evaluation")
    (folder / "data").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(results), folder / "data" / "rows.parquet")
    pyarrow.parquet.write_table(by_question(results).table(ORDER), folder / "data" / "questions.parquet")
    completions = [
        {"checkpoint": name, "benchmark": "math", "task": task, "language": "en", "question": f"{task} {number} <b>?",
         "answer": "12", "completion": f"<think>{name} thinks</think> 12", "correct": name != "base", "tokens": 17,
         "sampling": "T 0.6"}
        for task in ("chain", "search") for number in range(4) for name in ORDER for _ in range(2)
    ]  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(completions), folder / "data" / "completions.parquet")
    return tmp_path


def read(run_folder, *names):
    return [records.read_stage(name, run_folder / name) for name in names]


class Balance(HTMLParser):
    """Fails on an element that is closed out of order or never."""

    void = {"meta", "br"}

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


@pytest.fixture
def page(run_folder):
    return reporting.render("r1", "tiny", read(run_folder, "base", "r1_zero", "cold_start_data", "evaluation"))


def test_page_holds_the_numbers_of_the_table(page):
    for number in ("12.3", "55.0", "53.0–57.0", "41.3", "39.8–42.8", "0.50", "77.0"):
        assert number in page
    assert "77.9" in page and "72.6" in page  # the paper's


def test_page_holds_the_fidelity_rows(page):
    assert re.search(r"learning rate</th><td>3e-6</td><td>v2 s\.2\.1</td>.*?>0\.0003<", page)
    assert "a model of a million parameters learns at a larger rate" in page
    assert "undisclosed" in page
    assert "Of 4 settings 1 are the paper's, 1 differ, 1 the paper does not give, 1 are this recipe's own" in page


def test_page_holds_curves_counts_completions_and_lineage(page):
    for text in (
        "tries per search problem",
        "mixed languages",
        "31.2",
        "general_rl thinks",
        "1 min 15 s",
        "f00df00df0",
    ):
        assert text in page
    assert "reward 1.235" in page and "generated 12,345" in page


def test_page_is_self_contained_and_escapes_what_a_model_wrote(page):
    assert not re.search(r"https?://|//\w+\.|src=|@import|url\(|<link|<script", page)
    assert "<think>" not in page and "&lt;think&gt;" in page and "0 &lt;b&gt;?" in page
    parser = Balance()
    parser.feed(page)
    assert parser.open == []


def test_page_of_stages_that_left_little(tmp_path):
    write_stage(tmp_path, "base", seconds=None, headline={}, tokens={}, git=None, parents=())
    page = reporting.render("mine", "tiny", read(tmp_path, "base"))
    assert "mine" in page and "Results</h2>" not in page
    assert "0 stages" in reporting.render("mine", "tiny", [])


def complete(folder):
    """What makes a folder a stage's verified output: a payload and its digests in the manifest."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "payload").write_text("x")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"payload": "data", "files": file_digests(folder / "data")}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_stage_writes_the_page_and_its_manifest(run_folder):
    names = ["base", "r1_zero", "cold_start_data", "evaluation"]
    for name in names:
        complete(run_folder / name)
    output = run_folder / "report"
    config = {
        "recipe": "r1", "scale": "tiny", "stage": "report", "script": "evaluation.report", "system": {},
            "public_data": {},
        "runs": str(run_folder), "output": str(output), "settings": {},
        "inputs": {"stages": {name: str(run_folder / name) for name in names}},
    }  # fmt: skip
    (run_folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "stages.evaluation.report", str(run_folder / "config.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "53.0–57.0" in (output / "report.html").read_text(encoding="utf-8")
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["headline"]["stages"] == 4 and len(manifest["parents"]) == 4

    (run_folder / "r1_zero" / "data" / "payload").write_text("y")
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and "r1_zero" in done.stderr


def test_programs_that_ran_without_a_sandbox_are_told(tmp_path):
    def page(name: str, **manifest: object) -> str:
        return reporting.render("r1", "tiny", [records.read_stage(name, write_stage(tmp_path, name, **manifest))])

    assert "without a sandbox" in page("r1_zero", unsandboxed=True)
    assert "without a sandbox" not in page("reasoning_rl", unsandboxed=False) + page("base")


def test_columns_follow_the_recipe_with_bases_first(results):
    assert order_columns(results[::-1], ORDER[1:]) == ORDER
    assert order_columns(results) == ORDER
    rows = [row(name, "math", "pass@1", 0.5, mode=mode) for name in ("b", "a") for mode in ("thinking", "non_thinking")]
    assert order_columns(rows, ["a", "b"])[:2] == ["a (thinking)", "a (non_thinking)"]
    rows = [row("distillation_small", "math", "pass@1", 0.5), row("base", "math", "pass@1", 0.5)]
    assert order_columns(rows, ["distillation"]) == ["base", "distillation_small"]
    assert column(row("a", "math", "pass@1", 0.5)) == "a"


def test_lines_lead_with_the_main_metrics_and_drop_missing_values(results):
    found = [(line.benchmark, line.metric) for line in lines(results, LEADING)]
    assert found == [
        ("reasoning", "pass@1"), ("reasoning", "cons@8"), ("reasoning", "mean_tokens"), ("math", "pass@1"),
        ("general", "gold"), ("safety", "unsafe_refused"),
    ]  # fmt: skip
    missing = [row("a", "math", "pass@1", 0.5) | {"value": None}, row("a", "odd", "speed", float("nan"))]
    assert lines(missing) == []
    assert lines([row("a", "own", "speed", 2.5)], LEADING)[0].cells["a"].text == "2.50"
    assert lines([row("a", "math", "pass@1", 0.5) | {"low": None, "high": None}])[0].cells["a"].interval == ""


def test_a_step_is_of_the_same_questions():
    def cell(*changes, seeds=(None,)):
        """Ten questions of very different difficulty, each seed of which has another change."""
        answers = tuple(
            (seed, {"math": {str(n): Value(n / 10 + change, 4, str(n), str(n)) for n in range(10)}})
            for seed, change in zip(seeds, changes, strict=True)
        )
        return Cell("pass@1", 0.45, 0.1, 0.8, 10, 4, answers=answers)

    assert [step(cell(0.0), cell(change)) for change in (0.01, -0.01, 0.0)] == ["↑", "↓", "≈"]
    three = cell(0.1, 0.12, 0.08, seeds=(1, 2, 3))
    assert step(cell(0.0), three) == "↑" and step(three, cell(0.0)) == "↓"  # made once, beside each seed
    assert step(cell(0.09, 0.0, 0.0, seeds=(1, 2, 4)), three) == "↑"  # of the seeds that both have
    assert step(cell(0.2, 0.12, 0.0, seeds=(1, 2, 3)), three) == "≈"
    assert step(cell(0.0, seeds=(7,)), three) == "" and step(cell(0.0), cell(seeds=())) == ""
    assert step(None, cell(0.1)) == step(cell(0.1), None) == ""
    bare = Cell("pass@1", 0.4, None, None, 1, 1)
    assert step(bare, cell(0.05)) == step(bare, bare) == ""  # whose questions nobody knows


def test_shape_counts_the_steps_that_go_as_in_the_paper(results):
    results = [each | {"benchmark": "aime_2024"} for each in results if each["benchmark"] == "math"]
    [aime] = shape(results, R1_TABLE_3, by_question(results))
    assert aime.name.startswith("AIME") and aime.paper_steps == ("↓", "↑", "↑", "↑")
    assert aime.our_steps == ("↓", "↑", "≈", "≈") and aime.agreement == (2, 4)
    without = [each for each in results if each["checkpoint"] != "cold_start_sft"]
    [gap] = shape(without, R1_TABLE_3, by_question(without))
    assert gap.our_steps == ("", "", "≈", "≈") and gap.agreement == (0, 2)
    assert shape([each for each in results if each["checkpoint"] == "base"], R1_TABLE_3) == []


def test_a_published_number_stands_beside_its_own_data_set_or_apart(results):
    stages, _, distilled = beside_paper(results, by_question(results))
    assert [found.table.source.split(", ")[1][:8] for found in beside_paper(results)] == [
        "Table 3", "Table 14", "Table 6;",
    ]  # fmt: skip
    assert stages.same == [] and [found.name for found in stages.apart] == [row.name for row in R1_TABLE_3.rows]
    assert all(not any(found.ours) for found in stages.apart)
    assert [found.name for found in stages.own] == ["reasoning pass@1", "math pass@1", "safety unsafe refused"]
    assert all(set(found.paper) == {None} for found in stages.own) and stages.own[0].our_steps == ("↓", "↑", "≈", "≈")
    assert [cell.value for cell in distilled.own[0].ours] == [0.3, 0.1]
    assert {*distilled.own[0].our_steps, *distilled.apart[0].paper_steps} == {""}  # not made from one another

    results += [row(name, "math_500", "pass@1", 0.9) for name in STAGES]
    stages, difficulty, _ = beside_paper(results)
    assert [found.name for found in stages.same] == ["MATH-500 (pass@1)"]
    assert not any(found.name.startswith("MATH") for found in stages.apart) and len(stages.apart) == 13
    assert difficulty.own == []  # of the same stages: shown once


def test_every_data_set_that_a_paper_names_is_one_of_the_projects():
    for table in TABLES:
        assert {published.data_set for published in table.rows} <= {None, *SOURCES}
        assert {published.metric for published in table.rows} <= {"pass@1", "cons@64", "pass@64", "followed"}


def test_the_page_shows_the_papers_numbers_apart(page):
    alone = page.split("The paper alone")[1].split("<tbody>")[1].split("</table>")[0]
    assert "AIME 2024" in alone and "2029" in alone and "this run" not in alone  # a rating is no percentage
    own = page.split("by the same stages")[1].split("</table>")[0]
    assert "math pass@1, this run" in own and "AIME" not in own and "53.0–57.0" in own
    assert '<span class="up">↑</span>' in own and '<span class="level">≈</span>' in own
    assert "<b>One seed: intervals cover the choice of questions, not another run of the training.</b>" in page
    assert "The same data sets" not in page and "LiveCodeBench by difficulty" in page
    assert "DeepSeekMath" not in page  # no stage here is known to be GRPO


@pytest.mark.parametrize(
    ("measured", "shown"),
    [
        ([("policy_mirror_descent", "aime_2024", "pass@1", None), ("long2short_rl", "math_500", "pass@1", None),
          ("long2short_rl", "aime_2024", "pass@1", None), ("long2short_rl", "aime_2024", "mean_tokens", None)],
         ["3,272", "long2short rl, this run", "AIME 2024, this run", "Table 2: long thoughts", "percentile"]),
        ([(name, "aime_2025", "pass@64", "thinking") for name in ("student_rl", "on_policy_distillation")],
         ["AIME 2025 (pass@64), this run", "Table 21 (Qwen3-8B)", "17,920"]),
    ],
)  # fmt: skip
def test_the_page_of_the_other_papers(tmp_path, measured, shown):
    results = [row(*each[:3], 0.5, mode=each[3]) for each in measured]
    results += [row(each[0], "reasoning", "pass@1", 0.5, mode=each[3]) for each in measured[:2]]
    if measured[0][3]:
        results += [each | {"budget": 1024} for each in results] + [
            row("student_rl", "budget", "pass@1", 0.5) | {"budget": 8}
        ]
        shown = [*shown, "Fig. 2 (Qwen3-235B-A22B)", "16,384", "86.5"]
    results = [{"budget": None} | each for each in results]
    folder = write_stage(tmp_path, "evaluation")
    (folder / "data").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(results), folder / "data" / "rows.parquet")
    page = reporting.render("mine", "tiny", read(tmp_path, "evaluation"))
    assert [text for text in shown if text not in page] == []
    parser = Balance()
    parser.feed(page)
    assert parser.open == []


def test_what_the_lecture_shows_stands_with_the_method():
    def sources(*settings):
        return [found.table.source for found in lecture_tables(settings)]

    grpo = sources({"advantage_scaling": "group"}, {"epochs": 1})
    assert len(grpo) == 2 and "DeepSeekMath" in grpo[0] and "understand-r1-zero" in grpo[1]
    [preference] = sources({"beta": 0.1})
    assert "AlpacaFarm" in preference and sources({"helpful_normalisation": "none"}) == [preference]
    assert sources({"epochs": 1}) == sources() == []
    dpo, ppo = (lecture_tables([{"beta": 0.1}])[0].table.labels.index(name) for name in ("DPO", "PPO"))
    people = lecture_tables([{"beta": 0.1}])[0].apart[1].paper
    assert people[dpo] is None and people[ppo] == 55.1


def test_kimis_numbers_stand_beside_its_stages():
    found = [row("policy_mirror_descent", "aime_2024", "pass@1", 0.5), row("long2short_rl", "math", "pass@1", 0.4)]
    found += [row("long2short_rl", "aime_2024", "pass@1", 0.4), row("long2short_rl", "aime_2024", "mean_tokens", 900.0)]
    long, short = beside_paper(found)
    assert [each.name for each in long.same] == [each.name for each in short.same] == ["AIME 2024"]
    assert long.same[0].ours[0].value == 0.5 and not any(long.same[0].ours[1:]) and long.own == []
    [(point, accuracy, tokens)] = token_points(found)
    assert (point.accuracy, point.tokens, accuracy.value, tokens.value) == (60.8, 3272, 0.4, 900.0)
    [(point, *nothing)] = token_points([row("shortest_sft", "math", "pass@1", 0.4)])
    assert point.label == "k1.5-shortest" and nothing == [None, None] and token_points([]) == []


def test_sampling_table(results):
    metrics, by_checkpoint = sampling_lines(results)["reasoning"]
    assert metrics == ["greedy", "pass@1", "pass@1 (T 1)", "cons@8", "pass@8 (T 1)"]
    assert by_checkpoint["r1_zero"]["pass@1 (T 1)"].value == pytest.approx(0.45)
    assert list(sampling_lines(results)) == ["reasoning"]


def test_summary_table(results):
    text = summary_table(results)
    assert "55.0" in text and "53.0–57.0" in text and "here" not in text.split("Apart")[0] and "↓ 59.0" in text
    asked = [*results, *(row(name, "aime_2024", "pass@1", 0.5) for name in STAGES)]
    same = summary_table(asked, by_question(asked))
    beside = same.split("The same data sets here and in arXiv")[1].split("Apart")[0]
    assert "AIME 2024 (pass@1), here " in beside and "≈ 50.0" in beside and "AIME 2024 (pass@1), paper" in beside
    assert max(map(len, same.splitlines())) <= 120
    assert max(map(len, text.splitlines())) <= 120
    assert summary_table([]) == "no results\n"
    assert "Table 3" not in summary_table(results[:9])  # the base alone
    assert "One seed: intervals cover the choice of questions, not another run of the training." in text


def test_series_skips_what_is_no_number():
    rows = [{"step": 1, "a": 1}, {"step": 2, "a": None}, {"step": 3, "a": float("nan")}, {"a": 2.5}, {"a": True}]
    assert records.series(rows, "a") == [(1.0, 1.0), (3.0, 2.5)]


def test_metrics_file_that_was_cut_short(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n\n[1]\n{"step": 2, "lo')
    assert records.read_metrics(tmp_path / "metrics.jsonl") == [{"step": 1}]
    assert records.read_metrics(tmp_path / "none.jsonl") == []


def test_curves_separate_the_known_from_the_others(run_folder):
    drawn, others = reporting.curves(read(run_folder, "r1_zero")[0])
    titles = [re.search(r"<b>(.*?)</b>", figure)[1] for figure in drawn]
    assert titles == [
        "reward",
        "reward: accuracy",
        "completion length, tokens",
        "tries in a search",
        "entropy, nats a token",
    ]
    assert len(others) == 1 and "<b>odd</b>" in others[0]  # neither the time nor what never varies


MEASURED = [
    {"step": 8, "loss": 1.0},
    {"step": 8, "held_out/accuracy": 0.5, "held_out/level_2": 0.75, "held_out/level_10": 0.25, "held_out/gold": 0.6,
     "held_out/general_kl": 4.0, "held_out/seconds": 2.0},
    {"step": 0, "held_out/accuracy": 0.25, "held_out/level_2": 0.5, "held_out/level_10": 0.0, "held_out/gold": 0.5,
     "held_out/general_kl": 0.0, "held_out/accuracy_aime_2024": 0.1, "held_out/seconds": 1.0},
]  # fmt: skip
"""Two measurements, the later first, as a resumed run may leave them."""


def test_held_out_curves_are_drawn_by_their_steps_and_apart_from_training(tmp_path):
    write_stage(tmp_path, "r1_zero", metrics=MEASURED)
    [stage] = read(tmp_path, "r1_zero")
    [found] = held_out_figures.held_out([stage])
    assert (found.stage, found.measurements, found.seconds, found.share) == ("r1_zero", 2, 3.0, 3.0 / 75.0)
    assert held_out_figures.seconds_trained(stage) == 72.0
    titles = [re.search("<b>(.*?)</b>", figure)[1] for figure in found.curves]
    assert titles == [
        "accuracy", "accuracy by level", "gold", "KL to the start on general prompts, nats a completion",
        "accuracy on aime_2024", "gold against √KL",
    ]  # fmt: skip
    assert "0.25 → 0.5" in found.curves[0] and "√KL 2" in found.curves[-1]
    assert re.findall(r">(level \d+)<", found.curves[1]) == ["level 2", "level 10"]
    drawn, others = reporting.curves(stage)
    assert len(drawn) == 1 and not others
    html = reporting.render("r1", "tiny", [stage])
    assert "Held-out curves" in html and "2 measurements, 3.0 s, 4.0 % of its time" in html
    Balance().feed(html)


def test_a_stage_that_did_not_measure_has_no_held_out_curves(tmp_path):
    write_stage(tmp_path, "r1_zero", metrics=MEASURED[:1])
    stages = read(tmp_path, "r1_zero")
    assert held_out_figures.held_out(stages) == [] and "Held-out curves" not in reporting.render("r1", "tiny", stages)


@pytest.mark.parametrize(
    ("places", "expected"),
    [([5, 6, 30], [5, 15, 30]), ([30, 5], [30, 5]), ([98, 99], [90, 100]), ([7, 7, 7], [7, 17, 27]), ([], [])],
)
def test_labels_are_moved_apart(places, expected):
    assert figures.apart(places, 10, 100) == expected


def test_one_point_or_one_value_makes_lines_too():
    assert "polyline" in figures.lines_chart([("level 3", [(4, 0.5)])], "by level")
    assert "level 2" in figures.lines_chart([("level 1", [(0, 1), (2, 1)]), ("level 2", [(0, 1), (2, 1)])], "by level")


def test_filter_counts_without_a_total():
    def stage(counts):
        return records.StageRecord("s", "s", {"counts": counts}, {})

    assert reporting.filter_counts([stage({"wrong": 3, "kept": 1})]) == [
        ("s", [("wrong", 3, 75.0), ("kept", 1, 25.0)])
    ]  # fmt: skip
    assert reporting.filter_counts([stage({"total": 0, "kept": 0})])[0][1][0] == ("total", 0, 0.0)
    assert reporting.filter_counts([stage({}), stage(None)]) == []


def test_samples_show_every_checkpoint_on_the_same_questions(run_folder):
    completions = records.read_table(read(run_folder, "evaluation"), "completions")
    chosen = reporting.samples(completions, ORDER, most=3)
    assert [entry["question"] for entry in chosen] == ["chain 0 <b>?", "search 0 <b>?", "chain 1 <b>?"]
    assert [name for name, _ in chosen[0]["completions"]] == ORDER
    assert reporting.samples([], ORDER) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(3e-6, "3e-6"), (0.0003, "0.0003"), (10.0, "10"), (10400, "10,400"), (True, "yes"), (None, "none"),
     ("grpo", "grpo"), (["a", 2], "a, 2"), (1e20, "1e20"),
     ({"accuracy": 1.0, "format": 0.5}, "accuracy 1, format 0.5"),
     ({"aime_2024": {"top_k": 20, "top_p": 0.9}}, "aime_2024 (top_k 20, top_p 0.9)")],
)  # fmt: skip
def test_plain(value, text):
    assert reporting.plain(value) == text


def test_duration():
    assert [reporting.duration(s) for s in (0, 41.4, 59.6, 185, 7800)] == [
        "0 s", "41 s", "1 min 00 s", "3 min 05 s", "2 h 10 min",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.5, 1]), (0.1, 0.9, [0.4, 0.8]), (25, 64, [40, 60]), (3, 3, [3]), (-2, 2, [-2, 0, 2])],
)
def test_ticks(low, high, expected):
    found = figures.ticks(low, high)
    assert set(expected) <= {round(tick, 9) for tick in found}
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found) and len(found) <= 9


@pytest.mark.parametrize("points", [[(0, 1.0)], [(0, 0.0), (1, 0.0)], [(5, -1e-9), (6, 1e9)], [(0, 5.0)] * 3])
def test_line_chart_at_its_edges(points):
    svg = figures.line_chart(points, "a <b> & c")
    assert "nan" not in svg and "a &lt;b&gt; &amp; c" in svg


def test_long_curves_are_thinned():
    assert len(figures.thin([(i, i) for i in range(10_000)])) <= 400
    assert figures.thin([(0, 1.0), (1, 3.0)], most=1) == [(0.5, 2.0)]
    assert figures.smooth([0, 3, 6], 3) == [1.5, 3, 4.5]


def test_sparkline_leaves_a_gap():
    assert figures.sparkline([1.0, None, 2.0], "x").count("<circle") == 2
    assert "nan" not in figures.sparkline([1.0, 1.0], "x")


def test_page_holds_what_guards_saw_and_the_checkpoint_before_it(tmp_path):
    rows = [{"step": step, "entropy": 0.5 if step < 3 else 1e-4} for step in range(1, 8)]
    guarded = {"settings": {"guards": {"patience": 3}}}
    folder = write_stage(tmp_path, "r1_zero", metrics=rows, config=guarded)
    write_stage(tmp_path, "reasoning_rl", metrics=rows[:2], config=guarded)
    (folder / "last_good/checkpoint-1").mkdir(parents=True)
    page = reporting.render("r1", "tiny", read(tmp_path, "r1_zero", "reasoning_rl"))
    [shown] = re.findall(r"<h2 id=\"warnings\">.*?</table>", page, re.DOTALL)
    assert "step 5: the policy has become certain" in shown and "(since step 3)" in shown
    assert f"{folder}/last_good/checkpoint-1" in shown and "reasoning rl" not in shown
    assert "Warnings" not in reporting.render("r1", "tiny", read(tmp_path, "reasoning_rl"))
