"""Evaluation: every checkpoint of the recipe on the same held-out questions with the same seeds.

CONSUMES     checkpoints: the models to compare; reward_models: the helpful one, to see over-optimisation
PRODUCES     data/rows.parquet (one row a metric, with its interval), data/questions.parquet (the values of single
             questions behind it), data/completions.parquet; results.json
PAPER        DeepSeek-R1 v2 D.1: pass@1 as the mean over k samples at temperature 0.6, top-p 0.95, k by data set; cons@k
DEVIATIONS   1 greedy, temperature 1 and pass@k are reported beside it, to tell learning from sharpening
             2 of the paper's data sets AIME, MATH-500, GPQA Diamond and IF-Eval alone can be asked; the others' numbers
               stand apart in the report
             3 questions harder than any training data, and families that nothing is trained on, are asked too; what a
               guesser scores stands beside
"""

from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import open_engine
from stages.evaluation.benchmarks import (
    basis_of,
    headline,
    held_out,
    instructions,
    preference,
    preference_scorers,
    reasoning,
    reference_of,
    safety,
)
from stages.evaluation.beyond import beyond_training, harder_or_new
from stages.evaluation.earlier import take_over
from stages.evaluation.questions import Answers, answers_to_all, decoding_of
from stages.evaluation.recorder import Recorder
from stages.evaluation.settings import Evaluation
from stages.evaluation.unseen import unseen, unseen_kinds

REFERENCE = "general_sft"
"""Whose answers the others' are compared with, seed by seed."""


def main(run: Run) -> None:
    settings: Evaluation = run.settings
    questions = held_out(run)
    beyond = beyond_training(run)
    kinds = unseen_kinds(run)
    recorder = Recorder(run, run.config.get("variants", {}))
    general: dict[str, Answers] = {}
    decoding = decoding_of(settings)
    names = list(run.config["inputs"]["checkpoints"])
    held = take_over(recorder, names, basis_of(REFERENCE))
    new = [name for name in names if name not in held]
    for number, name in enumerate(new):
        engine = open_engine(run, "checkpoints", settings.sampling_batch_size, name)
        found = answers_to_all(engine, settings, questions, decoding)
        reasoning(recorder, name, engine, questions["reasoning"], found["reasoning"], decoding)
        harder_or_new(recorder, name, engine, beyond, decoding)
        general[name] = found["general"]
        instructions(recorder, name, questions["instruction_following"], found["instruction_following"])
        safety(recorder, name, questions["safety"], found["safety"])
        unseen(recorder, name, engine, kinds, decoding)
        run.metrics.log(number + 1, len(new), **headline(recorder, name))
    references = {name: reference for name in new if (reference := reference_of(run.config, name, REFERENCE))}
    against = {name: general[reference] for name, reference in references.items()}
    preference(recorder, questions["general"], general, against, preference_scorers(run, new))
    recorder.save(names)


if __name__ == "__main__":
    stage_main(main, __doc__)
