"""Code tests: code prompts with tests that tell right from wrong; made where there are none.

CONSUMES     nothing
PRODUCES     data/rows.parquet: code prompts with tests
PAPER        Kimi k1.5 s.2.3.5: 50 generated cases; a case is valid if 7 of 10 reference submissions agree on its
             output; a problem stays if 9 of 10 submissions pass all its valid cases
DEVIATIONS   1 cases are generated for the family `expression` alone, by a program that draws inputs, where the
               paper's generator is written by a model for each problem; problems of public data sets (tests of
               kinds stdin, call and assert) keep those of their own tests that their own program passes
             2 the submissions are correct and planted-wrong solutions of that family, one program for a problem of a
               public data set
             3 beyond the paper, as R1 v2 B.3.2 has it: a case that no wrong submission fails is left out, and so is a
               problem without any that tells. Wrong submissions of public problems are mutants of the right program:
               one operator, comparison, number or call is changed
"""

from datasets import Dataset

from data.public.given_tests import curate as curate_given
from data.world.test_cases import curate as curate_generated
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.drawing import draw_rows
from stages.kimi_k15.settings import CodeTests


def main(run: Run) -> None:
    settings: CodeTests = run.settings
    problems = draw_rows(run, settings.tasks, settings.problems, "train", settings.seed + 5)
    public = [row for row in problems if row["verifier"] == "code_tests"]
    generated, counts = curate_generated(
        [row for row in problems if row["verifier"] != "code_tests"],
        settings.seed,
        settings.cases,
        settings.valid_cases,
        settings.submissions,
        settings.agreeing,
        settings.passing,
        settings.planted_wrong,
        settings.wrong_submissions,
    )
    given, counts_given = curate_given(public, settings.seed, settings.wrong_submissions)
    kept = generated + given
    counts = {rule: count + counts_given.get(rule, 0) for rule, count in counts.items()}
    run.save_data({"rows": Dataset.from_list(kept)}, {"problems": len(kept)}, counts)


if __name__ == "__main__":
    stage_main(main, __doc__)
