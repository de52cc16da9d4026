"""The ledger: what is kept of a study's runs, when it holds, what is written of it."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from stages.core.pipeline.workspace import load_workspace
from stages.core.run.ledger import entries, ledger_folder
from stages.core.run.staleness import marks
from stages.evaluation.ledger import main
from tests.studies import GOOD, STUDY, plan_study

VALUES = {"base": 0.2, "rl_slow_seed1": 0.4, "rl_slow_seed2": 0.5, "rl_fast_seed1": 0.6, "rl_fast_seed2": 0.7}


def finish(study, values=VALUES):
    """Fake runs of all stages behind a study, as complete by the plan: every question of a checkpoint has one value."""
    for stage in study.needed():
        folder = Path(stage.folder)
        (folder / stage.payload).mkdir(parents=True, exist_ok=True)
        parents = {parent: digest_of(parent) for parent in stage.parents}
        manifest = {
            "payload": stage.payload, "config_hash": hash_of(stage.identity), "code_fingerprint": stage.fingerprint,
            "parents": parents, "seconds": 60.0, "finished": "2026-01-02T03:04:05", "files": {},
            "git": {"commit": "abcdef0123", "dirty": False}, "hardware": {"cpus": 2, "machine": "x86_64"},
        }  # fmt: skip
        if stage.name == "evaluation":
            common = {"benchmark": "reasoning", "metric": "pass@1", "mode": None, "budget": None, "data_set": "world"}
            rows = [
                common | {"checkpoint": name, "question": f"q{n}", "key": f"q{n // 2}", "value": value + n % 3 / 10}
                for name, value in values.items()
                for n in range(12)
            ]  # fmt: skip
            save(folder / "data/questions.parquet", rows)
            save(folder / "data/rows.parquet", [{"checkpoint": name, "value": value} for name, value in values.items()])
        (folder / "manifest.json").write_text(json.dumps(manifest))


def save(file, rows):
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)


def hash_of(text):
    from stages.core.pipeline.fingerprint import digest

    return digest(text)


def digest_of(folder):
    from stages.core.run.manifest import manifest_digest

    return manifest_digest(Path(folder))


def entry():
    workspace = load_workspace({})
    return entries(workspace, marks(workspace.rules()), ledger_folder({"ledger": "docs/ledger"}))["mine"]


def ledger(*arguments, **config):
    return main([json.dumps({"ledger": "docs/ledger"} | config), *arguments])


@pytest.fixture
def study(tmp_path, monkeypatch):
    return plan_study(tmp_path, monkeypatch)


def test_verdicts_are_made_of_the_runs_and_kept(study, capsys):
    finish(study)
    assert ledger("--claim", "faster_is_better") == 0
    printed = capsys.readouterr().out
    assert "reasoning pass@1: rl_fast minus rl_slow: +20.0 [+20.0, +20.0], must lie above 2.0" in printed
    assert "\nreproduced\n" in printed
    kept = json.loads(Path("docs/ledger/tiny/mine.json").read_text())
    claim = kept["claims"]["faster_is_better"]
    assert claim["verdict"] == "reproduced" and claim["checkpoints"] == 2 and kept["seeds"] == ["seed1", "seed2"]
    (test,) = claim["tests"]
    assert test["by_seed"] == {"seed1": 0.2, "seed2": 0.2} and test["questions"] == 12 and test["value"] == 0.2
    assert set(kept["stages"]) == {"base", "mine_evaluation", *(f"mine_{name}" for name in VALUES if name != "base")}
    assert Path("docs/ledger/tiny/mine.csv").read_text().splitlines()[1] == "base,0.2"
    text = Path("docs/ledger.md").read_text()
    assert "| [faster_is_better](#faster_is_better-at-tiny) | s.1 | `mine` | 2 x 2 | +20.0 [+20.0, +20.0] |" in text
    assert "![faster_is_better](ledger/tiny/faster_is_better.svg)" in text
    assert "6 stages in 6 minutes one after the other, commit abcdef0, 2026-01-02, 2 cores (x86_64)" in text
    assert Path("docs/ledger/tiny/faster_is_better.svg").read_text().startswith("<svg xmlns=")
    assert "faster is better" in Path("runs/tiny/ledger.html").read_text()


def test_curves_that_a_claim_is_of_are_kept_and_drawn(tmp_path, monkeypatch):
    curve = "{kind: curve, of: rl_fast, over: rl_slow, metric: reward, take: rise, above: 0}"
    study = plan_study(tmp_path, monkeypatch, STUDY % f"{GOOD}, {curve}")
    finish(study)
    for stage in study.needed():
        rows = [{"step": step, "reward": step * stage.config["settings"].get("learning_rate", 0)} for step in (1, 3)]
        Path(stage.folder, "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert ledger() == 0
    claim = json.loads(Path("docs/ledger/tiny/mine.json").read_text())["claims"]["faster_is_better"]
    assert [test["value"] for test in claim["tests"]] == [0.2, 0.2] and claim["verdict"] == "reproduced"
    (figure,) = claim["figures"]
    assert [(line["name"], line["points"]) for line in figure["lines"]] == [
        *[("rl_fast", [[1, 0.2], [3, 0.6]])] * 2, *[("rl_slow", [[1, 0.1], [3, 0.3]])] * 2,
    ]  # fmt: skip
    written = Path("docs/ledger/tiny/faster_is_better.1.svg").read_text()
    assert written.startswith("<svg xmlns=") and written.count("<polyline") == 4
    text, page = Path("docs/ledger.md").read_text(), Path("runs/tiny/ledger.html").read_text()
    assert "![faster_is_better: reward against updates](ledger/tiny/faster_is_better.1.svg)" in text
    assert page.count("<polyline") == 4


def test_kept_results_hold_without_the_runs_until_settings_code_or_tests_change(study, monkeypatch, tmp_path, capsys):
    finish(study)
    assert ledger() == 0 and entry().holds
    for folder in Path("runs/tiny").rglob("manifest.json"):
        folder.unlink()
    assert ledger() == 0 and entry().holds
    assert "1 claim: 1 reproduced." in capsys.readouterr().out
    for changed in (STUDY.replace("0.2}", "0.3}") % GOOD, STUDY % GOOD.replace("0.02", "0.03")):
        Path("recipes/studies/mine.yaml").write_text(changed)
        assert not entry().holds
        assert ledger() == 0
        assert "| **reproduced (of older code or settings)** |" in Path("docs/ledger.md").read_text()
    words = (STUDY % GOOD).replace("The fast rate is better.", "Fast beats slow.").replace("s.1", "Fig. 9")
    Path("recipes/studies/mine.yaml").write_text(words)
    assert entry().holds and ledger() == 0
    text = Path("docs/ledger.md").read_text()
    assert "Fast beats slow. (Fig. 9)" in text and "older" not in text
    monkeypatch.setattr("stages.core.run.ledger.fingerprint", lambda module: "of other code")
    assert not entry().holds


def test_a_verdict_changes_with_what_was_measured(study, capsys):
    finish(study, VALUES | {"rl_fast_seed1": 0.2})
    assert ledger("--claim", "faster_is_better") == 0
    assert "not reproduced: reasoning pass@1: rl_fast minus" in capsys.readouterr().out
    assert "undecided: its interval holds the bound" in Path("docs/ledger.md").read_text()


def test_what_was_not_run_is_said(study, capsys):
    assert ledger() == 0
    assert "faster_is_better: not run" in capsys.readouterr().out
    assert not Path("docs/ledger/tiny").exists()
    assert "**not run**" in Path("docs/ledger.md").read_text()


def test_another_scales_results_stay_in_the_document(study):
    finish(study)
    assert ledger() == 0
    other = Path("docs/ledger/large")
    other.mkdir()
    kept = json.loads(Path("docs/ledger/tiny/mine.json").read_text()) | {"scale": "large"}
    (other / "mine.json").write_text(json.dumps(kept))
    assert ledger() == 0
    text = Path("docs/ledger.md").read_text()
    assert text.index("## At `tiny`") < text.index("## At `large`")
    assert "(#faster_is_better-at-large)" in text and (other / "faster_is_better.svg").exists()


def test_what_a_run_would_cost(study, capsys):
    assert ledger("--plan") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["mine", "1", "6", "?", "not", "run"] and not Path("docs").exists()
    finish(study)
    for name in ("rl_fast_seed1", "evaluation"):
        Path(f"runs/tiny/mine/{name}/manifest.json").unlink()
    assert ledger("--plan") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["mine", "1", "2", "1:00", "not", "run", "(1", "never", "timed)"]
    assert printed[2].split()[-2:] == ["2", "1:00"]  # as long as the others of its script


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--claim", "slower"), "error: --claim: no study claims `slower`"),
        ((), "docs/ledger/tiny/mine.json is damaged (not JSON)"),
    ],
)
def test_what_is_wrong_is_one_sentence(study, capsys, arguments, sentence):
    Path("docs/ledger/tiny").mkdir(parents=True)
    Path("docs/ledger/tiny/mine.json").write_text("{")
    assert ledger(*arguments) == 2
    assert sentence in capsys.readouterr().err


def test_a_table_without_a_series_is_one_sentence(study, capsys):
    finish(study, {name: value for name, value in VALUES.items() if name != "rl_fast_seed2"})
    assert ledger() == 2
    assert "questions.parquet: rl_fast_seed2 has no value of reasoning pass@1" in capsys.readouterr().err
