"""What CONTRIBUTING.md says of adding a recipe, a stage, a task family or a reward, done in a copy."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The code behind the comment `<!-- name ... -->`."""
    found = re.search(rf"<!-- {name}\b[^>]*-->\s*```\w+\n(.*?)```", TEXT, re.DOTALL)
    assert found, f"CONTRIBUTING.md has no block `{name}`"
    return found[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository, without what runs have made."""
    for name in ("data", "stages", "recipes", "profiles", "Snakefile"):
        put = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        put(ROOT / name, tmp_path / name)
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    """A Python command in the copy, which must succeed; what it printed."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, text=True, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def append(file: Path, code: str) -> None:
    file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n\n\n{code}", encoding="utf-8")


def test_a_recipe(copy):
    (copy / "recipes/studies/mine.yaml").write_text(block("recipe"), encoding="utf-8")
    assert "recipe_mine" in run(copy, "-m", "stages.core.pipeline")
    planned = run(copy, "-m", "snakemake", "-n", "recipe_mine", "--nolock")
    assert "mine_small_groups" in planned and "r1_reasoning_rl" in planned and "r1_general_rl" not in planned


def test_a_stage(copy):
    (copy / "stages/r1/longest_answers.py").write_text(block("stage"), encoding="utf-8")
    append(copy / "stages/r1/settings.py", block("settings"))
    (copy / "recipes/mine.yaml").write_text(
        "use: r1\nstages:\n  longest_answers:\n    script: r1.longest_answers\n    data: rejection_sampling\n"
        "    settings: {kept: 10}\n"
    )
    assert "CONSUMES     data: the rejection-sampled rows" in run(copy, "-m", "stages.r1.longest_answers", "--help")
    assert "mine_longest_answers" in run(copy, "-m", "snakemake", "-n", "recipe_mine", "--nolock")
    run(copy, "-m", "stages.core.pipeline.json_schema")
    assert "Rows that are kept." in (copy / "recipes/recipe.schema.json").read_text(encoding="utf-8")


def test_a_task_family(copy):
    (copy / "data/world/reasoning/sequences.py").write_text(block("task"), encoding="utf-8")
    families = copy / "data/world/families.py"
    text = families.read_text(encoding="utf-8").replace("Logic(),\n", "Logic(), Sequence(),\n", 1)
    last = "from data.world.task import"
    text = text.replace(last, f"from data.world.reasoning.sequences import Sequence\n{last}", 1)
    families.write_text(text, encoding="utf-8")
    said = run(
        copy, "-c",
        "from data.world.families import rows, verify\n"
        "from data.world.written import worked_completion\n"
        "from data.text.completion import Completion\n"
        "from stages.core.rewards.rules import accuracy\n"
        "found = rows({'sequence': 1.0}, 40, 'train', 1)\n"
        "assert len(found) == 40 and {row['language'] for row in found} == {'en', 'zh'}\n"
        "for row in found:\n"
        "    assert verify(row['answer'], row) and not verify(row['answer'] + '1', row)\n"
        "    text, answer = worked_completion(row, 'r1_zero')\n"
        "    assert answer == row['answer'] and accuracy(Completion(text, 0, True, 'r1_zero'), row) == 1.0\n"
        "print(found[0]['prompt'][0]['content'])",
    )  # fmt: skip
    assert re.search(r"\d+ \d+ \d+", said)


def test_a_reward(copy):
    append(copy / "stages/core/rewards/rules.py", block("reward"))
    append(copy / "stages/core/rewards/self_test.py", block("worse"))
    run(
        copy, "-c",
        "from itertools import islice\n"
        "from data.world.corpus import documents\n"
        "from data.world.families import REASONING, rows\n"
        "from data.world.tokenizer import train_tokenizer\n"
        "from data.world.general.entities import NAMES\n"
        "from stages.core.rewards.rules import RULES, weighted\n"
        "from stages.core.rewards.self_test import self_test\n"
        "tokenizer = train_tokenizer(islice(documents({'arithmetic': 1.0}, seed=7), 200), 800, NAMES)\n"
        "scores = self_test(['closed'], rows({'arithmetic': 1.0}, 6, 'train', 1), tokenizer, 'chat')\n"
        "assert scores['closed/gold'] == 1.0 and scores['closed/malformed'] == 0.0, scores\n"
        "assert list(weighted({'closed': 0.5}, closed=RULES['closed'])) == ['closed']",
    )  # fmt: skip
