"""Evaluation of models that can think or not: both modes, flags in conversations, thinking budgets.

CONSUMES     checkpoints: the models to compare; reward_models: the preference one
PRODUCES     data/rows.parquet (one row a metric, with its mode, budget and interval), data/questions.parquet (the
             values of single questions behind it), data/completions.parquet; results.json
PAPER        Qwen3 s.4.6 (sampling in each mode), s.4.7 Table 22 (ThinkFollow, LengthCtrl), Fig. 2 (budgets)
DEVIATIONS   1 ThinkFollow's and LengthCtrl's questions are the world's
             2 of the paper's public data sets AIME, MATH-500, GPQA Diamond and IFEval alone can be asked; the others'
               numbers stand apart in the report
             3 questions harder than any training data, and families that nothing is trained on, are asked too; what a
               guesser scores stands beside
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from data.errors import InputError
from data.text.chat import render_prompt
from data.text.completion import Completion
from data.text.conversations import FLAGGED
from data.text.modes import MODES, Mode, follows_mode, mode_of, with_flag
from data.text.row import Row
from data.world.families import rows
from data.world.general.length_control import length_score
from stages.core.rewards.rules import accuracy
from stages.core.run.stage import Run, stage_main
from stages.core.sampling.asking import open_engine
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding, Engine
from stages.core.sampling.thinking_budget import generate_with_budget
from stages.evaluation.benchmarks import (
    basis_of,
    headline,
    held_out,
    instructions,
    preference,
    preference_scorers,
    reasoning,
    reference_of,
)
from stages.evaluation.beyond import beyond_training, harder_or_new
from stages.evaluation.by_question import Value
from stages.evaluation.earlier import take_over
from stages.evaluation.questions import Answers, answers_to_all, ask, asked, by_set, decoding_of
from stages.evaluation.recorder import Recorder, values_of
from stages.evaluation.seeds import origin_of
from stages.evaluation.settings import ModeEvaluation
from stages.evaluation.unseen import unseen, unseen_kinds

REFERENCE = "thinking_mode_fusion"
"""Whose answers the others' are compared with, seed by seed and mode by mode; those of one mode with its thinking."""


def main(run: Run) -> None:
    settings: ModeEvaluation = run.settings
    questions = {name: drawn for name, drawn in held_out(run).items() if name != "safety"} | {
        "length_control": rows(settings.length_tasks, settings.questions_per_benchmark, settings.split, settings.seed)
    }
    beyond = beyond_training(run)
    kinds = unseen_kinds(run)
    recorder = Recorder(run, run.config.get("variants", {}))
    names = list(run.config["inputs"]["checkpoints"])
    stages = {name: origin_of(name, recorder.variants).stage for name in names}
    if unknown := {*settings.both_modes, settings.budget_checkpoint} - set(stages.values()):
        listed = ", ".join(sorted(unknown))
        raise InputError(
            f"{run.stage}: both_modes or budget_checkpoint names {listed}, which is none of its checkpoints"
        )
    general: dict[Mode | None, dict[str, Answers]] = {None: {}, "thinking": {}, "non_thinking": {}}
    held = take_over(recorder, names, basis_of(REFERENCE))
    new = [name for name in names if name not in held]
    for number, name in enumerate(new):
        engine = open_engine(run, "checkpoints", settings.sampling_batch_size, name)
        modes: Sequence[Mode | None] = MODES if stages[name] in settings.both_modes else (None,)
        for mode in modes:
            decoding = decoding_of(settings, mode)
            found = answers_to_all(engine, settings, questions, decoding, mode)
            reasoning(recorder, name, engine, questions["reasoning"], found["reasoning"], decoding, mode)
            harder_or_new(recorder, name, engine, beyond, decoding, mode)
            general[mode][name] = found["general"]
            unseen(recorder, name, engine, kinds, decoding, mode)
            instructions(recorder, name, questions["instruction_following"], found["instruction_following"], mode)
            lengths = [
                [length_score(c.answer, row) for c in group]
                for row, group in zip(questions["length_control"], found["length_control"], strict=True)
            ]
            recorder.add_scores(name, "length_control", "length_score", questions["length_control"], lengths, mode)
        if stages[name] in settings.both_modes:
            think_follow(recorder, name, engine)
        if stages[name] == settings.budget_checkpoint:
            budgets(recorder, name, engine, questions["reasoning"])
        run.metrics.log(number + 1, len(new), **headline(recorder, name))
    scorers = preference_scorers(run, new)
    references = {name: reference for name in new if (reference := reference_of(run.config, name, REFERENCE))}
    for mode, answers in general.items():
        known = answers | general[mode or "thinking"]
        against = {name: known[references[name]] for name in answers if references.get(name) in known}
        preference(recorder, questions["general"], answers, against, scorers, mode)
    recorder.save(names)


def think_follow(recorder: Recorder, name: str, engine: Engine) -> None:
    """Conversations of two to four turns with flags at random: does the last response follow the last flag?

    A row for each mode that was asked for: a model that always thinks follows one of them in full.
    """
    settings: ModeEvaluation = recorder.run.settings
    scripts = conversations(recorder.run)
    spoken: list[list[dict]] = [[] for _ in scripts]
    decoding = decoding_of(settings)
    followed: list[float] = [0.0] * len(scripts)
    for turn in range(max(map(len, scripts))):
        going = [i for i, script in enumerate(scripts) if turn < len(script)]
        for i in going:
            spoken[i].append(scripts[i][turn])
        prompts = [render_prompt(engine.tokenizer, spoken[i], "chat") for i in going]
        for i, (completion,) in zip(going, engine.generate(prompts, 1, decoding, settings.seed + turn), strict=True):
            followed[i] = float(follows_mode(completion.text, mode_of(spoken[i])))
            spoken[i].append({"role": "assistant", "content": completion.answer})
    for mode in MODES:
        # Conversations are of several questions, drawn again for each: every one is a content of its own.
        own = [i for i, messages in enumerate(spoken) if mode_of(messages) == mode]
        values = [Value(followed[i], 1, str(i), str(i)) for i in own]
        recorder.add(name, "think_follow", "followed", {"think_follow": values}, mode)


def conversations(run: Run) -> list[list[dict]]:
    """The user turns of each conversation, on held-out questions; at least one has a flag."""
    settings: ModeEvaluation = run.settings
    rng = random.Random(settings.seed)
    pool = draw_rows(run, settings.tasks, 4 * settings.conversations, settings.split, settings.seed + 2)
    scripts = []
    for _ in range(settings.conversations):
        turns = [
            {"role": "user", "content": row["prompt"][0]["content"]} for row in rng.sample(pool, rng.randint(2, 4))
        ]
        flagged = [i for i in range(len(turns)) if rng.random() < FLAGGED] or [rng.randrange(len(turns))]
        for i in flagged:
            turns = with_flag(turns, rng.choice(MODES), i)
        scripts.append(turns)
    return scripts


def budgets(recorder: Recorder, name: str, engine: Engine, questions: list[Row]) -> None:
    """Accuracy when thinking is cut after so many tokens; the share that was cut, and how often those are right.

    Without the latter two a rising curve could mean no more than that more thoughts end by themselves.
    """
    settings: ModeEvaluation = recorder.run.settings
    stages_own = decoding_of(settings, "thinking")
    for budget in settings.budgets:

        def answer(rows: list[Row], samples: int, decoding: Decoding, budget: int = budget) -> Answers:
            prompts = [render_prompt(engine.tokenizer, row["prompt"], "chat") + settings.opening for row in rows]
            # The answer behind a cut thought must have room: the limit is on thinking.
            longer = replace(decoding, max_tokens=decoding.max_tokens + budget)
            closings = [settings.closing_sentence[row["language"]] for row in rows]
            return generate_with_budget(engine, prompts, samples, longer, budget, settings.seed, closings=closings)

        answers = ask(questions, lambda row: asked(settings, row, stages_own), answer)
        for metric, value in BUDGET_METRICS.items():
            scores = [[value(c, row) for c in group] for row, group in zip(questions, answers, strict=True)]
            sets, values = by_set(questions, "budget"), values_of(questions, scores)
            recorder.add_sets(name, "budget", metric, sets, values, "thinking", budget, pooled=True)


BUDGET_METRICS: dict[str, Callable[[Completion, Row], float | None]] = {
    "pass@1": accuracy,
    "cut": lambda c, row: float(c.cut),
    "pass@1 (cut)": lambda c, row: accuracy(c, row) if c.cut else None,
    "mean_tokens": lambda c, row: float(c.tokens),
}


if __name__ == "__main__":
    stage_main(main, __doc__)
