"""A copy of the workflow whose stage scripts train nothing, so that Snakemake's behaviour is tested in seconds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("r1_zero", "cold_start_data", "cold_start_sft", "reasoning_rl", "report")
ROOMS = ("base", "r1", "kimi_k15", "qwen3", "evaluation")

MODEL_SCRIPT = '''"""A stage that saves steps as a trainer does."""
import json
import os
import time

from data.errors import InputError
from stages.core.run.stage import stage_main
from stages.core.run.stopping import Stopped
{imports}

REFUSED = 666
"""A seed that nobody knows to be wrong but the stage."""


def write(folder):
    folder.mkdir()
    (folder / "weights.bin").write_text("weights" * int(os.environ.get("FAKE_SIZE", "1")))


def main(run):
    if run.settings.seed == REFUSED:
        raise InputError(f"{{run.stage}}: seed is {{REFUSED}}, allowed: another")
    for folder in run.parents():
        run._verify(folder)
    start = int((run.resume_from or "checkpoint-0").rpartition("-")[2])
    for step in range(start + 1, 9):
        time.sleep(float(os.environ.get("FAKE_STEP_SECONDS", "0")))
        run.metrics.log(step, 8, reward=step / 8)
        folder = run.trainer_folder / f"checkpoint-{{step}}"
        folder.mkdir()
        (folder / "trainer_state.json").write_text(json.dumps({{"global_step": step}}))
        if run.stop_requested:
            raise Stopped
    run.finish("model", write, {{"started_at": start}}, {{"template": "chat", "tokens": {{}}}})


if __name__ == "__main__":
    stage_main(main, __doc__)
'''
DATA_SCRIPT = '''"""A stage that keeps one row."""
from pathlib import Path

from stages.core.run.stage import stage_main


class Rows:
    column_names = ()

    def __len__(self):
        return 1

    def to_parquet(self, path):
        Path(path).write_text("rows")


def main(run):
    run.manifest("sampler")
    run.save_data({"rows": Rows()}, {"rows": 1}, {"wrong answer": 3})


if __name__ == "__main__":
    stage_main(main, __doc__)
'''
REPORT_SCRIPT = '''"""A report."""
from stages.core.run.stage import stage_main


def main(run):
    names = [name for name in run.config["inputs"]["stages"] if run.manifest("stages", name)]
    run.save_report(", ".join(names), {"stages": len(names)})


if __name__ == "__main__":
    stage_main(main, __doc__)
'''


class Workflow:
    """A repository in a temporary folder, and Snakemake in it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def build(self) -> "Workflow":
        """Copy the workflow, cut r1 down to a few stages, write the scripts."""
        (self.folder / "stages/core/rewards").mkdir(parents=True)
        shutil.copy(ROOT / "Snakefile", self.folder)
        shutil.copytree(ROOT / "data", self.folder / "data", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "profiles", self.folder / "profiles")
        shutil.copytree(ROOT / "stages/core/pipeline", self.folder / "stages/core/pipeline")
        shutil.copytree(ROOT / "stages/core/allowed", self.folder / "stages/core/allowed")
        shutil.copytree(ROOT / "stages/core/run", self.folder / "stages/core/run")
        server = self.folder / "stages/core/run/warm_server.py"
        loads_nothing = re.sub(r"^LIBRARIES = \(.*?^\)", "LIBRARIES = ()", server.read_text(), flags=re.M | re.S)
        server.write_text(loads_nothing)
        for room in ROOMS:
            (self.folder / "stages" / room).mkdir()
            shutil.copy(ROOT / "stages" / room / "settings.py", self.folder / "stages" / room)
        shutil.copy(ROOT / "stages/base/model_folder.py", self.folder / "stages/base")
        (self.folder / "recipes/scales").mkdir(parents=True)
        recipe = yaml.safe_load((ROOT / "recipes/r1.yaml").read_text())
        recipe["stages"] = {name: stage for name, stage in recipe["stages"].items() if name in KEPT}
        self.write("recipes/r1.yaml", recipe)
        scale = yaml.safe_load((ROOT / "recipes/scales/tiny.yaml").read_text())
        names = {*KEPT, *(f"r1_{name}" for name in KEPT)}
        spoken = {name: written for name, written in scale["stages"].items() if name in names}
        self.write("recipes/scales/tiny.yaml", scale | {"resources": {"default": {"threads": 1}}, "stages": spoken})
        (self.folder / "stages/core/rewards/rules.py").write_text('"""Rewards."""\nWEIGHT = 1\n')
        imports = "from stages.core.rewards import rules  # noqa: F401"
        for name in ("base/pretraining", "r1/r1_zero", "r1/cold_start_sft", "r1/reasoning_rl"):
            script = MODEL_SCRIPT.format(imports=imports if name in ("r1/r1_zero", "r1/reasoning_rl") else "")
            (self.folder / f"stages/{name}.py").write_text(script)
        (self.folder / "stages/r1/cold_start_data.py").write_text(DATA_SCRIPT)
        (self.folder / "stages/evaluation/report.py").write_text(REPORT_SCRIPT)
        return self

    def read(self, file: str) -> dict:
        """A YAML file of the copy."""
        return yaml.safe_load((self.folder / file).read_text())

    def write(self, file: str, content: dict) -> None:
        """Write a YAML file of the copy."""
        (self.folder / file).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))

    def command(self, *arguments: str) -> list[str]:
        """Plain `snakemake`, from the environment that runs the tests."""
        return [sys.executable, "-m", "snakemake", *arguments]

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run to the end; stdout and stderr together."""
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=os.environ | environment, text=True, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Plain `snakemake`, run to the end."""
        return self.python("-m", "snakemake", *arguments, **environment)

    def stale(self, *arguments: str) -> set[str]:
        """The stages that a dry run would run."""
        done = self.snakemake("-n", *(arguments or ("recipe_r1",)))
        assert done.returncode == 0, done.stdout
        return self.named(done.stdout)

    @staticmethod
    def named(printed: str) -> set[str]:
        """The stages of the jobs that Snakemake prints."""
        return {name for name in re.findall(r"^Job \d+: (\S+)", printed, re.M) if not name.startswith("recipe_")}


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """A workflow in which nothing has run."""
    return Workflow(tmp_path / "repository").build()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A workflow in which `recipe_r1` has run once; do not change it, copy it."""
    workflow = Workflow(tmp_path_factory.mktemp("finished") / "repository").build()
    done = workflow.snakemake("recipe_r1")
    assert done.returncode == 0, done.stdout
    workflow.printed = done.stdout
    return workflow


@pytest.fixture
def complete(finished: Workflow, tmp_path: Path) -> Workflow:
    """A copy of the finished workflow, with the times of its files."""
    shutil.copytree(finished.folder, tmp_path / "repository", symlinks=True)
    return Workflow(tmp_path / "repository")
