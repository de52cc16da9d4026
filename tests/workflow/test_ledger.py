"""The ledger by Snakemake: what runs for a claim, what is kept of it, when it runs again, what is refused."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import ROOT, Workflow
from tests.workflow.test_bad_input import refused

EVALUATE = '''"""An evaluation in which R1-Zero is two tenths better than its base, and more with a larger group."""
import pyarrow
import pyarrow.parquet

from stages.core.run.stage import stage_main


class Table:
    column_names = ()

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def to_parquet(self, path):
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(self.rows), path)


def main(run):
    common = {"benchmark": "reasoning", "metric": "pass@1", "mode": None, "budget": None, "data_set": "world"}
    rows = [
        common | {"checkpoint": name, "question": f"q{n}", "key": f"q{n}", "value": n / 20 + 0.2 * (name != "base")}
        for name in run.config["inputs"]["checkpoints"]
        for n in range(10)
    ]
    run.save_data({"rows": Table(rows), "questions": Table(rows)}, {"results": len(rows)})


if __name__ == "__main__":
    stage_main(main, __doc__)
'''
STUDY = {
    "use": "r1", "seeds": [1, 2],
    "stages": {"evaluation": {"script": "evaluation.evaluate", "checkpoints": ["base", "r1_zero"]}},
    "claims": {
        "zero_is_better": {
            "statement": "R1-Zero is better than its base.", "source": "v2 Fig. 1",
            "tests": [{"kind": "difference", "of": "r1_zero", "over": "base", "above": 0.1}],
        },
        "zero_writes_poems": {"statement": "R1-Zero writes poems.", "source": "none", "cannot": "nobody judges poems"},
    },
}  # fmt: skip
STAGES = {"base", "r1_r1_zero_seed1", "r1_r1_zero_seed2", "mine_evaluation"}


@pytest.fixture
def study(workflow: Workflow) -> Workflow:
    """A workflow with a study, of whose evaluation every checkpoint has one value."""
    folder = workflow.folder / "stages/evaluation"
    for file in (ROOT / "stages/evaluation").iterdir():
        if file.name not in ("settings.py", "report.py") and file.is_file():
            shutil.copy(file, folder)
    (folder / "evaluate.py").write_text(EVALUATE)
    scale = workflow.read("recipes/scales/tiny.yaml")
    scale["stages"]["evaluation"] = yaml.safe_load((ROOT / "recipes/scales/tiny.yaml").read_text())["stages"][
        "evaluation"
    ]
    workflow.write("recipes/scales/tiny.yaml", scale)
    (workflow.folder / "recipes/studies").mkdir()
    workflow.write("recipes/studies/mine.yaml", STUDY)
    return workflow


def kept(workflow: Workflow, folder: str = "docs/ledger") -> dict:
    return json.loads((workflow.folder / folder / "tiny/mine.json").read_text())


def test_a_claim_is_run_and_kept_and_holds_without_its_runs(study):
    planned = study.snakemake("-n", "ledger")
    assert planned.returncode == 0 and study.named(planned.stdout) == STAGES | {"ledger"}, planned.stdout
    assert "mine                              2              4         ?   not run" in planned.stdout
    assert not (study.folder / "docs").exists() and not (study.folder / "runs").exists()

    done = study.snakemake("claim_zero_is_better")
    assert done.returncode == 0 and study.named(done.stdout) == STAGES | {"claim_zero_is_better"}, done.stdout
    assert "pass@1: r1_zero minus base: +20.0 [+20.0, +20.0], must lie above 10.0: holds" in done.stdout
    assert "\nreproduced\n" in done.stdout
    assert [claim["verdict"] for claim in kept(study)["claims"].values()] == [
        "reproduced", "cannot be tested at this scale",
    ]  # fmt: skip
    assert kept(study)["seeds"] == ["seed1", "seed2"] and set(kept(study)["stages"]) == STAGES

    shutil.rmtree(study.folder / "runs")
    again = study.snakemake("ledger")
    assert again.returncode == 0 and study.named(again.stdout) == {"ledger"}, again.stdout
    assert "2 claims: 1 reproduced, 1 cannot be tested at this scale." in again.stdout
    document = (study.folder / "docs/ledger.md").read_text()
    assert "nobody judges poems" in document and "(of older code" not in document

    # other settings: the kept results are stale, and say so until the study has run again
    study.write("recipes/studies/mine.yaml", STUDY | {"seeds": [1, 3]})
    planned = study.snakemake("-n", "claim_zero_is_better")
    assert study.named(planned.stdout) == {name.replace("seed2", "seed3") for name in STAGES} | {"claim_zero_is_better"}
    assert "of older code or settings" in planned.stdout
    told = study.python("-m", "stages.evaluation.ledger")
    assert "zero_is_better: reproduced (of older code or settings)" in told.stdout
    assert "**reproduced (of older code or settings)**" in (study.folder / "docs/ledger.md").read_text()


def test_results_may_be_kept_elsewhere(study, tmp_path):
    done = study.snakemake("ledger", "--config", f"ledger={tmp_path}/kept", "seeds=3")
    assert done.returncode == 0, done.stdout
    assert kept(study, f"{tmp_path}/kept")["seeds"] == ["seed1", "seed2", "seed3"]
    assert (tmp_path / "kept.md").exists() and not (study.folder / "docs").exists()
    # and these of other seeds are not those of the file
    assert "r1_r1_zero_seed1" not in study.named(study.snakemake("-n", "ledger").stdout)
    assert "mine_evaluation" in study.named(study.snakemake("-n", "ledger").stdout)


def test_what_is_refused_before_anything_runs(study):
    claims = {
        "zero_is_better": STUDY["claims"]["zero_is_better"] | {"tests": [{"kind": "level", "of": "zero", "above": 0}]}
    }
    study.write("recipes/studies/mine.yaml", STUDY | {"claims": claims})
    sentence = "recipes/studies/mine.yaml: claims.zero_is_better: unknown checkpoint `zero`; did you mean `r1_zero`?"
    assert sentence in refused(study.snakemake("ledger"))
    assert sentence in refused(study.snakemake("recipe_mine"))
    assert "r1_r1_zero" in study.stale()
    study.write("recipes/studies/mine.yaml", STUDY)
    assert "did you mean `claim_zero_is_better`?" in refused(study.snakemake("claim_zero_is_bettr"))
    assert "--config ledger: found None" in refused(study.snakemake("ledger", "--config", "ledger="))
    Path(study.folder, "docs/ledger/tiny").mkdir(parents=True)
    Path(study.folder, "docs/ledger/tiny/mine.json").write_text("{}")
    assert "docs/ledger/tiny/mine.json: `study` is missing" in refused(study.snakemake("ledger"))
    assert "r1_r1_zero" in study.stale()
    assert not (study.folder / "runs").exists()
