"""Code tests: test cases for code prompts that have none, from submissions that agree.

CONSUMES     nothing
PRODUCES     data/rows.parquet: code prompts with tests
PAPER        Kimi k1.5 s.2.3.5: 50 generated cases; a case is valid if 7 of 10 reference submissions agree on its
             output; a problem stays if 9 of 10 submissions pass all its valid cases
DEVIATIONS   1 inputs are drawn by a program, where the paper's generator is written by a model
             2 the submissions are correct and planted-wrong solutions of the world's own code family
             3 for the family `expression` alone: a program that gives it inputs is all there is
"""

from datasets import Dataset

from data.world.families import rows
from data.world.test_cases import curate
from stages.core.run.stage import Run, stage_main
from stages.kimi_k15.settings import CodeTests


def main(run: Run) -> None:
    settings: CodeTests = run.settings
    problems = rows(settings.tasks, settings.problems, "train", settings.seed + 5)
    kept, counts = curate(
        problems,
        settings.seed,
        settings.cases,
        settings.valid_cases,
        settings.submissions,
        settings.agreeing,
        settings.passing,
        settings.planted_wrong,
    )
    run.save_data({"rows": Dataset.from_list(kept)}, {"problems": len(kept)}, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
