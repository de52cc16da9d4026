"""Several training seeds in one evaluation: rows over seeds, which checkpoints belong together, what readers see."""

import json
from types import SimpleNamespace

import pyarrow.parquet
import pytest

from stages.evaluation import records, reporting
from stages.evaluation.benchmarks import basis_of, preference, preference_judge, reference_of
from stages.evaluation.beside import summary_table
from stages.evaluation.by_question import COLUMNS, ByQuestion, Place, Value, aligned, difference_of, over_seeds_of
from stages.evaluation.closing import closing
from stages.evaluation.estimators import estimate, over_seeds, paired_over_seeds
from stages.evaluation.figures import Interval, interval_chart, seed_strip
from stages.evaluation.recorder import Recorder
from stages.evaluation.results import Cell, lines, order_columns
from stages.evaluation.seeds import about_seeds, of_same_seed, origin_of
from stages.evaluation.tables import recipe_tables


def variant(stage, seed, **arms):
    return {"stage": stage, "labels": arms | {"seed": f"seed{seed}"}, "seed": seed}


VARIANTS = {
    "sft": variant("sft", 42), "sft_seed1": variant("sft", 1), "rl_slow": variant("rl", 42, rate="slow"),
    "rl_slow_seed1": variant("rl", 1, rate="slow"), "rl_fast": variant("rl", 42, rate="fast"),
    "judge": variant("judge", 42), "judge_seed1": variant("judge", 1),
}  # fmt: skip
NAMES = ["base", "sft", "sft_seed1", "rl_slow", "rl_slow_seed1"]


def values(*means, first=0):
    """Questions of two wordings a content."""
    return [Value(mean, 2, f"key {n // 2}", f"id {first + n}") for n, mean in enumerate(means)]


@pytest.fixture
def recorder():
    """base once, sft with seeds 42 and 1, rl with an arm."""
    settings = SimpleNamespace(bootstrap_samples=200, seed=3)
    found = Recorder(SimpleNamespace(settings=settings, recipe="mine", scale="small"), VARIANTS)
    for name, means in {
        "base": (0.0, 0.5, 0.5, 0.0), "sft": (0.5, 0.5, 1.0, 0.0), "sft_seed1": (1.0, 1.0, 0.5, 0.5),
        "rl_slow": (1.0, 1.0, 1.0, 0.5), "rl_slow_seed1": (1.0, 0.5, 1.0, 1.0),
    }.items():  # fmt: skip
        found.add(name, "reasoning", "pass@1", {"world_reasoning": values(*means)})
        found.add(name, "reasoning", "mean_tokens", {"world_reasoning": values(*(20 * mean for mean in means))})
    return found


@pytest.fixture
def results(recorder, monkeypatch, tmp_path):
    """The rows that are saved, and the tables."""
    saved = {}
    recorder.run.folder = tmp_path / "mine" / "evaluation"
    recorder.run.folder.mkdir(parents=True)
    recorder.run.metrics = SimpleNamespace(say=lambda text: saved.setdefault("said", text))
    recorder.run.save_data = lambda tables, about: saved.update(tables | {"about": about})
    recorder.completions.append({"checkpoint": "base"})
    recorder.save(NAMES)
    saved["rows"] = json.loads((tmp_path / "mine" / "results.json").read_text())
    return saved


def test_of_what_a_checkpoint_is_one():
    assert origin_of("base", VARIANTS) == ("base", None, None)
    assert origin_of("sft", VARIANTS) == ("sft", None, 42)
    assert origin_of("rl_slow_seed1", VARIANTS) == ("rl", "slow", 1)
    assert origin_of("rl_slow_seed1", VARIANTS).name == "rl_slow"


def test_a_checkpoint_is_compared_with_the_one_of_its_own_seed():
    def same(name, stage="sft", among=NAMES):
        return of_same_seed(name, stage, among, VARIANTS)

    assert (same("rl_slow_seed1"), same("rl_slow"), same("sft_seed1"), same("base")) == (
        "sft_seed1", "sft", "sft_seed1", "sft",
    )  # fmt: skip
    assert same("rl_slow_seed1", "base") == "base" and same("base", "nothing") is None
    assert same("rl_slow_seed1", among=["sft"]) is None
    config = {
        "inputs": {"checkpoints": {name: f"runs/{name}" for name in NAMES},
                   "reward_models": {"judge": "runs/judge", "judge_seed1": "runs/judge_seed1"}},
        "variants": VARIANTS,
    }  # fmt: skip
    assert reference_of(config, "rl_slow_seed1", "sft") == "sft_seed1"
    assert [preference_judge(config, name) for name in ("base", "sft", "sft_seed1")] == [
        "judge",
        "judge",
        "judge_seed1",
    ]
    assert basis_of("sft")(config, "rl_slow_seed1") == ["runs/rl_slow_seed1", "runs/sft_seed1", "runs/judge_seed1"]
    alone = {"inputs": {"checkpoints": {"base": "runs/base"}}}
    assert basis_of("sft")(alone, "base") == ["runs/base"] and preference_judge(alone, "base") is None


def test_rows_over_seeds_stand_behind_those_of_each(results):
    rows = results["rows"]
    assert [(row["checkpoint"], row["stage"], row["arm"], row["seed"], row["seeds"]) for row in rows[::2]] == [
        ("base", "base", None, None, None), ("sft", "sft", None, 42, None), ("sft_seed1", "sft", None, 1, None),
        ("rl_slow", "rl", "slow", 42, None), ("rl_slow_seed1", "rl", "slow", 1, None),
        ("sft", "sft", None, None, [42, 1]), ("rl_slow", "rl", "slow", None, [42, 1]),
    ]  # fmt: skip
    row = rows[10]
    expected = over_seeds([[0.5, 0.5, 1.0, 0.0], [1.0, 1.0, 0.5, 0.5]], ["a", "a", "b", "b"], 200, 3)
    assert (row["metric"], row["value"], row["low"], row["high"]) == ("pass@1", *expected) and row["value"] == 0.625
    assert (row["n"], row["k"]) == (4, 2) and results["about"]["seeds"] == 2
    single = rows[2]
    assert (single["value"], single["low"], single["high"]) == estimate([0.5, 0.5, 1, 0], ["a", "a", "b", "b"], 200, 3)


def test_without_seeds_there_is_no_row_over_them(recorder, tmp_path):
    recorder.variants = {}
    recorder.results.clear()
    recorder.add("sft", "reasoning", "pass@1", {"world_reasoning": values(0.5)})
    assert {name: recorder.results[0][name] for name in ("stage", "arm", "seed", "seeds")} == {
        "stage": "sft", "arm": None, "seed": None, "seeds": None,
    }  # fmt: skip


def test_the_values_of_questions_as_a_table(results, recorder):
    table = results["questions"]
    assert tuple(table.column_names) == COLUMNS and len(table) == 5 * 2 * 4
    assert table[4] == {
        "checkpoint": "base", "benchmark": "reasoning", "metric": "mean_tokens", "mode": None, "budget": None,
        "data_set": "world_reasoning", "question": "id 0", "key": "key 0", "value": 0.0, "samples": 2,
    }  # fmt: skip
    again = ByQuestion.read(recorder.by_question.table(NAMES))
    assert again.rows == recorder.by_question.rows
    assert again.of(Place("nobody", "reasoning", "pass@1")) == {}


def test_seeds_and_checkpoints_meet_in_the_questions_that_all_have():
    first = {"a": {value.question: value for value in values(0.0, 1.0, 0.5)}, "b": {}}
    second = {"a": {value.question: value for value in values(0.25, 0.75, first=1)}}
    tables, keys = aligned([first, second])
    assert [table.tolist() for table in tables] == [[[1.0, 0.5], [0.25, 0.75]]] and keys == [["key 0", "key 1"]]
    assert over_seeds_of([first, second]) == over_seeds([[1.0, 0.5], [0.25, 0.75]])
    assert difference_of([first], [second]) == paired_over_seeds([[1.0, 0.5]], [[0.25, 0.75]])
    assert difference_of([first], [second, second]) == paired_over_seeds([[1.0, 0.5]], [[0.25, 0.75]] * 2)
    assert over_seeds_of([first, {}]) is None and difference_of([{}], [first]) is None


def test_a_column_is_of_all_seeds_and_knows_each(results, recorder):
    assert order_columns(results["rows"]) == ["base", "sft", "rl_slow"]
    assert order_columns(results["rows"], ["sft", "rl_slow"]) == ["base", "sft", "rl_slow"]
    accuracy, tokens = lines(results["rows"], None, recorder.by_question)
    assert list(accuracy.cells) == ["base", "sft", "rl_slow"]
    assert accuracy.cells["sft"].seeds == ((42, 0.5), (1, 0.75)) and accuracy.cells["sft"].value == 0.625
    assert accuracy.cells["base"].seeds == () and [seed for seed, _ in accuracy.cells["base"].answers] == [None]
    assert [seed for seed, _ in accuracy.cells["rl_slow"].answers] == [42, 1]
    assert (accuracy.cells["sft"].each, tokens.cells["sft"].each, accuracy.cells["base"].each) == (
        "50.0 75.0",
        "10.0 15.0",
        "",
    )


def test_dots_lie_between_the_ends():
    cell = Cell("pass@1", 0.5, 0.4, 0.6, 9, 4, ((1, 0.4), (2, 0.5), (3, 0.8)))
    assert cell.span == (0.4, 0.8) and cell.strip == "●·●·····●" and cell.each == "40.0 50.0 80.0"
    assert Cell("pass@1", 0.5, 0.4, 0.6, 9, 4, ((1, 0.5),)).strip == ""
    assert Cell("pass@1", 0.5, 0.5, 0.5, 9, 4, ((1, 0.5), (2, 0.5))).strip == "●········"
    figure = interval_chart([Interval("rl", 0.5, 0.4, 0.6, cell.seeds), Interval("base", 0.2, 0.1, 0.3)])
    assert figure.count('class="seed"') == 3 and figure.count('class="dot"') == 2 and "seed 3: 80.0" in figure
    strip = seed_strip(Interval("rl", 0.5, 0.4, 0.6, cell.seeds), ["40.0", "50.0", "80.0"])
    assert 'cx="5.0"' in strip and 'cx="91.0"' in strip and "seed 2: 50.0" in strip


@pytest.mark.parametrize(
    ("seeds", "sentence"),
    [
        ([], "One seed: intervals cover the choice of questions, not another run of the training."),
        ([7], "One seed, 7: intervals cover the choice of questions, not another run of the training."),
        ([2, 1], "Seeds 2, 1: values are means over them, intervals cover the choice of questions and of seeds; base: "
                 "made once for all."),
    ],
)  # fmt: skip
def test_readers_are_told_how_many_seeds_there_are(seeds, sentence):
    rows = [{"checkpoint": "base"}, *({"checkpoint": f"rl_seed{seed}", "seed": seed} for seed in seeds)]
    assert about_seeds(rows + [{"checkpoint": "rl", "seed": None, "seeds": seeds}] * bool(seeds)) == sentence


def test_the_end_of_a_run_has_dots_and_says_of_which_seeds(results, tmp_path):
    said = closing([str(tmp_path / "mine" / "evaluation")]).splitlines()
    assert said[0].startswith("mine: Seeds 42, 1: values are means")
    assert [line.split() for line in said[1:3]] == [
        ["base", "pass@1", "25.0", "25.0–25.0"], ["sft", "pass@1", "62.5", said[2].split()[3], said[2].split()[4]],
    ]  # fmt: skip
    assert said[2].count("●") == 2 and len(said) == 4
    rows = [row for row in results["rows"] if row["checkpoint"] == "base"]
    (tmp_path / "mine" / "results.json").write_text(json.dumps(rows))
    assert closing([str(tmp_path / "mine" / "evaluation")]) == (
        "mine: One seed: intervals cover the choice of questions, not another run of the training."
    )
    assert closing([]) == ""
    (tmp_path / "mine" / "results.json").unlink()
    assert "results.json is missing" in closing([str(tmp_path / "mine" / "evaluation")])


def test_the_printed_table_has_dots_and_says_of_which_seeds(results):
    text = results["said"]
    assert "62.5" in text and "●" in text and "Seeds 42, 1: values are means over them" in text
    assert "A dot is a seed" in text and "seed1" not in text
    alone = summary_table([row for row in results["rows"] if row["checkpoint"] == "base"])
    assert "One seed:" in alone and "●" not in alone and "A dot" not in alone


def test_tables_for_documents_have_each_seed(results, tmp_path):
    folder = tmp_path / "mine"
    for name, label, seconds in (("sft", "seed42", 60), ("sft_seed1", "seed1", 61), ("evaluation", None, 4)):
        (folder / name).mkdir(exist_ok=True)
        config = {"labels": {"seed": label} if label else {}}
        manifest = {
            "seed": 42,
            "finished": f"2026-01-02T03:04:{seconds:02}",
            "seconds": float(seconds),
            "config": config,
        }
        (folder / name / "manifest.json").write_text(json.dumps(manifest))
    text = recipe_tables(folder)
    assert "| benchmark | metric | `base` | `sft` | `rl_slow` |" in text and "</sub> <sub>(50.0 75.0)</sub> |" in text
    assert "evaluated with seed 42" in text and "Seeds 42, 1: values are means" in text
    assert "`evaluation` 0:04, `sft` 1:00 1:01; one after the other 2:05." in text


def test_the_page_draws_each_seed_and_shows_what_they_share_once(results, recorder, tmp_path):
    folder = tmp_path / "mine"
    (folder / "evaluation" / "data").mkdir()
    for table in ("rows", "questions"):
        results[table] = results[table] if table == "questions" else pyarrow.Table.from_pylist(results["rows"])
    pyarrow.parquet.write_table(results["rows"], folder / "evaluation" / "data" / "rows.parquet")
    results["questions"].to_parquet(str(folder / "evaluation" / "data" / "questions.parquet"))
    completions = [
        {"checkpoint": name, "benchmark": "reasoning", "task": "sum", "language": "en", "question": "1+1",
         "answer": "2", "completion": f"{name} says", "correct": True, "tokens": 3, "sampling": "T 0.6"}
        for name in NAMES
    ]  # fmt: skip
    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist(completions), folder / "evaluation" / "data" / "completions.parquet"
    )
    stages = []
    for name in (*NAMES, "evaluation"):
        (folder / name).mkdir(exist_ok=True)
        script = "evaluation.evaluate" if name == "evaluation" else "r1.cold_start_sft"
        config = {"labels": VARIANTS.get(name, {}).get("labels", {}), "settings": {"epochs": 3},
                  "paper": {"settings": {"epochs": 2}, "cite": {"epochs": "v2 s.1"}}}  # fmt: skip
        about = {"script": script, "seconds": 2.0, "headline": {}, "config": config}
        (folder / name / "manifest.json").write_text(json.dumps(about))
        stages.append(records.read_stage(name, folder / name))
    assert [stage.of_all_seeds for stage in stages] == ["base", "sft", "sft", "rl_slow", "rl_slow", "evaluation"]
    page = reporting.render("mine", "small", stages)
    leading = page.split("<b>Seeds 42, 1:")[1].split("Every metric")[0]
    assert '<th class="number">sft</th><th class="number">rl slow</th></tr>' in leading and "seed1" not in leading
    assert leading.count('<svg class="strip"') == 4 and "seed 1: 75.0" in leading
    assert leading.count('class="seed"') == 4 + 4 + 4 * 2  # overview, pass@1 against tokens, two seeds a cell
    assert "sft says" in page and "sft_seed1 says" not in page and "1 of 1 differ" in page
    assert page.count("1 of 1 differ") == 3  # base, sft, rl_slow: settings of seeds are the same
    assert reporting.seconds_of(stages)["sft"] == 2.0


def test_a_reference_is_judged_once_for_each_judge():
    """Each checkpoint is compared with its own reference, scored by its own judge."""
    recorder = Recorder(SimpleNamespace(settings=SimpleNamespace(
        bootstrap_samples=10, seed=0, by_data_set={}, samples_per_question=1, temperature=0.6, top_p=1, top_k=0,
        presence_penalty=0, max_completion_length=8), recipe="r", scale="s"), VARIANTS)  # fmt: skip
    asked = []

    class Judge:
        def __init__(self, name):
            self.name = name

        def score(self, questions, responses):
            asked.append((self.name, *responses))
            return [float(len(response)) for response in responses]

    def answer(text):
        return [[SimpleNamespace(answer=text, text=text, tokens=1)]]

    question = {"task": "alpaca", "key": "k", "id": "i", "language": "en", "answer": "", "info": "{}",
                "prompt": [{"role": "user", "content": "?"}]}  # fmt: skip
    found = {"sft": answer("aa"), "sft_seed1": answer("a"), "rl_slow": answer("aaa"), "rl_slow_seed1": answer("aaaa")}
    against = {
        "sft": found["sft"],
        "rl_slow": found["sft"],
        "sft_seed1": found["sft_seed1"],
        "rl_slow_seed1": answer("aaaaa"),
    }
    judges = {"": Judge("one"), "seed1": Judge("two")}
    scorers = {name: judges["seed1" if name.endswith("seed1") else ""] for name in found}
    preference(recorder, [question], found, against, scorers)
    assert asked == [("one", "aa"), ("two", "a"), ("one", "aaa"), ("two", "aaaa"), ("two", "aaaaa")]
    wins = {row["checkpoint"]: row["value"] for row in recorder.results if row["metric"] == "win_rate (reward model)"}
    assert wins == {"sft": 0.5, "rl_slow": 1.0, "sft_seed1": 0.5, "rl_slow_seed1": 0.0}
