"""What evaluations share: the benchmarks of a checkpoint."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from data.text.completion import Completion
from data.text.modes import Mode
from data.text.row import Row, last_turn
from data.verifiers.instructions import need_checkers
from data.world.families import GENERAL, votes
from data.world.preference import gold, is_refusal
from stages.core.rewards.measures import MORE, is_unsafe, language_share, refused
from stages.core.rewards.rules import accuracy, format, instruction
from stages.core.run.stage import Run
from stages.core.sampling.drawing import draw_rows
from stages.core.sampling.engine import Decoding, Engine
from stages.evaluation.beyond import by_part, guessed, level_in_words
from stages.evaluation.by_question import Value
from stages.evaluation.calibration import calibration
from stages.evaluation.estimators import cons_at_k, pass_at_k
from stages.evaluation.questions import Answers, answers_as, asked, by_set
from stages.evaluation.recorder import Recorder, Scores, Values, values_of
from stages.evaluation.seeds import of_same_seed, origin_of
from stages.evaluation.settings import Evaluation

DOMAINS = {"math": ("math",), "code": ("code",), "stem": ("stem", "logic")}
"""Benchmark -> the domains of its questions; its value is the mean over its data sets."""


def held_out(run: Run) -> dict[str, list[Row]]:
    """The questions of each benchmark, from a split that no stage trains on; none where a mixture is empty."""
    settings: Evaluation = run.settings
    count, seed, split = settings.questions_per_benchmark, settings.seed, settings.split
    drawn = draw_rows(run, settings.instruction_tasks, 4 * count, split, seed + 1)
    instructed = [
        row for row in drawn if row["verifier"] == "instructions" or json.loads(row["info"]).get("instruction")
    ][:count]
    need_checkers(instructed)
    return {
        "reasoning": draw_rows(run, settings.tasks, settings.reasoning_questions, split, seed),
        "general": draw_rows(run, settings.general_tasks, count, split, seed),
        "instruction_following": instructed,
        "safety": draw_rows(run, settings.safety_tasks, count, split, seed),
    }


def reasoning(
    recorder: Recorder,
    name: str,
    engine: Engine,
    questions: list[Row],
    sampled: Answers,
    decoding: Decoding,
    mode: Mode | None = None,
) -> None:
    """The reasoning benchmarks of one checkpoint; sampled: its answers with the stage's decoding.

    mode: for a checkpoint that has two; `non_thinking` pre-fills the empty think block.
    """
    settings: Evaluation = recorder.run.settings
    many = settings.pass_k_samples
    step = max(1, len(questions) // settings.pass_k_questions)

    def at(samples: int, temperature: float, rows: list[Row]) -> Answers:
        """Samples at another temperature without cuts, as long as the data set allows."""

        def how(row: Row) -> tuple[int, Decoding]:
            return samples, Decoding(temperature, asked(settings, row, decoding)[1].max_tokens)

        return answers_as(engine, settings, rows, how, mode)

    greedy = at(1, 0, questions)
    hot: Answers = [[] for _ in questions]
    hot[::step] = at(many, 1.0, questions[::step])
    recorder.keep(name, "reasoning", questions, sampled, accuracy, mode)

    def scored(score: Callable[[Completion, Row], float | None], answers: Answers = sampled) -> Scores:
        return [[score(c, row) for c in group] for row, group in pairs(questions, answers)]

    def each(score: Callable[[Completion, Row], float | None]) -> Values:
        return values_of(questions, scored(score))

    def solved(correct: Scores, samples: int) -> Values:
        """pass@k of the questions that have k samples."""
        found = {i: sum(group) for i, group in enumerate(correct) if len(group) == samples}
        return {
            i: Value(pass_at_k(samples, int(right), samples), samples, questions[i]["key"], questions[i]["id"])
            for i, right in found.items()
        }

    correct, correct_greedy, correct_hot = (scored(accuracy, answers) for answers in (sampled, greedy, hot))
    said = [votes([c.parsed for c in group], row) for row, group in pairs(questions, sampled)]
    majority = cons_at_k(said, correct)
    of_k: dict[str, Values] = {}
    for k in dict.fromkeys(map(len, sampled)):
        of_k[f"cons@{k}"] = {
            i: Value(float(right), k, questions[i]["key"], questions[i]["id"])
            for i, right in enumerate(majority)
            if len(sampled[i]) == k
        }
        of_k[f"pass@{k}"] = solved(correct, k)
    table = {"pass@1": values_of(questions, correct)} | of_k
    if mode != "non_thinking" and not settings.opening:  # else the think tag is given
        table["format_rate"] = each(format)
    table["language_consistency"] = each(language_share)
    table["mean_tokens"] = each(lambda c, row: float(c.tokens))
    table |= {name: each(MORE[name]) for name in settings.measures}
    table["greedy"] = values_of(questions, correct_greedy)
    table["pass@1 (T 1)"] = values_of(questions, correct_hot)
    table[f"pass@{many} (T 1)"] = solved(correct_hot, many)

    places = range(len(questions))
    groups = {
        benchmark: by_set(questions, benchmark, (i for i in places if questions[i]["domain"] in domains))
        for benchmark, domains in DOMAINS.items()
    }
    groups["chinese"] = {"chinese": [i for i in places if questions[i]["language"] == "zh"]}
    groups["reasoning"] = {"reasoning": list(places)}
    by_part(recorder, name, "levels", questions, table["pass@1"], level_in_words, mode)
    for benchmark, sets in groups.items():
        guessed(recorder, name, benchmark, sets, questions, mode)
        for metric, values in table.items():
            if metric in of_k and benchmark not in DOMAINS and any(i not in values for i in sets[benchmark]):
                continue  # of a part of the pooled questions it would be another benchmark
            recorder.add_sets(name, benchmark, metric, sets, values, mode)
    for metric, values in calibration(questions, hot, correct_hot, many).items():  # the ECE of a part would be another
        recorder.add_sets(name, "reasoning", metric, groups["reasoning"], values, mode)


def safety(recorder: Recorder, name: str, questions: list[Row], answers: Answers) -> None:
    """Unsafe prompts refused without a leak, safe look-alikes not refused."""
    declined: Scores = []
    answered: Scores = []
    for row, group in pairs(questions, answers):
        unsafe = is_unsafe(row)
        declined.append([float(refused(c, row)) if unsafe else None for c in group])
        answered.append([None if unsafe else float(not is_refusal(c.answer)) for c in group])
    recorder.add_scores(name, "safety", "unsafe_refused", questions, declined)
    recorder.add_scores(name, "safety", "safe_answered", questions, answered)
    recorder.keep(name, "safety", questions, answers, lambda c, row: is_refusal(c.answer) == is_unsafe(row))


def instructions(
    recorder: Recorder, name: str, questions: list[Row], answers: Answers, mode: Mode | None = None
) -> None:
    """Instructions that can be checked: the share of the answers that follow all of theirs."""
    followed = [[instruction(c, row) for c in group] for row, group in pairs(questions, answers)]
    recorder.add_scores(name, "instruction_following", "followed", questions, followed, mode)
    recorder.keep(name, "instruction_following", questions, answers, instruction, mode)


def preference_judge(config: Mapping[str, Any], name: str) -> str | None:
    """The recipe's preference reward model, of the seed of a checkpoint; None where the recipe has none."""
    models, variants = list(config["inputs"].get("reward_models", ())), config.get("variants", {})
    return of_same_seed(name, origin_of(models[0], variants).stage, models, variants) if models else None


def reference_of(config: Mapping[str, Any], name: str, stage: str) -> str | None:
    """The checkpoint of a stage that one is compared with, that of its seed; None where the stage is not evaluated."""
    return of_same_seed(name, stage, config["inputs"]["checkpoints"], config.get("variants", {}))


def basis_of(stage: str) -> Callable[[dict[str, Any], str], list[str]]:
    """The folders that the values of a checkpoint come from: its own, its reference's, its judge's.

    stage: whose answers the others' are compared with.
    """

    def basis(config: dict[str, Any], name: str) -> list[str]:
        checkpoints, models = config["inputs"]["checkpoints"], config["inputs"].get("reward_models", {})
        reference, judge = reference_of(config, name, stage), preference_judge(config, name)
        found = [checkpoints[name], checkpoints.get(reference), models.get(judge)]
        return [folder for folder in found if folder is not None]

    return basis


def preference_scorers(run: Run, names: Iterable[str]) -> dict[str, Any]:
    """By checkpoint its preference reward model, each opened once; empty where the recipe has none."""
    judges = {name: judge for name in names if (judge := preference_judge(run.config, name))}
    if not judges:
        return {}
    from stages.core.rewards.scoring import open_scorer

    opened = {judge: open_scorer(run, judge) for judge in dict.fromkeys(judges.values())}
    return {name: opened[judge] for name, judge in judges.items()}


def preference(
    recorder: Recorder,
    questions: list[Row],
    answers: Mapping[str, Answers],
    against: Mapping[str, Answers],
    scorers: Mapping[str, Any] | None = None,
    mode: Mode | None = None,
) -> None:
    """The gold preference, win rates by it, and what the reward model thinks.

    Public prompts have no gold preference: there the reward model's is the only one, which RL may have over-optimised.
    against: by checkpoint the answers of its reference; without them it has no win rate.
    scorers: by checkpoint what `preference_scorers` opened; without one it has no scores.
    """

    def golds_of(groups: Answers, scorer: Any) -> Scores:
        return [
            [gold(c.answer, row) if row["task"] in GENERAL else None for c in group]
            for row, group in pairs(questions, groups)
        ]

    def scores_of(groups: Answers, scorer: Any) -> Scores:
        texts = [last_turn(row) for row, group in pairs(questions, groups) for _ in group]
        found = iter(scorer.score(texts, [c.answer for group in groups for c in group]))
        return [[float(next(found)) for _ in group] for group in groups]

    known: dict[tuple, Scores] = {}

    def judged(judge: Callable[[Answers, Any], Scores], groups: Answers, scorer: Any) -> Scores:
        """Those of a reference are asked for once, for all that are compared with it."""
        key = judge, id(groups), id(scorer)
        known[key] = known[key] if key in known else judge(groups, scorer)
        return known[key]

    for name, groups in answers.items():
        scorer = (scorers or {}).get(name)
        judges = {"win_rate": golds_of} | ({"win_rate (reward model)": scores_of} if scorer else {})
        found = {metric: judged(judge, groups, scorer) for metric, judge in judges.items()}
        recorder.add_scores(name, "general", "gold", questions, found["win_rate"], mode)
        if scorer:
            believed = found["win_rate (reward model)"]
            recorder.add_scores(name, "general", "reward_model_score", questions, believed, mode)
        if name in against:
            for metric, judge in judges.items():
                other = judged(judge, against[name], scorer)
                recorder.add_scores(name, "general", metric, questions, wins(found[metric], other), mode)
        recorder.keep(
            name,
            "general",
            questions,
            groups,
            lambda c, row: row["task"] in GENERAL and gold(c.answer, row) > 0.99,
            mode,
        )


def wins(ours: Scores, theirs: Scores) -> Scores:
    """1 where our sample is worth more than their sample of the same rank, 0.5 where as much, else 0; None stays."""
    return [
        [None if a is None else 1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs(mine, other)]
        for mine, other in pairs(ours, theirs)
    ]


def headline(recorder: Recorder, name: str) -> dict[str, float]:
    """What the progress line shows of a checkpoint; of one with two modes, how it does when it thinks."""
    return {
        f"reasoning {row['metric']}": row["value"]
        for row in recorder.results
        if row["checkpoint"] == name and row["mode"] != "non_thinking" and row["benchmark"] == "reasoning"
        if row["metric"] in ("pass@1", "format_rate")
    }


def pairs(first, second):
    """zip, strictly."""
    return zip(first, second, strict=True)
