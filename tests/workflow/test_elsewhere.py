"""Snakemake's own options: the Snakefile lies elsewhere, the working directory is another; a reader goes away."""

import subprocess

import pytest


@pytest.mark.parametrize("way", ["-s", "-d"])
def test_runs_lie_in_the_working_directory_and_recipes_beside_the_snakefile(workflow, tmp_path, way):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "recipes").mkdir()  # of something else
    repository = workflow.folder
    options = ["-s", str(repository / "Snakefile")] if way == "-s" else ["-d", str(folder)]
    done = subprocess.run(
        workflow.command("base", *options), cwd=folder if way == "-s" else repository, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert (folder / "runs/tiny/base/manifest.json").exists() and not (repository / "runs").exists()


@pytest.mark.parametrize("command", ["snakemake", "snakemake 2>&1", "python -m stages.core.pipeline"])
def test_a_reader_that_goes_away_is_no_error(workflow, command):
    python = workflow.command()[0]
    command = command.replace("snakemake", f"{python} -m snakemake").replace("python -m stages", f"{python} -m stages")
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1"], cwd=workflow.folder, text=True, timeout=120, check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.stdout.count("\n") == 1 and done.returncode == 0
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr, done.stderr
